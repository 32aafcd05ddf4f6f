/**
 * The tunnels and virtual interfaces between gateways' speakers and the routers of sites: links of their own,
 * beside the fabric, that carry only what the two ends say to each other's inside addresses. One that is down
 * carries nothing; cuts between the gateway's part and the site work on it as on every link.
 */
import { err, ok } from '../../controller/base/result.ts';
import { farPort } from '../vpc/vpn-tunnel.ts';
import type { Endpoint, Network } from './endpoint.ts';
import { schedule } from './kernel.ts';
import { lossOf } from './links.ts';
import { deliver } from './sockets.ts';
import type { World } from './state.ts';

/** Whether the far ends of a VPN connection are at an instance, and not at a site. */
export function endsAtInstance(world: World, connection: string): boolean {
  const { fabric } = world.network;
  const node = fabric.vpnConnections.get(connection);
  return node !== undefined && farPort(fabric, node) !== undefined;
}

/** A tunnel as one of its ends sees it. */
interface Tunnel {
  readonly near: string;
  readonly far: string;
  readonly down: boolean;
  /** Whether the two ends have one TCP-MD5 key: else each drops the segments of the other. RFC 2385. */
  readonly keyed: boolean;
  /** Who is at the other end: the id of a gateway's part, or of a customer gateway. */
  readonly peer: string;
}

/** The tunnels that end at `name`, the id of a gateway's speaker or of a customer gateway. */
function tunnelsAt(world: World, name: string): readonly Tunnel[] {
  const tunnels: Tunnel[] = [];
  for (const { id, place, neighbors } of world.records['gateway-speaker'].values()) {
    if (place.kind !== 'site' || (id !== name && place.site !== name)) continue;
    const { authKey: other } = world.routers.get(place.site)?.options ?? {};
    for (const { address, localAddress = '', down = false, authKey } of neighbors) {
      const keyed = other === undefined || authKey === undefined || other === authKey;
      tunnels.push(
        id === name
          ? { near: localAddress, far: address, down, keyed, peer: place.site }
          : { near: address, far: localAddress, down, keyed, peer: id },
      );
    }
  }
  return tunnels;
}

const endAt = (world: World, name: string): Endpoint | undefined =>
  world.gateways.get(name)?.endpoint ?? world.routers.get(name)?.endpoint;

/** The way of an end of tunnels to the other ends. */
export const tunnelNetwork = (world: World, name: string): Network => ({
  source: (to) => {
    const tunnel = tunnelsAt(world, name).find(({ far }) => far === to);
    return tunnel === undefined ? err(`no tunnel of ${name} leads to ${to}`) : ok(tunnel.near);
  },
  output: (packet) => {
    const tunnel = tunnelsAt(world, name).find(({ far }) => far === packet.destination);
    if (tunnel === undefined || tunnel.down || lossOf(world, name, tunnel.peer) !== undefined) return;
    if (packet.body.kind === 'segment' && !tunnel.keyed) return;
    const arriving = { ...packet, source: packet.source ?? tunnel.near };
    schedule(world, world.now + world.links.internetMs, () => {
      const end = endAt(world, tunnel.peer);
      if (end !== undefined && end.power === 'running') deliver(end, arriving);
    });
  },
});
