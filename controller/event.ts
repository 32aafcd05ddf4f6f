/**
 * The seam: all that can happen to a node (Event) and all that a node can do (Effect). Read this first.
 *
 *     step(node, event, now) -> { node, effects }        nextDeadline(node) -> Instant | undefined
 *
 * Drivers journal an event before they run its effects, run effects in order, and send `{kind: 'deadline'}`
 * when the earliest deadline has passed. Every effect that takes time ends in exactly one event that carries
 * its id.
 */
import type { Instant } from './base/time.ts';
import type { BfdChange, BfdEvent } from './bfd/event.ts';
import type { RouteChange, SessionChange, SpeakerInput } from './bgp/event.ts';
import type { Config, ProbeConfig } from './config.ts';
import type { Call, Outcome } from './ec2/call.ts';
import type { LeaseCall, LeaseOutcome } from './lease/call.ts';

/**
 * What a probe found. `silent` says nothing about the target (its daemon is absent, the probe could not be
 * sent).
 */
export type ProbeResult =
  | ({ readonly kind: 'up'; readonly rttMs: number } & ToldOthers)
  | ({ readonly kind: 'down'; readonly reason: string } & ToldOthers)
  | { readonly kind: 'silent'; readonly reason: string };

/** What a daemon that was asked says of appliances, beside the health of its own. */
export interface ToldOthers {
  /** Those that it finds dead itself. */
  readonly dead?: readonly string[];
  /** Those that are to be emptied, as operators told it. */
  readonly drained?: readonly string[];
  /** Groups that its own appliance has. */
  readonly owns?: readonly string[];
  /** How many neighbors its own appliance announces its routes to. */
  readonly serves?: number;
}

/** The same, from the answer of a daemon at its health address. */
export function toldBy(body: string): ToldOthers {
  try {
    const word: unknown = JSON.parse(body);
    const said = (key: keyof ToldOthers): unknown =>
      typeof word === 'object' && word !== null ? Reflect.get(word, key) : undefined;
    const names = (key: 'dead' | 'drained' | 'owns'): ToldOthers => {
      const list = said(key);
      return Array.isArray(list) ? { [key]: list.filter((name) => typeof name === 'string') } : {};
    };
    const serves = said('serves');
    return {
      ...names('dead'),
      ...names('drained'),
      ...names('owns'),
      ...(typeof serves === 'number' ? { serves } : {}),
    };
  } catch {
    // Something else than a daemon answers there.
    return {};
  }
}

/** What an operator asks of a running daemon through its socket. */
export type Command =
  | { readonly kind: 'status' }
  /** With `forMs` the group then stays there for so long, while that appliance is healthy. */
  | {
      readonly kind: 'switchover';
      readonly group: string;
      readonly to: string;
      readonly forMs?: number | undefined;
    }
  /** An appliance is to be emptied, and may be used again. */
  | { readonly kind: 'drain' | 'undrain'; readonly appliance: string }
  /** The machine is about to stop: the own appliance is emptied, until the daemon starts anew. */
  | { readonly kind: 'leave' }
  /** A group is left alone, or all are, for a time or until told otherwise; and not any more. */
  | { readonly kind: 'pause'; readonly group?: string | undefined; readonly forMs?: number | undefined }
  | { readonly kind: 'resume'; readonly group?: string | undefined }
  /** What would be done, and how long it would take, if `fail` died; `to`: who takes over. */
  | { readonly kind: 'plan'; readonly group: string; readonly fail: string; readonly to?: string | undefined }
  /** An input for the BGP speaker: clear, shutdown, drain and the like. */
  | { readonly kind: 'bgp'; readonly input: SpeakerInput };

/**
 * One change to the network settings of the guest that the daemon runs in; a device is named by its MAC
 * address. Each is idempotent: adding what is there and removing what is not are done at once.
 */
export type GuestChange =
  | { readonly kind: 'link-up'; readonly mac: string }
  | {
      readonly kind: 'address-add' | 'address-remove';
      readonly mac: string;
      readonly address: string;
      readonly length: number;
    }
  | {
      readonly kind: 'route-add' | 'route-remove';
      readonly mac: string;
      readonly table: number;
      readonly destination: string;
      /** Next hop; absent for an on-link route. */
      readonly via?: string;
    }
  | { readonly kind: 'rule-add' | 'rule-remove'; readonly from: string; readonly table: number }
  /** 0 off, 1 strict, 2 loose; RFC 3704. */
  | { readonly kind: 'rp-filter'; readonly mac: string; readonly mode: 0 | 1 | 2 };

/** A route of ours in the kernel: more than one next hop is ECMP. */
export interface KernelRoute {
  readonly prefix: string;
  readonly nextHops: readonly { readonly address: string; readonly weight: number }[];
}

/** `apply` replaces the routes in `set` and removes the prefixes in `remove`; each is idempotent. */
export type KernelChange =
  | { readonly kind: 'list' }
  | { readonly kind: 'apply'; readonly set: readonly KernelRoute[]; readonly remove: readonly string[] };

export type HookName = 'on-own' | 'on-lose' | 'on-fail';

