/** How often something is probed, and how long an answer may take. */
import type { Millis } from '../base/time.ts';
import type { Finding, Note } from './finding.ts';

interface Given {
  readonly interval?: Millis | undefined;
  readonly timeout?: Millis | undefined;
}

/** The times of rounds, which do not overlap; without a timeout it is 90 % of the interval. */
export function timesOf(
  { interval, timeout }: Given,
  defaultMs: Millis,
  path: Finding['path'],
  note: Note,
): { readonly intervalMs: Millis; readonly timeoutMs: Millis } {
  const intervalMs = interval ?? defaultMs;
  const timeoutMs = timeout ?? Math.floor(intervalMs * 0.9);
  if (timeoutMs > intervalMs) {
    const key = timeout === undefined ? 'interval' : 'timeout';
    const why = `the timeout (${timeoutMs}ms) is longer than the interval (${intervalMs}ms), and rounds do not overlap`;
    note([...path, key], why, 'shorten timeout or lengthen interval');
  }
  return { intervalMs, timeoutMs };
}
