/**
 * What sessions mean for a node: BFD and BGP are evidence on appliances, and the node, which holds all
 * evidence, says what becomes of the routes of a neighbor that is away. The death of a daemon is not the
 * death of its appliance: while a `through` probe vouches for it, its routes stay. RFC 5882 4.3, RFC 4724.
 */
import { earliest, type Instant, type Millis } from '../base/time.ts';
import { type BfdChange, clientState } from '../bfd/event.ts';
import type { SessionChange } from '../bgp/event.ts';
import { type Config, ownAppliance, type ProbeConfig, type StandIn } from '../config.ts';
import type { Orders, ProbeResult } from '../event.ts';
import type { Turn } from '../failover/turn.ts';
import { evidenceOf, type Health, heardAlive, hearSession } from '../health/health.ts';
import { isRelieved } from '../health/relief.ts';
import { testimony } from '../health/verdict.ts';

export interface Sessions {
  /** By session, as the BFD machine said last. */
  readonly bfd: Readonly<Record<string, BfdChange & { readonly at: Instant }>>;
  /** By neighbor, as the speaker said last. */
  readonly bgp: Readonly<Record<string, SessionChange & { readonly at: Instant }>>;
  /** Neighbors that are away and whose routes are kept because their appliance forwards. */
  readonly retained: readonly string[];
  /** Appliances that forward without a control plane, as has been said. */
  readonly lost: readonly string[];
  /** Neighbors whose session is up without the BFD that is configured, as has been said. */
  readonly unwatched: readonly string[];
  /** Neighbors whose appliance is dead: their routes are used last, also while their sessions stand. */
  readonly unfit: readonly string[];
  /** What is announced because others are dead. */
  readonly standing: readonly StandIn[];
  /** How this appliance is drained at present. */
  readonly drained: 'none' | 'graceful-shutdown' | 'withdraw';
}

export const noSessions: Sessions = {
  bfd: {},
  bgp: {},
  retained: [],
  lost: [],
  unwatched: [],
  unfit: [],
  standing: [],
  drained: 'none',
};

/** Asks for the BFD sessions that no neighbor asks for. Their keys are put in by the driver. */
export function openSessions({ bfd }: Config, turn: Turn): void {
  for (const { session, options } of bfd)
    turn.emit({ kind: 'bfd', event: { kind: 'open', session, options } });
}

/** Sessions of the old configuration that the new one does not have are closed, and new ones opened. */
export function reopenSessions(from: Config, to: Config, turn: Turn): void {
  for (const { session } of from.bfd) {
    if (!to.bfd.some((one) => one.session === session))
      turn.emit({ kind: 'bfd', event: { kind: 'close', session } });
  }
  openSessions(to, turn);
}

interface Parts {
  readonly sessions: Sessions;
  readonly health: Health;
}

/** A BFD session changed: evidence, and a word to the speaker in the same step. RFC 5882 4.2. */
export function bfdChanged(
  { sessions, health }: Parts,
  config: Config,
  change: BfdChange,
  turn: Turn,
): Parts {
  const before = sessions.bfd[change.session]?.state;
  const { session, state, diagnostic, controlPlaneIndependent } = change;
  const known = { ...sessions.bfd, [session]: { ...change, at: turn.now } };
  const alive = Object.entries(change.heard ?? {}).reduce(
    (next, [other, at]) => heardAlive(next, config, drivenBy(config, other), at),
    health,
  );
  if (before === 'up' && state === 'up') {
    const at = change.lastReceivedAt ?? turn.now;
    return {
      health: heardAlive(alive, config, drivenBy(config, session), at),
      sessions: { ...sessions, bfd: known },
    };
  }
  const heard = hearSession(
    alive,
    config,
    (probe) => probe.kind === 'bfd' && probe.address === session,
    resultOf(change, before),
    turn.now,
    // Where it is not silence that ended it, the peer has just been heard.
    diagnostic === 'control detection time expired' ? change.lastReceivedAt : turn.now,
  );
  // The speaker knows whose address it is, that of a dynamic neighbor as well.
  const told = clientState(change);
  if (told !== undefined && config.bgp !== undefined)
    turn.emit({
      kind: 'bgp',
      input: { kind: 'bfd', address: session, state: told, controlPlaneIndependent },
    });
  if (before === 'up' || state === 'up')
    turn.log(state === 'down' ? 'warn' : 'info', 'bfd', `BFD with ${session} is ${state} (${diagnostic}).`, {
      session,
    });
  return { health: heard, sessions: { ...sessions, bfd: known } };
}

