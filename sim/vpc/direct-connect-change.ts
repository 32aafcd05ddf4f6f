/** How virtual interfaces, and associations of Direct Connect gateways, come into the fabric. */
import { compileCidr } from './cidr.ts';
import {
  associationOf,
  attachmentOf,
  directConnectOf,
  type Fabric,
  lineOf,
  siteOf,
  vpnGatewayOf,
} from './fabric.ts';
import type { DirectConnectAssociation, VirtualInterface } from './hybrid-model.ts';
import type { Change } from './model.ts';

export function applyDirectConnectChange(
  fabric: Fabric,
  change: Extract<Change, { readonly kind: 'virtual-interface' | 'direct-connect-association' }>,
): void {
  if (change.kind === 'virtual-interface') applyLine(fabric, change.id, change.value);
  else applyAssociation(fabric, change.id, change.value);
}

function release<N>(list: N[], node: N): void {
  const at = list.indexOf(node);
  if (at >= 0) list.splice(at, 1);
}

function applyLine(fabric: Fabric, id: string, value: VirtualInterface | undefined): void {
  const node = lineOf(fabric, id);
  if (node.direct !== undefined) release(node.direct.lines, node);
  if (node.site !== undefined) release(node.site.lines, node);
  node.direct = value && directConnectOf(fabric, value.gateway);
  node.site = value && siteOf(fabric, value.site);
  node.direct?.lines.push(node);
  node.site?.lines.push(node);
  node.up = value?.up ?? false;
  node.siteLink = value?.siteLink ?? false;
  node.routes = (value?.routes ?? []).map(compileCidr);
  node.border = { ...fabric.settings.mtu.directConnect, mtuBytes: value?.mtuBytes ?? 1500 };
  if (node.direct !== undefined && value?.gateway.startsWith('vgw-')) {
    const gateway = vpnGatewayOf(fabric, value.gateway);
    node.direct.own = gateway;
    if (!gateway.directs.includes(node.direct)) gateway.directs.push(node.direct);
  }
}

function applyAssociation(fabric: Fabric, id: string, value: DirectConnectAssociation | undefined): void {
  const node = associationOf(fabric, id);
  const { direct, vpnGateway, attachment } = node;
  if (direct !== undefined) {
    release(direct.associations, node);
    if (vpnGateway !== undefined) release(vpnGateway.directs, direct);
    if (attachment?.direct === direct) attachment.direct = undefined;
  }
  const far = value?.available === true ? value : undefined;
  node.direct = far && directConnectOf(fabric, far.directConnectGateway);
  node.vpnGateway = far?.gateway.startsWith('vgw-') ? vpnGatewayOf(fabric, far.gateway) : undefined;
  node.attachment = far?.gateway.startsWith('tgw-') ? attachmentOf(fabric, far.gateway) : undefined;
  node.allowed = far?.prefixes?.map(compileCidr);
  if (node.direct === undefined) return;
  node.direct.associations.push(node);
  node.vpnGateway?.directs.push(node.direct);
  if (node.attachment !== undefined) node.attachment.direct = node.direct;
}
