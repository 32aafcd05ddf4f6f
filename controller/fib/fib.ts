/**
 * Kernel routes: the best paths of the speaker become routes of this machine, so that traffic of a subnet
 * changes its way without any call to AWS. One change is under way at a time; what is wanted meanwhile is the
 * next. Stale routes of an earlier run stay until the sessions have said what there is.
 */
import { isChosen } from '../base/prefix-range.ts';
import { newSweep, settled } from '../base/sweep.ts';
import { earliest, type Instant, type Millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Event, KernelChange, KernelRoute } from '../event.ts';

type Hops = KernelRoute['nextHops'];

export interface Fib {
  /** What the speaker wants, by prefix. */
  readonly wanted: Readonly<Record<string, Hops>>;
  /** What the kernel has of ours, by prefix, as a text to compare; absent until it has been listed. */
  readonly installed?: Readonly<Record<string, string>>;
  /** The change under way, or the list. */
  readonly underWay?: { readonly request: number; readonly change: KernelChange };
  /** After a failure: not before. */
  readonly retryAt?: Instant;
  readonly failures: number;
  /** Prefixes that the kernel refused: what was wanted, how often in a row, and when it is asked again. */
  readonly refused: Readonly<Record<string, Refusal>>;
  /** Routes that nobody wants stay until then. */
  readonly sweepAt: Instant;
}

interface Refusal {
  /** As in `installed`; absent where the route was to be removed. */
  readonly key?: string;
  readonly failures: number;
  readonly retryAt: Instant;
}

/** Sends a change and gives its request number. */
export type SendKernel = (change: KernelChange) => number;

const RETRY_MS: Millis = 1_000;
const MOST_RETRY_MS: Millis = 60_000;

export const newFib = (now: Instant): Fib => ({
  wanted: {},
  failures: 0,
  refused: {},
  sweepAt: newSweep(now),
});

const keyOf = (hops: Hops): string =>
  hops
    .map(({ address, weight }) => `${address}*${weight}`)
    .sort()
    .join(' ');

/** The table after best paths changed. */
export function routesChanged(
  fib: Fib,
  { kernel }: Config,
  { changes }: Extract<Event, { kind: 'bgp-routes' }>,
): Fib {
  if (kernel === undefined) return fib;
  const wanted: Record<string, Hops> = { ...fib.wanted };
  for (const { prefix, nextHops } of changes) {
    const hops = nextHops.map(({ address, weight }) => ({ address, weight }));
    const used = kernel.ecmp ? hops : hops.slice(0, 1);
    if (used.length === 0 || !isChosen(kernel.prefixes, prefix)) delete wanted[prefix];
    else wanted[prefix] = used;
  }
  return { ...fib, wanted };
}

/** All neighbors are there: what they do not announce soon is swept. */
export const converged = (fib: Fib, now: Instant): Fib => ({
  ...fib,
  sweepAt: settled(fib.sweepAt, now),
});

/** When time alone gives something to do. */
export function nextFibAt(fib: Fib, now: Instant): Instant | undefined {
  if (fib.underWay !== undefined) return undefined;
  const sweep = fib.sweepAt > now ? fib.sweepAt : undefined;
  const retries = [fib.retryAt, ...Object.values(fib.refused).map(({ retryAt }) => retryAt)];
  return retries.reduce((first, at) => (at !== undefined && at > now ? earliest(first, at) : first), sweep);
}

/** Sends what is to be done now, if anything. */
export function pump(fib: Fib, { kernel }: Config, now: Instant, send: SendKernel): Fib {
  if (kernel === undefined || fib.underWay !== undefined) return fib;
  if (fib.retryAt !== undefined && fib.retryAt > now) return fib;
  const { retryAt: _, ...ready } = fib;
  const change: KernelChange = fib.installed === undefined ? { kind: 'list' } : difference(fib, now);
  if (change.kind === 'apply' && change.set.length + change.remove.length === 0) return fib;
  return { ...ready, underWay: { request: send(change), change } };
}

