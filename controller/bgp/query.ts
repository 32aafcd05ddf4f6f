/**
 * What a speaker tells about itself: plain objects that can become JSON or tables. It changes nothing, and
 * secrets are no part of any answer.
 */
import type { Instant, Millis } from '../base/time.ts';
import type { FsmState } from './fsm.ts';
import type { Negotiated } from './negotiate.ts';
import type { Family, Role } from './options.ts';
import {
  type Counters,
  establishedOf,
  formatBgpId,
  type LastError,
  type Machine,
  machinesOf,
  type Peer,
  type Speaker,
} from './peer.ts';
import { countStale } from './rib.ts';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** All of a speaker at a glance. */
export interface Summary {
  readonly as: number;
  readonly routerId: string;
  readonly state: 'not started' | 'running' | 'restarting' | 'stopped';
  /** Restarting only: who has not sent End-of-RIB. RFC 4724 4.1. */
  readonly awaited?: readonly string[];
  /** RFC 8326, or all routes withdrawn. */
  readonly drain: 'graceful-shutdown' | 'withdraw' | 'none';
  /** Prefixes with a best path, and paths. */
  readonly routes: Readonly<Record<Family, { readonly prefixes: number; readonly paths: number }>>;
  readonly peers: readonly PeerSummary[];
}

export interface PeerSummary {
  readonly name: string;
  readonly address: string;
  /**
   * The neighbor's AS: as negotiated, or as configured; ranges for a dynamic neighbor that has not said it.
   */
  readonly as: number | string;
  readonly state: FsmState;
  /** How long it is, or is not, Established. */
  readonly forMs: Millis;
  /** Why it stays down: an operator, or a limit. */
  readonly blocked?: string;
  readonly bfd?: Peer['bfd'];
  /** Paths held of it, and prefixes sent to it, by family. */
  readonly received: Readonly<Record<Family, number>>;
  readonly sent: Readonly<Record<Family, number>>;
  /** How often an Established session was lost. */
  readonly flaps: number;
  /** Routes of an earlier session that are kept. */
  readonly stale: boolean;
  /** Whether its routes are used last, as it does not forward. */
  readonly unfit: boolean;
  /** What ended the last session, or began the present one. */
  readonly reason?: string;
}

/** A peer in every detail. */
export interface Neighbor extends PeerSummary {
  readonly dynamic?: string;
  readonly localAddress?: string;
  readonly localAs: number;
  readonly bgpId?: string;
  readonly ibgp?: boolean;
  readonly dialed?: boolean;
  readonly policies: { readonly import: string; readonly export: string };
  readonly negotiated?: Agreed;
  /** Timers that run, ms from now. */
  readonly timers: Readonly<Record<string, Millis>>;
  readonly messages: Counters;
  /** Why it last ended, each way. */
  readonly lastSent?: Told;
  readonly lastReceived?: Told;
  readonly stalePaths: Readonly<Record<Family, number>>;
  /** Starts that failed in a row: each doubles the wait of peer oscillation damping. */
  readonly oscillations: number;
  readonly connectRetryCounter: number;
  /** RFC 5492 5: capabilities left out because the neighbor refused them. */
  readonly refusedCapabilities: readonly number[];
  readonly security: { readonly md5: boolean; readonly gtsmHops?: number };
  /** A second connection, while two exist. RFC 4271 6.8. */
  readonly second?: FsmState;
}

/** What both sides came to. */
export interface Agreed {
  readonly holdTimeS: number;
  readonly families: readonly Family[];
  readonly as4: boolean;
  readonly extendedMessages: boolean;
  readonly extendedNextHop: boolean;
  readonly routeRefresh: 'enhanced' | 'plain' | 'none';
  readonly addPath: { readonly receive: readonly Family[]; readonly send: readonly Family[] };
  readonly role?: Role;
  readonly bfdStrict: boolean;
  readonly gracefulRestart?: {
    /** What the neighbor asks us to wait, s. */
    readonly timeS: number;
    readonly restarting: boolean;
    /** RFC 8538 on both sides. */
    readonly notification: boolean;
    /** Families that it can restart, and whether it kept forwarding them. */
    readonly families: Partial<Readonly<Record<Family, { readonly forwarding: boolean }>>>;
  };
}

export interface Told {
  readonly agoMs: Millis;
  readonly text: string;
}

/** The speaker and all its peers. */
export function summary(speaker: Speaker, now: Instant): Summary {
  const { options, rib, deferral } = speaker;
  const routesOf = (family: Family) => ({
    prefixes: rib.families[family].reachable,
    paths: rib.families[family].paths.live,
  });
  const state = speaker.isStopped
    ? 'stopped'
    : !speaker.isStarted
      ? 'not started'
      : deferral === undefined
        ? 'running'
        : 'restarting';
  return {
    as: options.as,
    routerId: options.routerId,
    state,
    ...(deferral === undefined ? {} : { awaited: [...deferral.awaited.keys()] }),
    drain: rib.drain,
    routes: { ipv4: routesOf('ipv4'), ipv6: routesOf('ipv6') },
    peers: [...speaker.peers.values()].map((peer) => summaryOf(peer, now)),
  };
}

