/**
 * Records come into the fabric as `Change`, in any order, and each rebuilds only what it touches. Where two
 * records claim the same thing (an address on its way from one ENI to another), the last claim counts and the
 * earlier one is kept in reserve.
 */
import { type Address, type Prefix, parseAddress, parsePrefix } from '../../controller/base/ip.ts';
import { insert, remove } from '../../controller/base/longest-match.ts';
import { must, unreachable } from '../../controller/base/result.ts';
import { type AddressMap, set, unset } from './address-map.ts';
import { compileCidr, wordOf } from './cidr.ts';
import { applyDirectConnectChange } from './direct-connect-change.ts';
import { applyEndpointChange } from './endpoint-change.ts';
import {
  aclOf,
  egressOnlyOf,
  endpointOf,
  type Fabric,
  gatewayOf,
  groupOf,
  instanceOf,
  macHigh,
  macLow,
  natOf,
  peeringOf,
  portOf,
  prefixListOf,
  publicScope,
  scopeOf,
  subnetOf,
  tableOf,
  vpcOf,
  vpnGatewayOf,
} from './fabric.ts';
import { parseMac } from './header.ts';
import { clearNat } from './masquerade.ts';
import {
  type Change,
  type NatGateway,
  type NetworkAcl,
  type NetworkInterface,
  type Resources,
  type Route,
  type RouteTable,
  type SecurityGroup,
  targetId,
} from './model.ts';
import { compileAcl } from './network-acl.ts';
import type { GroupNode, Port, PortAddress, RouteEntry, TableNode } from './nodes.ts';
import { effectiveRoutes, isPrefixListRoute } from './route-order.ts';
import { compileGroup, listsOf } from './security-group.ts';
import { applyTransitChange } from './transit-change.ts';
import { applyVpnChange } from './vpn-change.ts';

/** A private address that moved to an ENI: what the fabric may announce to the neighbours. */
export interface Claimed {
  readonly address: Address;
  readonly port: Port;
}

function release<N>(claims: N[], node: N): void {
  const at = claims.indexOf(node);
  if (at >= 0) claims.splice(at, 1);
}

function claim<N>(claims: N[], node: N): void {
  if (!claims.includes(node)) claims.push(node);
}

/** Takes in one changed record; returns the private addresses that moved to another ENI. */
export function applyChange(fabric: Fabric, change: Change): readonly Claimed[] {
  fabric.epoch.number++;
  return takeIn(fabric, change);
}

