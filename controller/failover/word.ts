/**
 * What daemons say to each other. Only EC2 shows who owns a group; that another appliance claims to have it,
 * and EC2 was not seen to bear it out, is a reason to look at once. Who loses a group so learns of it while
 * the winner lives: it may then take the group over again when the winner dies.
 */
import type { Instant, Millis } from '../base/time.ts';
import { type Config, ownAppliance, probesOfNode } from '../config.ts';
import type { Orders, OwnWord } from '../event.ts';
import type { Health } from '../health/health.ts';
import { isFresh } from '../health/probe.ts';
import { type Known, served } from '../health/relief.ts';
import type { GroupState } from './group.ts';
import { emptied } from './orders.ts';
import type { Need } from './step.ts';
import type { GroupView } from './view.ts';

/**
 * What a node says of its own appliance, of which only a dead one asks to be relieved, and of others; `key`
 * changes where it is worth saying again. Undefined: it has nothing to say yet.
 */
export function wordOf(
  config: Config,
  health: Health,
  orders: Orders,
  groups: Readonly<Record<string, GroupState>>,
  sessions: Known,
): { readonly word: OwnWord; readonly key: string } | undefined {
  const own = ownAppliance(config)?.name;
  const { verdicts } = health;
  const verdict = own === undefined ? { kind: 'healthy', reason: 'it only observes' } : verdicts[own];
  if (verdict === undefined) return undefined;
  const dead = Object.keys(verdicts).filter((name) => name !== own && verdicts[name]?.ownDead);
  const drained = Object.keys(emptied(orders, own));
  // What EC2 has shown in this run.
  const owns = Object.keys(groups).filter((name) => groups[name]?.ownerSeen && groups[name].owner === own);
  const healthy = verdict.kind !== 'dead';
  const serves = served(config, health, sessions);
  return {
    word: { healthy, reason: verdict.reason, dead, drained, owns, serves },
    key: JSON.stringify([verdict.kind, dead, drained, owns, serves]),
  };
}

/** A member's daemon has said that its appliance has the group, last at `at`. */
export interface Claim {
  readonly group: string;
  readonly member: string;
  readonly at: Instant;
}

/** A word that stays false makes nobody look more often. */
const LOOK_EVERY_MS: Millis = 1000;

export function claimsHeard(config: Config, probes: Health['probes'], now: Instant): readonly Claim[] {
  return probesOfNode(config).flatMap((probe) => {
    const state = probes[probe.id];
    if (probe.kind !== 'daemon' || state?.last === undefined || !isFresh(state, probe, now)) return [];
    const { at } = state.last;
    return (state.owns ?? []).map((group) => ({ group, member: probe.appliance, at }));
  });
}

/** The look at a group that claims give a reason for. */
export function lookAtClaim(
  claims: readonly Claim[],
  { owner, seen, observedAt }: Pick<GroupView, 'owner' | 'seen' | 'observedAt'>,
  group: string,
): Need {
  if (observedAt === undefined) return {};
  const known = owner.kind === 'member' ? owner.member : undefined;
  // Who has just lost it may say yet that it has it.
  const claim = claims.find((one) => one.group === group && one.member !== known && one.at > observedAt);
  if (claim === undefined) return {};
  return { look: { after: seen, at: Math.max(claim.at, observedAt + LOOK_EVERY_MS) } };
}
