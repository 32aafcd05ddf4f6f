/**
 * What a packet of a flow did the last time, so that the next one need not find it out: a leg, from a guest
 * that sends to the guest that takes the packet in. Where a network is large, most of a packet's cost is in
 * reading from memory what decides about it: tries, rules, ENIs, guests. What a leg was is kept together.
 *
 * A leg is remembered where only the packet, the configuration and tracked flows decide about it: within a
 * VPC or over a peering connection, past security groups that track the flow, to a guest that keeps or
 * forwards it. It holds while nothing changes (`Epoch`), the sender does not ask for its neighbour's MAC
 * again, and the flow is tracked at both ENIs; its idle times begin anew as on the whole way. All else goes
 * the whole way each time: what is dropped, recorded, translated, in a tunnel, untracked, or past a gateway.
 */
import type { Instant } from '../../controller/base/time.ts';
import { find } from './address-map.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { type Guest, localScope } from './guest.ts';
import { deviceOf } from './guest-kernel.ts';
import { type Header, isUnspecified } from './header.ts';
import type { Port } from './nodes.ts';
import { refresh, trackedSlot } from './security.ts';

/** From ENI to ENI, to the guest that takes the packet in: to keep it, or to forward it. */
export interface Leg {
  readonly sender: Guest;
  readonly from: Port;
  readonly to: Port;
  readonly taker: Guest;
  readonly keeps: boolean;
}

/** Whoever sends; only legs of guests are remembered. */
type Sender = Guest | { readonly kind: 'host' };

/** A hash map with open addressing, of records of numbers and of legs. */
export interface FlowMemo {
  /** What all of it rests on: an epoch, and the slots of tracked flows, which move when their table grows. */
  epoch: number;
  tracked: Int32Array;
  /** A record of another round counts as empty. */
  round: number;
  used: number;
  mask: number;
  words: Int32Array;
  /** The same memory, for instants and MACs. */
  doubles: Float64Array;
  legs: (Leg | undefined)[];
  /** Legs that were gone by memory. */
  hits: number;
}

/** 32 words make a record: a key, then what follows from it. */
const RECORD_WORDS = 32;
const KEY_WORDS = 12;
const ROUND = 12;
const EGRESS_SLOT = 13;
const INGRESS_SLOT = 14;
/** Length of the longest packet that is known to pass, bytes. */
const LENGTH = 15;
/** The source address, which the sender may have chosen, and its next hop. */
const SOURCE = 16;
/** In doubles: until when the sender trusts the neighbour's MAC; the MACs of the frame. */
const RECORD_DOUBLES = 16;
const UNTIL = 12;
const SOURCE_MAC = 13;
const DESTINATION_MAC = 14;

const FIRST_SLOTS = 64;
/** 16 MiB, for 65,536 flows; above that it begins anew. */
const MOST_SLOTS = 131_072;

export function createFlowMemo(): FlowMemo {
  return {
    epoch: 0,
    tracked: new Int32Array(0),
    round: 1,
    used: 0,
    hits: 0,
    ...emptyRecords(FIRST_SLOTS),
  };
}

function emptyRecords(slots: number): Pick<FlowMemo, 'mask' | 'words' | 'doubles' | 'legs'> {
  const words = new Int32Array(slots * RECORD_WORDS);
  const doubles = new Float64Array(words.buffer);
  return { mask: slots - 1, words, doubles, legs: new Array<Leg | undefined>(slots).fill(undefined) };
}

/** The flow that was asked for last; UNFIT in the first word, where it is not to be remembered. */
const wanted = new Int32Array(KEY_WORDS);
const UNFIT = -1;

/**
 * All of a packet that may decide where it goes; of its TTL and length only what `recall` and the forwarding
 * guest look at. Once a flow is tracked, TCP flags decide nothing. The sender's number is read only where
 * nothing else tells its packets from those of others: among many, reading it costs more than the rest.
 */
function want(sender: Sender, h: Header): void {
  wanted[0] = isUnspecified(h) && sender.kind === 'guest' ? sender.number : 0;
  wanted[1] = h.protocol | (h.family === 6 ? 0x10000 : 0) | (h.dontFragment ? 0x20000 : 0);
  wanted[2] = (h.sourcePort << 16) | h.destinationPort;
  wanted[3] = h.s3;
  wanted[4] = h.d3;
  wanted[5] = (h.icmpType << 24) | (h.icmpCode << 16) | h.icmpId;
  wanted[6] = h.s0;
  wanted[7] = h.s1;
  wanted[8] = h.s2;
  wanted[9] = h.d0;
  wanted[10] = h.d1;
  wanted[11] = h.d2;
}

/** The slot of the wanted flow, or the empty slot where it would go. */
function slotOf({ words, legs, mask, round }: FlowMemo, sender: Sender): number {
  let slot = hashOf(wanted, 0) & mask;
  while (words[slot * RECORD_WORDS + ROUND] === round) {
    if (isWanted(words, slot * RECORD_WORDS) && legs[slot]?.sender === sender) return slot;
    slot = (slot + 1) & mask;
  }
  return slot;
}

