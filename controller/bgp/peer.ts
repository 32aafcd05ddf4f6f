/**
 * What a speaker knows of its peers and their connections: plain records, mutated by `session.ts` and the
 * files beside it alone. A peer has one machine of RFC 4271 8.2.1 that dials and listens, and a second while
 * two connections exist.
 */
import { formatAddress, parseAddress } from '../base/ip.ts';
import type { Instant } from '../base/time.ts';
import type { NextHop } from '../wire/attribute.ts';
import type { Notification } from '../wire/notification.ts';
import type { Open } from '../wire/open.ts';
import type { SessionChange, SpeakerEffect } from './event.ts';
import type { FsmState } from './fsm.ts';
import type { Deferral } from './graceful.ts';
import type { ExpectedAs, Negotiated, Offer } from './negotiate.ts';
import type { DynamicOptions, Family, PeerOptions, SpeakerOptions } from './options.ts';
import type { CompiledPolicy } from './policy.ts';
import type { RibPeer } from './rib-peer.ts';
import type { Rib } from './rib-state.ts';
import type { Timers } from './timers.ts';

/** One finite state machine and its connection. */
export interface Machine {
  state: FsmState;
  /** The number of its TCP connection, made or being made. */
  connection?: number;
  /** Whether we opened that. */
  dialed: boolean;
  local: string;
  connectedAt: Instant;
  readonly timers: Timers;
  /** The OPEN that we sent, and the neighbor's. */
  offered?: Offer;
  open?: Open;
  session?: Negotiated;
  /** The neighbor's OPEN is good, and waits for BFD. */
  held: boolean;
  /** A KEEPALIVE came while it was held. */
  heldKeepalive: boolean;
  /** Bytes that are not worked off: a first piece, and what came after. */
  input: Uint8Array;
  readonly queue: Uint8Array[];
  queued: number;
  lastReceivedAt: Instant;
  /** The Hold Timer has been given more time once, because we were late ourselves. */
  graced: boolean;
  /** Something was sent that has not left. */
  inFlight: boolean;
}

/** Timers of a peer beside those of its machines. */
export type PeerTimer =
  | 'IdleHoldTimer'
  /** Routes are kept for a neighbor that is away. RFC 4724 4.2. */
  | 'RestartTimer'
  /** Routes are kept for a neighbor that is back and has not said all. RFC 4724 4.2, RFC 7313 4. */
  | 'StaleTimer'
  /** A session that a limit stopped may come back. */
  | 'LimitTimer';

export interface Counters {
  readonly received: Record<MessageName, number>;
  readonly sent: Record<MessageName, number>;
  /** UPDATEs whose routes counted as withdrawn, and attributes left out. RFC 7606. */
  treatedAsWithdraw: number;
  attributesDiscarded: number;
}

export type MessageName = 'open' | 'update' | 'notification' | 'keepalive' | 'routeRefresh';

export interface LastError {
  readonly at: Instant;
  readonly text: string;
  readonly notification?: Notification;
}

export interface Peer {
  readonly name: string;
  readonly address: string;
  options: PeerOptions;
  expectedAs: ExpectedAs;
  /** Came by itself, under these options. */
  dynamic?: DynamicOptions;
  main: Machine;
  second?: Machine;
  /** Why it stays down, in words; absent: it may start. */
  blocked?: { readonly kind: 'shutdown' | 'limit'; readonly why: string };
  readonly timers: Timers<PeerTimer>;
  /** RFC 4271 8. */
  connectRetryCounter: number;
  /** Ends in a row without a session that was stable. */
  oscillations: number;
  /** Capabilities that the neighbor refused. RFC 5492 5. */
  readonly refused: Set<number>;
  rib?: RibPeer;
  /** Families whose routes are, at least in part, stale; and what they are kept for. */
  readonly stale: Set<Family>;
  /** Families that the neighbor sends again, from BoRR to EoRR. RFC 7313 4. */
  readonly refreshing: Set<Family>;
  /** Stale routes are kept until somebody decides. */
  asked: boolean;
  bfd: 'unknown' | 'up' | 'down' | 'admin-down';
  bfdOpen: boolean;
  establishedAt?: Instant;
  changedAt: Instant;
  /** How often an Established session was lost, and whether there ever was one. */
  flaps: number;
  hasBeenUp: boolean;
  readonly counters: Counters;
  lastSent?: LastError;
  lastReceived?: LastError;
  /** The last change, with its reason. */
  lastChange?: SessionChange;
  /** When a line about faulty UPDATEs may be logged again, and how many were not. */
  complainAt: Instant;
  uncomplained: number;
}

