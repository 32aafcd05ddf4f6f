/**
 * New options for a running speaker: what changed is changed, sessions that can go on go on, and those that
 * cannot are reset with Cease/6; neighbors that are gone hear Cease/3. RFC 4486 4.
 */
import { formatPrefix, parseAddress, parsePrefix } from '../base/ip.ts';
import type { Instant } from '../base/time.ts';
import { CEASE, ERROR, notification } from '../wire/notification.ts';
import type { NeighborOptions, PeerOptions, SpeakerOptions } from './options.ts';
import {
  bgpIdOf,
  canonical,
  establishedOf,
  machinesOf,
  newPeer,
  type Peer,
  type Speaker,
  say,
} from './peer.ts';
import { compilePolicy, rejectAll } from './policy.ts';
import { setInterfaces } from './reach.ts';
import { followInterfaces as followInRib, originate, setPolicy, setTracking, withdrawOrigin } from './rib.ts';
import { flushStale, ribPolicyOf } from './routes.ts';
import { finalCease, run, start } from './session.ts';

/** Makes the policies of the options ready; one that is wrong rejects everything, and is told. */
export function compilePolicies(speaker: Speaker, { policies }: SpeakerOptions): void {
  speaker.policies.clear();
  for (const policy of policies) {
    const compiled = compilePolicy(policy);
    if (compiled.ok) speaker.policies.set(policy.name, compiled.value);
    else {
      say(speaker, 'error', `${compiled.error}; it rejects everything until that is mended`);
      speaker.policies.set(policy.name, rejectAll(policy.name));
    }
  }
}

/** Adds a neighbor of the configuration. */
export function addNeighbor(speaker: Speaker, options: NeighborOptions, now: Instant): Peer {
  const address = canonical(options.address);
  const peer = newPeer(options.name, address, options, options.as, now);
  if (options.shutdown) peer.blocked = { kind: 'shutdown', why: 'shut down in the configuration' };
  speaker.peers.set(peer.name, peer);
  speaker.byAddress.set(address, peer);
  return peer;
}

const hostPrefix = (text: string): string | undefined => {
  const address = parseAddress(canonical(text));
  if (!address.ok) return undefined;
  return formatPrefix({ address: address.value, length: address.value.family === 4 ? 32 : 128 });
};

/** Says where to listen, and with which keys. */
export function listen(speaker: Speaker): void {
  const { options, isStopped } = speaker;
  const { neighbors, dynamic } = options;
  const keys: { readonly prefix: string; readonly password: string }[] = [];
  const add = (prefix: string | undefined, password: string | undefined): void => {
    if (prefix !== undefined && password !== undefined) keys.push({ prefix, password });
  };
  for (const { address, password } of neighbors) add(hostPrefix(address), password);
  for (const { prefix, password } of dynamic) {
    const parsed = parsePrefix(prefix, 'clear');
    add(parsed.ok ? formatPrefix(parsed.value) : undefined, password);
  }
  const hops = [...neighbors, ...dynamic].map(({ gtsmHops }) => gtsmHops);
  const isGuarded = hops.length > 0 && hops.every((one) => one !== undefined);
  const farthest = Math.max(...hops.map((one) => one ?? 0));
  speaker.effects.push({
    kind: 'tcp-listen',
    at: isStopped ? [] : options.listen,
    keys: isStopped ? [] : keys,
    ...(isGuarded && !isStopped ? { minTtl: 256 - farthest } : {}),
  });
}

/** Opens the BFD session of a peer, or changes it. */
export function openBfd(speaker: Speaker, peer: Peer): void {
  const { bfd, localAddress } = peer.options;
  if (bfd === undefined || peer.blocked?.kind === 'shutdown' || !speaker.isStarted) return;
  const { strict: _, ...options } = bfd;
  const local = localAddress === undefined ? {} : { local: localAddress };
  peer.bfdOpen = true;
  speaker.effects.push({
    kind: 'bfd-open',
    session: peer.address,
    options: { ...options, peer: peer.address, ...local },
  });
}

export function closeBfd(speaker: Speaker, peer: Peer): void {
  if (peer.bfdOpen) speaker.effects.push({ kind: 'bfd-close', session: peer.address });
  peer.bfdOpen = false;
  peer.bfd = 'unknown';
}

