/** How VPN gateways, customer gateways and VPN connections come into the fabric. */
import { addressAt, prefix } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import { compileCidr, wordOf } from './cidr.ts';
import { attachmentOf, type Fabric, siteOf, vpcOf, vpnConnectionOf, vpnGatewayOf } from './fabric.ts';
import type { VpnConnection } from './hybrid-model.ts';
import type { Change } from './model.ts';
import type { VpnConnectionNode } from './nodes.ts';

export function applyVpnChange(
  fabric: Fabric,
  change: Extract<Change, { readonly kind: 'vpn-gateway' | 'customer-gateway' | 'vpn-connection' }>,
): void {
  switch (change.kind) {
    case 'vpn-gateway': {
      const { vpc } = change.value ?? {};
      vpnGatewayOf(fabric, change.id).vpc = vpc === undefined ? undefined : vpcOf(fabric, vpc);
      break;
    }
    case 'customer-gateway':
      siteOf(fabric, change.id).address = change.value === undefined ? 0 : wordOf(change.value.address);
      break;
    case 'vpn-connection':
      applyConnection(fabric, change.id, change.value);
      break;
    default:
      unreachable(change);
  }
}

function applyConnection(fabric: Fabric, id: string, value: VpnConnection | undefined): void {
  const node = vpnConnectionOf(fabric, id);
  for (const list of [node.gateway?.connections, node.site?.connections]) {
    const at = list?.indexOf(node) ?? -1;
    if (at >= 0) list?.splice(at, 1);
  }
  const isTransit = value?.gateway.startsWith('tgw-') === true;
  node.attachment = value && isTransit ? attachmentOf(fabric, value.gateway) : undefined;
  node.gateway = value && !isTransit ? vpnGatewayOf(fabric, value.gateway) : undefined;
  node.site = value && siteOf(fabric, value.customerGateway);
  node.gateway?.connections.push(node);
  node.site?.connections.push(node);
  node.speaker.vpn = value && node;
  node.routes = (value?.routes ?? []).map(compileCidr);
  node.tunnels = (value?.tunnels ?? []).map((tunnel) => compileTunnel(node, tunnel));
  node.up = node.tunnels.some(({ up }) => up);
}

const compileTunnel = (
  connection: VpnConnectionNode,
  { outside, inside, up, down, routes }: VpnConnection['tunnels'][number],
): VpnConnectionNode['tunnels'][number] => ({
  connection,
  outside,
  remote: wordOf(outside),
  near: addressAt(prefix(inside), 1).words[3] | 0,
  up,
  down,
  routes: routes.map(compileCidr),
});
