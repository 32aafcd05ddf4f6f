/** The route that a sender chooses, whatever its guest's tables say: by a next hop, or by an ENI. */
import { type Address, contains, formatAddress } from '../../controller/base/ip.ts';
import { gatewayOfSubnet, ROUTER_LINK_LOCAL } from './fabric.ts';
import { createRoute, type Guest, type GuestRoute, UNSPECIFIED } from './guest.ts';
import { destinationOf, type Header } from './header.ts';

/** The route that `via` stands for: by the device whose link has it. */
export function routeVia(guest: Guest, via: Address): GuestRoute | undefined {
  const text = formatAddress(via);
  for (const device of guest.devices) {
    for (const own of device.addresses) {
      const { address, length } = own.prefix;
      if (address.family !== via.family || formatAddress(own.address) === text) continue;
      const [a, b, c, d] = via.words;
      const shift = via.family === 4 ? 96 : 0;
      const inside = [a, b, c, d].every((word, index) => {
        const bits = length + shift - 32 * index;
        const mask = bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits);
        return ((word ^ (address.words[index] ?? 0)) & mask) === 0;
      });
      if (inside) return createRoute(device, own.prefix, via);
    }
  }
  return undefined;
}

/** A route out by an ENI: on its link where the destination is in its subnet, else to the subnet's router. */
export function routeBy(guest: Guest, eni: string, h: Header): GuestRoute | undefined {
  const device = guest.devices.find(({ port }) => port.id === eni);
  if (device === undefined) return undefined;
  const to = destinationOf(h);
  const { subnet } = device.port;
  const onLink = subnet.cidrs.find((cidr) => cidr.address.family === to.family && contains(cidr, to));
  if (onLink !== undefined) return createRoute(device, onLink, undefined);
  const router = to.family === 4 ? gatewayOfSubnet(subnet) : ROUTER_LINK_LOCAL;
  return createRoute(device, { address: UNSPECIFIED[to.family], length: 0 }, router);
}