/** The machine that has come furthest. */
const leaderOf = (peer: Peer): Machine => establishedOf(peer) ?? peer.main;

function summaryOf(peer: Peer, now: Instant): PeerSummary {
  const machine = leaderOf(peer);
  const { expectedAs: expected, blocked, rib } = peer;
  const configured =
    typeof expected === 'number' ? expected : expected.map(({ from, to }) => `${from}-${to}`).join(', ');
  const isUp = machine.state === 'Established';
  const count = (family: Family): number => rib?.received[family] ?? 0;
  const sent = (family: Family): number => (isUp ? (rib?.out[family].count ?? 0) : 0);
  return {
    name: peer.name,
    address: peer.address,
    as: machine.session?.as ?? configured,
    state: machine.state,
    forMs: now - (isUp ? (peer.establishedAt ?? now) : peer.changedAt),
    ...(blocked === undefined ? {} : { blocked: blocked.why }),
    ...(peer.options.bfd === undefined ? {} : { bfd: peer.bfd }),
    received: { ipv4: count('ipv4'), ipv6: count('ipv6') },
    sent: { ipv4: sent('ipv4'), ipv6: sent('ipv6') },
    flaps: peer.flaps,
    stale: peer.stale.size > 0,
    unfit: peer.rib?.unfit === true,
    ...(peer.lastChange === undefined ? {} : { reason: peer.lastChange.reason }),
  };
}

/** One peer by name or address; absent where there is none. */
export function neighbor(speaker: Speaker, nameOrAddress: string, now: Instant): Neighbor | undefined {
  const peer = speaker.peers.get(nameOrAddress) ?? speaker.byAddress.get(nameOrAddress);
  if (peer === undefined) return undefined;
  const machine = leaderOf(peer);
  const { options, rib, lastSent, lastReceived } = peer;
  const { session } = machine;
  const stale = (family: Family): number => (rib === undefined ? 0 : countStale(speaker.rib, rib, family));
  const byDefault = session?.ibgp === true ? 'all (iBGP)' : 'none (RFC 8212)';
  return {
    ...summaryOf(peer, now),
    ...(peer.dynamic === undefined ? {} : { dynamic: peer.dynamic.name }),
    ...(machine.local === '' ? {} : { localAddress: machine.local }),
    localAs: options.localAs ?? speaker.options.as,
    ...(session === undefined ? {} : { bgpId: formatBgpId(session.bgpId), ibgp: session.ibgp }),
    ...(machine.connection === undefined ? {} : { dialed: machine.dialed }),
    policies: { import: options.importPolicy ?? byDefault, export: options.exportPolicy ?? byDefault },
    ...(session === undefined ? {} : { negotiated: agreedOf(session) }),
    timers: timersOf(peer, now),
    messages: structuredClone(peer.counters),
    ...(lastSent === undefined ? {} : { lastSent: told(lastSent, now) }),
    ...(lastReceived === undefined ? {} : { lastReceived: told(lastReceived, now) }),
    stalePaths: { ipv4: stale('ipv4'), ipv6: stale('ipv6') },
    oscillations: peer.oscillations,
    connectRetryCounter: peer.connectRetryCounter,
    refusedCapabilities: [...peer.refused],
    security: {
      md5: options.password !== undefined,
      ...(options.gtsmHops === undefined ? {} : { gtsmHops: options.gtsmHops }),
    },
    ...(peer.second === undefined ? {} : { second: peer.second.state }),
  };
}

const told = ({ at, text }: LastError, now: Instant): Told => ({ agoMs: now - at, text });

function timersOf(peer: Peer, now: Instant): Record<string, Millis> {
  const left: Record<string, Millis> = {};
  for (const timers of [...machinesOf(peer).map((machine) => machine.timers), peer.timers]) {
    for (const [name, at] of Object.entries(timers)) {
      if (at !== undefined) left[name] = Math.min(left[name] ?? Infinity, at - now);
    }
  }
  return left;
}

function agreedOf(session: Negotiated): Agreed {
  const { addPathIn, addPathOut, gracefulRestart: restart, role } = session;
  return {
    holdTimeS: session.holdTimeS,
    families: session.families,
    as4: session.as4,
    extendedMessages: session.extendedMessages,
    extendedNextHop: session.extendedNextHop,
    routeRefresh: session.enhancedRouteRefresh ? 'enhanced' : session.routeRefresh ? 'plain' : 'none',
    addPath: {
      receive: FAMILIES.filter((family) => addPathIn[family]),
      send: FAMILIES.filter((family) => addPathOut[family]),
    },
    ...(role === undefined ? {} : { role }),
    bfdStrict: session.bfdStrict,
    ...(restart === undefined
      ? {}
      : {
          gracefulRestart: {
            timeS: restart.timeS,
            restarting: restart.restarting,
            notification: session.gracefulNotification,
            families: restart.families,
          },
        }),
  };
}
