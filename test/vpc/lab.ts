/** A small VPC network for tests: records in, guests booted, packets sent; no behaviour of its own. */
import { address } from '../../controller/base/ip.ts';
import { present } from '../../controller/base/result.ts';
import { forward, type Trace } from '../../sim/vpc/forward.ts';
import { boot, type Guest, type GuestProfile } from '../../sim/vpc/guest.ts';
import { answerTo, type Packet } from '../../sim/vpc/header.ts';
import type { VpnConnectionTunnel } from '../../sim/vpc/hybrid-model.ts';
import type {
  Change,
  NetworkInterface,
  ResourceKind,
  Resources,
  Route,
  RouteTable,
  RouteTarget,
} from '../../sim/vpc/model.ts';
import { addGuest, addHost, applyToNetwork, createNetwork, type Network } from '../../sim/vpc/network.ts';
import type { VpcSettings } from '../../sim/vpc/settings.ts';

export const OPEN_GROUP = 'sg-open';
export const SERVER = '203.0.113.10';
export const SERVER6 = '2001:db8:ffff::10';
export const APPLIANCE: GuestProfile = { ipForward: true, masquerade: [] };

/** A VPN tunnel that is up. */
export const tunnel = (outside: string, more: Partial<VpnConnectionTunnel> = {}): VpnConnectionTunnel => ({
  outside,
  inside: '169.254.10.0/30',
  down: false,
  up: true,
  routes: [],
  ...more,
});

export interface Lab {
  readonly network: Network;
  now: number;
}

const changeOf = <K extends ResourceKind>(kind: K, id: string, value: Resources[K] | undefined): Change =>
  ({ kind, id, value }) as unknown as Change;

export function put<K extends ResourceKind>(lab: Lab, kind: K, value: Resources[K]): void {
  applyToNetwork(lab.network, changeOf(kind, value.id, value), lab.now);
}

export function drop(lab: Lab, kind: ResourceKind, id: string): void {
  applyToNetwork(lab.network, changeOf(kind, id, undefined), lab.now);
}

/**
 * One VPC 10.0.0.0/16 and 2001:db8::/56, gateway igw-1, main table with the local routes, an Internet with
 * two servers.
 */
export function createLab(settings: Partial<VpcSettings> = {}): Lab {
  const lab: Lab = { network: createNetwork(settings), now: 0 };
  put(lab, 'vpc', {
    id: 'vpc-1',
    account: '123456789012',
    region: 'eu-central-1',
    cidrs: ['10.0.0.0/16', '2001:db8::/56'],
  });
  put(lab, 'internet-gateway', { id: 'igw-1', vpc: 'vpc-1' });
  table(lab, 'rtb-main', { main: true });
  put(lab, 'security-group', {
    id: OPEN_GROUP,
    vpc: 'vpc-1',
    ingress: everything(),
    egress: everything(),
  });
  addHost(lab.network, address(SERVER));
  addHost(lab.network, address(SERVER6));
  return lab;
}

export const everything = (): Resources['security-group']['ingress'] =>
  ['0.0.0.0/0', '::/0'].map((cidr) => ({
    protocol: -1,
    fromPort: -1,
    toPort: -1,
    peer: { kind: 'cidr', cidr },
  }));

const LOCAL: readonly Route[] = ['10.0.0.0/16', '2001:db8::/56'].map((destination) => ({
  destination,
  target: { kind: 'local' },
  origin: 'CreateRouteTable',
}));

export const route = (destination: string, target: string): Route => ({
  destination,
  target: targetOf(target),
  origin: 'CreateRoute',
});

function targetOf(id: string): RouteTarget {
  if (id === 'local') return { kind: 'local' };
  if (id.startsWith('igw-')) return { kind: 'internet-gateway', gateway: id };
  if (id.startsWith('nat-')) return { kind: 'nat-gateway', gateway: id };
  if (id.startsWith('eigw-')) return { kind: 'egress-only-gateway', gateway: id };
  if (id.startsWith('pcx-')) return { kind: 'vpc-peering-connection', connection: id };
  if (id.startsWith('vgw-')) return { kind: 'vpn-gateway', gateway: id };
  if (id.startsWith('vpce-')) return { kind: 'vpc-endpoint', endpoint: id };
  if (id.startsWith('tgw-')) return { kind: 'transit-gateway', gateway: id };
  return { kind: 'eni', eni: id };
}

