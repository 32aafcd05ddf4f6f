/**
 * What a node remembers of one group: who owned it, what it is doing about it, and what it has decided. Plain
 * data.
 */
import type { Instant } from '../base/time.ts';
import type { ObservedEni } from '../ec2/call.ts';
import type { GroupMemory, Memory } from '../event.ts';

/** Why a group is moved. */
export type Cause = 'takeover' | 'completion' | 'failback' | 'switchover' | 'drain';

/** One write of an operation, by the name of its part; an ENI's have `detach`, `force` or `attach` added. */
export interface Step {
  /** `halfway`: answered, and another write has to follow. */
  readonly state: 'sent' | 'halfway' | 'ok' | 'unknown' | 'refused' | 'failed';
  /** Times it was sent. */
  readonly attempts: number;
  readonly sentAt: Instant;
  /** The last request number when it ended: what is seen after it shows what it did. */
  readonly endedAfter?: number;
  /** Not again before. */
  readonly notBefore: Instant;
  /** Looks at EC2 since that did not show it, although it was confirmed. */
  readonly mismatches: number;
  /** The last look that was judged. */
  readonly judged: number;
  /** What a refusal said. */
  readonly error?: string;
  /** Whether the part has to be made, or taken from where it is, whatever the last look said. */
  readonly instead?: 'create' | 'replace';
}

/** How far the move of an ENI has come. */
export interface EniProgress {
  readonly detachSince?: Instant;
  /** The attachment that it set out to end. */
  readonly detaches?: string;
  /** The last look that was judged, and the time to the next. */
  readonly looked?: number;
  readonly pollMs?: number;
}

/** Taking the owner out of use before its group is moved. */
export interface Fencing {
  readonly since: Instant;
  /** When EC2 had shown that it is out of use. */
  readonly doneAt?: Instant;
  /** The look that is under way, and when the next is due. */
  readonly looking?: number;
  readonly lookAt: Instant;
  /** What the last look showed; `gone`: there is no such instance. */
  readonly found?:
    | { readonly kind: 'instance'; readonly state: string }
    | { readonly kind: 'eni'; readonly attachment?: NonNullable<ObservedEni['attachment']> };
  /** Whether people have been told that it takes too long. */
  readonly late?: true;
}

/** How long a symmetric set was half moved, ms, before `since`; from when on it is again. */
export interface Half {
  readonly ms: number;
  readonly since?: Instant;
}

/** A move under way. */
export interface Operation {
  readonly to: string;
  /** The owner that it is taken from, where there was one. */
  readonly from?: string;
  readonly cause: Cause;
  readonly reason: string;
  readonly startedAt: Instant;
  /** The command that asked for it. */
  readonly command?: number;
  readonly steps: Readonly<Record<string, Step>>;
  readonly fencing?: Fencing;
  /** When the first route was written for certain, or else all was done: from when on traffic may arrive. */
  readonly effectiveAt?: Instant;
  /** Whether traffic by way of the target is being waited for since. */
  readonly watched?: true;
  readonly enis?: Readonly<Record<string, EniProgress>>;
  /** By symmetric set. */
  readonly halves?: Readonly<Record<string, Half>>;
  /** It puts back a move to this member that was left half done; a look after that request shows how far. */
  readonly back?: { readonly to: string; readonly why: string; readonly after: number };
  /** Whether people have been told that it does not succeed. */
  readonly alarmed?: true;
}

/** A finished move, for people. */
export interface Move {
  readonly at: Instant;
  readonly from: string;
  readonly to: string;
  readonly cause: Cause;
  readonly tookMs: number;
  /** How long a symmetric set of its paths was half moved, ms; absent where none was. */
  readonly asymmetricMs?: number;
  /** How much of it the fence took. */
  readonly fencedMs?: number;
  readonly result: 'done' | 'failed' | 'yielded' | 'cancelled';
  readonly detail: string;
}

