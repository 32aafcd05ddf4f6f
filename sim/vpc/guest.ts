/**
 * The kernel of a guest, as far as packets care: devices, addresses, routing tables and rules, neighbours,
 * forwarding and masquerading, power. The world owns guests and mutates them through these functions; user
 * space is the world's business (`hung` only says that it does not run). DHCP is EC2's: it configures device
 * index 0 alone.
 */
import {
  type Address,
  address,
  formatAddress,
  mask,
  type Prefix,
  parseAddress,
  prefix,
  width,
} from '../../controller/base/ip.ts';
import {
  createLongestMatch,
  entries,
  insert,
  type LongestMatch,
  remove,
} from '../../controller/base/longest-match.ts';
import { must } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import { type AddressMap, createAddressMap, eachValue, set, unset } from './address-map.ts';
import { type Epoch, gatewayOfSubnet, ROUTER_LINK_LOCAL } from './fabric.ts';
import { clearNat, createNat } from './masquerade.ts';
import type { Nat } from './nat-flow.ts';
import type { GuestLink, Port } from './nodes.ts';
import type { VpcSettings } from './settings.ts';

export type Power = 'running' | 'dead' | 'frozen';

/** What is set up in the guest's image and survives a boot. */
export interface GuestProfile {
  readonly ipForward: boolean;
  /** Device indexes whose outgoing packets get the device's own address as source. */
  readonly masquerade: readonly number[];
  /** Of whom, on the way to anybody else; absent: of everybody. */
  readonly masqueraded?: readonly Prefix[];
  /** It takes packets in GENEVE from a Gateway Load Balancer, and gives them back (one-arm). */
  readonly geneve?: boolean;
  readonly tunnels?: readonly GuestTunnel[];
  /** Addresses of its own that EC2 does not know (overlay addresses), on the first device. */
  readonly overlay?: readonly Address[];
}

/** A tunnel: what goes to a next hop inside goes to the far end instead of the link. */
export interface GuestTunnel {
  readonly link: GuestLink;
  /** The index of the device that carries it, which the tunnel brings up. */
  readonly device: number;
  /** The guest's own addresses inside, which stand on the device that carries the tunnel. */
  readonly inside: readonly { readonly address: Address; readonly prefix: Prefix }[];
}

