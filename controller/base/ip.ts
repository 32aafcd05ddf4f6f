/** IP addresses and prefixes, IPv4 and IPv6, as values of four 32-bit words; and longest-prefix match. */
import { Address6 } from 'ip-address';
import { err, must, ok, type Result } from './result.ts';

/** An address as four unsigned 32-bit words, most significant first; IPv4 stands in the last word alone. */
export interface Address {
  readonly family: 4 | 6;
  readonly words: readonly [number, number, number, number];
}

/** A prefix; the bits beyond `length` are zero. `length` counts within the family (0-32 or 0-128). */
export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

const DECIMAL_QUAD = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Parses an address, e.g. `10.0.0.1` or `2001:db8::1`; no zone, no prefix length, no leading zeros. */
export function parseAddress(text: string): Result<Address> {
  const quad = DECIMAL_QUAD.exec(text);
  if (quad) {
    const octets = quad.slice(1).map(Number);
    const plain = quad.slice(1).every((octet) => String(Number(octet)) === octet);
    if (!plain || octets.some((octet) => octet > 255)) return err(`'${text}' is not an IPv4 address`);
    const [a = 0, b = 0, c = 0, d = 0] = octets;
    return ok({ family: 4, words: [0, 0, 0, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0] });
  }
  if (!text.includes(':') || text.includes('/') || text.includes('%') || !Address6.isValid(text)) {
    return err(`'${text}' is not an IP address`);
  }
  const bits = new Address6(text).bigInt();
  const word = (shift: bigint): number => Number((bits >> shift) & 0xffffffffn);
  return ok({ family: 6, words: [word(96n), word(64n), word(32n), word(0n)] });
}

/** The canonical text: dotted quad, or RFC 5952. */
export function formatAddress(address: Address): string {
  const [a, b, c, d] = address.words;
  if (address.family === 4) return `${d >>> 24}.${(d >>> 16) & 255}.${(d >>> 8) & 255}.${d & 255}`;
  const bits = (BigInt(a) << 96n) | (BigInt(b) << 64n) | (BigInt(c) << 32n) | BigInt(d);
  return Address6.fromBigInt(bits).correctForm();
}

/** Bits of an address of the family: 32 or 128. */
export const width = (family: 4 | 6): number => (family === 4 ? 32 : 128);

const maskWord = (bits: number): number =>
  bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (-1 << (32 - bits)) >>> 0;

/** The address with all bits beyond `length` cleared. */
export function mask(address: Address, length: number): Address {
  const shift = address.family === 4 ? 96 : 0;
  const at = (index: number, word: number): number => (word & maskWord(length + shift - 32 * index)) >>> 0;
  const [a, b, c, d] = address.words;
  return { family: address.family, words: [at(0, a), at(1, b), at(2, c), at(3, d)] };
}

/** Parses a prefix; host bits must be zero unless `hostBits` says to clear them. */
export function parsePrefix(text: string, hostBits: 'refuse' | 'clear' = 'refuse'): Result<Prefix> {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (slash < 0 || !address.ok || !/^(0|[1-9]\d{0,2})$/.test(digits))
    return err(`'${text}' is not a CIDR block`);
  const length = Number(digits);
  if (length > width(address.value.family)) return err(`'${text}': the prefix length is too long`);
  const masked = mask(address.value, length);
  if (hostBits === 'refuse' && !sameAddress(masked, address.value)) {
    return err(`'${text}' has host bits set; did you mean ${formatAddress(masked)}/${length}?`);
  }
  return ok({ address: masked, length });
}

/** The canonical text of a prefix, which also serves as its key. */
export const formatPrefix = (prefix: Prefix): string => `${formatAddress(prefix.address)}/${prefix.length}`;

export const sameAddress = (a: Address, b: Address): boolean =>
  a.family === b.family && a.words.every((word, index) => word === b.words[index]);

/** Below zero where `a` is the lower address, IPv4 before IPv6. */
export function compareAddresses(a: Address, b: Address): number {
  const word = a.words.findIndex((one, index) => one !== b.words[index]);
  return a.family - b.family || (word < 0 ? 0 : ((a.words[word] ?? 0) >>> 0) - ((b.words[word] ?? 0) >>> 0));
}

/** Whether `address` lies in `prefix`. */
export const contains = (prefix: Prefix, address: Address): boolean =>
  prefix.address.family === address.family && sameAddress(mask(address, prefix.length), prefix.address);

/** Whether `outer` contains the whole of `inner`. */
export const covers = (outer: Prefix, inner: Prefix): boolean =>
  outer.length <= inner.length && contains(outer, inner.address);

export const overlaps = (a: Prefix, b: Prefix): boolean => covers(a, b) || covers(b, a);

/**
 * The address `offset` beyond the start of `prefix`; offsets are below 2^32 and the caller keeps in range.
 */
export function addressAt(prefix: Prefix, offset: number): Address {
  const [a, b, c, d] = prefix.address.words;
  const sum = d + offset;
  const carry = sum > 0xffffffff ? 1 : 0;
  return { family: prefix.address.family, words: [a, b, (c + carry) >>> 0, sum >>> 0] };
}

/** For constants in code and tests, where a mistake is ours: throws on bad text. */
export const address = (text: string): Address => must(parseAddress(text));
export const prefix = (text: string): Prefix => must(parsePrefix(text));
