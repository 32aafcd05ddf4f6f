/** Ids, MAC addresses and their shapes. */

const HEX = '0123456789abcdef';

/** `count` hexadecimal digits from the stream. */
export function hexDigits(random: () => number, count: number): string {
  let digits = '';
  while (digits.length < count) digits += HEX[Math.floor(random() * 16)];
  return digits;
}

/** An id of AWS's long form: 17 hexadecimal digits, the first of them 0. */
export const makeId = (random: () => number, prefix: string): string => `${prefix}-0${hexDigits(random, 16)}`;

/** A locally administered unicast MAC address, as EC2 gives them. */
export const makeMac = (random: () => number): string =>
  `02:${[0, 1, 2, 3, 4].map(() => hexDigits(random, 2)).join(':')}`;

/** Whether the text is an id of this prefix: 8 (of old) or 17 hexadecimal digits. */
export const isId = (prefix: string, text: string): boolean =>
  text.startsWith(`${prefix}-`) && /^([0-9a-f]{8}|[0-9a-f]{17})$/.test(text.slice(prefix.length + 1));
