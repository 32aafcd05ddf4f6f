/**
 * The work of the RIB, a portion at a time: jobs over the paths of one peer first, those that take a lost
 * peer's paths away above all, then the prefixes that wait for a decision.
 */
import { unreachable } from '../base/result.ts';
import type { Family } from './options.ts';
import { nextPath } from './path-set.ts';
import { prefixSignature } from './policy.ts';
import { decide } from './rib-decide.ts';
import { effectivePolicy, type RibPeer } from './rib-peer.ts';
import { importedSet } from './rib-receive.ts';
import {
  FAMILIES,
  type FamilyRib,
  type Job,
  markDirty,
  pathsOfPeer,
  type Rib,
  removePath,
} from './rib-state.ts';

/** What a job gives after looking in vain, and the part of a decision that this costs. */
const NOTHING_HERE = -1;
const LOOK = 1 / 16;

/** Does work of about `budget` decisions; says whether some is left. */
export function work(rib: Rib, budget: number): boolean {
  let left = budget;
  for (let job = rib.jobs[0]; job !== undefined && left > 0; job = rib.jobs[0]) {
    left = doJob(rib, job, left);
    if (left > 0) rib.jobs.shift();
  }
  for (const family of FAMILIES) {
    const one = rib.families[family];
    while (left > 0 && one.dirtyHead < one.dirtyTail) {
      const prefix = one.dirty[one.dirtyHead++] as number;
      one.isDirty[prefix] = 0;
      decide(rib, one, prefix);
      left--;
    }
    if (one.dirtyHead === one.dirtyTail) {
      one.dirtyHead = 0;
      one.dirtyTail = 0;
    }
  }
  return hasWork(rib);
}

export const hasWork = ({ jobs, families }: Rib): boolean =>
  jobs.length > 0 || FAMILIES.some((family) => families[family].dirtyHead < families[family].dirtyTail);

/** Whether paths wait to be taken away: until then nobody's news count. */
export const isPurging = ({ jobs: [first] }: Rib): boolean => first?.task.kind === 'purge';

/** Removes the paths of a peer that are older than an epoch, before all other work. */
export function purge(rib: Rib, peer: RibPeer, family: Family, below: number): void {
  if (peer.received[family] === 0) return;
  const one = rib.families[family];
  const others = rib.jobs.findIndex(({ task }) => task.kind !== 'purge');
  const job: Job = { family, peer, task: { kind: 'purge', below }, prefixes: prefixesOf(one, peer) };
  rib.jobs.splice(others < 0 ? rib.jobs.length : others, 0, job);
}

/** Asks the import policy again about all paths of a peer. */
export function reimportAll(rib: Rib, peer: RibPeer, family: Family): void {
  const prefixes = prefixesOf(rib.families[family], peer);
  rib.jobs.push({ family, peer, task: { kind: 'reimport' }, prefixes });
}

/** What the owner knows of a peer's paths is looked at again: they are stale, or not any more. */
export function retell(rib: Rib, peer: RibPeer, family: Family): void {
  rib.jobs.push({ family, peer, task: { kind: 'decide' }, prefixes: toldOf(rib.families[family], peer) });
}

/** All prefixes of a peer get their best path anew: it forwards no more, or again. */
export function decideAll(rib: Rib, peer: RibPeer, family: Family): void {
  rib.jobs.push({ family, peer, task: { kind: 'decide' }, prefixes: prefixesOf(rib.families[family], peer) });
}

/** The prefixes of a peer that the owner has been told of. */
function* toldOf(one: FamilyRib, { index }: RibPeer): Generator<number, void> {
  const { paths, head, told } = one;
  for (const prefix of told.keys()) {
    let slot = head[prefix] as number;
    while (slot !== 0 && paths.peer[slot - 1] !== index) slot = paths.next[slot - 1] as number;
    yield slot === 0 ? NOTHING_HERE : prefix;
  }
}

/** The prefixes of a peer, first those that the owner has been told of: somebody forwards by them. */
function* prefixesOf(one: FamilyRib, peer: RibPeer): Generator<number, void> {
  yield* toldOf(one, peer);
  const set = pathsOfPeer(one, peer.index);
  for (let path = nextPath(set, 0); path >= 0; path = nextPath(set, path + 1))
    yield one.paths.prefix[path] as number;
}

/** Goes on with a job; returns what is left of the budget: more than 0 when the job is done. */
function doJob(rib: Rib, job: Job, budget: number): number {
  for (let left = budget; left > 0; ) {
    const next = job.prefixes.next();
    if (next.done === true) return left;
    if (next.value === NOTHING_HERE) {
      left -= LOOK;
      continue;
    }
    doTask(rib, job, next.value);
    left--;
  }
  return 0;
}

function doTask(rib: Rib, { family, peer, task }: Job, prefix: number): void {
  const one = rib.families[family];
  switch (task.kind) {
    case 'purge':
      purgePrefix(rib, one, peer, prefix, task.below);
      return;
    case 'reimport':
      reimportPrefix(rib, one, peer, prefix);
      return;
    case 'decide':
      markDirty(one, prefix);
      return;
    default:
      unreachable(task);
  }
}

/** Takes the older paths of a peer out, and decides at once, whatever else waits for a decision. */
function purgePrefix(rib: Rib, one: FamilyRib, peer: RibPeer, prefix: number, below: number): void {
  const { paths, family } = one;
  const before = peer.received[family];
  for (let slot = one.head[prefix] as number; slot !== 0; ) {
    const path = slot - 1;
    slot = paths.next[path] as number;
    if (paths.peer[path] !== peer.index || (paths.epoch[path] as number) >= below) continue;
    removePath(one, path);
    peer.received[family]--;
  }
  if (peer.received[family] !== before) decide(rib, one, prefix);
}

function reimportPrefix(rib: Rib, one: FamilyRib, peer: RibPeer, prefix: number): void {
  const { paths } = one;
  const policy = effectivePolicy(peer.policy.importPolicy, peer.facts);
  const signature = policy === undefined ? 0 : prefixSignature(policy, one.table, prefix);
  for (let slot = one.head[prefix] as number; slot !== 0; slot = paths.next[slot - 1] as number) {
    const path = slot - 1;
    if (paths.peer[path] !== peer.index) continue;
    const imported = importedSet(rib, peer, paths.raw[path] as number, signature);
    if (imported !== paths.imported[path]) markDirty(one, prefix);
    paths.imported[path] = imported;
  }
}