/** Settings of the guest that follow an ENI. */
export interface GuestWork {
  readonly what: 'own' | 'lose';
  readonly state: 'due' | 'sent';
  readonly notBefore: Instant;
  readonly attempts: number;
}

export interface GroupState {
  /** The last member that was seen to own all of it. */
  readonly owner?: string;
  /** Whether an owner was seen in this run. */
  readonly ownerSeen: boolean;
  /** Whether this node's appliance owns it and has said so (hooks, guest). */
  readonly announced: boolean;
  /** This node's appliance lost it: it must see the winner healthy, and then dead, to take it over again. */
  readonly lost?: { readonly at: Instant; readonly to: string; readonly seenHealthy: boolean };
  /** A loss that one look at EC2 showed: the next one confirms it. */
  readonly lossSeen?: { readonly to: string; readonly seen: number };
  /** When this node began its moves of the group: for damping. */
  readonly moves: readonly Instant[];
  /** Since when it has been in transition in the present way. */
  readonly unowned?: { readonly as: string; readonly since: Instant };
  readonly operation?: Operation;
  readonly switchover?: { readonly command: number; readonly to: string; readonly at: Instant };
  /** After a refusal for good, nothing is tried before. */
  readonly holdUntil?: Instant;
  readonly holdReason?: string;
  readonly decision: { readonly key: string; readonly text: string; readonly at: Instant };
  /** Waiting for traffic by way of the new owner. */
  readonly watch?: {
    readonly to: string;
    readonly since: Instant;
    readonly probes: readonly string[];
    readonly until: Instant;
  };
  readonly guest?: GuestWork;
  /** Since when the own guest has addresses that EC2 was told to move to it, while others own the group. */
  readonly receivedAt?: Instant;
  /** Writes to prepared tables that nothing uses, by route. */
  readonly prepares?: Readonly<Record<string, Step>>;
  /** Why its prepared tables cannot be used, as last told. */
  readonly flaw?: string;
  /** The attachments of ENIs that the guest was set up for, or is being set up. */
  readonly attachments?: string;
  readonly history: readonly Move[];
}

export const newGroup = (now: Instant): GroupState => ({
  ownerSeen: false,
  announced: false,
  moves: [],
  decision: { key: 'start', text: 'Nothing has been decided yet.', at: now },
  history: [],
});

/** `state` without some of its optional fields. */
export function without<K extends keyof GroupState>(
  state: GroupState,
  ...keys: readonly K[]
): Omit<GroupState, K> {
  const copy: GroupState = { ...state };
  for (const key of keys) Reflect.deleteProperty(copy, key);
  return copy;
}

/** The moves that count for damping at `now`. */
export const recentMoves = (moves: readonly Instant[], withinMs: number, now: Instant): readonly Instant[] =>
  moves.filter((at) => now - at < withinMs);

/**
 * Groups as an earlier run left them; `self` is the own appliance. Moves that lie ahead were made before the
 * clock was set back: they count as made now, and not for as long as the clock takes to come there again.
 */
export function restored(
  groups: Readonly<Record<string, GroupState>>,
  memory: Memory | undefined,
  self: string | undefined,
  now: Instant,
): Readonly<Record<string, GroupState>> {
  const entries = Object.entries(groups).map(([name, state]): [string, GroupState] => {
    const kept = memory?.groups[name];
    if (kept === undefined) return [name, state];
    const owned = kept.owned && self !== undefined ? { owner: self, announced: true } : {};
    const lost = kept.lost === undefined ? {} : { lost: kept.lost };
    return [name, { ...state, ...owned, moves: kept.moves.map((at) => Math.min(at, now)), ...lost }];
  });
  return Object.fromEntries(entries);
}

/** What the next run has to know of groups. */
export function remembered(groups: Readonly<Record<string, GroupState>>): Memory['groups'] {
  const entries = Object.entries(groups).map(([name, { announced, lost, moves }]): [string, GroupMemory] => [
    name,
    { owned: announced, moves, ...(lost === undefined ? {} : { lost }) },
  ]);
  return Object.fromEntries(entries);
}
