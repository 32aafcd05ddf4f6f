/**
 * Who makes a request: the account itself, which may do everything, or a role's session, which may do what
 * the role's policies allow. A session's token is its ARN, so that nothing has to be kept of it.
 */
import type { Tx } from '../handler.ts';
import type { InstanceRecord } from '../record/compute.ts';
import type { RoleRecord } from '../record/identity.ts';

export interface Session {
  /** `arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME`. */
  readonly arn: string;
  readonly account: string;
  readonly role: string;
  readonly name: string;
}

export const sessionArn = (account: string, role: string, name: string): string =>
  `arn:aws:sts::${account}:assumed-role/${role}/${name}`;

/** The session of a token; undefined where the token is none that the simulator gives. */
export function sessionOf(token: string): Session | undefined {
  const found = /^arn:aws:sts::(\d{12}):assumed-role\/([\w+=,.@-]{1,64})\/([\w+=,.@-]{2,64})$/.exec(token);
  const [, account, role, name] = found ?? [];
  if (account === undefined || role === undefined || name === undefined) return undefined;
  return { arn: token, account, role, name };
}

/** The role of an instance's profile. */
export function roleOf(tx: Tx, { profile }: InstanceRecord): RoleRecord | undefined {
  const name = profile?.arn.slice(profile.arn.lastIndexOf('/') + 1);
  const [role] = (name === undefined ? undefined : tx.get('instance-profile', name))?.roles ?? [];
  return role === undefined ? undefined : tx.get('role', role);
}

/** The session by which programs on an instance ask; undefined where it has no role. */
export function instanceSession(tx: Tx, instance: InstanceRecord): string | undefined {
  const role = roleOf(tx, instance);
  return role && sessionArn(role.account, role.id, instance.id);
}