export type Event =
  /**
   * First event of a run; `memory` is what an earlier run of this daemon left in its journal, `wallOffsetMs`
   * as in `wall`.
   */
  | { readonly kind: 'start'; readonly memory?: Memory; readonly wallOffsetMs?: number }
  /** What is wrong with what the driver has for calls: credentials, addresses. All of it, when it changes. */
  | { readonly kind: 'surroundings'; readonly problems: readonly string[] }
  /** What the clock that people read shows, less this run's instants, ms: it is 0 until told otherwise. */
  | { readonly kind: 'wall'; readonly offsetMs: number }
  | { readonly kind: 'deadline' }
  | {
      readonly kind: 'probe-result';
      readonly probe: string;
      readonly round: number;
      readonly result: ProbeResult;
    }
  | { readonly kind: 'ec2-outcome'; readonly request: number; readonly outcome: Outcome }
  | { readonly kind: 'lease-outcome'; readonly request: number; readonly outcome: LeaseOutcome }
  | { readonly kind: 'guest-outcome'; readonly request: number; readonly failure?: string }
  | { readonly kind: 'hook-outcome'; readonly request: number; readonly failure?: string }
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  /** The BFD machine says that a session changed; packets stay with it. */
  | { readonly kind: 'bfd-state'; readonly change: BfdChange }
  /**
   * The BGP speaker says that a session came or went, and which best paths changed; messages stay with it.
   */
  | { readonly kind: 'bgp-session'; readonly change: SessionChange }
  | { readonly kind: 'bgp-routes'; readonly changes: readonly RouteChange[] }
  /**
   * A change of kernel routes is done; `installed` answers `list`. `refused`: prefixes that the kernel did
   * not take, each with a sentence, while all others are done; `failure`: what was done is not known.
   */
  | {
      readonly kind: 'kernel-outcome';
      readonly request: number;
      readonly installed?: readonly KernelRoute[];
      readonly refused?: Readonly<Record<string, string>>;
      readonly failure?: string;
    }
  /** A configuration that replaces the running one; it has been validated. */
  | { readonly kind: 'configured'; readonly config: Config }
  | { readonly kind: 'stop' };

export type Effect =
  | { readonly kind: 'probe'; readonly probe: string; readonly round: number; readonly spec: ProbeConfig }
  | { readonly kind: 'ec2-call'; readonly request: number; readonly call: Call }
  /** A request to the store of leases; its outcome is unknown after `timeoutMs`. */
  | {
      readonly kind: 'lease-call';
      readonly request: number;
      readonly call: LeaseCall;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'guest'; readonly request: number; readonly changes: readonly GuestChange[] }
  /** For the BGP speaker beside the node. */
  | { readonly kind: 'bgp'; readonly input: SpeakerInput }
  /** For the BFD machine: sessions that no BGP neighbor asks for. */
  | { readonly kind: 'bfd'; readonly event: Extract<BfdEvent, { kind: 'open' | 'close' | 'admin' }> }
  /** Routes in this machine's kernel, in the table and with the protocol number that are configured. */
  | { readonly kind: 'kernel'; readonly request: number; readonly change: KernelChange }
  | {
      readonly kind: 'hook';
      readonly request: number;
      readonly hook: HookName;
      readonly group: string;
      readonly detail: string;
    }
  /** The answer to a command; `body` is JSON. */
  | { readonly kind: 'reply'; readonly id: number; readonly ok: boolean; readonly body: unknown }
  /**
   * What the node says to those who ask, served at its health address: of its own appliance and the groups
   * that this has, which others its own probes find dead, and which are to be emptied by its own orders.
   */
  | ({ readonly kind: 'own-word' } & OwnWord)
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      /** One sentence: what was decided or seen, and why. */
      readonly text: string;
      /**
       * A stable name for timelines: e.g. `evidence`, `verdict`, `decision`, `call`, `owned`,
       * `route-in-effect`.
       */
      readonly topic: string;
      readonly fields?: Readonly<Record<string, string | number | boolean>>;
    }
  /** The node has left cleanly; the driver ends. */
  | { readonly kind: 'stopped' };

export interface OwnWord extends Required<ToldOthers> {
  readonly healthy: boolean;
  readonly reason: string;
}

/** What must survive a restart of the daemon: it is taken from the journal, never from guesses. */
export interface Memory {
  readonly groups: Readonly<Record<string, GroupMemory>>;
  /** Routes that route sync made: the ENI that each was written to last, by table and destination. */
  readonly routes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What operators want until they say otherwise. */
  readonly orders?: Orders;
}

/** A group, or all, that is left alone; absent `until`: until an operator says otherwise. */
export interface Pause {
  readonly since: Instant;
  readonly until?: Instant;
}

/** What operators want of this node for a time. */
export interface Orders {
  /** Appliances that are being emptied, and since when. */
  readonly drained: Readonly<Record<string, Instant>>;
  /** Since when the own appliance is about to stop; not remembered. */
  readonly leaving?: Instant;
  readonly pausedAll?: Pause;
  /** By group. */
  readonly paused: Readonly<Record<string, Pause>>;
  /** By group: the appliance that it stays with while that is healthy. */
  readonly pinned: Readonly<Record<string, { readonly to: string; readonly until: Instant }>>;
}

export interface GroupMemory {
  /** Whether this node's appliance owned the group and had said so. */
  readonly owned: boolean;
  /** When this node's appliance last lost the group, and to whom; absent once it has owned it again. */
  readonly lost?: { readonly at: number; readonly to: string; readonly seenHealthy: boolean };
  /**
   * Instants of recent moves, for damping. Comparable with those of the next run: production's read like Unix
   * time.
   */
  readonly moves: readonly number[];
}