/** The probes that packets of a BFD session are evidence for: its own, and that of BGP with that address. */
const drivenBy =
  ({ bgp }: Config, session: string) =>
  (probe: ProbeConfig): boolean =>
    probe.kind === 'bfd'
      ? probe.address === session
      : probe.kind === 'bgp' &&
        bgp?.options.neighbors.some(
          ({ name, address }) => address === session && bgp.appliances[name] === probe.appliance,
        ) === true;

/** AdminDown says nothing of the peer, and nor does a session that has not been up yet. RFC 5880 6.8.16. */
function resultOf(change: BfdChange, before: BfdChange['state'] | undefined): ProbeResult {
  const { state, remoteState, diagnostic, detectionTimeMs } = change;
  if (state === 'up') return { kind: 'up', rttMs: 0 };
  if (state === 'admin-down' || remoteState === 'admin-down')
    return { kind: 'silent', reason: 'the session is administratively down' };
  if (before !== 'up') return { kind: 'silent', reason: `the session is ${state} and has not been up` };
  return { kind: 'down', reason: `${diagnostic}; detection time ${Math.round(detectionTimeMs)} ms` };
}

/**
 * A BGP session came or went. Routes that the speaker keeps for our answer are flushed unless somebody
 * vouches.
 */
export function sessionChanged(
  { sessions, health }: Parts,
  config: Config,
  change: SessionChange,
  turn: Turn,
): Parts {
  const { peer, state, reason, retained, administrative } = change;
  const appliances = config.bgp?.appliances ?? {};
  const appliance = appliances[peer];
  // An appliance may have a session for each family: one of them is enough.
  const isAnother = Object.entries(sessions.bgp).some(
    ([name, one]) => name !== peer && appliances[name] === appliance && one.state === 'established',
  );
  const bfd = sessions.bfd[change.address];
  const drives = (probe: ProbeConfig): boolean => probe.kind === 'bgp' && probe.appliance === appliance;
  const result: ProbeResult =
    state === 'established' || isAnother
      ? { kind: 'up', rttMs: 0 }
      : administrative === true
        ? { kind: 'silent', reason: `the session was ended on purpose: ${reason}` }
        : { kind: 'down', reason };
  // Where BFD has run out, the peer was heard before; in all other cases it may have ended it itself.
  const byBfd =
    bfd?.diagnostic === 'control detection time expired' &&
    bfd.state !== 'up' &&
    bfd.at >= (sessions.bgp[peer]?.at ?? 0);
  const heardAt = byBfd ? bfd.lastReceivedAt : turn.now;
  const heard = hearSession(health, config, drives, result, turn.now, heardAt);
  const level = state === 'established' || administrative === true ? 'info' : 'warn';
  const kept = retained === true ? '; its routes are kept as stale' : '';
  turn.log(level, 'bgp', `BGP with ${peer} (${change.address}) is ${state}: ${reason}${kept}.`, {
    peer,
    state,
  });
  if (state === 'established' && sessions.unfit.includes(peer))
    turn.emit({ kind: 'bgp', input: { kind: 'fitness', peer, unfit: true } });
  const others = sessions.retained.filter((one) => one !== peer);
  const asks = state === 'down' && retained === true && appliance !== undefined;
  const next = {
    ...sessions,
    bgp: { ...sessions.bgp, [peer]: { ...change, at: turn.now } },
    retained: asks ? [...others, peer] : others,
  };
  return { health: heard, sessions: next };
}

/** What follows from sessions and evidence in every step: routes given up, an alarm, the own drain. */
export const settleSessions = (
  sessions: Sessions,
  health: Health,
  config: Config,
  orders: Orders,
  turn: Turn,
): Sessions =>
  drainSelf(
    tellControlPlanes(
      flushDead(
        tellFitness(tellUnwatched(sessions, config, turn), health, config, turn),
        health,
        config,
        turn,
      ),
      health,
      config,
      turn,
    ),
    health,
    config,
    orders,
    turn,
  );

/** How long BFD may take to come up beside a session that is established, until people are told. */
const BFD_MS: Millis = 30_000;

/** Neighbors with BFD configured that is not up, though their session is, and when people are to be told. */
const withoutBfd = ({ bfd, bgp }: Sessions, config: Config): readonly (readonly [string, Instant])[] =>
  Object.values(bgp).flatMap(({ peer, address, state, at }) =>
    state !== 'established' || bfd[address]?.state === 'up' || !wantsBfd(config, peer)
      ? []
      : [[peer, Math.max(at, bfd[address]?.at ?? 0) + BFD_MS] as const],
  );

