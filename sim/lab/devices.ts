/**
 * How the machines of the lab get their devices: namespaces, TAPs, addresses. Runs on the fabric's thread.
 */
import { writeFileSync } from 'node:fs';
import { type Address, parseAddress } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { addAddress, addRoute, errnosOf, linkUp } from '../frame/netlink.ts';
import { gatewayOfSubnet, ROUTER_LINK_LOCAL } from '../vpc/fabric.ts';
import type { Port } from '../vpc/nodes.ts';
import { askKernel, inNamespace, makeNamespace, openTap } from './linux.ts';
import { NAMESPACES } from './message.ts';

const QUEUE = 1000;
const LOOPBACK = 1;
const EVERYWHERE: Readonly<Record<4 | 6, Address>> = {
  4: must(parseAddress('0.0.0.0')),
  6: must(parseAddress('::')),
};

/** In the namespace of this thread. */
export const bringUpLoopback = (): void => askKernel([linkUp(LOOPBACK)], errnosOf);

/** A device as it is to be. */
export interface Device {
  readonly name: string;
  readonly mac: number;
  readonly mtuBytes: number;
  /** Whether it is brought up, with its addresses. */
  readonly configured: boolean;
  readonly addresses: readonly { readonly address: Address; readonly length: number }[];
  /** Next hops of the default routes. */
  readonly routers: readonly Address[];
}

/** A machine's network, with nothing but its loopback device. */
export function makeMachine(name: string): number {
  const path = `${NAMESPACES}/${name}`;
  writeFileSync(path, '');
  const namespace = makeNamespace(path);
  inNamespace(namespace, () => {
    // Addresses are the fabric's to give: nobody need ask whether somebody has them.
    writeFileSync('/proc/sys/net/ipv6/conf/default/accept_dad', '0');
    bringUpLoopback();
  });
  return namespace;
}

/** What DHCP gives the default route on the usual images (systemd-networkd by cloud-init). */
const DEFAULT_METRIC = 100;

/** Plugs a device into a machine; the TAP's descriptor. */
export function plugDevice(namespace: number, device: Device): number {
  return inNamespace(namespace, () => {
    const { fd, index } = openTap(device.name);
    const { mac, mtuBytes, configured, addresses, routers } = device;
    const link = linkUp(index, { mac, mtuBytes, queue: QUEUE, up: configured });
    const rest = configured
      ? [
          ...addresses.map(({ address, length }) => addAddress(index, address, length)),
          ...routers.map((via) =>
            addRoute(index, EVERYWHERE[via.family], 0, { via, metric: DEFAULT_METRIC }),
          ),
        ]
      : [];
    askKernel([link, ...rest], errnosOf);
    return fd;
  });
}

/**
 * The device of an ENI. At the boot of its machine it has the primary IPv4 address and the first IPv6
 * address of the ENI, and the first device the default routes; what is attached later waits for the
 * machine to configure it.
 */
export function deviceOf(port: Port, mtuBytes: number, atBoot: boolean): Device {
  const routes = port.deviceIndex === 0;
  const addresses: { address: Address; length: number }[] = [];
  const routers: Address[] = [];
  for (const family of [4, 6] as const) {
    const own = port.addresses.find((each) => each.family === family);
    const cidr = port.subnet.cidrs.find((each) => each.address.family === family);
    if (own === undefined || cidr === undefined) continue;
    addresses.push({ address: must(parseAddress(own.text)), length: cidr.length });
    const router = family === 4 ? gatewayOfSubnet(port.subnet) : ROUTER_LINK_LOCAL;
    if (routes && router !== undefined) routers.push(router);
  }
  const configured = atBoot || routes;
  return { name: `eth${port.deviceIndex}`, mac: port.mac, mtuBytes, configured, addresses, routers };
}
