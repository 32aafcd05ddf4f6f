/**
 * Routes that are announced only while other appliances are dead, as more specific ones than theirs: a
 * neighbor that has no BFD with the dead (a VPN gateway has none) keeps their routes until its hold timer
 * ends them, and prefers ours from the first UPDATE on, by the longest match.
 */
import { earliest, type Instant } from '../base/time.ts';
import type { Config, StandIn } from '../config.ts';
import type { Turn } from '../failover/turn.ts';
import type { Health } from '../health/health.ts';
import type { Sessions } from './sessions.ts';

const sameRoute = (a: StandIn, b: StandIn): boolean => JSON.stringify(a.route) === JSON.stringify(b.route);

const standInsOf = ({ bgp }: Config): readonly StandIn[] => bgp?.standIns ?? [];

/** Until when an appliance that is alive again is still stood in for; undefined while that is not known. */
const endOf = ({ verdicts }: Health, { whileDead, lingerMs }: StandIn): Instant | undefined =>
  whileDead.reduce<Instant | undefined>((first, name) => {
    const verdict = verdicts[name];
    return verdict?.kind === 'healthy' ? earliest(first, verdict.since + lingerMs) : first;
  }, undefined);

/** All must be dead for it to begin; it goes on until one of them has been healthy for long enough. */
function isNeeded(one: StandIn, stands: boolean, health: Health, now: Instant): boolean {
  if (!stands) return one.whileDead.every((name) => health.verdicts[name]?.kind === 'dead');
  const end = endOf(health, one);
  return end === undefined || now < end;
}

/** Announces and withdraws what has to be; what the configuration no longer has is withdrawn. */
export function standIn(sessions: Sessions, health: Health, config: Config, turn: Turn): Sessions {
  const { standing } = sessions;
  const all = standInsOf(config);
  if (all.length === 0 && standing.length === 0) return sessions;
  const isStanding = ({ route }: StandIn): boolean =>
    standing.some((one) => one.route.prefix === route.prefix);
  const needed = all.filter((one) => isNeeded(one, isStanding(one), health, turn.now));
  const begun = needed.filter((one) => !standing.some((other) => sameRoute(one, other)));
  const plain = config.bgp?.options.originate.map(({ prefix }) => prefix) ?? [];
  // What is now announced in any case is the speaker's own business.
  const ended = standing.filter(
    ({ route }) => !needed.some((one) => one.route.prefix === route.prefix) && !plain.includes(route.prefix),
  );
  for (const { route } of ended)
    turn.emit({ kind: 'bgp', input: { kind: 'withdraw', prefix: route.prefix } });
  for (const { route } of begun) turn.emit({ kind: 'bgp', input: { kind: 'originate', route } });
  tell(begun, ended, health, turn);
  const isSame = needed.length === standing.length && needed.every((one, at) => one === standing[at]);
  return isSame ? sessions : { ...sessions, standing: needed };
}

const prefixesOf = (all: readonly StandIn[]): string => all.map(({ route }) => route.prefix).join(', ');

function tell(begun: readonly StandIn[], ended: readonly StandIn[], health: Health, turn: Turn): void {
  if (begun.length > 0) {
    const dead = [...new Set(begun.flatMap(({ whileDead }) => whileDead))];
    const why = dead.map((name) => `${name} is dead (${health.verdicts[name]?.reason})`).join(', ');
    turn.log('warn', 'bgp', `Announces ${prefixesOf(begun)}: ${why}.`);
  }
  if (ended.length > 0) turn.log('info', 'bgp', `Withdraws ${prefixesOf(ended)}: no longer needed.`);
}

/** When something ends that lingers. */
export const nextStandInAt = (sessions: Sessions, health: Health): Instant | undefined =>
  sessions.standing.reduce<Instant | undefined>(
    (first, one) => earliest(first, endOf(health, one)),
    undefined,
  );