function hashOf(key: Int32Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < KEY_WORDS; i++) {
    hash = Math.imul(hash ^ (key[at + i] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isWanted(words: Int32Array, at: number): boolean {
  for (let i = 0; i < KEY_WORDS; i++) if (words[at + i] !== wanted[i]) return false;
  return true;
}

/** Forgets everything where something has changed. */
function beCurrent(memo: FlowMemo, { epoch, flows }: Fabric): void {
  if (memo.epoch === epoch.number && memo.tracked === flows.keys) return;
  memo.epoch = epoch.number;
  memo.tracked = flows.keys;
  beginAnew(memo);
}

function beginAnew(memo: FlowMemo): void {
  memo.round++;
  memo.used = 0;
}

/**
 * The leg that the packet goes now, if it is remembered: `h` is as behind the crossing, but for the ENIs and
 * the next hop, and the flow's idle times have begun anew.
 */
export function recall(memo: FlowMemo, fabric: Fabric, sender: Sender, h: Header): Leg | undefined {
  wanted[0] = UNFIT;
  if (h.tunnel !== undefined || h.quoted !== undefined || h.ttl <= 0) return undefined;
  beCurrent(memo, fabric);
  want(sender, h);
  const slot = slotOf(memo, sender);
  const { words, doubles } = memo;
  const at = slot * RECORD_WORDS;
  const leg = memo.legs[slot];
  if (words[at + ROUND] !== memo.round || leg === undefined) return undefined;
  const egress = words[at + EGRESS_SLOT] ?? 0;
  const ingress = words[at + INGRESS_SLOT] ?? 0;
  const atDouble = slot * RECORD_DOUBLES;
  if (h.lengthBytes > (words[at + LENGTH] ?? 0) || h.now >= (doubles[atDouble + UNTIL] ?? 0))
    return undefined;
  if (!isLive(fabric, egress, h.now) || !isLive(fabric, ingress, h.now)) return undefined;
  if (egress >= 0) refresh(fabric, egress, h, 'egress');
  if (ingress >= 0) refresh(fabric, ingress, h, 'ingress');
  h.s0 = words[at + SOURCE] ?? 0;
  h.s1 = words[at + SOURCE + 1] ?? 0;
  h.s2 = words[at + SOURCE + 2] ?? 0;
  h.s3 = words[at + SOURCE + 3] ?? 0;
  h.sourceMac = doubles[atDouble + SOURCE_MAC] ?? 0;
  h.destinationMac = doubles[atDouble + DESTINATION_MAC] ?? 0;
  h.from = undefined;
  h.to = undefined;
  h.router = undefined;
  h.untracked = false;
  h.alwaysTracked = false;
  memo.hits++;
  return leg;
}

/** An ENI without security groups tracks nothing: a slot below 0. */
const isLive = ({ flows }: Fabric, slot: number, now: Instant): boolean =>
  slot < 0 || (flows.expiresAt[slot] ?? 0) > now;

/**
 * Remembers the leg that `h` has just gone from `sender`, for which `recall` knew none, to `taker`, where it
 * may be remembered; `taken` is what `input` said.
 */
export function remember(
  memo: FlowMemo,
  fabric: Fabric,
  sender: Guest,
  taker: Guest,
  h: Header,
  taken: number,
): void {
  const { from, to } = h;
  if (wanted[0] === UNFIT || from === undefined || to === undefined) return;
  if (taken !== 0 && taken !== CODE.DELIVERED) return;
  if (h.untracked || h.alwaysTracked || mayTranslate(sender) || mayTranslate(taker)) return;
  if ((sender.profile.tunnels?.length ?? 0) > 0) return;
  const scope = localScope(h.family);
  const neighbours = deviceOf(sender, from)?.neighbours;
  const neighbour = neighbours && find(neighbours, scope, h.n0, h.n1, h.n2, h.n3);
  const egress = trackedSlot(fabric, from, h, 'egress');
  const ingress = trackedSlot(fabric, to, h, 'ingress');
  if (neighbour === undefined || egress === undefined || ingress === undefined) return;
  beCurrent(memo, fabric);
  const slot = roomFor(memo, sender);
  const { words, doubles } = memo;
  const at = slot * RECORD_WORDS;
  for (let i = 0; i < KEY_WORDS; i++) words[at + i] = wanted[i] ?? 0;
  words[at + ROUND] = memo.round;
  words[at + EGRESS_SLOT] = egress;
  words[at + INGRESS_SLOT] = ingress;
  words[at + LENGTH] = h.lengthBytes;
  words[at + SOURCE] = h.s0;
  words[at + SOURCE + 1] = h.s1;
  words[at + SOURCE + 2] = h.s2;
  words[at + SOURCE + 3] = h.s3;
  const atDouble = slot * RECORD_DOUBLES;
  doubles[atDouble + UNTIL] = neighbour.learnedAt + fabric.settings.neighbourLifetimeMs;
  doubles[atDouble + SOURCE_MAC] = h.sourceMac;
  doubles[atDouble + DESTINATION_MAC] = h.destinationMac;
  memo.legs[slot] = { sender, from, to, taker, keeps: taken === CODE.DELIVERED };
}

const mayTranslate = ({ profile, nat }: Guest): boolean => profile.masquerade.length > 0 || nat.back.used > 0;

/** The slot for the wanted flow; at most half of the slots are used. */
function roomFor(memo: FlowMemo, sender: Guest): number {
  const known = slotOf(memo, sender);
  if (memo.words[known * RECORD_WORDS + ROUND] === memo.round) return known;
  const isFull = 2 * memo.used > memo.mask;
  if (isFull && memo.mask + 1 < MOST_SLOTS) grow(memo);
  else if (isFull) beginAnew(memo);
  memo.used++;
  return isFull ? slotOf(memo, sender) : known;
}

/** Twice the slots, with the same records. */
function grow(memo: FlowMemo): void {
  const { words, legs, round } = memo;
  Object.assign(memo, emptyRecords(2 * legs.length));
  for (let slot = 0; slot < legs.length; slot++) {
    const at = slot * RECORD_WORDS;
    if (words[at + ROUND] !== round) continue;
    let to = hashOf(words, at) & memo.mask;
    while (memo.words[to * RECORD_WORDS + ROUND] === round) to = (to + 1) & memo.mask;
    memo.words.set(words.subarray(at, at + RECORD_WORDS), to * RECORD_WORDS);
    memo.legs[to] = legs[slot];
  }
}
