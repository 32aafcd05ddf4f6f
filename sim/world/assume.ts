/**
 * Roles that daemons act by elsewhere. STS is asked without packets, since daemons do so long before they
 * need
 * the answer: a session is renewed in its last quarter of an hour, and goes on to its end where it is not.
 */
import type { Instant } from '../../controller/base/time.ts';
import { accountOf } from '../../controller/config.ts';
import { type Call, madeIn } from '../../controller/ec2/call.ts';
import { sessionOf } from '../ec2/iam/principal.ts';
import { handle, type Reply } from '../ec2/service.ts';
import type { Caller } from './api-client.ts';
import type { World } from './state.ts';

interface Assumed {
  readonly principal: string | undefined;
  readonly until: Instant;
}

const LIFE_MS = 3_600_000;
const AHEAD_MS = 15 * 60_000;

/** By who assumes, and which role. */
const sessions = new WeakMap<World, Map<string, Assumed>>();

/** Who makes a call, where it is to be made; why nobody can. */
export function actorOf(caller: Caller, call: Call): Caller | Extract<Reply, { kind: 'error' }> {
  const { at } = madeIn(call);
  if (at === undefined) return caller;
  const { role, region = caller.region } = at;
  if (role === undefined) return { ...caller, region };
  const { world, endpoint, account, principal } = caller;
  const known = sessions.get(world) ?? new Map<string, Assumed>();
  sessions.set(world, known);
  const key = `${principal ?? account} ${role}`;
  const held = known.get(key);
  const { now } = world;
  const as = (session: Assumed): Caller => ({
    ...caller,
    region,
    account: accountOf(role),
    principal: session.principal,
  });
  if (held !== undefined && held.until - now > AHEAD_MS) return as(held);
  const input = { RoleArn: role, RoleSessionName: endpoint.name };
  const asker = principal === undefined ? {} : { principal };
  const asked = { account, region, ...asker, service: 'sts', action: 'AssumeRole', input } as const;
  const reply = handle(world.api.cloud, asked, now);
  if (reply.kind === 'error') return held !== undefined && held.until > now ? as(held) : reply;
  const { Credentials } = reply.output as { readonly Credentials: { readonly SessionToken: string } };
  const session = { principal: sessionOf(Credentials.SessionToken)?.arn, until: now + LIFE_MS };
  known.set(key, session);
  return as(session);
}
