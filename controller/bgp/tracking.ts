/** Which best paths the owner of a RIB is told of, so that what nobody wants never leaves it. */
import type { SpeakerOptions } from './options.ts';
import { type CompiledRange, compileRange, inRanges } from './policy.ts';
import type { PrefixTable } from './prefix-table.ts';

export type Tracking = 'all' | 'none' | readonly CompiledRange[];

/** The tracking of the options; a range that is wrong holds nothing. */
export function compileTracking(track: SpeakerOptions['track']): Tracking {
  if (typeof track === 'boolean') return track ? 'all' : 'none';
  const ranges = track.flatMap((range) => {
    const compiled = compileRange(range);
    return compiled.ok ? [compiled.value] : [];
  });
  return ranges.length === 0 ? 'none' : ranges;
}

/** Whether the owner wants to hear of a prefix. */
export const isTracked = (tracking: Tracking, table: PrefixTable, prefix: number): boolean =>
  tracking === 'all' || (tracking !== 'none' && inRanges(tracking, table, prefix));
