/**
 * All probes and verdicts of a node. Its steps return what is to be sent and what changed; it sends and logs
 * nothing.
 */
import { earliest, type Instant } from '../base/time.ts';
import { type Config, isEventDriven, type ProbeConfig, probesOfNode } from '../config.ts';
import type { ProbeResult } from '../event.ts';
import { begin, dueAt, type Evidence, hear, isDue, newProbe, type ProbeState, record } from './probe.ts';
import type { Report } from './quorum.ts';
import { isSilenced, isTargetsFault, judge, testimony, type Verdict } from './verdict.ts';

export interface Health {
  readonly probes: Readonly<Record<string, ProbeState>>;
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** What EC2 was last seen to find of them, where it is asked. */
  readonly reports?: Readonly<Record<string, Report>>;
  /**
   * The appliances that traffic by the routes of other machines goes through at present: only theirs are the
   * results of `through` probes by route. Absent before the first observation.
   */
  readonly carriers?: readonly string[];
}

export const newHealth = (config: Config, now: Instant): Health =>
  reconfigure({ probes: {}, verdicts: {} }, config, config, now);

/** The health under a new configuration: probes that are the same keep their state. */
export function reconfigure(health: Health, from: Config, to: Config, now: Instant): Health {
  const old = new Map(probesOfNode(from).map((probe) => [probe.id, JSON.stringify(probe)]));
  const probes = probesOfNode(to).map((probe): [string, ProbeState] => {
    const kept = old.get(probe.id) === JSON.stringify(probe) ? health.probes[probe.id] : undefined;
    const round = health.probes[probe.id]?.round ?? 0;
    return [probe.id, kept ?? { ...newProbe(now), round }];
  });
  const names = new Set(to.appliances.map(({ name }) => name));
  const verdicts = Object.entries(health.verdicts).filter(([name]) => names.has(name));
  return refresh(
    { ...health, probes: Object.fromEntries(probes), verdicts: Object.fromEntries(verdicts) },
    to,
    now,
  );
}

/**
 * Whether results of the probe belong to whichever appliance the routes lead to, rather than to a certain
 * one. Where there are no groups nobody moves routes.
 */
const followsRoutes = (probe: ProbeConfig, config: Config): boolean =>
  config.groups.length > 0 &&
  probe.kind === 'through' &&
  probe.by === 'route' &&
  probe.appliance !== config.node;

const isActive = (probe: ProbeConfig, config: Config, { carriers }: Health): boolean =>
  !followsRoutes(probe, config) || (carriers?.includes(probe.appliance) ?? false);

/** The probes to send now, and the health in which they are under way. */
export function sendDue(
  health: Health,
  config: Config,
  now: Instant,
): { health: Health; due: readonly ProbeConfig[] } {
  const due = probesOfNode(config).filter((probe) => {
    const state = health.probes[probe.id];
    return (
      state !== undefined &&
      !isEventDriven(probe) &&
      isActive(probe, config, health) &&
      isDue(state, probe, now)
    );
  });
  if (due.length === 0) return { health, due };
  const begun = due.map((probe) => [probe.id, begin(health.probes[probe.id] ?? newProbe(now), probe, now)]);
  return { health: { ...health, probes: { ...health.probes, ...Object.fromEntries(begun) } }, due };
}

/**
 * The health in which the required probes of `appliances` are due now, and those that are to show whether an
 * appliance outlived its sessions; those under way are left alone, for their results are still to come.
 * Rounds keep their interval after that.
 */
export function hasten(health: Health, config: Config, appliances: readonly string[], now: Instant): Health {
  const all = evidenceOf(health, config);
  // Only sessions that are down have others testify.
  const asked = all.some(isSilenced)
    ? config.appliances.flatMap(({ name }) => testimony(name, all, now).asked)
    : [];
  const wanted = Object.values(health.verdicts).flatMap(({ wantsSince }) => wantsSince ?? []);
  if (asked.length === 0 && appliances.length === 0 && wanted.length === 0) return health;
  const early = probesOfNode(config).flatMap((probe): readonly (readonly [string, ProbeState])[] => {
    const state = health.probes[probe.id];
    if (state === undefined || isEventDriven(probe) || state.sentAt !== undefined || state.nextAt <= now)
      return [];
    const isAsked = asked.includes(probe.id) && state.silence === undefined;
    // The words of others: once for each death that they have to agree to.
    const isWord = probe.kind === 'daemon' && wanted.some((at) => state.nextAt - probe.intervalMs < at);
    const isWanted = isAsked || isWord || (appliances.includes(probe.appliance) && !probe.advisory);
    return isWanted ? [[probe.id, { ...state, nextAt: now }]] : [];
  });
  if (early.length === 0) return health;
  return { ...health, probes: { ...health.probes, ...Object.fromEntries(early) } };
}

