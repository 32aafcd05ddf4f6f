/** Feeds a journal through the brain again and compares what it decides with what it decided then. */
import { unreachable } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { Effect, Event } from '../event.ts';
import { decisions, type JournalRecord } from './journal.ts';
import type { Brain } from './run.ts';

export interface Replayed {
  readonly at: Instant;
  readonly event: Event;
  readonly effects: readonly Effect[];
  /** What the journal has instead, where it differs. */
  readonly journalled?: readonly Effect[];
}

/**
 * Replays from the snapshot on; yields every event with its decisions. The state in the journal is that of
 * `brain`.
 */
export function* replay<N>(
  brain: Brain<N>,
  readState: (state: unknown) => N,
  records: Iterable<JournalRecord>,
): Generator<Replayed> {
  let node: N | undefined;
  for (const record of records) {
    switch (record.kind) {
      case 'open':
        node = readState(record.state);
        break;
      case 'memory':
        break;
      case 'event': {
        if (node === undefined)
          throw new Error('the journal does not open with a snapshot: its head is missing');
        const next = brain.step(node, record.event, record.at);
        node = next.node;
        const effects = decisions(next.effects);
        const journalled = record.effects ?? [];
        const same = canonical(effects) === canonical(journalled);
        yield { at: record.at, event: record.event, effects, ...(same ? {} : { journalled }) };
        break;
      }
      default:
        unreachable(record);
    }
  }
}

/** As JSON with sorted keys, so that only meaning is compared. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
