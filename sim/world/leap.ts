/**
 * Leaps over time in which nothing happens but what happens all the time: echo probes that fare as their
 * last round did, and BFD packets between machines that hear each other. The rounds are entered into the
 * daemons' health as `record` (controller/health/probe.ts) would have, one by one but without packets and
 * steps; BFD is stepped packet by packet, without the walk through the VPC. A leap ends before anything
 * else: no other event is passed over, and none finds the world otherwise than if every packet had been
 * sent (test/chaos/leap.test.ts).
 */
import type { Instant, Millis } from '../../controller/base/time.ts';
import { isEventDriven, type ProbeConfig } from '../../controller/config.ts';
import { successorsOf } from '../../controller/failover/carriers.ts';
import { isTold } from '../../controller/failover/leases.ts';
import { claimsHeard } from '../../controller/failover/word.ts';
import { evidenceOf, hasten, refresh } from '../../controller/health/health.ts';
import type { ProbeState } from '../../controller/health/probe.ts';
import { TRUE_CLOCK } from './clock.ts';
import { routineTimer, takePort } from './endpoint.ts';
import { peek } from './heap.ts';
import { advanceBfd, isBfdSteady } from './leap-bfd.ts';
import { foresee } from './leap-looks.ts';
import { arm, type Daemon, feed } from './node.ts';
import { echoOf, noEcho } from './probe.ts';
import type { World } from './state.ts';

/**
 * For so long after a change every packet is sent: BFD at its slowest, and all timers of what ended, are
 * over.
 */
const CALM_MS: Millis = 1500;
/** Less is no leap. */
const LEAST_MS: Millis = 5;
/** A lost packet, or the answer to it, is on its way for less. */
const FLIGHT_MS: Millis = 50;
/** Ends that are tried, each before a round that would be under way at the last one. */
const TRIES = 8;

/** An echo probe whose next rounds fare as the last one. */
interface Rounds {
  readonly config: ProbeConfig;
  readonly state: ProbeState;
  readonly last: NonNullable<ProbeState['last']>;
  /** From the sending of a round to its result. */
  readonly lagMs: Millis;
}

/** Where the rounds of a probe stand at an instant. */
interface Standing {
  readonly sentAt: Instant | undefined;
  readonly nextAt: Instant;
  /** Sent since, and ended since. */
  readonly sent: number;
  readonly ended: number;
  readonly last: { readonly sentAt: Instant | undefined; readonly at: Instant };
}

/**
 * Lets time pass up to `until` at most as long as only routine happens; false where there was nothing to
 * leap over. `daemonsOf` are all daemons of the world.
 */
export function leap(world: World, daemonsOf: () => readonly Daemon[], until: Instant): boolean {
  const { now } = world;
  const limit = Math.min(until, peek(world.heap)?.at ?? until);
  if (limit - now < LEAST_MS || now - world.changedAt < CALM_MS || isLossy(world)) return false;
  const daemons = daemonsOf().filter(isActive);
  let to = limit;
  const all: { readonly daemon: Daemon; readonly probes: readonly Rounds[] }[] = [];
  for (const daemon of daemons) {
    const probes = roundsOf(daemon, daemons);
    if (probes === undefined) return false;
    // When something else than a probe, a look or a lease is due.
    to = Math.min(to, daemon.node.wakeAt ?? to);
    all.push({ daemon, probes });
  }
  const rounds = all.flatMap(({ probes }) => probes);
  const foresight = foresee(world, daemons);
  let end = endOf(rounds, to);
  let looks = end === undefined ? undefined : foresight.until(end);
  while (looks !== undefined && end !== undefined && looks.end < end) {
    end = endOf(rounds, looks.end);
    looks = end === undefined ? undefined : foresight.until(end);
  }
  const drivers = daemons.map(({ machines }) => machines.bfd);
  const isLeap =
    end !== undefined &&
    looks !== undefined &&
    end - now >= LEAST_MS &&
    isBfdSteady(world, drivers) &&
    foresight.commit(looks);
  foresight.end(isLeap && looks !== undefined ? looks.drawn : 0);
  if (!isLeap || end === undefined) return false;
  advanceBfd(world, drivers, end);
  world.now = end;
  for (const { daemon, probes } of all) enter(daemon, probes, end);
  return true;
}

/** Whether packets may be lost by chance, or come from machines that no daemon drives. */
const isLossy = ({ links, cuts, gateways, routers }: World): boolean =>
  links.loss > 0 || gateways.size > 0 || routers.size > 0 || [...cuts.values()].some(({ loss }) => loss < 1);

const isActive = ({ running, endpoint }: Daemon): boolean =>
  running && endpoint.power === 'running' && !endpoint.hung;

/** The probes of a daemon to which nothing new happens; undefined where something does, or may. */
function roundsOf(daemon: Daemon, all: readonly Daemon[]): readonly Rounds[] | undefined {
  const { node, options, handling, world } = daemon;
  const { config, health, groups } = node;
  const isObserved = !options.forgetful || options.tamper !== undefined;
  if (isObserved || handling || node.phase !== 'running') return undefined;
  // What its clock shows is taken for the world's time here.
  if (daemon.paused !== undefined || daemon.clock !== TRUE_CLOCK) return undefined;
  if (Object.values(groups).some(({ operation, watch }) => operation !== undefined || watch !== undefined))
    return undefined;
  // What others claim and EC2 has not shown is looked at.
  const claims = claimsHeard(config, health.probes, world.now);
  if (claims.some(({ group, member }) => groups[group]?.owner !== member)) return undefined;
  // A daemon hears of leases without looking further: what there is to say, its next step says.
  if (!config.groups.every((group) => isTold(node.leases, group, world.now))) return undefined;
  if (hasten(health, config, successorsOf(node, health, health), world.now) !== health) return undefined;
  const rounds: Rounds[] = [];
  for (const evidence of evidenceOf(health, config)) {
    if (isEventDriven(evidence.config)) continue;
    if (echoOf(evidence.config) === undefined && !isOldNews(evidence, all)) return undefined;
    const steady = steadyRounds(evidence, world.now, world.changedAt);
    if (steady === undefined) return undefined;
    rounds.push(steady);
  }
  return rounds;
}

