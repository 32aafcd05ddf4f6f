/** What the RIB knows of a peer: the facts of its session, its policies, and its Adj-RIB-Out. */
import type { NextHop } from '../wire/attribute.ts';
import type { Family, MaxPrefixes, Role } from './options.ts';
import { ACCEPT_ALL, type CompiledPolicy } from './policy.ts';
import { createPolicyCache, type PolicyCache } from './policy-cache.ts';

/** The facts of a session, as negotiated. */
export interface PeerFacts {
  readonly as: number;
  /** The AS that we show it. */
  readonly localAs: number;
  readonly ibgp: boolean;
  /** Of another AS, and on a link of ours. RFC 4271 6.3. */
  readonly oneHop: boolean;
  readonly bgpId: number;
  readonly localBgpId: number;
  /** The two ends of the session. */
  readonly address: NextHop;
  readonly localAddress: NextHop;
  /** Our address of the other family on the same interface, where it is known. */
  readonly otherAddress?: NextHop | undefined;
  readonly families: readonly Family[];
  readonly as4: boolean;
  /** Whether prefixes carry path identifiers, each way. */
  readonly addPathIn: Readonly<Record<Family, boolean>>;
  /** Paths of a prefix that are sent at most; 0: one, without identifier. */
  readonly addPathOut: Readonly<Record<Family, number>>;
  readonly extendedNextHop: boolean;
  readonly maxMessage: number;
}

/** What the configuration says of a peer. */
export interface PeerPolicy {
  /** Absent on eBGP: nothing passes. RFC 8212. */
  readonly importPolicy?: CompiledPolicy;
  readonly exportPolicy?: CompiledPolicy;
  readonly role?: Role;
  readonly reflectorClient: boolean;
  readonly nextHopSelf: boolean;
  readonly transparent: boolean;
  readonly allowOwnAs: number;
  readonly checkNextHops: boolean;
  readonly maxPrefixes: Partial<Readonly<Record<Family, MaxPrefixes>>>;
}

/** The routes that a peer has been sent, of one family. */
export interface AdjRibOut {
  /**
   * By prefix number: the attribute set that the peer holds plus one; 0: none; -1: one that is owed again.
   */
  sent: Int32Array;
  /** With add-path: what the peer holds of a prefix, path identifier to attribute set. */
  readonly sentPaths: Map<number, Map<number, number>>;
  /** All prefix numbers from here up to `lookEnd` are to be looked at, before those of the queue. */
  lookAt: number;
  lookEnd: number;
  /** Prefix numbers to look at, in order; `head` is the first that waits. */
  queue: Int32Array;
  head: number;
  tail: number;
  queued: Uint8Array;
  /** End-of-RIB is owed when no prefix waits. */
  owesEndOfRib: boolean;
  /** What the answer to a route refresh ends with is owed when no prefix waits. RFC 7313. */
  owesRefreshEnd: boolean;
  count: number;
}

export interface RibPeer {
  readonly index: number;
  readonly name: string;
  policy: PeerPolicy;
  /** Of the session that is up, or was last. */
  facts: PeerFacts;
  up: boolean;
  /** Its owner knows that it does not forward: its paths are the last choice. */
  unfit: boolean;
  /** Paths of an older epoch are stale. */
  readonly epoch: Record<Family, number>;
  /** Paths held, valid or not. */
  readonly received: Record<Family, number>;
  readonly out: Record<Family, AdjRibOut>;
  /** Limits that have been told. */
  readonly warned: Set<Family>;
  /** What import and export policy made of attribute sets, by the rules that a prefix fits. */
  readonly imports: PolicyCache;
  readonly exports: PolicyCache;
  /** A next hop of the UPDATE in hand that RFC 4271 6.3 refuses, and why; told once for each set. */
  hopFault?: string;
}

export function newAdjRibOut(): AdjRibOut {
  return {
    sent: new Int32Array(0),
    sentPaths: new Map(),
    lookAt: 0,
    lookEnd: 0,
    queue: new Int32Array(256),
    head: 0,
    tail: 0,
    queued: new Uint8Array(0),
    owesEndOfRib: false,
    owesRefreshEnd: false,
    count: 0,
  };
}

export function newRibPeer(index: number, name: string, facts: PeerFacts, policy: PeerPolicy): RibPeer {
  return {
    index,
    name,
    policy,
    facts,
    up: false,
    unfit: false,
    epoch: { ipv4: 0, ipv6: 0 },
    received: { ipv4: 0, ipv6: 0 },
    out: { ipv4: newAdjRibOut(), ipv6: newAdjRibOut() },
    warned: new Set(),
    imports: createPolicyCache(),
    exports: createPolicyCache(),
  };
}

/** The policy that counts: what is configured, or all on iBGP; absent: nothing passes. RFC 8212. */
export const effectivePolicy = (
  configured: CompiledPolicy | undefined,
  { ibgp }: PeerFacts,
): CompiledPolicy | undefined => configured ?? (ibgp ? ACCEPT_ALL : undefined);

/** Puts a prefix into the queue of what to look at for the peer. */
export function enqueue(out: AdjRibOut, prefix: number): void {
  if (prefix >= out.queued.length) {
    const wider = new Uint8Array(Math.max(256, out.queued.length * 2, prefix + 1));
    wider.set(out.queued);
    out.queued = wider;
  }
  if (out.queued[prefix] === 1) return;
  out.queued[prefix] = 1;
  if (out.tail === out.queue.length) makeRoom(out);
  out.queue[out.tail++] = prefix;
}

function makeRoom(out: AdjRibOut): void {
  const waiting = out.tail - out.head;
  const next = waiting * 2 > out.queue.length ? new Int32Array(out.queue.length * 2) : out.queue;
  next.set(out.queue.subarray(out.head, out.tail));
  out.queue = next;
  out.head = 0;
  out.tail = waiting;
}

/** Prefixes that wait to be looked at. */
export const queueLength = ({ lookAt, lookEnd, head, tail }: AdjRibOut): number =>
  lookEnd - lookAt + tail - head;

/** Whether prefixes wait to be looked at. */
export const hasQueue = (out: AdjRibOut): boolean => queueLength(out) > 0;

/** The next prefix to look at, or -1. */
export function dequeue(out: AdjRibOut): number {
  if (out.lookAt !== out.lookEnd) return out.lookAt++;
  if (out.head === out.tail) return -1;
  const prefix = out.queue[out.head++] as number;
  out.queued[prefix] = 0;
  if (out.head === out.tail) {
    out.head = 0;
    out.tail = 0;
  }
  return prefix;
}
