/**
 * The tables of a RIB: paths in typed arrays, linked by prefix; what is best; what has to be looked at.
 * Mutated by the files beside this one alone. RFC 4271 3.2.
 */
import type { PathAttributes } from '../wire/attribute.ts';
import { type AttributeSets, createAttributeSets } from './attribute-sets.ts';
import { FIRST_ROOM, type Growth, growFor, newGrowth, type Widen, wider } from './columns.ts';
import type { RouteChange } from './event.ts';
import type { Drain } from './export.ts';
import type { Family, SpeakerOptions } from './options.ts';
import { deletePath, insertPath, type PathSet } from './path-set.ts';
import { createPrefixTable, type PrefixTable } from './prefix-table.ts';
import { newReach, type Reach } from './reach.ts';
import type { RibPeer } from './rib-peer.ts';
import { compileTracking, type Tracking } from './tracking.ts';

export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** The peer index of what is originated here. */
export const LOCAL = -1;

/** Columns of paths; a path is a number. */
export interface Paths {
  prefix: Int32Array;
  /** Peer index, or `LOCAL`. */
  peer: Int16Array;
  pathId: Uint32Array;
  /** Attribute set as received. Adj-RIB-In. */
  raw: Int32Array;
  /** Attribute set after import policy, or minus the number of a refusal less one. */
  imported: Int32Array;
  /** Next path of the prefix plus one, or 0. */
  next: Int32Array;
  epoch: Uint32Array;
  readonly growth: Growth;
  used: number;
  live: number;
  readonly free: number[];
}

/** One family of a RIB. */
export interface FamilyRib {
  readonly family: Family;
  readonly table: PrefixTable;
  readonly paths: Paths;
  /** By peer: its paths. */
  readonly byPeer: PathSet[];
  /** By prefix: first path plus one, or 0. */
  head: Int32Array;
  /** By prefix: best path plus one, or 0. Loc-RIB. */
  best: Int32Array;
  /** By prefix: the set of the best path when it was told to the peers, plus one. */
  bestSet: Int32Array;
  /** Prefixes to decide anew, each once. */
  dirty: Int32Array;
  dirtyHead: number;
  dirtyTail: number;
  isDirty: Uint8Array;
  /** Of the columns by prefix. */
  readonly growth: Growth;
  /** Prefixes with a best path. */
  reachable: number;
  /** By prefix: what its next hops were, as told to the owner. */
  readonly told: Map<number, string>;
}

/** What a job does with each prefix of a peer. */
type Task =
  /** Removes paths that are older than an epoch. */
  | { readonly kind: 'purge'; readonly below: number }
  /** Asks the import policy again. */
  | { readonly kind: 'reimport' }
  /** Looks again at what the owner knows of it. */
  | { readonly kind: 'decide' };

/** Work that goes over the prefixes of a peer, a portion at a time. */
export interface Job {
  readonly family: Family;
  readonly peer: RibPeer;
  readonly task: Task;
  /** What is still to be looked at. */
  readonly prefixes: Iterator<number, void>;
}

export interface Rib {
  readonly multipath: number;
  track: Tracking;
  readonly sets: AttributeSets;
  readonly peers: RibPeer[];
  readonly families: Readonly<Record<Family, FamilyRib>>;
  readonly jobs: Job[];
  readonly reach: Reach;
  drain: Drain;
  /** Nothing is sent until the first routes are in. RFC 4724 4.1. */
  isDeferred: boolean;
  changes: Map<string, RouteChange>;
  /** Sets above which the unused are looked for. */
  collectAbove: number;
  /** What `rib-tidy.ts` is in the middle of. */
  tidying?: Generator<void, void, void>;
  /** What is originated here, by prefix text. */
  readonly originated: Map<string, { readonly family: Family; readonly attributes: PathAttributes }>;
}

/** Attribute sets below which nobody looks for unused ones: less than 10 MB. */
export const LEAST_COLLECTED = 65_536;

export interface RibOptions {
  readonly multipath: number;
  readonly track: SpeakerOptions['track'];
}

export function createRib({ multipath, track }: RibOptions): Rib {
  return {
    multipath,
    track: compileTracking(track),
    sets: createAttributeSets(),
    peers: [],
    families: { ipv4: createFamily('ipv4'), ipv6: createFamily('ipv6') },
    jobs: [],
    reach: newReach(),
    drain: 'none',
    isDeferred: false,
    changes: new Map(),
    collectAbove: LEAST_COLLECTED,
    originated: new Map(),
  };
}

function createFamily(family: Family): FamilyRib {
  return {
    family,
    table: createPrefixTable(family),
    paths: {
      prefix: new Int32Array(FIRST_ROOM),
      peer: new Int16Array(FIRST_ROOM),
      pathId: new Uint32Array(FIRST_ROOM),
      raw: new Int32Array(FIRST_ROOM),
      imported: new Int32Array(FIRST_ROOM),
      next: new Int32Array(FIRST_ROOM),
      epoch: new Uint32Array(FIRST_ROOM),
      growth: newGrowth(BY_PATH),
      used: 0,
      live: 0,
      free: [],
    },
    byPeer: [],
    head: new Int32Array(FIRST_ROOM),
    best: new Int32Array(FIRST_ROOM),
    bestSet: new Int32Array(FIRST_ROOM),
    dirty: new Int32Array(FIRST_ROOM),
    dirtyHead: 0,
    dirtyTail: 0,
    isDirty: new Uint8Array(FIRST_ROOM),
    growth: newGrowth(BY_PREFIX),
    reachable: 0,
    told: new Map(),
  };
}

