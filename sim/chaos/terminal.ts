/** What commands that play many runs share: whole numbers as arguments, and a line of progress. */
import { InvalidArgumentError } from 'commander';

export const whole = (text: string): number => {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`'${text}' is not a whole number.`);
};

/** Elsewhere than on a terminal, a line of progress is written so seldom. */
const SELDOM_MS = 30_000;
let lastAt = performance.now();

/** A line that is written over on a terminal; elsewhere, one now and then. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (text !== '' && performance.now() - lastAt >= SELDOM_MS) {
    lastAt = performance.now();
    process.stderr.write(`${text}\n`);
  }
}
