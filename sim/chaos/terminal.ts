/** What commands that play many runs share: whole numbers as arguments, and a line of progress. */
import { InvalidArgumentError } from 'commander';

export const whole = (text: string): number => {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`'${text}' is not a whole number.`);
};

/** A line that is written over on a terminal; nothing elsewhere. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