export function table(
  lab: Lab,
  id: string,
  {
    main = false,
    subnets = [],
    gateways = [],
    routes = [],
    local = LOCAL,
    vpc = 'vpc-1',
  }: Partial<RouteTable> & {
    readonly local?: readonly Route[];
  },
): void {
  put(lab, 'route-table', { id, vpc, main, subnets, gateways, routes: [...local, ...routes] });
}

/** Subnet `n`: 10.0.n.0/24 and 2001:db8:0:n::/64, named `subnet-n`. */
export function subnet(lab: Lab, n: number, zone = 'eu-central-1a'): string {
  const id = `subnet-${n}`;
  put(lab, 'subnet', { id, vpc: 'vpc-1', zone, cidrs: [`10.0.${n}.0/24`, `2001:db8:0:${n}::/64`] });
  return id;
}

export interface EniOptions extends Partial<NetworkInterface> {
  readonly publicAddress?: string;
}

/** An ENI `eni-NAME` in subnet `n` with 10.0.n.HOST and 2001:db8:0:n::HOST; not attached unless told. */
export function eni(
  lab: Lab,
  name: string,
  n: number,
  host: number,
  options: EniOptions = {},
): NetworkInterface {
  const { publicAddress, ...rest } = options;
  const own = `10.0.${n}.${host}`;
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  const value: NetworkInterface = {
    id: `eni-${name}`,
    vpc: 'vpc-1',
    subnet: `subnet-${n}`,
    mac: `02:00:00:00:${hex(n)}:${hex(host)}`,
    addresses: [own, `2001:db8:0:${n}::${host}`],
    publicAddresses: publicAddress === undefined ? [] : [{ private: own, public: publicAddress }],
    sourceDestCheck: true,
    securityGroups: [OPEN_GROUP],
    ...rest,
  };
  put(lab, 'network-interface', value);
  return value;
}

/** An instance `i-NAME` that runs, with a primary ENI as in `eni`, and its booted guest. */
export function machine(
  lab: Lab,
  name: string,
  n: number,
  host: number,
  options: EniOptions & { readonly profile?: GuestProfile } = {},
): Guest {
  const { profile, ...rest } = options;
  const id = `i-${name}`;
  put(lab, 'instance', { id, vpc: 'vpc-1', state: 'running' });
  eni(lab, name, n, host, { attachment: { instance: id, deviceIndex: 0 }, ...rest });
  const guest = addGuest(lab.network, id, profile);
  boot(guest, present(lab.network.fabric.instances.get(id), id).ports, lab.network.fabric.settings);
  return guest;
}

export const host = (lab: Lab, text: string): ReturnType<typeof addHost> =>
  addHost(lab.network, address(text));

/** A UDP packet from a guest (or, by its text address, an Internet host) to an address. */
export function udp(
  lab: Lab,
  from: Guest | string,
  destination: string,
  more: Partial<Packet> & { readonly via?: string } = {},
): Trace {
  const { via, ...fields } = more;
  const packet: Packet = { protocol: 'udp', sourcePort: 4000, destinationPort: 7, destination, ...fields };
  const origin = typeof from === 'string' ? host(lab, from) : from;
  return forward(lab.network, packet, origin, lab.now, via === undefined ? {} : { via });
}

/** Both ways: the packet, and the answer of whoever received it. */
export function roundTrip(
  lab: Lab,
  from: Guest | string,
  destination: string,
  more: Partial<Packet> & { readonly via?: string } = {},
): { readonly there: Trace; readonly back: Trace | undefined } {
  const there = udp(lab, from, destination, more);
  if (there.deliveredTo === undefined) return { there, back: undefined };
  const receiver = lab.network.guests.get(there.deliveredTo) ?? host(lab, there.deliveredTo);
  return { there, back: forward(lab.network, answerTo(there.packet), receiver, lab.now) };
}
