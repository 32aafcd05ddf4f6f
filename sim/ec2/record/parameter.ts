/** What Systems Manager keeps: parameters. The record's id is the name. */
import type { Stored } from './base.ts';

export interface ParameterRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly type: 'String' | 'StringList' | 'SecureString';
  /** In the clear, also of a SecureString: a world file is no place for real secrets. */
  readonly value: string;
  /** From 1; each overwriting makes the next. Older values are not kept. */
  readonly version: number;
  readonly modified: Date;
  readonly description?: string;
  /** The KMS key of a SecureString. */
  readonly key?: string;
}

/** The ARN of a parameter; the slash before a path is the one after `parameter`. */
export const parameterArn = (at: Pick<ParameterRecord, 'region' | 'account'>, name: string): string =>
  `arn:aws:ssm:${at.region}:${at.account}:parameter/${name.replace(/^\//, '')}`;

export interface ParameterRecords {
  readonly parameter: ParameterRecord;
}