function difference(
  { wanted, installed = {}, refused, sweepAt }: Fib,
  now: Instant,
): Extract<KernelChange, { kind: 'apply' }> {
  // The same thing is not asked of the kernel again before it is time; another is, at once.
  const waits = (prefix: string, key: string | undefined): boolean => {
    const refusal = refused[prefix];
    return refusal !== undefined && refusal.key === key && refusal.retryAt > now;
  };
  const set = Object.entries(wanted).flatMap(([prefix, nextHops]): KernelRoute[] => {
    const key = keyOf(nextHops);
    return installed[prefix] === key || waits(prefix, key) ? [] : [{ prefix, nextHops }];
  });
  // What this run has wanted once is removed at once; what an earlier run left, when it is time.
  const remove = Object.entries(installed).flatMap(([prefix, key]) =>
    wanted[prefix] === undefined && (now >= sweepAt || !key.startsWith(LEFT)) && !waits(prefix, undefined)
      ? [prefix]
      : [],
  );
  return { kind: 'apply', set, remove };
}

/** Marks what an earlier run left behind, until it is wanted again. */
const LEFT = 'left ';

/** The table after the kernel answered; a failure is told by the caller. */
export function kernelEnded(
  fib: Fib,
  { request, installed, refused = {}, failure }: Extract<Event, { kind: 'kernel-outcome' }>,
  now: Instant,
): Fib {
  if (fib.underWay?.request !== request) return fib;
  const { underWay, ...idle } = fib;
  if (failure !== undefined) {
    const wait = waitAfter(fib.failures);
    const { installed: _, ...unknown } = idle;
    // What was done of it is not known: the kernel is asked.
    return { ...unknown, failures: fib.failures + 1, retryAt: now + wait };
  }
  const { change } = underWay;
  if (change.kind === 'list') return { ...idle, failures: 0, installed: found(idle, installed ?? []) };
  const next: Record<string, string> = { ...idle.installed };
  const refusals: Record<string, Refusal> = { ...idle.refused };
  const refuse = (prefix: string, key?: string): void => {
    const before = refusals[prefix]?.failures ?? 0;
    const kept = key === undefined ? {} : { key };
    refusals[prefix] = { ...kept, failures: before + 1, retryAt: now + waitAfter(before) };
  };
  for (const { prefix, nextHops } of change.set) {
    const key = keyOf(nextHops);
    if (refused[prefix] !== undefined) {
      refuse(prefix, key);
      continue;
    }
    next[prefix] = key;
    delete refusals[prefix];
  }
  for (const prefix of change.remove) {
    if (refused[prefix] !== undefined) {
      refuse(prefix);
      continue;
    }
    delete next[prefix];
    delete refusals[prefix];
  }
  return { ...idle, failures: 0, installed: next, refused: refusals };
}

const waitAfter = (failures: number): Millis => Math.min(MOST_RETRY_MS, RETRY_MS * 2 ** failures);

/** The sentences on prefixes that were not refused before. */
export const newRefusals = (
  { refused: before }: Fib,
  { refused = {} }: Extract<Event, { kind: 'kernel-outcome' }>,
): readonly string[] =>
  Object.entries(refused).flatMap(([prefix, sentence]) => (before[prefix] === undefined ? [sentence] : []));

function found({ wanted }: Fib, routes: readonly KernelRoute[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    routes.map(({ prefix, nextHops }) => {
      const key = keyOf(nextHops);
      const isWanted = wanted[prefix] !== undefined && keyOf(wanted[prefix]) === key;
      return [prefix, isWanted ? key : `${LEFT}${key}`];
    }),
  );
}

/** Removes all that this daemon put into the kernel, as it leaves. */
export function removeAll(fib: Fib, { kernel }: Config, send: SendKernel): void {
  const prefixes = Object.keys(fib.installed ?? {});
  const wanted =
    fib.underWay?.change.kind === 'apply' ? fib.underWay.change.set.map(({ prefix }) => prefix) : [];
  const remove = [...new Set([...prefixes, ...wanted])];
  if (kernel === undefined || kernel.keepOnStop || remove.length === 0) return;
  send({ kind: 'apply', set: [], remove });
}
