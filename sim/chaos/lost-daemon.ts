/**
 * A daemon that holds leases is lost, and an appliance after it: how long its groups are without a writer,
 * and who writes.
 */
import type { Instant, Millis } from '../../controller/base/time.ts';
import { type Outcome, play } from './play.ts';
import { fleetOf, type Size } from './scenes/fleet.ts';

/** When the daemon dies, and when the first appliance of the first pair does. */
const DIES_MS: Millis = 5000;
const APPLIANCE_MS: Millis = 15_000;
const FAULTS_MS: Millis = 40_000;

export interface LostDaemon {
  readonly outcome: Outcome;
  /** Leases that the daemon held when it died, by who takes them over and how long after. */
  readonly held: number;
  readonly takenMs: readonly Millis[];
  readonly writes: number;
}

/** Plays it, with the daemon that has most leases: the first to ask. */
export function loseDaemon(size: Size, lost = 'd1'): LostDaemon {
  const holders = new Map<string, string>();
  const takenMs = new Map<string, Millis>();
  let diedAt: Instant | undefined;
  let held: ReadonlySet<string> = new Set();
  const onLine = (at: Instant, text: string): void => {
    const [, daemon, group] = /^(\w+): Has the lease of (\w+),/.exec(text) ?? [];
    if (daemon === undefined || group === undefined) return;
    if (diedAt !== undefined && at >= diedAt && held.has(group) && !takenMs.has(group))
      takenMs.set(group, at - diedAt);
    holders.set(group, daemon);
  };
  const faults = [
    {
      kind: 'daemon',
      how: 'kill',
      machine: lost,
      aheadMs: 0,
      drift: 0,
      at: DIES_MS,
      forMs: FAULTS_MS - DIES_MS,
    },
    { kind: 'machine', how: 'kill', machine: 'a0', at: APPLIANCE_MS, forMs: 20_000 },
  ] as const;
  const outcome = play({ seed: 1, scenario: 'fleet', faults }, fleetOf(size), {
    faultsMs: FAULTS_MS,
    onLine,
    onFault: (fault, at) => {
      if (fault.kind !== 'daemon') return;
      diedAt = at;
      held = new Set([...holders].flatMap(([group, holder]) => (holder === lost ? [group] : [])));
    },
  });
  const writes = outcome.seen.get('write replace-route') ?? 0;
  return { outcome, held: held.size, takenMs: [...takenMs.values()], writes };
}