function takeIn(fabric: Fabric, change: Change): readonly Claimed[] {
  switch (change.kind) {
    case 'vpc': {
      const node = vpcOf(fabric, change.id);
      node.present = change.value !== undefined;
      node.region = change.value?.region ?? '';
      node.cidrs = (change.value?.cidrs ?? []).map(compileCidr);
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
      applyGroup(fabric, change.id, change.value);
      return [];
    case 'network-acl':
      applyAcl(fabric, change.id, change.value);
      return [];
    case 'vpn-gateway':
    case 'customer-gateway':
    case 'vpn-connection':
      applyVpnChange(fabric, change);
      return [];
    case 'virtual-interface':
    case 'direct-connect-association':
      applyDirectConnectChange(fabric, change);
      return [];
    case 'transit-gateway-attachment':
    case 'transit-gateway-connect-peer':
    case 'transit-gateway-multicast-domain':
    case 'transit-gateway-route-table':
      applyTransitChange(fabric, change);
      return [];
    case 'vpc-peering-connection':
      applyPeering(fabric, change.id, change.value);
      return [];
    case 'nat-gateway':
      applyNat(fabric, change.id, change.value);
      return [];
    case 'vpc-endpoint':
    case 'load-balancer':
    case 'target-group':
      applyEndpointChange(fabric, change);
      return [];
    case 'egress-only-gateway':
      egressOnlyOf(fabric, change.id).vpc =
        change.value === undefined ? undefined : vpcOf(fabric, change.value.vpc);
      return [];
    case 'gateway-speaker': {
      const node = instanceOf(fabric, change.id);
      node.present = change.value?.place.kind === 'eni';
      node.running = node.present;
      return [];
    }
    case 'prefix-list':
      applyPrefixList(fabric, change.id, change.value);
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

function applyAcl(fabric: Fabric, id: string, value: NetworkAcl | undefined): void {
  const node = aclOf(fabric, id);
  const before = node.record?.subnets ?? [];
  compileAcl(node, value);
  for (const name of new Set([...before, ...(value?.subnets ?? [])])) {
    const subnet = subnetOf(fabric, name);
    if (value?.subnets.includes(name)) claim(subnet.acls, node);
    else release(subnet.acls, node);
    subnet.acl = subnet.acls.at(-1);
  }
}

function applyPeering(
  fabric: Fabric,
  id: string,
  value: Resources['vpc-peering-connection'] | undefined,
): void {
  const node = peeringOf(fabric, id);
  for (const vpc of node.vpcs) release(vpc.peerings, node);
  node.active = value?.active ?? false;
  node.vpcs =
    value === undefined ? [] : [vpcOf(fabric, value.requesterVpc), vpcOf(fabric, value.accepterVpc)];
  if (node.active) for (const vpc of node.vpcs) claim(vpc.peerings, node);
}

function applyNat(fabric: Fabric, id: string, value: NatGateway | undefined): void {
  const node = natOf(fabric, id);
  if (node.port !== undefined) node.port.nat = undefined;
  node.available = value?.available ?? false;
  node.port = value === undefined ? undefined : portOf(fabric, value.eni);
  if (node.port !== undefined) node.port.nat = node;
  if (value === undefined) {
    node.own = undefined;
    return;
  }
  const [w0, w1, w2, w3] = must(parseAddress(value.address)).words.map((word) => word | 0);
  if (node.own?.w3 === w3) return;
  clearNat(node.nat);
  node.own = { w0: w0 ?? 0, w1: w1 ?? 0, w2: w2 ?? 0, w3: w3 ?? 0 };
}

function applyGroup(fabric: Fabric, id: string, value: SecurityGroup | undefined): void {
  const node = groupOf(fabric, id);
  for (const list of listsOf(node.record)) prefixListOf(fabric, list).groups.delete(node);
  for (const list of listsOf(value)) prefixListOf(fabric, list).groups.add(node);
  compileRules(fabric, node, value);
}

const compileRules = (fabric: Fabric, node: GroupNode, record: SecurityGroup | undefined): void =>
  compileGroup(node, record, {
    groupOf: (id) => groupOf(fabric, id),
    entriesOf: (list) => prefixListOf(fabric, list).entries,
  });

function applyPrefixList(fabric: Fabric, id: string, value: Resources['prefix-list'] | undefined): void {
  const node = prefixListOf(fabric, id);
  node.entries = value?.entries ?? [];
  for (const table of node.tables) compileRoutes(fabric, table);
  for (const group of node.groups) compileRules(fabric, group, group.record);
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

  for (const gateway of old?.gateways ?? []) {
    if (!value?.gateways.includes(gateway)) releaseEdge(fabric, gateway, node);
  }
  for (const gateway of value?.gateways ?? []) {
    const claims = fabric.edges.get(gateway) ?? [];
    claim(claims, node);
    fabric.edges.set(gateway, claims);
  }
  for (const { destination } of old?.routes.filter(isPrefixListRoute) ?? []) {
    prefixListOf(fabric, destination).tables.delete(node);
  }
  for (const { destination } of value?.routes.filter(isPrefixListRoute) ?? []) {
    prefixListOf(fabric, destination).tables.add(node);
  }
  compileRoutes(fabric, node);
}

function releaseEdge(fabric: Fabric, gateway: string, node: TableNode): void {
  const claims = fabric.edges.get(gateway) ?? [];
  release(claims, node);
  if (claims.length === 0) fabric.edges.delete(gateway);
}

/** Brings the tries in line with the table's record and the prefix lists that it names. */
function compileRoutes(fabric: Fabric, node: TableNode): void {
  const { record } = node;
  const wanted =
    record === undefined
      ? new Map<string, Route>()
      : effectiveRoutes(record, (list) => prefixListOf(fabric, list).entries);
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

function sameRoute(a: Route, b: Route): boolean {
  if (a === b) return true;
  if (a.origin !== b.origin || a.destination !== b.destination) return false;
  return targetId(a.target) === targetId(b.target);
}

function compileRoute(fabric: Fabric, route: Route): RouteEntry {
  const { target } = route;
  switch (target.kind) {
    case 'local':
      return { kind: 'local', route };
    case 'eni':
      return { kind: 'eni', route, port: portOf(fabric, target.eni) };
    case 'nat-gateway':
      return { kind: target.kind, route, nat: natOf(fabric, target.gateway) };
    case 'egress-only-gateway':
      return { kind: target.kind, route, gateway: egressOnlyOf(fabric, target.gateway) };
    case 'internet-gateway':
      return { kind: 'internet-gateway', route, gateway: gatewayOf(fabric, target.gateway) };
    case 'vpc-peering-connection':
      return { kind: target.kind, route, connection: peeringOf(fabric, target.connection) };
    case 'transit-gateway':
      return { kind: target.kind, route, gateway: target.gateway };
    case 'vpn-gateway':
      return { kind: target.kind, route, gateway: vpnGatewayOf(fabric, target.gateway) };
    case 'vpc-endpoint':
      return { kind: target.kind, route, endpoint: endpointOf(fabric, target.endpoint) };
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
    const known = fabric.claims.has(name);
    claimKey(fabric, name, key, port);
    // Nobody can have learned the MAC of an address that never was anybody's.
    if (key.map !== fabric.mapping || !known) continue;
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
    public: pair === undefined ? undefined : { text: pair.public, word: wordOf(pair.public) },
  };
}