const BY_PATH: readonly Widen<Paths>[] = [
  (paths, size) => {
    paths.prefix = wider(paths.prefix, size);
  },
  (paths, size) => {
    paths.peer = wider(paths.peer, size);
  },
  (paths, size) => {
    paths.pathId = wider(paths.pathId, size);
  },
  (paths, size) => {
    paths.raw = wider(paths.raw, size);
  },
  (paths, size) => {
    paths.imported = wider(paths.imported, size);
  },
  (paths, size) => {
    paths.next = wider(paths.next, size);
  },
  (paths, size) => {
    paths.epoch = wider(paths.epoch, size);
  },
];

const BY_PREFIX: readonly Widen<FamilyRib>[] = [
  (rib, size) => {
    rib.head = wider(rib.head, size);
  },
  (rib, size) => {
    rib.best = wider(rib.best, size);
  },
  (rib, size) => {
    rib.bestSet = wider(rib.bestSet, size);
  },
  (rib, size) => {
    rib.isDirty = wider(rib.isDirty, size);
  },
];

/** Makes the columns by prefix long enough for a number of the prefix table. */
export function fitColumns(rib: FamilyRib, prefix: number): void {
  if (prefix >= rib.growth.at) growFor(rib, rib.growth, BY_PREFIX, prefix);
}

/** The paths of a peer, by its index. */
export function pathsOfPeer({ byPeer }: FamilyRib, peer: number): PathSet {
  while (byPeer.length <= peer) byPeer.push([]);
  return byPeer[peer] as PathSet;
}

/** A new path of a prefix, first in its list; its sets are 0 until somebody sets them. */
export function addPath(rib: FamilyRib, prefix: number, peer: number, pathId: number): number {
  const { paths } = rib;
  const path = paths.free.pop() ?? paths.used++;
  if (path >= paths.growth.at) growFor(paths, paths.growth, BY_PATH, path);
  paths.prefix[path] = prefix;
  paths.peer[path] = peer;
  paths.pathId[path] = pathId;
  paths.next[path] = rib.head[prefix] as number;
  rib.head[prefix] = path + 1;
  paths.live++;
  if (peer !== LOCAL) insertPath(pathsOfPeer(rib, peer), path);
  return path;
}

/** The path of a prefix from a peer with an identifier, or -1. */
export function findPath({ paths, head }: FamilyRib, prefix: number, peer: number, pathId: number): number {
  for (let slot = head[prefix] as number; slot !== 0; slot = paths.next[slot - 1] as number) {
    if (paths.peer[slot - 1] === peer && paths.pathId[slot - 1] === pathId) return slot - 1;
  }
  return -1;
}

/** Takes a path out of its prefix's list. */
export function removePath(rib: FamilyRib, path: number): void {
  const { paths, head } = rib;
  const prefix = paths.prefix[path] as number;
  let before = -1;
  let slot = head[prefix] as number;
  while (slot !== path + 1) {
    before = slot - 1;
    slot = paths.next[before] as number;
  }
  const after = paths.next[path] as number;
  if (before < 0) head[prefix] = after;
  else paths.next[before] = after;
  const peer = paths.peer[path] as number;
  if (peer !== LOCAL) deletePath(pathsOfPeer(rib, peer), path);
  paths.prefix[path] = -1;
  paths.live--;
  paths.free.push(path);
}

/** All paths of a prefix, in no order. */
export function pathsOf({ paths, head }: FamilyRib, prefix: number): number[] {
  const all: number[] = [];
  for (let slot = head[prefix] as number; slot !== 0; slot = paths.next[slot - 1] as number)
    all.push(slot - 1);
  return all;
}

/** Has a prefix decided anew. */
export function markDirty(rib: FamilyRib, prefix: number): void {
  if (rib.isDirty[prefix] === 1) return;
  rib.isDirty[prefix] = 1;
  if (rib.dirtyTail === rib.dirty.length) {
    const waiting = rib.dirty.subarray(rib.dirtyHead, rib.dirtyTail);
    const next = waiting.length * 2 > rib.dirty.length ? new Int32Array(rib.dirty.length * 2) : rib.dirty;
    next.set(waiting);
    rib.dirtyTail = waiting.length;
    rib.dirtyHead = 0;
    rib.dirty = next;
  }
  rib.dirty[rib.dirtyTail++] = prefix;
}

/** Whether a path is of an older session than the peer's, or of one that is gone. RFC 4724 4.2. */
export function isStale(rib: Rib, { paths, family }: FamilyRib, path: number): boolean {
  const peer = rib.peers[paths.peer[path] as number];
  if (peer === undefined) return false;
  return !peer.up || (paths.epoch[path] as number) < peer.epoch[family];
}
