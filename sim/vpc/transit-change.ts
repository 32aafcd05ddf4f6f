/** How attachments, Connect peers and route tables of transit gateways come into the fabric. */
import { parsePrefix } from '../../controller/base/ip.ts';
import { insert, remove } from '../../controller/base/longest-match.ts';
import { must, unreachable } from '../../controller/base/result.ts';
import { wordOf } from './cidr.ts';
import {
  attachmentOf,
  connectPeerOf,
  type Fabric,
  siteOf,
  subnetOf,
  transitTableOf,
  vpcOf,
  vpnConnectionOf,
} from './fabric.ts';
import { seedOf } from './flow-hash.ts';
import type {
  Change,
  ConnectPeer,
  TransitGatewayAttachment,
  TransitGatewayRouteTable,
  TransitPath,
} from './model.ts';
import type { TransitPathNode } from './nodes.ts';

export function applyTransitChange(
  fabric: Fabric,
  change: Extract<Change, { readonly kind: `transit-gateway-${string}` }>,
): void {
  switch (change.kind) {
    case 'transit-gateway-attachment':
      applyAttachment(fabric, change.id, change.value);
      break;
    case 'transit-gateway-connect-peer':
      applyConnectPeer(fabric, change.id, change.value);
      break;
    case 'transit-gateway-multicast-domain':
      if (change.value === undefined) fabric.multicastDomains.delete(change.id);
      else fabric.multicastDomains.set(change.id, change.value);
      break;
    case 'transit-gateway-route-table':
      applyTransitTable(fabric, change.id, change.value);
      break;
    default:
      unreachable(change);
  }
}

function applyAttachment(fabric: Fabric, id: string, value: TransitGatewayAttachment | undefined): void {
  const node = attachmentOf(fabric, id);
  if (node.vpc !== undefined) node.vpc.attachments.splice(node.vpc.attachments.indexOf(node), 1);
  const link = value?.link;
  const vpc = link?.kind === 'vpc' ? vpcOf(fabric, link.vpc) : undefined;
  vpc?.attachments.push(node);
  node.vpc = vpc;
  node.gateway = value?.gateway ?? '';
  node.available = value?.available ?? false;
  node.applianceMode = value?.applianceMode ?? false;
  node.peer = link?.kind === 'peering' ? attachmentOf(fabric, link.peer) : undefined;
  node.vpn = link?.kind === 'vpn' ? vpnConnectionOf(fabric, link.connection) : undefined;
  node.transport = link?.kind === 'connect' ? attachmentOf(fabric, link.transport) : undefined;
  node.table = value?.routeTable === undefined ? undefined : transitTableOf(fabric, value.routeTable);
  node.places =
    link?.kind === 'vpc' && vpc !== undefined
      ? link.subnets.map((subnet) => ({ vpc, subnet: subnetOf(fabric, subnet) }))
      : [];
}

function applyConnectPeer(fabric: Fabric, id: string, value: ConnectPeer | undefined): void {
  const node = connectPeerOf(fabric, id);
  for (const { site } of node.speakers) site.peer = undefined;
  if (value === undefined) {
    Object.assign(node, { attachment: undefined, speakers: [] });
    return;
  }
  node.attachment = attachmentOf(fabric, value.attachment);
  node.gatewayAddress = wordOf(value.gatewayAddress);
  node.peerAddress = wordOf(value.peerAddress);
  node.speakers = value.speakers.map((each) => ({
    address: wordOf(each.address),
    site: siteOf(fabric, each.id),
  }));
  for (const { site } of node.speakers) site.peer = node;
}

const compilePath = (fabric: Fabric, { attachment, tunnel, peer }: TransitPath): TransitPathNode => ({
  attachment: attachmentOf(fabric, attachment),
  tunnel,
  peer: peer === undefined ? undefined : connectPeerOf(fabric, peer),
  seed: seedOf(tunnel ?? peer ?? attachment),
});

const isSame = (a: readonly TransitPathNode[], b: readonly TransitPathNode[]): boolean =>
  a.length === b.length &&
  a.every((path, i) => {
    const other = b[i];
    return path.attachment === other?.attachment && path.tunnel === other.tunnel && path.peer === other.peer;
  });

/** Changes only the routes that differ: a table may hold 10,000. */
function applyTransitTable(fabric: Fabric, id: string, value: TransitGatewayRouteTable | undefined): void {
  const node = transitTableOf(fabric, id);
  node.present = value !== undefined;
  node.shadowed = value?.shadowed ?? [];
  const wanted = new Map((value?.routes ?? []).map((route) => [route.destination, route.paths]));
  for (const destination of [...node.routes.keys()].filter((each) => !wanted.has(each))) {
    const prefix = must(parsePrefix(destination));
    remove(prefix.address.family === 4 ? node.v4 : node.v6, prefix);
    node.routes.delete(destination);
  }
  for (const [destination, ways] of wanted) {
    const paths = ways.map((way) => compilePath(fabric, way));
    const known = node.routes.get(destination);
    if (known !== undefined && isSame(known.paths, paths)) continue;
    const prefix = must(parsePrefix(destination));
    const route = { destination, paths };
    insert(prefix.address.family === 4 ? node.v4 : node.v6, prefix, route);
    node.routes.set(destination, route);
  }
}
