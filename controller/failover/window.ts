/** Maintenance windows: whether one is open at a time of the clock that people read. */
import type { Window } from '../config.ts';

const MINUTE_MS = 60_000;
const MINUTES_OF_DAY = 24 * 60;
const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Making one is slow, and there are few time zones. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(timeZone, made);
  return made;
}

/** Day of the week, from Sunday, and minute of the day in a zone at `wallMs` (Unix time, ms). */
function localTime(timeZone: string, wallMs: number): { readonly day: number; readonly minute: number } {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(wallMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = DAYS.indexOf((parts.get('weekday') ?? '').toLowerCase());
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

/** Whether the window is open. One that ends before it begins lasts until the next day. */
export function isOpen({ days, fromMinute, toMinute, zone }: Window, wallMs: number): boolean {
  const { day, minute } = localTime(zone, wallMs);
  const begins = (on: number): boolean => days.length === 0 || days.some((one) => one === DAYS[on % 7]);
  if (fromMinute < toMinute) return begins(day) && minute >= fromMinute && minute < toMinute;
  return (begins(day) && minute >= fromMinute) || (begins(day + 6) && minute < toMinute);
}

/** When the next minute begins: windows open and close then. */
export const nextMinute = (wallMs: number): number => (Math.floor(wallMs / MINUTE_MS) + 1) * MINUTE_MS;

const clock = (minute: number): string =>
  [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');

/** `sat, sun 02:00-04:00 Europe/Berlin` */
export function describeWindow({ days, fromMinute, toMinute, zone }: Window): string {
  const times = `${clock(fromMinute)}-${clock(toMinute % MINUTES_OF_DAY)} ${zone}`;
  return days.length === 0 ? times : `${days.join(', ')} ${times}`;
}
