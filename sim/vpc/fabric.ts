/**
 * The VPC fabric as compiled state: records come in as `Change`, in any order, and each rebuilds only what it touches.
 * transit.ts forwards by it. It knows no guests and no time.
 */
import {
  type Address,
  addressAt,
  covers,
  formatAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../controller/base/ip.ts';
import { createLongestMatch, insert, remove } from '../../controller/base/longest-match.ts';
import { must, unreachable } from '../../controller/base/result.ts';
import { type AddressMap, createAddressMap, find, set, unset } from './address-map.ts';
import { createFlowTable, type FlowTable } from './flow-table.ts';
import { parseMac } from './header.ts';
import type { Change, NetworkInterface, Resources, Route, RouteTable } from './model.ts';
import type {
  GatewayNode,
  GroupNode,
  InstanceNode,
  Port,
  PortAddress,
  RouteEntry,
  SubnetNode,
  TableNode,
  Tracked,
  VpcNode,
} from './nodes.ts';
import { compileGroup, createGroup } from './security-group.ts';
import { DEFAULT_SETTINGS, type VpcSettings } from './settings.ts';

export interface Fabric {
  readonly settings: VpcSettings;
  readonly vpcs: Map<string, VpcNode>;
  readonly subnets: Map<string, SubnetNode>;
  readonly tables: Map<string, TableNode>;
  readonly gateways: Map<string, GatewayNode>;
  readonly instances: Map<string, InstanceNode>;
  readonly ports: Map<string, Port>;
  readonly groups: Map<string, GroupNode>;
  /** The mapping service: (VPC and family, private address) -> ENI. */
  readonly mapping: AddressMap<Port>;
  /** MAC address -> ENI. */
  readonly macs: AddressMap<Port>;
  /** (family, address seen from the Internet) -> ENI. */
  readonly publics: AddressMap<Port>;
  /** All ENIs that claim a key of one of the three maps, oldest first; the last claim counts. */
  readonly claims: Map<string, Port[]>;
  /** Flows that the security groups track. */
  readonly flows: FlowTable<Tracked>;
}

/** A private address that became an ENI's: what the fabric may announce to the neighbours. */
export interface Claimed {
  readonly address: Address;
  readonly port: Port;
}

export function createFabric(settings: Partial<VpcSettings> = {}): Fabric {
  return {
    settings: { ...DEFAULT_SETTINGS, ...settings },
    vpcs: new Map(),
    subnets: new Map(),
    tables: new Map(),
    gateways: new Map(),
    instances: new Map(),
    ports: new Map(),
    groups: new Map(),
    mapping: createAddressMap(),
    macs: createAddressMap(),
    publics: createAddressMap(),
    claims: new Map(),
    flows: createFlowTable(),
  };
}

/** The scope of a VPC's addresses of one family in `Fabric.mapping`. */
export const scopeOf = (vpc: VpcNode, family: 4 | 6): number => vpc.number * 2 + (family === 6 ? 1 : 0);

/** The scope of addresses seen from the Internet in `Fabric.publics`. */
export const publicScope = (family: 4 | 6): number => (family === 6 ? 1 : 0);

/** The words of a MAC address as a key of `Fabric.macs`. */
export const macHigh = (mac: number): number => (mac / 4294967296) | 0;
export const macLow = (mac: number): number => mac | 0;

function intern<N>(nodes: Map<string, N>, id: string, create: (id: string, number: number) => N): N {
  const known = nodes.get(id);
  if (known !== undefined) return known;
  const node = create(id, nodes.size + 1);
  nodes.set(id, node);
  return node;
}

const vpcOf = (fabric: Fabric, id: string): VpcNode =>
  intern(fabric.vpcs, id, (_, number) => ({
    id,
    number,
    present: false,
    cidrs: [],
    mainTables: [],
    gateways: [],
  }));

/** 02:fa and 32 bits of FNV-1a over the subnet's id: EC2 hands out no such MAC to ENIs here. */
function routerMacOf(subnet: string): number {
  let h = 2166136261;
  for (let i = 0; i < subnet.length; i++) h = Math.imul(h ^ subnet.charCodeAt(i), 16777619) >>> 0;
  return 0x02fa * 4294967296 + h;
}

const subnetOf = (fabric: Fabric, id: string): SubnetNode =>
  intern(fabric.subnets, id, () => ({
    id,
    routerMac: routerMacOf(id),
    present: false,
    zone: '',
    cidrs: [],
    tables: [],
  }));

const tableOf = (fabric: Fabric, id: string): TableNode =>
  intern(fabric.tables, id, () => ({
    id,
    record: undefined,
    v4: createLongestMatch<RouteEntry>(),
    v6: createLongestMatch<RouteEntry>(),
    effective: new Map(),
  }));

const gatewayOf = (fabric: Fabric, id: string): GatewayNode =>
  intern(fabric.gateways, id, () => ({ id, present: false, vpc: undefined }));

const instanceOf = (fabric: Fabric, id: string): InstanceNode =>
  intern(fabric.instances, id, () => ({ id, present: false, running: false, ports: new Set<Port>() }));

const groupOf = (fabric: Fabric, id: string): GroupNode => intern(fabric.groups, id, createGroup);

/** The ENI of an id; a placeholder where the fabric has not heard of it. */
const portOf = (fabric: Fabric, id: string): Port =>
  intern(fabric.ports, id, (_, number) => ({
    id,
    number,
    present: false,
    vpc: vpcOf(fabric, ''),
    subnet: subnetOf(fabric, ''),
    mac: 0,
    addresses: [],
    sourceDestCheck: true,
    groups: [],
    instance: undefined,
    deviceIndex: -1,
  }));

function release<N>(claims: N[], node: N): void {
  const at = claims.indexOf(node);
  if (at >= 0) claims.splice(at, 1);
}

function claim<N>(claims: N[], node: N): void {
  if (!claims.includes(node)) claims.push(node);
}

/** Takes in one changed record; returns the private addresses that became an ENI's. */
export function applyChange(fabric: Fabric, change: Change): readonly Claimed[] {
  switch (change.kind) {
    case 'vpc': {
      const node = vpcOf(fabric, change.id);
      node.present = change.value !== undefined;
      node.cidrs = prefixes(change.value?.cidrs);
      return [];
    }
    case 'subnet': {
      const node = subnetOf(fabric, change.id);
      node.present = change.value !== undefined;
      node.zone = change.value?.zone ?? '';
      node.cidrs = prefixes(change.value?.cidrs);
      return [];
    }
    case 'route-table':
      applyTable(fabric, change.id, change.value);
      return [];
    case 'network-interface':
      return applyPort(fabric, change.id, change.value);
    case 'instance': {
      const node = instanceOf(fabric, change.id);
      node.present = change.value !== undefined;
      node.running = change.value?.state === 'running';
      return [];
    }
    case 'internet-gateway':
      applyGateway(fabric, change.id, change.value);
      return [];
    case 'security-group':
      compileGroup(groupOf(fabric, change.id), change.value, (id) => groupOf(fabric, id));
      return [];
    default:
      return unreachable(change);
  }
}

const prefixes = (cidrs: readonly string[] | undefined): readonly Prefix[] =>
  (cidrs ?? []).map((cidr) => must(parsePrefix(cidr)));

function applyGateway(fabric: Fabric, id: string, value: Resources['internet-gateway'] | undefined): void {
  const node = gatewayOf(fabric, id);
  node.present = value !== undefined;
  const vpc = value?.vpc === undefined ? undefined : vpcOf(fabric, value.vpc);
  if (node.vpc === vpc) return;
  if (node.vpc !== undefined) release(node.vpc.gateways, node);
  if (vpc !== undefined) claim(vpc.gateways, node);
  node.vpc = vpc;
}

function applyTable(fabric: Fabric, id: string, value: RouteTable | undefined): void {
  const node = tableOf(fabric, id);
  const old = node.record;
  node.record = value;
  if (old?.vpc !== value?.vpc || old?.main !== value?.main) {
    if (old?.main) release(vpcOf(fabric, old.vpc).mainTables, node);
    if (value?.main) claim(vpcOf(fabric, value.vpc).mainTables, node);
  }
  for (const subnet of old?.subnets ?? []) {
    if (!value?.subnets.includes(subnet)) release(subnetOf(fabric, subnet).tables, node);
  }
  for (const subnet of value?.subnets ?? []) claim(subnetOf(fabric, subnet).tables, node);

  const wanted = effectiveRoutes(value?.routes ?? []);
  for (const destination of node.effective.keys()) {
    if (wanted.has(destination)) continue;
    const prefix = must(parsePrefix(destination));
    remove(prefix.address.family === 4 ? node.v4 : node.v6, prefix);
    node.effective.delete(destination);
  }
  for (const [destination, route] of wanted) {
    const known = node.effective.get(destination);
    if (known !== undefined && sameRoute(known, route)) continue;
    const prefix = must(parsePrefix(destination));
    insert(prefix.address.family === 4 ? node.v4 : node.v6, prefix, compileRoute(fabric, route));
    node.effective.set(destination, route);
  }
}

const isPropagated = (route: Route): boolean =>
  route.origin === 'EnableVgwRoutePropagation' || route.origin === 'Advertisement';

/**
 * The routes that count, by destination: of equal prefixes the static one, and no propagated route inside a local one.
 * Amazon VPC User Guide, "Route priority".
 */
function effectiveRoutes(routes: readonly Route[]): Map<string, Route> {
  const wanted = new Map<string, Route>();
  const propagated = routes.filter(isPropagated);
  for (const route of routes) if (!isPropagated(route)) wanted.set(route.destination, route);
  if (propagated.length === 0) return wanted;
  const local = prefixes(
    routes.filter((route) => route.target.kind === 'local').map((route) => route.destination),
  );
  for (const route of propagated) {
    const prefix = must(parsePrefix(route.destination));
    if (wanted.has(route.destination) || local.some((outer) => covers(outer, prefix))) continue;
    wanted.set(route.destination, route);
  }
  return wanted;
}

function sameRoute(a: Route, b: Route): boolean {
  if (a === b) return true;
  if (a.origin !== b.origin) return false;
  if (a.target.kind === 'eni') return b.target.kind === 'eni' && a.target.eni === b.target.eni;
  if (a.target.kind === 'internet-gateway') {
    return b.target.kind === 'internet-gateway' && a.target.gateway === b.target.gateway;
  }
  return b.target.kind === 'local';
}

function compileRoute(fabric: Fabric, route: Route): RouteEntry {
  const { target } = route;
  switch (target.kind) {
    case 'local':
      return { kind: 'local', route };
    case 'eni':
      return { kind: 'eni', route, port: portOf(fabric, target.eni) };
    case 'internet-gateway':
      return { kind: 'internet-gateway', route, gateway: gatewayOf(fabric, target.gateway) };
    default:
      return unreachable(target);
  }
}

type Key = { readonly map: AddressMap<Port>; readonly scope: number; readonly words: readonly number[] };

/** What an ENI occupies in the three maps, by a name that is unique among them. */
function keysOf(fabric: Fabric, port: Port): Map<string, Key> {
  const keys = new Map<string, Key>();
  if (!port.present) return keys;
  keys.set(`mac ${port.mac}`, {
    map: fabric.macs,
    scope: 0,
    words: [0, 0, macHigh(port.mac), macLow(port.mac)],
  });
  for (const address of port.addresses) {
    const { family, text, w0, w1, w2, w3 } = address;
    const words = [w0, w1, w2, w3];
    keys.set(`${port.vpc.id} ${text}`, { map: fabric.mapping, scope: scopeOf(port.vpc, family), words });
    if (family === 6) keys.set(`public ${text}`, { map: fabric.publics, scope: publicScope(6), words });
    if (address.public !== undefined) {
      const publicWords = [0, 0, 0, address.public.word];
      keys.set(`public ${address.public.text}`, {
        map: fabric.publics,
        scope: publicScope(4),
        words: publicWords,
      });
    }
  }
  return keys;
}

function applyPort(fabric: Fabric, id: string, value: NetworkInterface | undefined): readonly Claimed[] {
  const port = portOf(fabric, id);
  const before = keysOf(fabric, port);
  port.instance?.ports.delete(port);
  port.present = value !== undefined;
  port.instance = undefined;
  port.deviceIndex = -1;
  if (value !== undefined) fillPort(fabric, port, value);

  const after = keysOf(fabric, port);
  for (const [name, key] of before) if (!after.has(name)) releaseKey(fabric, name, key, port);
  const claimed: Claimed[] = [];
  for (const [name, key] of after) {
    if (before.has(name)) continue;
    claimKey(fabric, name, key, port);
    if (key.map !== fabric.mapping) continue;
    claimed.push({ address: must(parseAddress(name.slice(port.vpc.id.length + 1))), port });
  }
  return claimed;
}

function claimKey(fabric: Fabric, name: string, key: Key, port: Port): void {
  const claims = fabric.claims.get(name) ?? [];
  release(claims, port);
  claims.push(port);
  fabric.claims.set(name, claims);
  set(key.map, key.scope, key.words, port);
}

function releaseKey(fabric: Fabric, name: string, key: Key, port: Port): void {
  const claims = fabric.claims.get(name) ?? [];
  release(claims, port);
  const owner = claims.at(-1);
  if (owner !== undefined) {
    set(key.map, key.scope, key.words, owner);
    return;
  }
  fabric.claims.delete(name);
  unset(key.map, key.scope, key.words);
}

function fillPort(fabric: Fabric, port: Port, value: NetworkInterface): void {
  port.vpc = vpcOf(fabric, value.vpc);
  port.subnet = subnetOf(fabric, value.subnet);
  port.mac = must(parseMac(value.mac));
  port.addresses = value.addresses.map((text) => portAddress(text, value.publicAddresses));
  port.sourceDestCheck = value.sourceDestCheck;
  port.groups = value.securityGroups.map((group) => groupOf(fabric, group));
  if (value.attachment === undefined) return;
  port.instance = instanceOf(fabric, value.attachment.instance);
  port.instance.ports.add(port);
  port.deviceIndex = value.attachment.deviceIndex;
}

function portAddress(text: string, pairs: NetworkInterface['publicAddresses']): PortAddress {
  const { family, words } = must(parseAddress(text));
  const [w0, w1, w2, w3] = words;
  const pair = pairs.find((each) => each.private === text);
  return {
    text,
    family,
    w0: w0 | 0,
    w1: w1 | 0,
    w2: w2 | 0,
    w3: w3 | 0,
    public:
      pair === undefined
        ? undefined
        : { text: pair.public, word: must(parseAddress(pair.public)).words[3] | 0 },
  };
}

/** The route table of a subnet: its explicit association, else the VPC's main table. */
export const tableFor = (port: Port): TableNode | undefined =>
  port.subnet.tables.at(-1) ?? port.vpc.mainTables.at(-1);

/** The IPv4 address of a subnet's router: the first after the network address. */
export function gatewayOfSubnet(subnet: SubnetNode): Address | undefined {
  const cidr = subnet.cidrs.find((each) => each.address.family === 4);
  return cidr === undefined ? undefined : addressAt(cidr, 1);
}

/** The router's IPv6 address in every subnet (AWS uses one that is made from the router's MAC). */
export const ROUTER_LINK_LOCAL: Address = { family: 6, words: [0xfe800000, 0, 0, 1] };

/**
 * What the fabric answers an ARP request or neighbour solicitation that `asker` sends: the real MAC of the ENI in the
 * subnet that has the address, the router's MAC for the router, or 0, silence. Gratuitous ones (`asker` asks for or
 * announces an address of its own) are never answered and change nothing: F18, F23.
 */
export function answerNeighbour(fabric: Fabric, asker: Port, target: Address): number {
  const gateway = target.family === 4 ? gatewayOfSubnet(asker.subnet) : ROUTER_LINK_LOCAL;
  if (gateway !== undefined && formatAddress(gateway) === formatAddress(target))
    return asker.subnet.routerMac;
  const [w0, w1, w2, w3] = target.words;
  const owner = find(fabric.mapping, scopeOf(asker.vpc, target.family), w0 | 0, w1 | 0, w2 | 0, w3 | 0);
  return owner === undefined || owner === asker || owner.subnet !== asker.subnet ? 0 : owner.mac;
}