/** When the next probe is to be sent. */
export function nextProbeAt(health: Health, config: Config): Instant | undefined {
  let first: Instant | undefined;
  for (const probe of probesOfNode(config)) {
    if (isEventDriven(probe) || !isActive(probe, config, health)) continue;
    first = earliest(first, dueAt(health.probes[probe.id] ?? newProbe(0), probe));
  }
  return first;
}

/** The health after a probe's result; unknown probes and old rounds change nothing. */
export function receive(
  health: Health,
  config: Config,
  {
    probe: id,
    round,
    result,
  }: { readonly probe: string; readonly round: number; readonly result: ProbeResult },
  now: Instant,
): Health {
  const probe = probesOfNode(config).find((one) => one.id === id);
  const state = health.probes[id];
  if (probe === undefined || state === undefined) return health;
  const recorded = record(state, probe, round, result, now);
  if (recorded === state) return health;
  const probes = { ...health.probes, [id]: recorded };
  const evidence = { config: probe, state: recorded };
  const isDown = recorded.last?.up === false && recorded.streak >= probe.fall;
  if (isDown && isTargetsFault(evidence, evidenceOf({ ...health, probes }, config)))
    probes[id] = { ...recorded, forgiven: recorded.streak };
  return refresh({ ...health, probes }, config, now);
}

/**
 * The health after a session changed: all probes that it drives take its result. `heardAt`: when its peer was
 * last heard.
 */
export function hearSession(
  health: Health,
  config: Config,
  drives: (probe: ProbeConfig) => boolean,
  result: ProbeResult,
  now: Instant,
  heardAt?: Instant,
): Health {
  const heard = probesOfNode(config)
    .filter((probe) => isEventDriven(probe) && drives(probe))
    .map(({ id }): [string, ProbeState] => [
      id,
      hear(health.probes[id] ?? newProbe(now), result, now, heardAt),
    ]);
  if (heard.length === 0) return health;
  return refresh({ ...health, probes: { ...health.probes, ...Object.fromEntries(heard) } }, config, now);
}

/** The health when the peer of a session that is up was heard at `heardAt`: fresh evidence that it lives. */
export function heardAlive(
  health: Health,
  config: Config,
  drives: (probe: ProbeConfig) => boolean,
  heardAt: Instant,
): Health {
  const alive = probesOfNode(config).flatMap((probe): [string, ProbeState][] => {
    const state = health.probes[probe.id];
    if (!isEventDriven(probe) || !drives(probe) || state?.last?.up !== true) return [];
    return (state.lastUpAt ?? -Infinity) >= heardAt ? [] : [[probe.id, { ...state, lastUpAt: heardAt }]];
  });
  return alive.length === 0
    ? health
    : { ...health, probes: { ...health.probes, ...Object.fromEntries(alive) } };
}

/** When a health's verdicts were made, and by which configuration: a step asks several times. */
const judged = new WeakMap<Health, { readonly config: Config; readonly at: Instant }>();

/** The verdicts as of now: they change with time alone, when evidence grows stale. */
export function refresh(health: Health, config: Config, now: Instant): Health {
  const known = judged.get(health);
  if (known?.at === now && known.config === config) return health;
  const all = evidenceOf(health, config);
  const verdicts: Record<string, Verdict> = {};
  for (const { name } of config.appliances) {
    // What a node finds of its own appliance, it knows at first hand.
    const quorum = name === config.node ? 1 : config.quorum;
    verdicts[name] = judge(name, all, now, health.verdicts[name], { quorum, reports: health.reports ?? {} });
  }
  const refreshed = { ...health, verdicts };
  judged.set(refreshed, { config, at: now });
  return refreshed;
}

/** The probes that count at present, with their states. */
export function evidenceOf(health: Health, config: Config): readonly Evidence[] {
  const all: Evidence[] = [];
  for (const probe of probesOfNode(config)) {
    const state = health.probes[probe.id];
    if (state !== undefined && isActive(probe, config, health)) all.push({ config: probe, state });
  }
  return all;
}

/**
 * The health after the routes were seen, or made, to lead to other appliances. Probes by route begin anew
 * there, and fail nobody before they have passed once: the change takes a while to arrive in the network.
 */
export function setCarriers(
  health: Health,
  config: Config,
  carriers: readonly string[],
  now: Instant,
): Health {
  const before = health.carriers;
  if (
    before !== undefined &&
    before.length === carriers.length &&
    carriers.every((name) => before.includes(name))
  ) {
    return health;
  }
  const fresh = probesOfNode(config).filter(
    (probe) =>
      followsRoutes(probe, config) &&
      carriers.includes(probe.appliance) &&
      !before?.includes(probe.appliance),
  );
  const started = fresh.map((probe): [string, ProbeState] => {
    const { round } = health.probes[probe.id] ?? newProbe(now);
    return [probe.id, { ...newProbe(now), round, ...(before === undefined ? {} : { unarmed: true }) }];
  });
  return refresh(
    { ...health, carriers, probes: { ...health.probes, ...Object.fromEntries(started) } },
    config,
    now,
  );
}
