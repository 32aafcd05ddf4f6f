/** STS: who the caller is, and assumed roles. It hands out credentials for the simulator's accounts only. */
import type {
  AssumeRoleRequest,
  AssumeRoleResponse,
  GetCallerIdentityRequest,
  GetCallerIdentityResponse,
} from '@aws-sdk/client-sts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { sessionArn, sessionOf } from '../iam/principal.ts';
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
      // Of a role that is taken on trust nobody knows the policies: its session may everything.
      SessionToken: role === undefined ? hexDigits(tx.random, 64) : sessionArn(account, name, session),
      Expiration: new Date(tx.date().getTime() + durationS * 1000),
    },
    AssumedRoleUser: {
      AssumedRoleId: `${role?.uniqueId ?? 'AROA'.padEnd(21, 'X')}:${session}`,
      Arn: sessionArn(account, name, session),
    },
  };
}

export const stsHandlers: Handlers = {
  GetCallerIdentity: handler((tx, _input: GetCallerIdentityRequest): GetCallerIdentityResponse => {
    const session = sessionOf(tx.principal ?? '');
    const role = session && tx.get('role', session.role);
    if (session === undefined || role === undefined)
      return { UserId: tx.account, Account: tx.account, Arn: `arn:aws:iam::${tx.account}:root` };
    return { UserId: `${role.uniqueId}:${session.name}`, Account: tx.account, Arn: session.arn };
  }),
  AssumeRole: handler(assumeRole),
};
