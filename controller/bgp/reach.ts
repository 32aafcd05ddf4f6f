/**
 * What a speaker knows of the ways to next hops: the addresses of its interfaces with their subnets, and
 * which next hops elsewhere its owner finds no way to. RFC 4271 5.1.3, 6.3 and 9.1.2.1. Until somebody tells
 * of interfaces nothing is known, and every next hop counts as reached.
 */
import { type Address, contains, formatAddress, type Prefix, parseAddress, parsePrefix } from '../base/ip.ts';
import type { NextHop } from '../wire/attribute.ts';

export interface Reach {
  /** Prefixes on our links; absent: nobody has said. */
  subnets?: readonly Prefix[];
  /** Addresses of ours, by interface; and all of them as text. */
  interfaces: readonly (readonly Address[])[];
  own: ReadonlySet<string>;
  /** Next hops on no link of ours, as text: their ways are the owner's to know. */
  readonly elsewhere: Set<string>;
  /** Some of them have come since the owner was told. */
  isNews: boolean;
  /** Those that there is no way to. */
  unreachable: ReadonlySet<string>;
}

/** Next hops elsewhere that are kept an eye on; more than that are taken for reached. */
const MOST_ELSEWHERE = 1000;

export const newReach = (): Reach => ({
  interfaces: [],
  own: new Set(),
  elsewhere: new Set(),
  isNews: false,
  unreachable: new Set(),
});

const addressOf = ({ family, words }: NextHop): Address => ({ family: family === 'ipv4' ? 4 : 6, words });

/**
 * Our interfaces, each with its addresses as `10.0.1.10/24` (absent: nobody has said), and further prefixes
 * on our links. Says whether anything is new, so that next hops are to be judged anew.
 */
export function setInterfaces(
  reach: Reach,
  interfaces: readonly (readonly string[])[] | undefined,
  further: readonly string[],
): boolean {
  const before = JSON.stringify([reach.subnets, reach.interfaces]);
  const prefixes = [...(interfaces ?? []).flat(), ...further].flatMap((text) => {
    const parsed = parsePrefix(text, 'clear');
    return parsed.ok ? [parsed.value] : [];
  });
  reach.interfaces = (interfaces ?? []).map((addresses) =>
    addresses.flatMap((text) => {
      const parsed = parseAddress(text.split('/')[0] ?? '');
      return parsed.ok ? [parsed.value] : [];
    }),
  );
  reach.own = new Set(reach.interfaces.flat().map(formatAddress));
  if (interfaces === undefined && further.length === 0) delete reach.subnets;
  else reach.subnets = prefixes;
  const isNew = JSON.stringify([reach.subnets, reach.interfaces]) !== before;
  if (isNew) reach.elsewhere.clear();
  return isNew;
}

/** The next hops that the owner finds no way to; says whether they are others than before. */
export function setUnreachable(reach: Reach, addresses: readonly string[]): boolean {
  const next = new Set(addresses.filter((one) => reach.elsewhere.has(one)));
  const isSame = next.size === reach.unreachable.size && [...next].every((one) => reach.unreachable.has(one));
  reach.unreachable = next;
  return !isSame;
}

export const isOwn = ({ own }: Reach, hop: NextHop): boolean =>
  own.size > 0 && own.has(formatAddress(addressOf(hop)));

/**
 * Our address of the other family on the interface that has this one; absent where there is none that
 * neighbors could use.
 */
export function otherAddress({ interfaces }: Reach, hop: NextHop): NextHop | undefined {
  const known = formatAddress(addressOf(hop));
  const link = interfaces.find((addresses) => addresses.some((one) => formatAddress(one) === known));
  const other = link?.find((one) => one.family !== addressOf(hop).family && !isLinkLocal(one));
  return other && { family: other.family === 4 ? 'ipv4' : 'ipv6', words: other.words };
}

const isLinkLocal = ({ family, words }: Address): boolean => family === 6 && words[0] >>> 22 === 0xfe80 >>> 6;

/** Whether an address lies on a link of ours, for all that is known; link-local ones do. */
export function isOnLink({ subnets }: Reach, hop: NextHop): boolean {
  if (subnets === undefined) return true;
  const address = addressOf(hop);
  return isLinkLocal(address) || subnets.some((one) => contains(one, address));
}

/** Whether there is a way to a next hop, for all that is known; the owner will be asked. */
export function isReached(reach: Reach, hop: NextHop): boolean {
  if (isOnLink(reach, hop)) return true;
  const text = formatAddress(addressOf(hop));
  if (!reach.elsewhere.has(text) && reach.elsewhere.size < MOST_ELSEWHERE) {
    reach.elsewhere.add(text);
    reach.isNews = true;
  }
  return !reach.unreachable.has(text);
}
