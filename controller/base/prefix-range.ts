/** Ranges of prefixes: a prefix, and those within it whose length lies between two limits. */
import { covers, type Prefix, parsePrefix, width } from './ip.ts';

/** The prefix alone where `ge` and `le` are both absent. */
export interface Range {
  readonly prefix: string;
  readonly ge?: number;
  readonly le?: number;
}

/** Whether a prefix lies within a range. */
export function fitsRange({ prefix, ge, le }: Range, one: Prefix): boolean {
  const outer = parsePrefix(prefix);
  if (!outer.ok || !covers(outer.value, one)) return false;
  const { length, address } = outer.value;
  const most = le ?? (ge === undefined ? length : width(address.family));
  return one.length >= (ge ?? length) && one.length <= most;
}

/** Whether a prefix lies within one of some ranges; all do where there are none. */
export function isChosen(ranges: readonly Range[] | undefined, text: string): boolean {
  if (ranges === undefined) return true;
  const prefix = parsePrefix(text);
  return prefix.ok && ranges.some((range) => fitsRange(range, prefix.value));
}
