/** Durations (`200ms`, `5s`, `10m`, `1h`) and sizes (`64MiB`) as text and as numbers. */
import { err, ok, type Result } from '../base/result.ts';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const SIZE = /^(\d+)(B|KiB|MiB|GiB)$/;
const MILLIS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** A duration in milliseconds. */
export function parseDuration(text: string): Result<number> {
  const [, digits, unit] = DURATION.exec(text) ?? [];
  if (digits === undefined || !isKey(MILLIS, unit)) return err(`'${text}' is not a duration`);
  return ok(Number(digits) * MILLIS[unit]);
}

/** A size in bytes. */
export function parseSize(text: string): Result<number> {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  if (digits === undefined || !isKey(BYTES, unit)) return err(`'${text}' is not a size`);
  return ok(Number(digits) * BYTES[unit]);
}

/** The shortest exact text of a duration: 60000 is `1m`, 1500 is `1500ms`. */
export function formatDuration(ms: number): string {
  const unit = (['h', 'm', 's'] as const).find((name) => ms > 0 && ms % MILLIS[name] === 0);
  return unit === undefined ? `${ms}ms` : `${ms / MILLIS[unit]}${unit}`;
}

const isKey = <T extends object>(table: T, key: string | undefined): key is keyof T & string =>
  key !== undefined && Object.hasOwn(table, key);