/** Whether BFD is configured for a neighbor; a dynamic one is named `GROUP/ADDRESS`. */
function wantsBfd({ bgp }: Config, peer: string): boolean {
  const [group] = peer.split('/');
  const listed = bgp?.options.neighbors.find(({ name }) => name === peer);
  return (listed ?? bgp?.options.dynamic.find(({ name }) => name === group))?.bfd !== undefined;
}

/** When a session is to be spoken of that is still without BFD. */
export const nextSessionsAt = (sessions: Sessions, config: Config): Instant | undefined =>
  withoutBfd(sessions, config)
    .filter(([name]) => !sessions.unwatched.includes(name))
    .reduce<Instant | undefined>((first, [, at]) => earliest(first, at), undefined);

/** A warning where BFD is configured and does not come up beside a session; once, as it begins. */
function tellUnwatched(sessions: Sessions, config: Config, turn: Turn): Sessions {
  const late = withoutBfd(sessions, config).filter(
    ([name, at]) => at <= turn.now || sessions.unwatched.includes(name),
  );
  for (const [name] of late.filter(([one]) => !sessions.unwatched.includes(one))) {
    const { address = '' } = sessions.bgp[name] ?? {};
    const known = sessions.bfd[address];
    // What was closed with an earlier session says nothing of the one that is open now.
    const isSilent = known === undefined || known.state === 'admin-down';
    const what = isSilent ? 'not answered' : `${known.state}, ${known.diagnostic}`;
    const text =
      `BGP with ${name} is established and BFD with ${address} is not up (${what}): its death ` +
      'will be noticed after the Hold Time only. Configure BFD at the other side, and let UDP 3784 through ' +
      '(4784 for multihop).';
    turn.log('warn', 'alarm', text, { peer: name });
  }
  const unwatched = late.map(([name]) => name);
  return unwatched.join() === sessions.unwatched.join() ? sessions : { ...sessions, unwatched };
}

/** An alarm where sessions are down and their appliance forwards all the same; once, as it begins. */
function tellControlPlanes(sessions: Sessions, health: Health, config: Config, turn: Turn): Sessions {
  const all = evidenceOf(health, config);
  const lost = config.appliances.flatMap(({ name }) =>
    testimony(name, all, turn.now).outlived ? [name] : [],
  );
  for (const name of lost.filter((one) => !sessions.lost.includes(one))) {
    const { reason = '' } = health.verdicts[name] ?? {};
    const text = `The control plane of ${name} is lost, and it still forwards: ${reason}. Nothing is moved.`;
    turn.log('error', 'alarm', text, { appliance: name });
  }
  const isSame = lost.length === sessions.lost.length && lost.every((one) => sessions.lost.includes(one));
  return isSame ? sessions : { ...sessions, lost };
}

/**
 * Tells the speaker which neighbors forward: one may keep its session and forward nothing, which a `through`
 * probe sees, or its own echoes; and one that has left may stop forwarding at any time.
 */
function tellFitness(sessions: Sessions, health: Health, config: Config, turn: Turn): Sessions {
  const { appliances = {}, options } = config.bgp ?? {};
  const echoes = config.echoes.map(({ id, appliance: peer }) => [peer, silentOf(health, id)] as const);
  const dead = Object.entries(appliances).map(([peer, name]) => [peer, deadOf(health, name)] as const);
  const left = sessions.retained
    .filter((peer) => sessions.bgp[peer]?.left === true)
    .map((peer) => [peer, 'it has left'] as const);
  const faults = new Map([...left, ...echoes, ...dead].filter(([, fault]) => fault !== undefined));
  const changed = [...new Set([...faults.keys(), ...sessions.unfit])].filter(
    (peer) => faults.has(peer) !== sessions.unfit.includes(peer),
  );
  if (changed.length === 0) return sessions;
  for (const peer of changed) {
    const isUnfit = faults.has(peer);
    // One that a new configuration does not have is nobody to be told of.
    if (options?.neighbors.every(({ name }) => name !== peer)) continue;
    turn.emit({ kind: 'bgp', input: { kind: 'fitness', peer, unfit: isUnfit } });
    const stands = sessions.bgp[peer]?.state === 'established';
    if (!stands && !sessions.retained.includes(peer)) continue;
    const text = isUnfit
      ? `Uses routes of ${peer} last${stands ? ', though its session stands' : ''}: ${faults.get(peer)}.`
      : `Uses routes of ${peer} as those of others again.`;
    turn.log(isUnfit ? 'warn' : 'info', 'bgp', text, { peer });
  }
  return { ...sessions, unfit: [...faults.keys()] };
}