/** Whether a daemon, asked for its word, says again what it said last. */
function isOldNews({ config, state }: Pick<Rounds, 'config' | 'state'>, all: readonly Daemon[]): boolean {
  if (config.kind !== 'daemon' || !state.last?.up) return false;
  const { word } = all.find(({ node }) => node.config.node === config.appliance) ?? {};
  return (
    word?.healthy === true &&
    word.dead.join() === (state.dead ?? []).join() &&
    word.drained.join() === Object.keys(state.drained ?? {}).join() &&
    word.owns.join() === (state.owns ?? []).join() &&
    word.serves === (state.serves ?? 0)
  );
}

function steadyRounds(
  { config, state }: Pick<Rounds, 'config' | 'state'>,
  now: Instant,
  changedAt: Instant,
): Rounds | undefined {
  const { last, lastUpSentAt, sentAt, streak, forgiven } = state;
  if (last === undefined) return undefined;
  if (state.silence !== undefined || state.unarmed || (sentAt ?? state.nextAt - config.intervalMs) > now)
    return undefined;
  if (last.up) {
    const isSteady = state.state === 'up' && sentAt === undefined && (lastUpSentAt ?? 0) > changedAt;
    return isSteady ? { config, state, last, lagMs: last.at - (lastUpSentAt ?? 0) } : undefined;
  }
  // Forgiven are all failures or none of the last ones: what counts is on one side of `fall` and stays there.
  const isJudged = forgiven === streak || streak - (forgiven ?? 0) > config.fall;
  const isSteady = state.state === 'down' && isJudged && last.at - config.timeoutMs > changedAt;
  const isFlying = sentAt !== undefined && now - sentAt < FLIGHT_MS;
  return isSteady && !isFlying ? { config, state, last, lagMs: config.timeoutMs } : undefined;
}

/** How far a probe comes before `to`, by the rules of `begin`, `dueAt` and `record`. */
function standingAt({ config, state, last, lagMs }: Rounds, to: Instant): Standing {
  let { sentAt, nextAt } = state;
  let [sent, ended] = [0, 0];
  let lastAt = last.at;
  let lastSentAt = state.lastUpSentAt;
  for (;;) {
    if (sentAt === undefined) {
      const due = Math.max(nextAt, lastAt);
      if (due >= to) break;
      sentAt = due;
      nextAt = due + config.intervalMs;
      sent += 1;
    }
    if (sentAt + lagMs >= to) break;
    lastAt = sentAt + lagMs;
    lastSentAt = sentAt;
    sentAt = undefined;
    ended += 1;
  }
  return { sentAt, nextAt, sent, ended, last: { sentAt: lastSentAt, at: lastAt } };
}

/** The last instant up to `limit` at which no packet of a probe is on its way. */
function endOf(probes: readonly Rounds[], limit: Instant): Instant | undefined {
  let to = limit;
  for (let tries = 0; tries < TRIES; tries++) {
    const before = to;
    for (const probe of probes) {
      const { sentAt, sent } = standingAt(probe, to);
      const isFlying = sentAt !== undefined && (probe.last.up || to - sentAt < FLIGHT_MS);
      if (isFlying && sent > 0) to = sentAt;
    }
    if (to === before) return to;
  }
  return undefined;
}

/** Enters the rounds up to the present, `now`, into a daemon's health. */
function enter(daemon: Daemon, probes: readonly Rounds[], now: Instant): void {
  const { node, endpoint, rounds } = daemon;
  const changed: Record<string, ProbeState> = {};
  for (const probe of probes) {
    const { config, state, last } = probe;
    const at = standingAt(probe, now);
    for (let port = 0; port < at.sent; port++) takePort(endpoint);
    if (at.ended > 0) {
      rounds.get(config.id)?.();
      rounds.delete(config.id);
    }
    const { sentAt: _, ...idle } = state;
    const round = state.round + at.sent;
    const forgiven = state.forgiven === state.streak ? state.streak + at.ended : state.forgiven;
    changed[config.id] = {
      ...idle,
      round,
      nextAt: at.nextAt,
      streak: state.streak + at.ended,
      last: { ...last, at: at.last.at },
      ...(at.sentAt !== undefined && { sentAt: at.sentAt }),
      ...(last.up && at.ended > 0 && { lastUpAt: at.last.at, lastUpSentAt: at.last.sentAt ?? now }),
      ...(!last.up && forgiven !== undefined && { forgiven }),
    };
    if (at.sentAt !== undefined && at.sent > 0) awaitTimeout(daemon, config, round, at.sentAt);
  }
  const health = { ...node.health, probes: { ...node.health.probes, ...changed } };
  daemon.node = { ...node, health: refresh(health, node.config, now) };
  arm(daemon);
}

/** A round under way that nothing will answer. */
function awaitTimeout(daemon: Daemon, { id, timeoutMs }: ProbeConfig, round: number, sentAt: Instant): void {
  const { endpoint, rounds, world } = daemon;
  const cancel = routineTimer(endpoint, sentAt + timeoutMs - world.now, () => {
    rounds.delete(id);
    feed(daemon, { kind: 'probe-result', probe: id, round, result: noEcho(timeoutMs) });
  });
  rounds.set(id, cancel);
}
