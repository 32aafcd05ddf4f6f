/**
 * What the handlers of VPN gateways and connections share: what gateways learn from their connections and
 * propagate, which connection they use, and what they tell the sites. AWS Site-to-Site VPN User Guide.
 */
import { addressAt, formatAddress, parsePrefix, prefix } from '../../controller/base/ip.ts';
import type { GatewayNeighbor, GatewaySpeaker, Route } from '../vpc/model.ts';
import { bestPaths } from './best-path.ts';
import { announceOverInterfaces, associationsOf, learntByDirectConnect } from './direct-connect-paths.ts';
import { sessionOf, setSpeaker } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import type { VpnConnectionRecord, VpnTunnel } from './record/connectivity.ts';
import type { RouteTableRecord } from './record/network.ts';
import type { LearntPath } from './record/routing.ts';
import { invalidValue } from './refusal.ts';
import { announceTo, refreshPropagations } from './transit-gateway.ts';

const KIND = 'vpn-connection';

/** What the gateway proposes as Hold Time, s, and the most prefixes that a site may announce. */
const HOLD_TIME_S = 30;
const MOST_PREFIXES = { 'vpn-gateway': 100, 'transit-gateway': 1000 } as const;

/** The routes of a table without those that a VPN gateway propagated to it. */
export const withoutRoutesOf = (table: RouteTableRecord, gateway: string): Route[] =>
  table.routes.filter(
    ({ origin, target }) =>
      origin !== 'EnableVgwRoutePropagation' || target.kind !== 'vpn-gateway' || target.gateway !== gateway,
  );

const liveConnections = (tx: Tx, gateway: string): readonly VpnConnectionRecord[] =>
  tx.referring(KIND, gateway).filter((each) => each.gateway === gateway && each.state === 'available');

/** The address of one end of a tunnel: 1 is the gateway's, 2 the customer's. */
export const insideAddress = ({ inside }: Pick<VpnTunnel, 'inside'>, end: 1 | 2): string =>
  formatAddress(addressAt(prefix(inside), end));

/** What EC2 shows of a tunnel: with dynamic routing it is up when its session is. */
export function tunnelState(tx: Tx, { id, staticOnly }: VpnConnectionRecord, tunnel: VpnTunnel) {
  const session = staticOnly ? undefined : sessionOf(tx, id, tunnel.outside);
  const isUp = !tunnel.down && (staticOnly || session?.bgp === 'up');
  const paths = tx.get('gateway-speaker', id)?.paths ?? [];
  const accepted = paths.filter(({ neighbor }) => neighbor === tunnel.outside).length;
  const said = session !== undefined && session.changedAt > tunnel.changedAt ? session : tunnel;
  const ipsec = tunnel.down ? 'IPSEC IS DOWN' : 'IPSEC IS UP';
  const message = isUp && !staticOnly ? `${accepted} BGP ROUTES` : ipsec;
  return { isUp, accepted, message, changedAt: said.changedAt };
}

/** Sets which tunnels of a connection are up, and what the VPN gateway uses each of them for. */
function setTunnels(
  tx: Tx,
  connection: VpnConnectionRecord,
  learntBy: (outside: string) => readonly string[],
): void {
  const tunnels = connection.tunnels.map((tunnel) => ({
    ...tunnel,
    up: tunnelState(tx, connection, tunnel).isUp,
    learnt: learntBy(tunnel.outside),
  }));
  tx.put(KIND, { ...connection, tunnels });
}

/** Learns anew what the connections of a VPN gateway or a transit gateway know. */
export function refreshVpn(tx: Tx, gateway: string): void {
  if (tx.get('vpn-gateway', gateway) !== undefined) {
    refreshVpnGateway(tx, gateway);
    return;
  }
  for (const connection of liveConnections(tx, gateway)) {
    setTunnels(tx, connection, () => []);
    const attachment = tx.get('transit-gateway-attachment', connection.attachment ?? '');
    if (attachment === undefined) continue;
    const { announces = [] } = tx.get('gateway-speaker', connection.id) ?? {};
    setConnectionSpeaker(tx, connection, announces);
    announceTo(tx, attachment);
    refreshPropagations(tx, attachment.propagations);
  }
}

/**
 * The best path of each prefix; one by a tunnel that is known to be down only where there is no other, until
 * its session ends. The neighbor of a path is its tunnel.
 */
function pathsInUse(tx: Tx, connections: readonly VpnConnectionRecord[]): Map<string, LearntPath> {
  const paths = connections.flatMap(({ id }) => tx.get('gateway-speaker', id)?.paths ?? []);
  const down = connections.flatMap(({ tunnels }) => tunnels.filter((tunnel) => tunnel.down));
  const isDown = ({ neighbor }: LearntPath): boolean => down.some(({ outside }) => outside === neighbor);
  return new Map([...bestPaths(paths.filter(isDown)), ...bestPaths(paths.filter((path) => !isDown(path)))]);
}

/**
 * Direct Connect beats static routes, and these beat what BGP told; of several paths the gateway uses the
 * best. Each site hears the blocks of the VPC, if there is one, and what the gateway uses of the other
 * connections, with its AS path, so that a router of the same AS refuses it. "Secure communication between
 * sites using VPN CloudHub".
 */
