/**
 * Credentials of daemons: their own, of the instance metadata service, and those of roles that they act by
 * elsewhere, of STS. Both are asked without packets, since daemons do so long before they need the answer:
 * credentials are renewed in their last quarter of an hour, and go on to their end where they are not. A run
 * begins with none.
 */
import type { Millis } from '../../controller/base/time.ts';
import { accountOf } from '../../controller/config.ts';
import { type Call, madeIn } from '../../controller/ec2/call.ts';
import type { Failure } from '../../controller/ec2/failure.ts';
import { sessionOf } from '../ec2/iam/principal.ts';
import { handle } from '../ec2/service.ts';
import type { Caller } from './api-client.ts';

/** Of instance metadata, and of AssumeRole where the caller asks for no other time. */
const OWN_LIFE_MS: Millis = 6 * 3_600_000;
const ROLE_LIFE_MS: Millis = 3_600_000;
const AHEAD_MS: Millis = 15 * 60_000;

/** As the SDK says it. */
const NO_CREDENTIALS: Failure = {
  code: 'CredentialsProviderError',
  message: 'Could not load credentials from any providers',
};

/** Who makes a call, where it is to be made; why nobody can. */
export function actorOf(caller: Caller, call: Call): Caller | Failure {
  const own = ownOf(caller);
  const { at } = madeIn(call);
  if (own !== undefined || at === undefined) return own ?? caller;
  const { role, region = caller.region } = at;
  if (role === undefined) return { ...caller, region };
  const { world, endpoint, account, principal, held } = caller;
  const known = held.get(role);
  const { now, api } = world;
  const as = (who: string | undefined): Caller => ({
    ...caller,
    region,
    account: accountOf(role),
    principal: who,
  });
  if (known !== undefined && known.until - now > AHEAD_MS) return as(known.principal);
  const input = { RoleArn: role, RoleSessionName: endpoint.name };
  const asker = principal === undefined ? {} : { principal };
  const asked = { account, region, ...asker, service: 'sts', action: 'AssumeRole', input } as const;
  const reply = api.knobs.credentials === 'down' ? undefined : handle(api.cloud, asked, now);
  if (reply?.kind !== 'ok') {
    if (known !== undefined && known.until > now) return as(known.principal);
    return reply ?? NO_CREDENTIALS;
  }
  const { Credentials } = reply.output as { readonly Credentials: { readonly SessionToken: string } };
  const session = { principal: sessionOf(Credentials.SessionToken)?.arn, until: now + ROLE_LIFE_MS };
  held.set(role, session);
  return as(session.principal);
}

/** Why a daemon has no credentials of its own; undefined where it has. */
export function ownOf({ world, principal, held }: Caller): Failure | undefined {
  const { now, api } = world;
  const { until = Number.NEGATIVE_INFINITY } = held.get('') ?? {};
  if (until - now > AHEAD_MS) return undefined;
  if (api.knobs.credentials === 'down') return until > now ? undefined : NO_CREDENTIALS;
  held.set('', { principal, until: now + OWN_LIFE_MS });
  return undefined;
}
