/**
 * What becomes of a best path on its way to a peer: whether it may be sent at all, policy, and the attributes
 * that the session wants. RFC 4271 5.1 and 9.2, RFC 1997,
 * RFC 4360 6, RFC 4456 8, RFC 7947, RFC 7999, RFC 8326, RFC 9234.
 */
import {
  COMMUNITY,
  type ExtendedCommunity,
  isTransitive,
  type NextHop,
  type PathAttributes,
} from '../wire/attribute.ts';
import { localPref } from './best-path.ts';
import { sameHop } from './import.ts';
import type { Family } from './options.ts';
import { applyPolicy, prependAs } from './policy.ts';
import { effectivePolicy, type PeerFacts, type RibPeer } from './rib-peer.ts';

const NO_CLUSTERS: readonly number[] = [];

export type Drain = 'graceful-shutdown' | 'withdraw' | 'none';

/**
 * The attributes that `to` is sent for a path from `from` (absent: originated here); absent where it gets
 * none.
 */
export function exportRoute(
  attributes: PathAttributes,
  family: Family,
  from: RibPeer | undefined,
  to: RibPeer,
  drain: Drain,
  signature: number,
): PathAttributes | undefined {
  const { facts, policy } = to;
  if (drain === 'withdraw' || from === to || !mayPass(attributes, from, to)) return undefined;
  const chosen = effectivePolicy(policy.exportPolicy, facts);
  if (chosen === undefined) return undefined;
  const accepted = applyPolicy(chosen, attributes, signature, from?.name ?? 'local');
  if (accepted === undefined) return undefined;
  const hop = nextHopFor(accepted, attributes, family, from, to);
  // RFC 4271 5.1.3: nobody is told to send to itself.
  if (hop === undefined || sameHop(hop, facts.address)) return undefined;
  const shaped = facts.ibgp
    ? forInside(accepted, hop, from, to)
    : forOutside(accepted, attributes, hop, from, to);
  const marked = withOtc(shaped, to);
  return drain === 'graceful-shutdown' ? withGracefulShutdown(marked) : marked;
}

function mayPass({ communities, otc }: PathAttributes, from: RibPeer | undefined, to: RibPeer): boolean {
  if (communities.includes(COMMUNITY.noAdvertise)) return false;
  const stays = communities.includes(COMMUNITY.noExport) || communities.includes(COMMUNITY.noExportSubconfed);
  if (stays && !to.facts.ibgp) return false;
  // RFC 7999 3.2: a blackhole is the affair of the neighbor that asked for it.
  if (communities.includes(COMMUNITY.blackhole) && from !== undefined && !to.facts.ibgp) return false;
  const { role } = to.policy;
  const isUpward = role === 'customer' || role === 'peer' || role === 'route-server-client';
  if (otc !== undefined && isUpward) return false;
  if (from?.facts.ibgp !== true || !to.facts.ibgp) return true;
  return from.policy.reflectorClient || to.policy.reflectorClient;
}

/** RFC 9234 5: what goes to a customer, a peer or a client of the route server is marked. */
function withOtc(attributes: PathAttributes, { policy: { role }, facts }: RibPeer): PathAttributes {
  const marks = role === 'provider' || role === 'peer' || role === 'route-server';
  return marks && attributes.otc === undefined ? { ...attributes, otc: facts.localAs } : attributes;
}

function withGracefulShutdown(attributes: PathAttributes): PathAttributes {
  const { communities } = attributes;
  if (communities.includes(COMMUNITY.gracefulShutdown)) return attributes;
  return { ...attributes, communities: [...communities, COMMUNITY.gracefulShutdown] };
}

/**
 * Our own address for routes of a family on this session; absent where there is none that the peer could use.
 */
function ownAddress(family: Family, facts: PeerFacts): NextHop | undefined {
  if (family === facts.localAddress.family) return facts.localAddress;
  return family === 'ipv4' && facts.extendedNextHop ? facts.localAddress : facts.otherAddress;
}

/**
 * RFC 4271 5.1.3: a policy's word first; ourselves to other ASes; inside the AS what came, unless we say so.
 */
function nextHopFor(
  accepted: PathAttributes,
  before: PathAttributes,
  family: Family,
  from: RibPeer | undefined,
  { facts, policy }: RibPeer,
): NextHop | undefined {
  const { nextHop } = accepted;
  const wasSet = nextHop !== undefined && nextHop !== before.nextHop;
  const keeps = policy.transparent || (facts.ibgp && !policy.nextHopSelf && from !== undefined);
  if (wasSet || (from === undefined && nextHop !== undefined) || keeps) {
    const fits = nextHop?.family === family || (family === 'ipv4' && facts.extendedNextHop);
    return fits ? withoutLinkLocal(nextHop) : ownAddress(family, facts);
  }
  return ownAddress(family, facts);
}

/** RFC 2545 3: a link-local address means nothing to who may be on another link. */
const withoutLinkLocal = (hop: NextHop | undefined): NextHop | undefined =>
  hop?.linkLocal === undefined ? hop : { family: hop.family, words: hop.words };

/** RFC 4360 6: what came as non-transitive stays here; what our policy or we ourselves add goes out. */
function extendedForOutside(
  accepted: PathAttributes,
  before: PathAttributes,
  from: RibPeer | undefined,
): PathAttributes['extended'] {
  const isKept = (one: ExtendedCommunity): boolean =>
    isTransitive(one) || from === undefined || !before.extended.includes(one);
  return accepted.extended.every(isKept) ? accepted.extended : accepted.extended.filter(isKept);
}

/** RFC 4271 5.1.4, 5.1.5: MED goes no further than the next AS, and LOCAL_PREF does not leave ours. */
function forOutside(
  accepted: PathAttributes,
  before: PathAttributes,
  nextHop: NextHop,
  from: RibPeer | undefined,
  { facts, policy }: RibPeer,
): PathAttributes {
  const medIsOurs = policy.transparent || from === undefined || accepted.med !== before.med;
  return {
    ...accepted,
    nextHop,
    localPref: undefined,
    originatorId: undefined,
    clusterList: NO_CLUSTERS,
    extended: policy.transparent ? accepted.extended : extendedForOutside(accepted, before, from),
    med: medIsOurs ? accepted.med : undefined,
    asPath: policy.transparent ? accepted.asPath : prependAs(accepted.asPath, facts.localAs),
  };
}

/** LOCAL_PREF is a must inside; a reflected route names its originator and our cluster. RFC 4456 8. */
function forInside(
  accepted: PathAttributes,
  nextHop: NextHop,
  from: RibPeer | undefined,
  { facts }: RibPeer,
): PathAttributes {
  const preferred = { ...accepted, nextHop, localPref: localPref(accepted) };
  if (from?.facts.ibgp !== true) return preferred;
  return {
    ...preferred,
    originatorId: accepted.originatorId ?? from.facts.bgpId,
    clusterList: [facts.localBgpId, ...accepted.clusterList],
  };
}