function refreshVpnGateway(tx: Tx, gateway: string): void {
  const connections = liveConnections(tx, gateway);
  const direct = learntByDirectConnect(tx, gateway);
  const statics = new Set(connections.flatMap((each) => each.routes));
  const best = [...pathsInUse(tx, connections).values()].filter(
    (path) => !statics.has(path.prefix) && !direct.has(path.prefix),
  );
  const vpc = tx.get('vpc', tx.get('vpn-gateway', gateway)?.vpc ?? '');
  for (const connection of connections) {
    setTunnels(tx, connection, (outside) =>
      best.filter(({ neighbor }) => neighbor === outside).map(({ prefix }) => prefix),
    );
    const own = connection.tunnels.map(({ outside }) => outside);
    const others = best.filter(({ neighbor }) => !own.includes(neighbor));
    const relays = new Map(others.map(({ prefix, asPath }) => [prefix, asPath]));
    for (const { cidr } of vpc?.ipv4 ?? []) relays.delete(cidr);
    const announces = [...(vpc?.ipv4 ?? []).map(({ cidr }) => cidr), ...relays.keys()];
    setConnectionSpeaker(tx, connection, announces, Object.fromEntries(relays));
  }
  for (const each of associationsOf(tx, gateway)) announceOverInterfaces(tx, each.directConnectGateway);
  announceOverInterfaces(tx, gateway);
  const learnt = [
    ...routesOf(gateway, [...direct], 'direct-connect'),
    ...routesOf(
      gateway,
      [...statics].filter((each) => !direct.has(each)),
      'vpn-static',
    ),
    ...routesOf(
      gateway,
      best.map((path) => path.prefix),
      'vpn-bgp',
    ),
  ];
  for (const table of tx.referring('route-table', gateway)) {
    if (!table.propagating?.includes(gateway)) continue;
    tx.put('route-table', { ...table, routes: [...withoutRoutesOf(table, gateway), ...learnt] });
  }
}

const routesOf = (
  gateway: string,
  destinations: readonly string[],
  propagatedFrom: NonNullable<Route['propagatedFrom']>,
): Route[] =>
  destinations.map((destination) => ({
    destination,
    target: { kind: 'vpn-gateway', gateway },
    origin: 'EnableVgwRoutePropagation',
    propagatedFrom,
  }));

/** The speaker of a connection with dynamic routing: a session through each tunnel. */
function setConnectionSpeaker(
  tx: Tx,
  connection: VpnConnectionRecord,
  announces: readonly string[],
  relays: GatewaySpeaker['relays'] = {},
): void {
  const { id, gateway, customerGateway, tunnels, staticOnly } = connection;
  if (staticOnly) return;
  const kind = connection.attachment === undefined ? 'vpn-gateway' : 'transit-gateway';
  const asn = tx.get('customer-gateway', customerGateway)?.asn ?? 0;
  setSpeaker(tx, {
    id,
    place: { kind: 'site', site: customerGateway },
    as: tx.get(kind, gateway)?.asn ?? 0,
    routerId: tunnels[0]?.outside ?? '',
    neighbors: tunnels.map(
      (tunnel): GatewayNeighbor => ({
        name: tunnel.outside,
        address: insideAddress(tunnel, 2),
        localAddress: insideAddress(tunnel, 1),
        as: asn,
        holdTimeS: HOLD_TIME_S,
        bfd: false,
        ...(tunnel.down && { down: true }),
        maxPrefixes: MOST_PREFIXES[kind],
      }),
    ),
    announces,
    ...(Object.keys(relays).length > 0 && { relays }),
  });
}

/**
 * Blocks of 169.254.0.0/16 that AWS keeps for itself. "Tunnel options for your Site-to-Site VPN connection".
 */
const RESERVED = /^169\.254\.([0-5]\.0|169\.252)\/30$/;

/** The inside block of a new tunnel: the one asked for, or a free one by chance. */
export function insideBlock(tx: Tx, asked: string | undefined, besides: readonly string[]): string {
  const taken = new Set([
    ...besides,
    ...tx
      .list(KIND)
      .flatMap(({ state, tunnels }) => (state === 'deleted' ? [] : tunnels.map(({ inside }) => inside))),
  ]);
  if (asked !== undefined) {
    const isBlock = /^169\.254\.\d{1,3}\.\d{1,3}\/30$/.test(asked) && parsePrefix(asked).ok;
    if (!isBlock || RESERVED.test(asked) || taken.has(asked))
      invalidValue('tunnelInsideCidr', asked, 'It must be a free /30 of 169.254.0.0/16.');
    return asked;
  }
  for (;;) {
    const block = `169.254.${Math.floor(tx.random() * 256)}.${Math.floor(tx.random() * 64) * 4}/30`;
    if (!RESERVED.test(block) && !taken.has(block)) return block;
  }
}

/** An experiment sets a tunnel up or down, by its outside address; false where there is none of it. */
export function setTunnel(tx: Tx, id: string, outside: string, down: boolean): boolean {
  const connection = tx.get(KIND, id);
  if (connection?.tunnels.some((each) => each.outside === outside) !== true) return false;
  const tunnels = connection.tunnels.map((tunnel) =>
    tunnel.outside === outside ? { ...tunnel, down, changedAt: tx.date() } : tunnel,
  );
  tx.put(KIND, { ...connection, tunnels });
  refreshVpn(tx, connection.gateway);
  return true;
}
