/**
 * NLRI of IPv4 and IPv6 unicast: a length in bits and as many octets as that needs, with a path identifier
 * before it where RFC 7911 was negotiated. RFC 4271 4.3, RFC 4760 5. Nothing is allocated for a prefix.
 */

export type Family = 'ipv4' | 'ipv6';

/** AFI and SAFI of the families that we carry; RFC 4760 3. */
export const AFI = { ipv4: 1, ipv6: 2 } as const;
export const SAFI_UNICAST = 1;

export function familyOf(afi: number, safi: number): Family | undefined {
  if (safi !== SAFI_UNICAST) return undefined;
  return afi === 1 ? 'ipv4' : afi === 2 ? 'ipv6' : undefined;
}

/**
 * Takes a prefix as four 32-bit words, most significant first, bits beyond `length` zero; IPv4 in `w3` alone.
 */
export type PrefixVisitor = (
  pathId: number,
  length: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
) => void;

/** Why NLRI cannot be read to their end. */
export type NlriError = 'length' | 'truncated';

/**
 * Calls `visit` for each prefix between `start` and `end`, in order, and says what is wrong with the first
 * that cannot be read: those before it have been visited, unless `checkNlri` was asked first.
 */
export function visitPrefixes(
  bytes: Uint8Array,
  start: number,
  end: number,
  family: Family,
  addPath: boolean,
  visit: PrefixVisitor,
): NlriError | undefined {
  const width = family === 'ipv4' ? 32 : 128;
  let at = start;
  while (at < end) {
    let pathId = 0;
    if (addPath) {
      if (at + 5 > end) return 'truncated';
      pathId = word(bytes, at, 4);
      at += 4;
    }
    const length = bytes[at++] as number;
    if (length > width) return 'length';
    const octets = (length + 7) >>> 3;
    if (at + octets > end) return 'truncated';
    if (family === 'ipv4') {
      visit(pathId, length, 0, 0, 0, masked(word(bytes, at, octets), length));
    } else {
      const w0 = masked(word(bytes, at, octets), length);
      const w1 = octets > 4 ? masked(word(bytes, at + 4, octets - 4), length - 32) : 0;
      const w2 = octets > 8 ? masked(word(bytes, at + 8, octets - 8), length - 64) : 0;
      const w3 = octets > 12 ? masked(word(bytes, at + 12, octets - 12), length - 96) : 0;
      visit(pathId, length, w0, w1, w2, w3);
    }
    at += octets;
  }
  return undefined;
}

/** Up to four octets as a word, missing ones zero. */
function word(bytes: Uint8Array, at: number, octets: number): number {
  let value = 0;
  if (octets > 0) value = (bytes[at] as number) << 24;
  if (octets > 1) value |= (bytes[at + 1] as number) << 16;
  if (octets > 2) value |= (bytes[at + 2] as number) << 8;
  if (octets > 3) value |= bytes[at + 3] as number;
  return value >>> 0;
}

/** The word with all bits beyond the first `bits` cleared. RFC 4271 4.3: trailing bits are irrelevant. */
const masked = (value: number, bits: number): number =>
  bits >= 32 ? value : bits <= 0 ? 0 : (value & (-1 << (32 - bits))) >>> 0;

/** What is wrong with NLRI, without visiting them; absent where they can be read to their end. */
export function checkNlri(
  bytes: Uint8Array,
  start: number,
  end: number,
  family: Family,
  addPath: boolean,
): NlriError | undefined {
  const width = family === 'ipv4' ? 32 : 128;
  const extra = addPath ? 4 : 0;
  let at = start;
  while (at < end) {
    at += extra;
    if (at >= end) return 'truncated';
    const length = bytes[at] as number;
    if (length > width) return 'length';
    at += 1 + ((length + 7) >>> 3);
  }
  return at === end ? undefined : 'truncated';
}

/** Most octets that one prefix takes. */
export const maxPrefixSize = (family: Family, addPath: boolean): number =>
  (addPath ? 5 : 1) + (family === 'ipv4' ? 4 : 16);

/** Writes a prefix at `at` and returns where the next may stand; `pathId` absent: without identifier. */
export function writePrefix(
  out: Uint8Array,
  start: number,
  family: Family,
  pathId: number | undefined,
  length: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  let at = start;
  if (pathId !== undefined) at = writeOctets(out, at, pathId, 4);
  out[at++] = length;
  const octets = (length + 7) >>> 3;
  if (family === 'ipv4') return writeOctets(out, at, w3, octets);
  at = writeOctets(out, at, w0, Math.min(octets, 4));
  if (octets > 4) at = writeOctets(out, at, w1, Math.min(octets - 4, 4));
  if (octets > 8) at = writeOctets(out, at, w2, Math.min(octets - 8, 4));
  if (octets > 12) at = writeOctets(out, at, w3, octets - 12);
  return at;
}

function writeOctets(out: Uint8Array, at: number, value: number, octets: number): number {
  for (let i = 0; i < octets; i++) out[at + i] = (value >>> (24 - 8 * i)) & 255;
  return at + octets;
}