/** That the appliance which a neighbor is is dead, or has been and is not healthy yet. */
function deadOf({ verdicts }: Health, appliance: string): string | undefined {
  const { comeback, reason = '' } = verdicts[appliance] ?? {};
  return comeback === 'awaited' ? `${appliance} is dead (${reason})` : undefined;
}

/** That a neighbor answers echoes no more; one that never has says nothing by it. */
function silentOf({ probes }: Health, id: string): string | undefined {
  const probe = probes[id];
  if (probe?.state !== 'down' || probe.lastUpAt === undefined) return undefined;
  return `${probe.last?.reason}, ${probe.streak} times in a row`;
}

/**
 * Flushes what is retained for appliances that nobody vouches for: their verdict has to be healthy or suspect
 * by a passing `through` probe.
 */
function flushDead(sessions: Sessions, health: Health, config: Config, turn: Turn): Sessions {
  if (sessions.retained.length === 0) return sessions;
  const kept = sessions.retained.filter((peer) => {
    const appliance = config.bgp?.appliances[peer] ?? '';
    const verdict = health.verdicts[appliance];
    const isCarrying = verdict?.kind === 'suspect' && isVouched(config, health, appliance);
    if (isCarrying || verdict?.kind === 'healthy') return true;
    const reason = verdict?.reason ?? 'nothing is known of it';
    turn.emit({ kind: 'bgp', input: { kind: 'flush', peer, reason } });
    turn.log('info', 'bgp', `Gives up the routes of ${peer}: ${reason}.`, { peer });
    return false;
  });
  return kept.length === sessions.retained.length ? sessions : { ...sessions, retained: kept };
}

const isVouched = ({ appliances }: Config, { probes }: Health, name: string): boolean =>
  appliances
    .find((one) => one.name === name)
    ?.probes.some((probe) => probe.kind === 'through' && probes[probe.id]?.state === 'up') === true;

/**
 * Takes the own appliance out of use while its local checks or an operator say so, and back in afterwards.
 * RFC 8326.
 */
function drainSelf(sessions: Sessions, health: Health, config: Config, orders: Orders, turn: Turn): Sessions {
  const own = ownAppliance(config);
  if (own === undefined || config.bgp === undefined) return sessions;
  const failed = own.probes.find(
    (probe) => probe.from === 'self' && !probe.advisory && health.probes[probe.id]?.state === 'down',
  );
  const leaves = orders.leaving !== undefined && isRelieved(config, health, sessions, turn.now);
  const isOrdered = orders.drained[own.name] !== undefined || leaves;
  // Who is about to stop takes its routes back in any case.
  const wanted = config.drain?.how ?? (leaves ? 'withdraw' : 'none');
  const how = failed === undefined && !isOrdered ? 'none' : wanted;
  if (how === sessions.drained) return sessions;
  const why = isOrdered ? 'an operator wants it' : 'all local checks pass';
  const reason = failed === undefined ? why : `${failed.id} fails`;
  turn.emit({ kind: 'bgp', input: { kind: 'drain', how, reason } });
  turn.log(
    'warn',
    'drain',
    how === 'none' ? `Offers its routes again: ${reason}.` : `Drains itself (${how}): ${reason}.`,
  );
  return { ...sessions, drained: how };
}

/** Whether every neighbor that is listed is there. */
export const allEstablished = ({ bgp }: Sessions, config: Config): boolean =>
  (config.bgp?.options.neighbors ?? []).every(
    ({ name, shutdown }) => shutdown || bgp[name]?.state === 'established',
  );

/** Tells the speaker that the daemon leaves: as a restart where forwarding goes on, else for good. */
export function leave({ drained }: Sessions, config: Config, turn: Turn): void {
  if (config.bgp === undefined) return;
  const restart =
    drained === 'none' &&
    config.kernel?.keepOnStop !== false &&
    config.bgp.options.neighbors.some(({ gracefulRestart }) => (gracefulRestart?.restartTimeS ?? 0) > 0);
  turn.emit({ kind: 'bgp', input: { kind: 'stop', restart, text: `node ${config.node} stops` } });
}