export interface DeviceAddress {
  readonly device: Device;
  readonly address: Address;
  /** The on-link prefix. */
  readonly prefix: Prefix;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

export interface Neighbour {
  /** 0: it did not answer. */
  readonly mac: number;
  readonly learnedAt: Instant;
  readonly address: Address;
}

/** A network device: an attached ENI as the guest sees it. `setDevice` changes it. */
export interface Device {
  readonly port: Port;
  readonly index: number;
  /** What the guest believes to be its MAC; differs from the ENI's only when an experiment changes it. */
  readonly mac: number;
  readonly up: boolean;
  readonly rpFilter: 0 | 1 | 2;
  readonly addresses: readonly DeviceAddress[];
  readonly neighbours: AddressMap<Neighbour>;
}

export interface GuestRoute {
  readonly device: Device;
  readonly destination: Prefix;
  /** Next hop; undefined on the link. Words are signed. */
  readonly via: Address | undefined;
  readonly v0: number;
  readonly v1: number;
  readonly v2: number;
  readonly v3: number;
  /** What is known of the next hop. */
  neighbour: Neighbour | undefined;
}

export interface RoutingTable {
  readonly v4: LongestMatch<GuestRoute>;
  readonly v6: LongestMatch<GuestRoute>;
}

/** `from PREFIX lookup TABLE`. Rules are asked in order, before the main table. */
export interface Rule {
  readonly from: Prefix;
  readonly table: number;
}

/** `setGuest` changes it, so that every change begins an epoch. */
export interface Guest {
  readonly kind: 'guest';
  /** The instance's id. */
  readonly id: string;
  readonly power: Power;
  /** Unique in its network, above 0. */
  readonly number: number;
  /** Of its network. */
  readonly epoch: Epoch;
  /** User space does not run, the kernel does. */
  readonly hung: boolean;
  /** Alive but forwards nothing. */
  readonly drop: boolean;
  /** Its connection table has no room: flows that it knows go on, no other one is masqueraded. */
  readonly full: boolean;
  readonly profile: GuestProfile;
  readonly devices: readonly Device[];
  readonly tables: Map<number, RoutingTable>;
  /** The main table, which is among the tables, too. */
  readonly main: RoutingTable;
  readonly rules: readonly Rule[];
  /** Configured addresses; what arrives for one of them is delivered here. */
  readonly local: AddressMap<DeviceAddress>;
  readonly nat: Nat;
}

/** Linux's main routing table. */
export const MAIN_TABLE = 254;

const createTable = (): RoutingTable => ({ v4: createLongestMatch(), v6: createLongestMatch() });

const HOST: GuestProfile = { ipForward: false, masquerade: [] };

/** A guest that is off; `boot` starts it. `addGuest` makes one in a network. */
export const createGuest = (
  id: string,
  number: number,
  epoch: Epoch,
  profile: GuestProfile = HOST,
): Guest => {
  const main = createTable();
  return {
    kind: 'guest',
    id,
    power: 'dead',
    number,
    epoch,
    hung: false,
    drop: false,
    full: false,
    profile,
    devices: [],
    tables: new Map([[MAIN_TABLE, main]]),
    main,
    rules: [],
    local: createAddressMap(),
    nat: createNat(),
  };
};

type Settable = 'power' | 'hung' | 'drop' | 'full' | 'profile' | 'devices' | 'main' | 'rules';

/** Changes a guest. */
export function setGuest(guest: Guest, fields: Partial<Pick<Guest, Settable>>): void {
  Object.assign(guest, fields);
  guest.epoch.number++;
}

/** Changes a device of a guest. */
export function setDevice(
  guest: Guest,
  device: Device,
  fields: Partial<Pick<Device, 'mac' | 'up' | 'rpFilter' | 'addresses'>>,
): void {
  Object.assign(device, fields);
  guest.epoch.number++;
}

/** A neighbour answered, or was announced, with this MAC, or with 0 was silent. */
export function learnMac(epoch: Epoch, neighbour: Neighbour, mac: number, learnedAt: Instant): void {
  if (neighbour.mac !== mac) epoch.number++;
  Object.assign(neighbour, { mac, learnedAt });
}

/** Takes all routes away. */
export function clearTables(guest: Guest): void {
  const main = createTable();
  guest.tables.clear();
  guest.tables.set(MAIN_TABLE, main);
  setGuest(guest, { main });
}

/** Starts the guest with a fresh kernel: devices from `ports`, nothing left of what was configured before. */
export function boot(guest: Guest, ports: Iterable<Port>, settings: VpcSettings): void {
  for (const device of guest.devices) unplug(guest, device);
  clearTables(guest);
  clearNat(guest.nat);
  setGuest(guest, { rules: [], power: 'running', hung: false, drop: false, full: false });
  syncDevices(guest, ports, settings);
}

/**
 * Plugs in devices for newly attached ENIs and takes away those whose ENI has left. A dead guest notices
 * nothing.
 */
export function syncDevices(guest: Guest, ports: Iterable<Port>, settings: VpcSettings): void {
  if (guest.power === 'dead') return;
  const attached = [...ports].sort((a, b) => a.deviceIndex - b.deviceIndex);
  for (const device of guest.devices) {
    const same = (port: Port): boolean => port === device.port && port.deviceIndex === device.index;
    if (!attached.some(same)) unplug(guest, device);
  }
  for (const port of attached) {
    if (!guest.devices.some((device) => device.port === port)) plug(guest, port, settings);
  }
}

function plug(guest: Guest, port: Port, settings: VpcSettings): void {
  const device: Device = {
    port,
    index: port.deviceIndex,
    mac: port.mac,
    up: false,
    rpFilter: settings.rpFilter,
    addresses: [],
    neighbours: createAddressMap(),
  };
  setGuest(guest, { devices: [...guest.devices, device] });
  if (device.index === 0) configureByDhcp(guest, device);
  carryOwn(guest, device);
}

/**
 * What EC2's DHCP and router advertisements give the first device: the primary IPv4 address with the subnet's
 * prefix and its .1 as gateway, the first IPv6 address with fe80::1 as gateway.
 */
function configureByDhcp(guest: Guest, device: Device): void {
  setDevice(guest, device, { up: true });
  for (const family of [4, 6] as const) {
    const own = device.port.addresses.find((each) => each.family === family);
    const cidr = device.port.subnet.cidrs.find((each) => each.address.family === family);
    if (own === undefined || cidr === undefined) continue;
    addAddress(guest, device, must(parseAddress(own.text)), cidr.length);
    const via = family === 4 ? gatewayOfSubnet(device.port.subnet) : ROUTER_LINK_LOCAL;
    const everywhere = prefix(family === 4 ? '0.0.0.0/0' : '::/0');
    addRoute(guest, MAIN_TABLE, createRoute(device, everywhere, via));
  }
}

/** Gives the devices tunnels, their addresses and overlay addresses in place of those that they have. */
export function setOwn(guest: Guest, next: Pick<GuestProfile, 'tunnels' | 'overlay'>): void {
  for (const device of guest.devices) {
    const old = ownOf(guest, device).map((own) => formatAddress(own.address));
    for (const own of device.addresses) {
      if (old.includes(formatAddress(own.address))) removeAddress(guest, device, own);
    }
  }
  const { tunnels = [], overlay = [] } = next;
  setGuest(guest, { profile: { ...guest.profile, tunnels, overlay } });
  for (const device of guest.devices) carryOwn(guest, device);
}

/** The guest's addresses on a device that EC2 does not give it: inside of tunnels, and overlay addresses. */
const ownOf = ({ profile }: Guest, { index }: Device): GuestTunnel['inside'] => [
  ...(profile.tunnels ?? []).filter(({ device }) => device === index).flatMap(({ inside }) => inside),
  ...(index === 0 ? (profile.overlay ?? []) : []).map((own) => ({
    address: own,
    prefix: { address: own, length: width(own.family) },
  })),
];

function carryOwn(guest: Guest, device: Device): void {
  const own = ownOf(guest, device);
  if (own.length > 0) setDevice(guest, device, { up: true });
  for (const { address, prefix } of own) addAddress(guest, device, address, prefix.length);
}

function unplug(guest: Guest, device: Device): void {
  for (const own of device.addresses) removeAddress(guest, device, own);
  dropRoutes(guest, (route) => route.device === device);
  setGuest(guest, { devices: guest.devices.filter((each) => each !== device) });
}

/** The key of `Guest.local` and `Device.neighbours`. */
export const localScope = (family: 4 | 6): number => (family === 6 ? 1 : 0);

/** Configures an address, with its on-link route. */
export function addAddress(guest: Guest, device: Device, own: Address, length: number): void {
  const [a, b, c, d] = own.words;
  const onLink: Prefix = { address: mask(own, length), length };
  const [w0, w1, w2, w3] = [a | 0, b | 0, c | 0, d | 0];
  const entry: DeviceAddress = { device, address: own, prefix: onLink, w0, w1, w2, w3 };
  setDevice(guest, device, { addresses: [...device.addresses, entry] });
  set(guest.local, localScope(own.family), [entry.w0, entry.w1, entry.w2, entry.w3], entry);
  if (length < width(own.family)) addRoute(guest, MAIN_TABLE, createRoute(device, onLink, undefined));
}

/**
 * Takes an address away, with its on-link route unless another address needs it, and with all routes of its
 * family through the device when it was the last of that family, as Linux does.
 */
export function removeAddress(guest: Guest, device: Device, entry: DeviceAddress): void {
  const { family } = entry.address;
  setDevice(guest, device, { addresses: device.addresses.filter((each) => each !== entry) });
  unset(guest.local, localScope(family), [entry.w0, entry.w1, entry.w2, entry.w3]);
  clearNat(guest.nat, entry);
  const rest = device.addresses.filter((each) => each.address.family === family);
  const same = (a: Prefix, b: Prefix): boolean =>
    a.length === b.length && formatAddress(a.address) === formatAddress(b.address);
  dropRoutes(guest, (route) => {
    if (route.device !== device || route.destination.address.family !== family) return false;
    if (rest.length === 0) return true;
    if (route.via !== undefined || rest.some((each) => same(each.prefix, entry.prefix))) return false;
    return same(route.destination, entry.prefix);
  });
}

export function createRoute(device: Device, destination: Prefix, via: Address | undefined): GuestRoute {
  const [a, b, c, d] = via?.words ?? [0, 0, 0, 0];
  return { device, destination, via, v0: a | 0, v1: b | 0, v2: c | 0, v3: d | 0, neighbour: undefined };
}

/** The table of a number, made where it is missing. */
export function tableOf(guest: Guest, number: number): RoutingTable {
  const known = guest.tables.get(number);
  if (known !== undefined) return known;
  const table = createTable();
  guest.tables.set(number, table);
  return table;
}

export function addRoute(guest: Guest, table: number, route: GuestRoute): void {
  const { v4, v6 } = tableOf(guest, table);
  insert(route.destination.address.family === 4 ? v4 : v6, route.destination, route);
  guest.epoch.number++;
}

export function removeRoute(guest: Guest, table: number, destination: Prefix): void {
  const { v4, v6 } = tableOf(guest, table);
  remove(destination.address.family === 4 ? v4 : v6, destination);
  guest.epoch.number++;
}

function dropRoutes(guest: Guest, drop: (route: GuestRoute) => boolean): void {
  for (const table of guest.tables.values()) {
    for (const routes of [table.v4, table.v6]) {
      const doomed = [...entries(routes)].filter((match) => drop(match.value));
      for (const match of doomed) remove(routes, match.prefix);
    }
  }
  guest.epoch.number++;
}

/**
 * The fabric's announcement that `moved` has the MAC of `port`: neighbours in its subnet that know the
 * address learn the new MAC. See `VpcSettings.fabricGarp`.
 */
export function hearAnnouncement(guest: Guest, moved: Address, port: Port, now: Instant): void {
  if (guest.power !== 'running') return;
  const text = formatAddress(moved);
  for (const device of guest.devices) {
    if (device.port.subnet !== port.subnet || device.port === port) continue;
    eachValue(device.neighbours, (neighbour) => {
      if (formatAddress(neighbour.address) !== text) return;
      learnMac(guest.epoch, neighbour, port.mac, now);
    });
  }
}

/** The unspecified address of a family. */
export const UNSPECIFIED = { 4: address('0.0.0.0'), 6: address('::') } as const;
