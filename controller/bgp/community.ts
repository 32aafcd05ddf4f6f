/**
 * Communities as people write them, and patterns over them: `65000:1`, `no-export`, `65000:*`; large
 * `65000:1:2`; extended `rt:65000:1`, `soo:192.0.2.1:7`, `bandwidth:65000:125000`. RFC 1997, 4360, 5668,
 * 8092.
 */
import { formatAddress, parseAddress } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import {
  COMMUNITY,
  type ExtendedCommunity,
  type LargeCommunity,
  type PathAttributes,
} from '../wire/attribute.ts';

const WELL_KNOWN: Readonly<Record<string, number>> = {
  'graceful-shutdown': COMMUNITY.gracefulShutdown,
  'llgr-stale': COMMUNITY.llgrStale,
  'no-llgr': COMMUNITY.noLlgr,
  blackhole: COMMUNITY.blackhole,
  'no-export': COMMUNITY.noExport,
  'no-advertise': COMMUNITY.noAdvertise,
  'no-export-subconfed': COMMUNITY.noExportSubconfed,
};
const WELL_KNOWN_NAMES = new Map(Object.entries(WELL_KNOWN).map(([name, value]) => [value, name]));

export type Community =
  | { readonly kind: 'standard'; readonly value: number }
  | { readonly kind: 'large'; readonly value: LargeCommunity }
  | { readonly kind: 'extended'; readonly value: ExtendedCommunity };

export const formatCommunity = (value: number): string =>
  WELL_KNOWN_NAMES.get(value) ?? `${value >>> 16}:${value & 0xffff}`;

export const formatLarge = (value: LargeCommunity): string => value.join(':');

const SUBTYPES: Readonly<Record<string, number>> = { rt: 2, soo: 3, bandwidth: 4 };

/** `rt:65000:1`, or the eight octets in hexadecimal where the type is not known. */
export function formatExtended([high, low]: ExtendedCommunity): string {
  const type = (high >>> 24) & 0xbf;
  const name = Object.keys(SUBTYPES).find((key) => SUBTYPES[key] === ((high >>> 16) & 255));
  if (name !== undefined && type === 0) {
    if (name === 'bandwidth') return `bandwidth:${high & 0xffff}:${floatOf(low)}`;
    return `${name}:${high & 0xffff}:${low}`;
  }
  const global = ((high & 0xffff) << 16) | (low >>> 16);
  if (name !== undefined && type === 1)
    return `${name}:${formatAddress({ family: 4, words: [0, 0, 0, global >>> 0] })}:${low & 0xffff}`;
  if (name !== undefined && type === 2) return `${name}:${global >>> 0}:${low & 0xffff}`;
  return `0x${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}`;
}

/** The link bandwidth of a route in bytes a second. draft-ietf-idr-link-bandwidth. */
export function linkBandwidth(extended: readonly ExtendedCommunity[]): number | undefined {
  const found = extended.find(([high]) => ((high >>> 16) & 0xbfff) === 0x0004);
  return found === undefined ? undefined : floatOf(found[1]);
}

function floatOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

function bitsOf(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}

const NUMBER = /^\d{1,10}$/;

function part(text: string | undefined, most: number): number | undefined {
  if (text === undefined || !NUMBER.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}

/** A community from its text. */
export function parseCommunity(text: string): Result<Community> {
  const known = WELL_KNOWN[text];
  if (known !== undefined) return ok({ kind: 'standard', value: known });
  const bad = err(
    `'${text}' is no community; write 65000:1, 65000:1:2, rt:65000:1 or a name such as no-export`,
  );
  const [first, ...rest] = text.split(':');
  if (first !== undefined && SUBTYPES[first] !== undefined) return parseExtended(first, rest) ?? bad;
  const parts = text.split(':');
  if (parts.length === 2) {
    const [high, low] = [part(parts[0], 0xffff), part(parts[1], 0xffff)];
    return high === undefined || low === undefined
      ? bad
      : ok({ kind: 'standard', value: ((high << 16) | low) >>> 0 });
  }
  const [a, b, c] = parts.map((one) => part(one, 0xffffffff));
  if (parts.length !== 3 || a === undefined || b === undefined || c === undefined) return bad;
  return ok({ kind: 'large', value: [a, b, c] });
}

function parseExtended(name: string, [global, local]: readonly string[]): Result<Community> | undefined {
  const subtype = SUBTYPES[name] ?? 0;
  const extended = (high: number, low: number): Result<Community> =>
    ok({ kind: 'extended', value: [high >>> 0, low >>> 0] });
  if (name === 'bandwidth') {
    const as = part(global, 0xffff);
    const bytes = Number(local);
    return as === undefined || !(bytes >= 0) ? undefined : extended((0x40040000 | as) >>> 0, bitsOf(bytes));
  }
  const address = parseAddress(global ?? '');
  const small = part(local, 0xffff);
  if (address.ok && address.value.family === 4 && small !== undefined) {
    const word = address.value.words[3];
    return extended((0x01000000 | (subtype << 16) | (word >>> 16)) >>> 0, (word << 16) | small);
  }
  const as = part(global, 0xffffffff);
  if (as === undefined) return undefined;
  if (as > 0xffff) {
    if (small === undefined) return undefined;
    return extended((0x02000000 | (subtype << 16) | (as >>> 16)) >>> 0, (as << 16) | small);
  }
  const wide = part(local, 0xffffffff);
  return wide === undefined ? undefined : extended((subtype << 16) | as, wide);
}

export type CommunityMatcher = (attributes: PathAttributes) => boolean;

/** What says whether a route carries a community that matches; `*` stands for any number. */
export function communityMatcher(pattern: string): Result<CommunityMatcher> {
  if (!pattern.includes('*')) {
    const parsed = parseCommunity(pattern);
    if (!parsed.ok) return parsed;
    const { kind, value } = parsed.value;
    if (kind === 'standard') return ok(({ communities }) => communities.includes(value));
    if (kind === 'large') return ok(({ large }) => large.some((one) => one.every((x, i) => x === value[i])));
    return ok(({ extended }) => extended.some(([high, low]) => high === value[0] && low === value[1]));
  }
  const parts = pattern.split(':');
  if (!parts.every((one) => one === '*' || NUMBER.test(one)) || parts.length < 2 || parts.length > 3)
    return err(`'${pattern}' is no pattern of communities; write 65000:* or 65000:*:2`);
  const wanted = parts.map((one) => (one === '*' ? undefined : Number(one)));
  const fits = (numbers: readonly number[]): boolean =>
    numbers.every((one, i) => wanted[i] === undefined || wanted[i] === one);
  if (parts.length === 2)
    return ok(({ communities }) => communities.some((one) => fits([one >>> 16, one & 0xffff])));
  return ok(({ large }) => large.some(fits));
}
