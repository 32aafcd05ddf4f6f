/** How attachments and route tables of transit gateways come into the fabric. */
import { parsePrefix } from '../../controller/base/ip.ts';
import { insert, remove } from '../../controller/base/longest-match.ts';
import { must } from '../../controller/base/result.ts';
import { attachmentOf, type Fabric, subnetOf, transitTableOf, vpcOf, vpnConnectionOf } from './fabric.ts';
import type { TransitGatewayAttachment, TransitGatewayRouteTable } from './model.ts';

export function applyAttachment(
  fabric: Fabric,
  id: string,
  value: TransitGatewayAttachment | undefined,
): void {
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
  node.table = value?.routeTable === undefined ? undefined : transitTableOf(fabric, value.routeTable);
  node.places =
    link?.kind === 'vpc' && vpc !== undefined
      ? link.subnets.map((subnet) => ({ vpc, subnet: subnetOf(fabric, subnet) }))
      : [];
}

/** Changes only the routes that differ: a table may hold 10,000. */
export function applyTransitTable(
  fabric: Fabric,
  id: string,
  value: TransitGatewayRouteTable | undefined,
): void {
  const node = transitTableOf(fabric, id);
  node.present = value !== undefined;
  node.shadowed = value?.shadowed ?? [];
  const wanted = new Map((value?.routes ?? []).map((route) => [route.destination, route.attachment]));
  for (const destination of [...node.routes.keys()].filter((each) => !wanted.has(each))) {
    const prefix = must(parsePrefix(destination));
    remove(prefix.address.family === 4 ? node.v4 : node.v6, prefix);
    node.routes.delete(destination);
  }
  for (const [destination, name] of wanted) {
    const attachment = name === undefined ? undefined : attachmentOf(fabric, name);
    const known = node.routes.get(destination);
    if (known !== undefined && known.attachment === attachment) continue;
    const prefix = must(parsePrefix(destination));
    const route = { destination, attachment };
    insert(prefix.address.family === 4 ? node.v4 : node.v6, prefix, route);
    node.routes.set(destination, route);
  }
}
