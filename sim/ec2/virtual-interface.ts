/** What the handlers of virtual interfaces and of their BGP peers share: checks, and how they are shown. */
import type { BGPPeer, NewBGPPeer, VirtualInterface } from '@aws-sdk/client-direct-connect';
import { addressAt, contains, formatAddress, parsePrefix, prefix } from '../../controller/base/ip.ts';
import { invalid, refreshDirectConnect, shortId, shownTags } from './direct-connect.ts';
import { asnOf } from './direct-connect-paths.ts';
import { sessionOf } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import { hexDigits } from './identifier.ts';
import type { VirtualInterfacePeer, VirtualInterfaceRecord } from './record/direct-connect.ts';

const KIND = 'virtual-interface';

/** A virtual interface that is not deleted: a deleted one is only to be looked at. */
export function needInterface(tx: Tx, id: string | undefined): VirtualInterfaceRecord {
  const line = tx.need(KIND, id ?? invalid('The parameter virtualInterfaceId is missing.'));
  if (line.region !== tx.region) invalid(`Virtual interface ${id} is in ${line.region}.`);
  if (line.state === 'deleting' || line.state === 'deleted') invalid(`Virtual interface ${id} is deleted.`);
  return line;
}

/** Stores a changed virtual interface, and does what follows from the change. */
export function changeInterface(tx: Tx, line: VirtualInterfaceRecord): VirtualInterfaceRecord {
  tx.put(KIND, line);
  refreshDirectConnect(tx, line.gateway);
  return tx.get(KIND, line.id) ?? line;
}

/** An experiment cuts the line of a virtual interface, or mends it. */
export function setLine(tx: Tx, id: string, down: boolean): void {
  const line = tx.get(KIND, id);
  if (line !== undefined) changeInterface(tx, { ...line, down });
}

/** Networks of point-to-point links that AWS gives: /30 of link-local addresses, /125 for documentation. */
const networkOf = (tx: Tx, family: VirtualInterfacePeer['family']): string =>
  family === 'ipv4'
    ? `169.254.${Math.floor(tx.random() * 250) + 1}.${Math.floor(tx.random() * 64) * 4}/30`
    : `2001:db8:${hexDigits(tx.random, 4)}:${hexDigits(tx.random, 4)}::/125`;

/** The addresses of a link: those asked for, or free ones by chance. */
function linkAddresses(
  tx: Tx,
  family: VirtualInterfacePeer['family'],
  { amazonAddress: amazon, customerAddress: customer }: NewBGPPeer,
): Pick<VirtualInterfacePeer, 'amazonAddress' | 'customerAddress'> {
  if (amazon === undefined && customer === undefined) {
    const taken = tx.list(KIND).flatMap((each) => each.peers.map((peer) => peer.amazonAddress));
    for (;;) {
      const network = prefix(networkOf(tx, family));
      const at = (index: number): string => `${formatAddress(addressAt(network, index))}/${network.length}`;
      if (!taken.includes(at(1))) return { amazonAddress: at(1), customerAddress: at(2) };
    }
  }
  const [near, far] = [amazon ?? '', customer ?? ''].map((text) => {
    const parsed = parsePrefix(text);
    const fits =
      parsed.ok && text.includes('/') && parsed.value.address.family === (family === 'ipv4' ? 4 : 6);
    return fits ? parsed.value : invalid(`Address '${text}' is not valid: ${family} in CIDR notation.`);
  });
  if (near === undefined || far === undefined || !contains(near, far.address) || near.length !== far.length)
    return invalid(`${amazon} and ${customer} are not addresses of one link.`);
  return { amazonAddress: amazon ?? '', customerAddress: customer ?? '' };
}

