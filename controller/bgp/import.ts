/**
 * What becomes of an attribute set on its way from a peer into the Loc-RIB: loops, leaks and unusable next
 * hops are refused whatever policy says, then policy decides. RFC 4271 9.1.2, RFC 4456 8, RFC 8212, RFC 8326,
 * RFC 7999, RFC 9234.
 */
import { type AsSegment, COMMUNITY, firstAs, type NextHop, type PathAttributes } from '../wire/attribute.ts';
import type { Family } from './options.ts';
import { applyPolicy } from './policy.ts';
import { isOnLink, isOwn, isReached, type Reach } from './reach.ts';
import { effectivePolicy, type PeerFacts, type PeerPolicy } from './rib-peer.ts';

/** Why a route is not used. Each has a number, below zero, which stands where its attribute set would. */
export const REFUSALS = [
  'rejected by the import policy',
  'there is no import policy, and none means nothing on eBGP (RFC 8212)',
  'our own AS is in its path',
  'its ORIGINATOR_ID is ours',
  'our cluster is in its CLUSTER_LIST',
  'it leaks: ONLY_TO_CUSTOMER says that it must not come from here (RFC 9234)',
  'its next hop is our own address',
  'its next hop cannot be used',
  'its path does not begin with the AS of the neighbor',
  'it carries BLACKHOLE, which no rule of the import policy names (RFC 7999)',
  'its next hop is on no subnet that we share with the neighbor (RFC 4271 6.3)',
  'there is no way to its next hop (RFC 4271 9.1.2.1)',
] as const;
export type Refusal = (typeof REFUSALS)[number];

const PREFIX_OF_MAPPED = 0xffff;

/** What a peer's attribute set comes to for prefixes of a policy signature: attributes to use, or why not. */
export function importRoute(
  attributes: PathAttributes,
  facts: PeerFacts,
  policy: PeerPolicy,
  name: string,
  signature: number,
  reach: Reach,
): PathAttributes | Refusal {
  const refusal = refusalOf(attributes, facts, policy) ?? hopRefusalOf(attributes, facts, policy, reach);
  if (refusal !== undefined) return refusal;
  const chosen = effectivePolicy(policy.importPolicy, facts);
  if (chosen === undefined) return REFUSALS[1];
  const marked = markOtc(attributes, facts, policy);
  const accepted = applyPolicy(chosen, marked, signature, name);
  if (accepted === undefined) return REFUSALS[0];
  const isBlackhole = attributes.communities.includes(COMMUNITY.blackhole);
  if (isBlackhole && !facts.ibgp && !chosen.isBlackholeAgreed) return REFUSALS[9];
  if (policy.checkNextHops && !hasWay(accepted.nextHop, facts, reach)) return REFUSALS[11];
  // RFC 8326 4: whoever is about to leave is the last choice.
  const leaves = attributes.communities.includes(COMMUNITY.gracefulShutdown);
  return leaves ? { ...accepted, localPref: 0 } : accepted;
}

function refusalOf(
  attributes: PathAttributes,
  facts: PeerFacts,
  { allowOwnAs, transparent, role }: PeerPolicy,
): Refusal | undefined {
  const { asPath, nextHop, originatorId, clusterList, otc } = attributes;
  if (countOf(asPath, facts.localAs) > allowOwnAs) return REFUSALS[2];
  if (facts.ibgp && originatorId === facts.localBgpId) return REFUSALS[3];
  if (facts.ibgp && clusterList.includes(facts.localBgpId)) return REFUSALS[4];
  if (!facts.ibgp && !transparent && firstAs(asPath) !== facts.as) return REFUSALS[8];
  if (otc !== undefined && leaks(otc, facts.as, role)) return REFUSALS[5];
  if (nextHop === undefined || !isUsable(nextHop)) return REFUSALS[7];
  return sameHop(nextHop, facts.localAddress) ? REFUSALS[6] : undefined;
}

/** RFC 4271 6.3: not ourselves; from a neighbor one hop away it or somebody on a subnet of ours. */
function hopRefusalOf(
  { nextHop }: PathAttributes,
  facts: PeerFacts,
  { checkNextHops }: PeerPolicy,
  reach: Reach,
): Refusal | undefined {
  if (nextHop === undefined || sameHop(nextHop, facts.address)) return undefined;
  if (isOwn(reach, nextHop)) return REFUSALS[6];
  if (!checkNextHops || !facts.oneHop) return undefined;
  return isOnLink(reach, nextHop) ? undefined : REFUSALS[10];
}

/** RFC 4271 9.1.2.1: whoever speaks to us over one hop is reached. */
const hasWay = (hop: NextHop | undefined, { oneHop, address }: PeerFacts, reach: Reach): boolean =>
  hop === undefined || (oneHop && sameHop(hop, address)) || isReached(reach, hop);

function countOf(path: readonly AsSegment[], as: number): number {
  let count = 0;
  for (const segment of path) for (const one of segment.as) if (one === as) count++;
  return count;
}

/** RFC 9234 5: from a customer no route is marked, from a peer only by itself. `role` is ours. */
const leaks = (otc: number, as: number, role: PeerPolicy['role']): boolean =>
  role === 'provider' || role === 'route-server' || (role === 'peer' && otc !== as);

/** RFC 9234 5: what comes from a provider, a peer or a route server is marked on entry. */
function markOtc(attributes: PathAttributes, { as }: PeerFacts, { role }: PeerPolicy): PathAttributes {
  const marks = role === 'customer' || role === 'peer' || role === 'route-server-client';
  return marks && attributes.otc === undefined ? { ...attributes, otc: as } : attributes;
}

/**
 * Not unspecified, IPv4-mapped, loopback or multicast: what some daemons send over sessions of the other
 * family.
 */
function isUsable({ family, words: [a, b, c, d] }: NextHop): boolean {
  if (family === 'ipv4') return d >>> 24 !== 0 && d >>> 24 !== 127 && d >>> 28 < 14;
  const isSmall = a === 0 && b === 0 && c === 0 && d <= 1;
  const isMapped = a === 0 && b === 0 && c === PREFIX_OF_MAPPED;
  return !isSmall && !isMapped && a >>> 24 !== 0xff;
}

export const sameHop = (a: NextHop, b: NextHop): boolean =>
  a.family === b.family && a.words.every((word, index) => word === b.words[index]);

/**
 * Whether nobody can forward by a prefix: it lies within what is no unicast address of a host. RFC 4271 6.3.
 */
export function isUnusablePrefix(family: Family, length: number, w0: number, w3: number): boolean {
  if (family === 'ipv4') {
    const first = w3 >>> 24;
    return (length >= 8 && (first === 0 || first === 127)) || (length >= 3 && first >= 224);
  }
  return (length >= 8 && w0 >>> 24 === 0xff) || (length >= 10 && w0 >>> 22 === 0xfe80 >>> 6);
}
