/** IAM resources; they live in an account, not in a region. The record's id is its name. */
import type { Stored } from './base.ts';

export interface RoleRecord extends Stored {
  /** `AROA` and 17 characters. */
  readonly uniqueId: string;
  readonly account: string;
  readonly path: string;
  readonly created: Date;
  /** JSON, as the client sent it. */
  readonly trustPolicy: string;
  readonly description?: string;
  readonly maxSessionDurationS: number;
  readonly permissionsBoundary?: string;
  /** Inline policies by name. */
  readonly policies: Readonly<Record<string, string>>;
  /** ARNs of managed policies. */
  readonly attached: readonly string[];
}

export interface InstanceProfileRecord extends Stored {
  /** `AIPA` and 17 characters. */
  readonly uniqueId: string;
  readonly account: string;
  readonly path: string;
  readonly created: Date;
  /** Names; IAM allows one. */
  readonly roles: readonly string[];
}

export interface IdentityRecords {
  readonly role: RoleRecord;
  readonly 'instance-profile': InstanceProfileRecord;
}