/** Checks a BGP peer that is asked for, beside those that there are, and makes it. */
export function newPeer(
  tx: Tx,
  asked: NewBGPPeer,
  held: readonly VirtualInterfacePeer[],
): VirtualInterfacePeer {
  const { addressFamily: family = 'ipv4', authKey = hexDigits(tx.random, 24) } = asked;
  const asn = asked.asnLong ?? asked.asn ?? 0;
  const mostAsn = asked.asnLong === undefined ? 2_147_483_647 : 4_294_967_294;
  if (!Number.isInteger(asn) || asn < 1 || asn > mostAsn)
    invalid(`ASN ${asn} is not valid: 1 to ${mostAsn}.`);
  if (family !== 'ipv4' && family !== 'ipv6') return invalid(`Address family ${family} is not valid.`);
  if (held.some((each) => each.family === family)) invalid(`There is a BGP peer of ${family} already.`);
  if (!/^[\x21-\x7e]{6,80}$/.test(authKey)) invalid('The authentication key must have 6 to 80 characters.');
  return { id: shortId(tx, 'dxpeer'), asn, authKey, family, ...linkAddresses(tx, family, asked) };
}

function shownPeer(tx: Tx, line: VirtualInterfaceRecord, peer: VirtualInterfacePeer): BGPPeer {
  const session = sessionOf(tx.at(line.region), line.id, peer.id);
  return {
    bgpPeerId: peer.id,
    ...shownAsn(peer.asn),
    authKey: peer.authKey,
    addressFamily: peer.family,
    amazonAddress: peer.amazonAddress,
    customerAddress: peer.customerAddress,
    bgpPeerState: line.state === 'pending' ? 'pending' : 'available',
    bgpStatus: session?.bgp ?? 'down',
  };
}

/** One above the range of the older member stands in the younger only. */
const shownAsn = (asn: number) => ({ ...(asn <= 2_147_483_647 && { asn }), asnLong: asn });

/** As AWS prints it into the configuration for routers. */
function routerConfig(line: VirtualInterfaceRecord, amazonAsn: number): string {
  const [peer] = line.peers;
  const entries = {
    vlan: line.vlan,
    customer_address: peer?.customerAddress ?? '',
    amazon_address: peer?.amazonAddress ?? '',
    bgp_asn: peer?.asn ?? '',
    bgp_auth_key: peer?.authKey.replace(/[<>&]/g, (ch) => `&#${ch.charCodeAt(0)};`) ?? '',
    amazon_bgp_asn: amazonAsn,
    connection_type: line.type,
  };
  const inner = Object.entries(entries).map(([name, value]) => `  <${name}>${value}</${name}>\n`);
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  return `${head}<logical_connection id="${line.id}">\n${inner.join('')}</logical_connection>\n`;
}

/** A virtual interface whose sessions are all down is down. */
const stateOf = ({ state, up }: VirtualInterfaceRecord) => (state === 'available' && !up ? 'down' : state);

/** A virtual interface as Direct Connect shows it. */
export function shownInterface(tx: Tx, line: VirtualInterfaceRecord): VirtualInterface {
  const [peer] = line.peers;
  const location = tx.at(line.region).get('direct-connect-connection', line.connection)?.location;
  const amazonSideAsn = asnOf(tx, line);
  return {
    ownerAccount: line.account,
    virtualInterfaceId: line.id,
    ...(location !== undefined && { location }),
    connectionId: line.connection,
    virtualInterfaceType: line.type,
    virtualInterfaceName: line.name,
    vlan: line.vlan,
    amazonSideAsn,
    ...(peer !== undefined && {
      ...shownAsn(peer.asn),
      authKey: peer.authKey,
      amazonAddress: peer.amazonAddress,
      customerAddress: peer.customerAddress,
      addressFamily: peer.family,
    }),
    virtualInterfaceState: stateOf(line),
    customerRouterConfig: routerConfig(line, amazonSideAsn),
    mtu: line.mtuBytes,
    jumboFrameCapable: true,
    // AWS shows the one that it is not as an empty text.
    virtualGatewayId: line.gateway.startsWith('vgw-') ? line.gateway : '',
    directConnectGatewayId: line.gateway.startsWith('vgw-') ? '' : line.gateway,
    routeFilterPrefixes: [],
    bgpPeers: line.peers.map((each) => shownPeer(tx, line, each)),
    region: line.region,
    tags: shownTags(line.tags),
    siteLinkEnabled: line.siteLink,
  };
}
