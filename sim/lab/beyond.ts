/**
 * The two machines that are no instances: the hosts of the Internet, in one namespace, and the link's
 * services.
 */
import { type Address, formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { addAddress, errnosOf } from '../frame/netlink.ts';
import { METADATA, RESOLVER } from '../frame/service.ts';
import { OUTSIDE_MAC, SERVICES_MAC } from '../frame/switch.ts';
import { ROUTER_LINK_LOCAL } from '../vpc/fabric.ts';
import { plugDevice } from './devices.ts';
import { askKernel, inNamespace } from './linux.ts';

/** The IPv4 router of both, on the link: RFC 7600's dummy address. */
const ROUTER: Address = must(parseAddress('192.0.0.8'));
const OUTSIDE_MTU_BYTES = 1500;
const SERVICES_MTU_BYTES = 9001;
/** Devices other than loopback begin here in a new namespace. */
const FIRST = 2;

const hostLength = ({ family }: Address): number => (family === 4 ? 32 : 128);

export interface Outside {
  readonly fd: number;
  /**
   * Gives the machine the addresses that it lacks; those of hosts that are gone stay, and are not reached.
   */
  readonly give: (addresses: readonly string[]) => void;
}

/** The machine of all hosts outside. */
export function beyondDevice(namespace: number): Outside {
  const fd = plugDevice(namespace, {
    name: 'eth0',
    mac: OUTSIDE_MAC,
    mtuBytes: OUTSIDE_MTU_BYTES,
    configured: true,
    addresses: [],
    routers: [ROUTER, ROUTER_LINK_LOCAL],
  });
  const given = new Set<string>();
  const give = (addresses: readonly string[]): void => {
    const fresh = addresses.filter((text) => !given.has(text)).map((text) => must(parseAddress(text)));
    if (fresh.length === 0) return;
    inNamespace(namespace, () =>
      askKernel(
        fresh.map((address) => addAddress(FIRST, address, hostLength(address))),
        errnosOf,
      ),
    );
    for (const address of fresh) given.add(formatAddress(address));
  };
  return { fd, give };
}

/** The machine of instance metadata and the resolver; the TAP's descriptor. */
export const servicesDevice = (namespace: number): number =>
  plugDevice(namespace, {
    name: 'eth0',
    mac: SERVICES_MAC,
    mtuBytes: SERVICES_MTU_BYTES,
    configured: true,
    addresses: [METADATA, RESOLVER].map((word) => {
      const address: Address = { family: 4, words: [0, 0, 0, word >>> 0] };
      return { address, length: 32 };
    }),
    routers: [ROUTER],
  });
