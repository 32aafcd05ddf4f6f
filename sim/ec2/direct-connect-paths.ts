/**
 * What the customers' routers have told over virtual interfaces, and what they are told. AWS Direct Connect
 * User Guide, "Routing policies and BGP communities" and "Allowed prefixes interactions".
 */
import { covers, prefix } from '../../controller/base/ip.ts';
import { areEqual, comparePaths } from './best-path.ts';
import { setSpeaker } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import type { GatewayAssociationRecord, VirtualInterfaceRecord } from './record/direct-connect.ts';
import type { LearntPath } from './record/routing.ts';

/** Default Hold Time, s, and the most prefixes of each family. "BGP-specific settings", "Quotas". */
const HOLD_TIME_S = 90;
const MOST_PREFIXES = 100;

/** The virtual interfaces that end at a gateway and are not being made or deleted. */
export const interfacesAt = (tx: Tx, gateway: string): readonly VirtualInterfaceRecord[] =>
  tx
    .referring('virtual-interface', gateway)
    .filter((each) => each.gateway === gateway && each.state === 'available');

/** The associations of a gateway, of either end, that work. */
export const associationsOf = (tx: Tx, gateway: string): readonly GatewayAssociationRecord[] =>
  tx
    .referring('direct-connect-association', gateway)
    .filter(({ state }) => state === 'associated' || state === 'updating');

const speakerOf = (tx: Tx, { id, region }: VirtualInterfaceRecord) =>
  tx.at(region).get('gateway-speaker', id);

/** Whether a session over a virtual interface is up. */
export const hasSession = (tx: Tx, line: VirtualInterfaceRecord): boolean =>
  Object.values(speakerOf(tx, line)?.sessions ?? {}).some(({ bgp }) => bgp === 'up');

/** Local preference communities. */
const PREFERENCES: Readonly<Record<string, number>> = { '7224:7100': 1, '7224:7200': 2, '7224:7300': 3 };

const preference = ({ communities }: LearntPath): number =>
  Math.max(0, ...communities.map((each) => PREFERENCES[each] ?? 0)) || 2;

/** Below zero where `a` is the better path: the communities count before the AS path. */
const compareTold = (a: LearntPath, b: LearntPath): number =>
  preference(b) - preference(a) || comparePaths(a, b);

/** The best path of each prefix that the virtual interfaces at a gateway have told. */
export function bestOfInterfaces(tx: Tx, gateway: string): ReadonlyMap<string, LearntPath> {
  const best = new Map<string, LearntPath>();
  for (const path of interfacesAt(tx, gateway).flatMap((each) => speakerOf(tx, each)?.paths ?? [])) {
    const held = best.get(path.prefix);
    if (held === undefined || compareTold(path, held) < 0) best.set(path.prefix, path);
  }
  return best;
}

/** The prefixes for which a gateway may use a virtual interface, given the best paths of all of its. */
export function usableRoutes(
  tx: Tx,
  line: VirtualInterfaceRecord,
  best: ReadonlyMap<string, LearntPath>,
): readonly string[] {
  const equal = (speakerOf(tx, line)?.paths ?? []).filter((path) => {
    const held = best.get(path.prefix);
    return held !== undefined && preference(path) === preference(held) && areEqual(path, held);
  });
  return [...new Set(equal.map((path) => path.prefix))];
}

/** What a VPN gateway has learnt by Direct Connect. */
export function learntByDirectConnect(tx: Tx, vpnGateway: string): ReadonlySet<string> {
  const gateways = associationsOf(tx, vpnGateway).map((each) => each.directConnectGateway);
  return new Set(
    [vpnGateway, ...gateways].flatMap((each) => interfacesAt(tx, each).flatMap(({ routes }) => routes)),
  );
}

/** The blocks of the VPC that a VPN gateway is attached to. */
function blocksOf(tx: Tx, vpnGateway: string): readonly string[] {
  const vpc = tx.get('vpc', tx.get('vpn-gateway', vpnGateway)?.vpc ?? '');
  return [...(vpc?.ipv4 ?? []), ...(vpc?.ipv6 ?? [])].map(({ cidr }) => cidr);
}

/**
 * The prefixes that on-premises hears because of an association: those allowed of a transit gateway, the
 * blocks of the VPC inside those allowed of a VPN gateway.
 */
export function announcedBy(tx: Tx, { gateway, region, prefixes }: GatewayAssociationRecord) {
  if (gateway.startsWith('tgw-')) return prefixes ?? [];
  const blocks = blocksOf(tx.at(region), gateway);
  if (prefixes === undefined) return blocks;
  return blocks.filter((block) => prefixes.some((each) => covers(prefix(each), prefix(block))));
}

/** What other virtual interfaces with SiteLink have told a Direct Connect gateway. */
function linkedSites(tx: Tx, { id, gateway, siteLink }: VirtualInterfaceRecord): readonly string[] {
  if (!siteLink) return [];
  return interfacesAt(tx, gateway).flatMap((each) => (each.siteLink && each.id !== id ? each.routes : []));
}

function announcementsTo(tx: Tx, line: VirtualInterfaceRecord): readonly string[] {
  const { gateway, region } = line;
  if (gateway.startsWith('vgw-')) return blocksOf(tx.at(region), gateway);
  const allowed = associationsOf(tx, gateway).flatMap((each) => announcedBy(tx, each));
  return [...new Set([...allowed, ...linkedSites(tx, line)])];
}

/** The AS that a gateway shows. */
export const asnOf = (tx: Tx, { gateway, region }: VirtualInterfaceRecord): number =>
  (gateway.startsWith('vgw-')
    ? tx.at(region).get('vpn-gateway', gateway)
    : tx.get('direct-connect-gateway', gateway)
  )?.asn ?? 0;

/** An address without the length of its prefix. */
export const bare = (address: string): string => address.replace(/\/.*/, '');

/** What BGP wants even of a session over IPv6. */
const ROUTER_ID = '169.254.255.254';

/** Sets the speakers of the virtual interfaces at a gateway: whom they wait for, and what they tell. */
export function announceOverInterfaces(tx: Tx, gateway: string): void {
  for (const line of interfacesAt(tx, gateway)) {
    const { id, region, peers, site, down } = line;
    const local = peers.find(({ family }) => family === 'ipv4')?.amazonAddress ?? ROUTER_ID;
    setSpeaker(tx.at(region), {
      id,
      place: { kind: 'site', site },
      as: asnOf(tx, line),
      routerId: bare(local),
      neighbors: peers.map((peer) => ({
        name: peer.id,
        address: bare(peer.customerAddress),
        localAddress: bare(peer.amazonAddress),
        as: peer.asn,
        holdTimeS: HOLD_TIME_S,
        bfd: true,
        authKey: peer.authKey,
        maxPrefixes: MOST_PREFIXES,
        ...(down && { down }),
      })),
      announces: announcementsTo(tx, line),
    });
  }
}