/** Options that the OPEN, the socket or the meaning of routes hangs on: a change needs a new session. */
const NEEDS_RESET = [
  'localAs',
  'localAddress',
  'port',
  'holdTimeS',
  'password',
  'gtsmHops',
  'ttl',
  'families',
  'addPath',
  'extendedMessages',
  'extendedNextHop',
  'role',
  'strictRole',
  'gracefulRestart',
  'transparent',
  'reflectorClient',
] as const satisfies readonly (keyof PeerOptions)[];

/** Options that the RIB follows while the session goes on. */
const FOR_RIB = [
  'importPolicy',
  'exportPolicy',
  'maxPrefixes',
  'allowOwnAs',
  'checkNextHops',
  'nextHopSelf',
] as const;

const differs = (a: unknown, b: unknown): boolean => stable(a) !== stable(b);

/** JSON with the keys of objects in order; bytes as numbers. */
function stable(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${[...value].join()}`;
  if (Array.isArray(value)) return `[${value.map(stable).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${key}:${stable(one)}`)
    .join()}}`;
}

/** The options whose change needs a new session. */
export const resetsFor = (before: PeerOptions, after: PeerOptions): readonly string[] => [
  ...NEEDS_RESET.filter((key) => differs(before[key], after[key])),
  ...((before.bfd?.strict === true) !== (after.bfd?.strict === true) ? ['bfd.strict'] : []),
];

/** Takes new options over. */
export function configure(speaker: Speaker, options: SpeakerOptions, now: Instant): void {
  const before = speaker.options;
  const isOther = before.as !== options.as || before.routerId !== options.routerId;
  speaker.options = options;
  speaker.bgpId = bgpIdOf(options.routerId);
  const changed = new Set(
    [...before.policies, ...options.policies]
      .map(({ name }) => name)
      .filter((name) =>
        differs(
          before.policies.find((one) => one.name === name),
          options.policies.find((one) => one.name === name),
        ),
      ),
  );
  if (changed.size > 0) compilePolicies(speaker, options);
  const context: Context = { speaker, now, isOther, changed };
  for (const peer of [...speaker.peers.values()]) reconfigurePeer(context, peer);
  for (const neighbor of options.neighbors) {
    if (speaker.peers.has(neighbor.name)) continue;
    const peer = addNeighbor(speaker, neighbor, now);
    if (!speaker.isStarted) continue;
    openBfd(speaker, peer);
    start(speaker, peer, now);
  }
  reoriginate(speaker, before, options);
  followInterfaces(speaker);
  if (differs(before.track, options.track)) setTracking(speaker.rib, options.track);
  const listening = (one: SpeakerOptions) => [
    one.listen,
    [...one.neighbors, ...one.dynamic].map(({ password, gtsmHops }) => [password, gtsmHops]),
    one.neighbors.map(({ address }) => address),
    one.dynamic.map(({ prefix }) => prefix),
  ];
  if (speaker.isStarted && differs(listening(before), listening(options))) listen(speaker);
}

/** Judges next hops anew where our interfaces, or what is said of our links, are others. */
export function followInterfaces({ rib, interfaces, options }: Speaker): void {
  if (setInterfaces(rib.reach, interfaces, options.subnets)) followInRib(rib);
}

interface Context {
  readonly speaker: Speaker;
  readonly now: Instant;
  /** Our AS or identifier is another one. */
  readonly isOther: boolean;
  /** Policies that say something else now. */
  readonly changed: ReadonlySet<string>;
}

function reconfigurePeer(context: Context, peer: Peer): void {
  const { speaker, now, isOther } = context;
  const { neighbors, dynamic } = speaker.options;
  const found =
    peer.dynamic === undefined
      ? neighbors.find(({ name }) => name === peer.name)
      : dynamic.find(({ name, prefix }) => name === peer.dynamic?.name && prefix === peer.dynamic.prefix);
  const address = found !== undefined && 'address' in found ? canonical(found.address) : peer.address;
  if (found === undefined || address !== peer.address) {
    remove(speaker, peer, now);
    return;
  }
  const before = peer.options;
  peer.options = found;
  const expected = found.as;
  const isStranger = differs(peer.expectedAs, expected) && peer.dynamic === undefined;
  peer.expectedAs = expected;
  if ('prefix' in found) peer.dynamic = found;
  const bfdBefore = before.bfd;
  if (differs(bfdBefore, found.bfd)) {
    if (found.bfd === undefined) closeBfd(speaker, peer);
    else openBfd(speaker, peer);
  }
  if ('shutdown' in found && differs(wasShut(before), found.shutdown)) {
    if (found.shutdown) {
      shut(speaker, peer, now);
      return;
    }
    if (peer.blocked?.kind === 'shutdown') delete peer.blocked;
    openBfd(speaker, peer);
  }
  const reasons = [
    ...resetsFor(before, found),
    ...(isStranger ? ['as'] : []),
    ...(isOther ? ['our own AS'] : []),
  ];
  if (reasons.length > 0) {
    renew(speaker, peer, reasons.join(', '), now);
    return;
  }
  if (peer.main.state === 'Idle') start(speaker, peer, now);
  followPolicies(context, peer, before);
}

const wasShut = (options: PeerOptions): boolean => 'shutdown' in options && options.shutdown === true;

function shut(speaker: Speaker, peer: Peer, now: Instant): void {
  peer.blocked = { kind: 'shutdown', why: 'shut down in the configuration' };
  end(speaker, peer, CEASE.shutdown, peer.blocked.why, now);
  closeBfd(speaker, peer);
}

/**
 * Ends the connections of a peer with Cease; `ManualStop`, or for a change an end that comes back by itself.
 */
function end(speaker: Speaker, peer: Peer, subcode: number, reason: string, now: Instant): void {
  const loss = { kind: 'administrative' } as const;
  for (const machine of machinesOf(peer)) {
    const said = finalCease(machine, subcode);
    run(speaker, peer, machine, 'ManualStop', now, {
      notification: said,
      reason,
      loss,
      administrative: true,
    });
  }
  flushStale(speaker, peer, reason);
}

function remove(speaker: Speaker, peer: Peer, now: Instant): void {
  peer.blocked = { kind: 'shutdown', why: 'no longer configured' };
  end(speaker, peer, CEASE.deconfigured, peer.blocked.why, now);
  closeBfd(speaker, peer);
  speaker.peers.delete(peer.name);
  if (speaker.byAddress.get(peer.address) === peer) speaker.byAddress.delete(peer.address);
}

/** The session cannot go on with the new options; graceful restart may keep its routes meanwhile. */
function renew(speaker: Speaker, peer: Peer, what: string, now: Instant): void {
  const reason = `configuration changed: ${what}`;
  const said = notification(ERROR.cease, CEASE.configurationChange);
  const loss = { kind: 'notification', sent: true, notification: said } as const;
  peer.refused.clear();
  for (const machine of machinesOf(peer)) {
    run(speaker, peer, machine, 'ManualStop', now, {
      notification: said,
      reason,
      loss,
      administrative: true,
    });
  }
  if (peer.main.state === 'Idle') start(speaker, peer, now);
}

/** The RIB looks again at a peer whose policies, or limits, are other ones. */
function followPolicies({ speaker, changed }: Context, peer: Peer, before: PeerOptions): void {
  const session = establishedOf(peer)?.session;
  if (session === undefined || peer.rib === undefined) return;
  const { importPolicy, exportPolicy } = peer.options;
  const touches = [importPolicy, exportPolicy].some((name) => name !== undefined && changed.has(name));
  const isNew = FOR_RIB.some((key) => differs(before[key], peer.options[key]));
  if (touches || isNew) setPolicy(speaker.rib, peer.rib, ribPolicyOf(speaker, peer.options, !session.ibgp));
}

function reoriginate(speaker: Speaker, before: SpeakerOptions, after: SpeakerOptions): void {
  const wanted = new Set(after.originate.map(({ prefix }) => prefix));
  for (const { prefix } of before.originate) if (!wanted.has(prefix)) withdrawOrigin(speaker.rib, prefix);
  for (const route of after.originate) {
    const known = before.originate.find(({ prefix }) => prefix === route.prefix);
    if (differs(known, route)) originate(speaker.rib, route);
  }
}