export interface Speaker {
  options: SpeakerOptions;
  bgpId: number;
  readonly random: () => number;
  readonly rib: Rib;
  readonly peers: Map<string, Peer>;
  readonly byAddress: Map<string, Peer>;
  /** Whose connection a number is. */
  readonly connections: Map<number, { readonly peer: Peer; readonly machine: Machine }>;
  readonly policies: Map<string, CompiledPolicy>;
  nextConnection: number;
  /** As the driver told them; absent: it has not. */
  interfaces?: readonly (readonly string[])[];
  isStarted: boolean;
  isStopped: boolean;
  /** Our own restart, while it lasts. RFC 4724 4.1. */
  deferral?: Deferral;
  /** This run follows an earlier one whose forwarding goes on. */
  hasRestarted: boolean;
  /** Peers take turns when not all can be served in one step. */
  turn: number;
  /** When the last step was. */
  now: Instant;
  /** Of the present step. */
  effects: SpeakerEffect[];
}

export const newMachine = (now: Instant): Machine => ({
  state: 'Idle',
  dialed: false,
  local: '',
  connectedAt: now,
  timers: {},
  held: false,
  heldKeepalive: false,
  input: NO_BYTES,
  queue: [],
  queued: 0,
  lastReceivedAt: now,
  graced: false,
  inFlight: false,
});

export const NO_BYTES = new Uint8Array(0);

const noMessages = (): Record<MessageName, number> => ({
  open: 0,
  update: 0,
  notification: 0,
  keepalive: 0,
  routeRefresh: 0,
});

export function newPeer(
  name: string,
  address: string,
  options: PeerOptions,
  expectedAs: ExpectedAs,
  now: Instant,
): Peer {
  return {
    name,
    address,
    options,
    expectedAs,
    main: newMachine(now),
    timers: {},
    connectRetryCounter: 0,
    oscillations: 0,
    refused: new Set(),
    stale: new Set(),
    refreshing: new Set(),
    asked: false,
    bfd: 'unknown',
    bfdOpen: false,
    changedAt: now,
    flaps: 0,
    hasBeenUp: false,
    counters: { received: noMessages(), sent: noMessages(), treatedAsWithdraw: 0, attributesDiscarded: 0 },
    complainAt: now,
    uncomplained: 0,
  };
}

/** The machines of a peer: one, or two. */
export const machinesOf = ({ main, second }: Peer): readonly Machine[] =>
  second === undefined ? [main] : [main, second];

/** The machine in Established, if there is one. */
export const establishedOf = (peer: Peer): Machine | undefined =>
  machinesOf(peer).find(({ state }) => state === 'Established');

/** The canonical text of an address; an IPv4 address inside IPv6 is that IPv4 address. */
export function canonical(text: string): string {
  const bare = text.toLowerCase().startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text;
  const parsed = parseAddress(bare);
  return parsed.ok ? formatAddress(parsed.value) : text;
}

/** A dotted quad as a number. RFC 6286. */
export function bgpIdOf(text: string): number {
  const parsed = parseAddress(text);
  return parsed.ok && parsed.value.family === 4 ? parsed.value.words[3] : 0;
}

/** An address as the RIB wants it; without its zone. */
export function hopOf(text: string): NextHop {
  const parsed = parseAddress(text.split('%')[0] ?? text);
  if (!parsed.ok) return { family: 'ipv4', words: [0, 0, 0, 0] };
  return { family: parsed.value.family === 4 ? 'ipv4' : 'ipv6', words: parsed.value.words };
}

export const formatBgpId = (id: number): string => formatAddress({ family: 4, words: [0, 0, 0, id] });

/** Adds a line to the log. */
export function say(
  speaker: Speaker,
  level: 'debug' | 'info' | 'warn' | 'error',
  text: string,
  peer?: Peer,
): void {
  const about = peer === undefined ? {} : { peer: peer.name };
  speaker.effects.push({ kind: 'log', level, text, ...about });
}
