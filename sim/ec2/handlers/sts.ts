/** STS: who the caller is, and assumed roles. It hands out credentials for the simulator's accounts only. */
import type {
  AssumeRoleRequest,
  AssumeRoleResponse,
  GetCallerIdentityRequest,
  GetCallerIdentityResponse,
} from '@aws-sdk/client-sts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { hexDigits } from '../identifier.ts';
import { missing, refuse } from '../refusal.ts';

/**
 * Temporary credentials of a role. The access key id is the role's account number, since that is how the
 * simulator tells accounts apart; a role of this account must exist, one of another account is taken on
 * trust.
 */
function assumeRole(tx: Tx, input: AssumeRoleRequest): AssumeRoleResponse {
  const arn = input.RoleArn ?? missing('RoleArn');
  const session = input.RoleSessionName ?? missing('RoleSessionName');
  const parts = /^arn:aws[\w-]*:iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(arn);
  const [, account = '', name = ''] = parts ?? [];
  if (parts === null) refuse('ValidationError', `${arn} is invalid`);
  if (!/^[\w+=,.@-]{2,64}$/.test(session)) {
    refuse(
      'ValidationError',
      `Value '${session}' at 'roleSessionName' failed to satisfy constraint: [\\w+=,.@-]{2,64}`,
    );
  }
  const durationS = input.DurationSeconds ?? 3600;
  if (durationS < 900 || durationS > 43_200) {
    refuse('ValidationError', `DurationSeconds is 900 to 43200, not ${durationS}`);
  }
  const role = account === tx.account ? tx.get('role', name) : undefined;
  if (account === tx.account && role === undefined) {
    const user = `arn:aws:iam::${tx.account}:root`;
    refuse(
      'AccessDenied',
      `User: ${user} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
      403,
    );
  }
  return {
    Credentials: {
      AccessKeyId: account,
      SecretAccessKey: hexDigits(tx.random, 40),
      SessionToken: hexDigits(tx.random, 64),
      Expiration: new Date(tx.date().getTime() + durationS * 1000),
    },
    AssumedRoleUser: {
      AssumedRoleId: `${role?.uniqueId ?? 'AROA'.padEnd(21, 'X')}:${session}`,
      Arn: `arn:aws:sts::${account}:assumed-role/${name}/${session}`,
    },
  };
}

export const stsHandlers: Handlers = {
  GetCallerIdentity: handler(
    (tx, _input: GetCallerIdentityRequest): GetCallerIdentityResponse => ({
      UserId: tx.account,
      Account: tx.account,
      Arn: `arn:aws:iam::${tx.account}:root`,
    }),
  ),
  AssumeRole: handler(assumeRole),
};
