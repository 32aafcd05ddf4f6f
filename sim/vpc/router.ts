/**
 * The VPC router: the route table decides (F10, F22), and network ACLs guard the subnets' borders. It does
 * not decrement the TTL.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { lookup } from '../../controller/base/longest-match.ts';
import { unreachable } from '../../controller/base/result.ts';
import { find } from './address-map.ts';
import { CODE } from './dispositions.ts';
import { egressOnlyOut } from './egress-only-gateway.ts';
import { edgeTableFor, type Fabric, scopeOf, tableFor } from './fabric.ts';
import { destinationOf, type Header } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { addressOf, arrive } from './interface.ts';
import { toInternet } from './internet-gateway.ts';
import { targetId } from './model.ts';
import { natIn, natOut } from './nat-gateway.ts';
import { explainAcl, passesAcl } from './network-acl.ts';
import type {
  AclNode,
  EgressOnlyNode,
  EndpointNode,
  GatewayNode,
  NatNode,
  Place,
  Port,
  RouteEntry,
  SubnetNode,
  TableNode,
  VpcNode,
  VpnGatewayNode,
} from './nodes.ts';
import { peerOf, throughPeering } from './peering.ts';
import { trackAlways } from './security.ts';
import { throughTransitGateway } from './transit-gateway.ts';
import { toService } from './vpc-endpoint.ts';
import { toSite } from './vpn-gateway.ts';

/** By the route table of the sender's subnet, over the subnet's border. */
export function byRoute(fabric: Fabric, from: Place, h: Header, recorder?: Recorder): number {
  const table = tableFor(from);
  const match =
    table === undefined ? undefined : lookup(h.family === 4 ? table.v4 : table.v6, h.d0, h.d1, h.d2, h.d3);
  const { acl } = from.subnet;
  if (acl !== undefined && (!passesAcl(from.subnet, h, true) || recorder)) {
    const refusal = leaveSubnet(fabric, from, acl, match?.value, h, recorder);
    if (refusal !== 0) return refusal;
  }
  if (table === undefined || match === undefined) {
    if (recorder) {
      const { id: subnet } = from.subnet;
      const how = from.subnet.tables.length > 0 ? 'associated' : 'not associated: the main table';
      const text = `no route for ${formatAddress(destinationOf(h))} (${subnet} is ${how})`;
      const decision = table && ({ kind: 'no-route', table: table.id, subnet } as const);
      record(recorder, h, 'router', table?.id ?? subnet, text, decision);
    }
    return CODE.NO_ROUTE_TO_DESTINATION;
  }
  return follow(fabric, from, table, match.value, h, recorder);
}

/**
 * What enters a VPC through a gateway, to a private address: by the edge table of the gateway (F12), without
 * one straight to the ENI that has the address. Only Internet and VPN gateways have edge tables.
 */
export function enterThrough(
  fabric: Fabric,
  gateway: GatewayNode | VpnGatewayNode,
  vpc: VpcNode,
  h: Header,
  recorder?: Recorder,
): number {
  const table = edgeTableFor(fabric, gateway.id);
  const entry = table && lookup(h.family === 4 ? table.v4 : table.v6, h.d0, h.d1, h.d2, h.d3)?.value;
  if (table === undefined || entry === undefined || entry.kind === 'local') {
    if (table && entry && recorder) recordRoute(recorder, h, table, entry, 'on to the VPC');
    return deliver(fabric, vpc, h, recorder);
  }
  if (entry.kind === 'vpc-endpoint') {
    if (recorder) recordRoute(recorder, h, table, entry, 'the edge table redirects it');
    return toAppliance(fabric, undefined, entry.endpoint, h, recorder);
  }
  const live = entry.kind === 'eni' && entry.port.present && entry.port.instance !== undefined;
  if (recorder) {
    const what = live ? 'the edge table redirects it' : 'a blackhole: the target takes no packets';
    recordRoute(recorder, h, table, entry, what);
  }
  if (!live) return CODE.BAD_STATE_ROUTE;
  if (
    h.family === 4 &&
    'present' in gateway &&
    !entry.port.addresses.some((own) => own.public !== undefined)
  ) {
    return CODE.INGRESS_RTB_NO_PUBLIC_IP;
  }
  return handOver(fabric, undefined, entry.port, h, recorder);
}

/** The slow half of the border's check on the way out: with words, and with the way back in sight. */
function leaveSubnet(
  fabric: Fabric,
  from: Place,
  acl: AclNode,
  entry: RouteEntry | undefined,
  h: Header,
  recorder?: Recorder,
): number {
  if (!fabric.settings.aclAtRouterWithinSubnet && receiver(fabric, from, entry, h)?.subnet === from.subnet) {
    return 0;
  }
  if (recorder) {
    const decision = { kind: 'acl', acl, egress: true } as const;
    record(recorder, h, 'network-acl', acl.id, (seen) => explainAcl(acl, seen, true), decision);
  }
  return passesAcl(from.subnet, h, true) ? 0 : CODE.SUBNET_ACL_RESTRICTION;
}

/** The ENI that a route leads to, if it is one. */
function receiver(fabric: Fabric, from: Place, entry: RouteEntry | undefined, h: Header): Port | undefined {
  if (entry?.kind === 'nat-gateway') return entry.nat.port;
  if (entry?.kind === 'vpc-endpoint') return entry.endpoint.ports[0];
  if (entry?.kind === 'eni') return entry.port.present ? entry.port : undefined;
  return entry?.kind === 'local' ? owner(fabric, from.vpc, h) : undefined;
}

/** The ENI of a VPC that has the destination. */
const owner = (fabric: Fabric, vpc: VpcNode, h: Header): Port | undefined =>
  find(fabric.mapping, scopeOf(vpc, h.family), h.d0, h.d1, h.d2, h.d3);

/** The egress-only gateway that the ENI's subnet would send an answer to this packet through. */
export function egressOnlyFor(to: Port, h: Header): EgressOnlyNode | undefined {
  const table = tableFor(to);
  const entry = table === undefined ? undefined : lookup(table.v6, h.s0, h.s1, h.s2, h.s3)?.value;
  return entry?.kind === 'egress-only-gateway' ? entry.gateway : undefined;
}

/** Carries the packet to where the route leads. */
function follow(
  fabric: Fabric,
  from: Place,
  table: TableNode,
  entry: RouteEntry,
  h: Header,
  recorder?: Recorder,
): number {
  switch (entry.kind) {
    case 'local': {
      const to = receiver(fabric, from, entry, h);
      if (recorder) {
        const what = to === undefined ? 'no ENI has that address' : `straight to ${to.id}`;
        recordRoute(recorder, h, table, entry, what);
      }
      return to === undefined ? CODE.NO_POSSIBLE_DESTINATION : handOver(fabric, from.subnet, to, h, recorder);
    }
    case 'eni': {
      const { port } = entry;
      const live = port.present && (port.instance !== undefined || port.nat !== undefined);
      const dead = port.present ? 'which is attached to nothing' : 'which does not exist';
      if (recorder)
        recordRoute(recorder, h, table, entry, live ? 'destination untouched' : `a blackhole: ${dead}`);
      return live ? handOver(fabric, from.subnet, port, h, recorder) : CODE.BAD_STATE_ROUTE;
    }
    case 'internet-gateway':
      if (recorder) recordRoute(recorder, h, table, entry, 'to the Internet gateway');
      return toInternet(fabric, from, entry.gateway, h, recorder);
    case 'nat-gateway':
      trackAlways(fabric, h);
      if (recorder) recordRoute(recorder, h, table, entry, 'to the NAT gateway');
      return throughNat(fabric, from, entry.nat, h, recorder);
    case 'egress-only-gateway':
      trackAlways(fabric, h);
      if (recorder) recordRoute(recorder, h, table, entry, 'to the egress-only Internet gateway');
      return egressOnlyOut(fabric, entry.gateway, from, h, recorder);
    case 'vpc-peering-connection': {
      const { connection } = entry;
      if (recorder) recordRoute(recorder, h, table, entry, 'to the peering connection');
      const code = throughPeering(fabric, connection, from, h, recorder);
      const vpc = peerOf(connection, from.vpc);
      return vpc === undefined || code !== 0 ? code : deliver(fabric, vpc, h, recorder);
    }
    case 'transit-gateway': {
      trackAlways(fabric, h);
      if (recorder) recordRoute(recorder, h, table, entry, 'to the transit gateway');
      const out = throughTransitGateway(fabric, entry.gateway, from, h, recorder);
      return typeof out === 'number' ? out : byRoute(fabric, out, h, recorder);
    }
    case 'vpn-gateway':
      if (recorder) recordRoute(recorder, h, table, entry, 'to the VPN gateway');
      return toSite(fabric, from, entry.gateway, h, recorder);
    case 'vpc-endpoint':
      if (recorder) recordRoute(recorder, h, table, entry, 'to the endpoint');
      if (entry.endpoint.balancer === undefined) {
        return toService(fabric, entry.endpoint, from.vpc, h, recorder);
      }
      trackAlways(fabric, h);
      return toAppliance(fabric, from.subnet, entry.endpoint, h, recorder);
    default:
      return unreachable(entry);
  }
}

/** Into the subnet of a Gateway Load Balancer endpoint: TO_APPLIANCE with `h.endpoint`, or why not. */
function toAppliance(
  fabric: Fabric,
  from: SubnetNode | undefined,
  endpoint: EndpointNode,
  h: Header,
  recorder?: Recorder,
): number {
  const [port] = endpoint.ports;
  if (port !== undefined && !enterSubnet(fabric, from, port.subnet, h, recorder)) {
    return CODE.SUBNET_ACL_RESTRICTION;
  }
  h.endpoint = endpoint;
  return CODE.TO_APPLIANCE;
}

/** Into the subnet of a NAT gateway, through it, and on by the route table of that subnet. */
function throughNat(fabric: Fabric, from: Place, nat: NatNode, h: Header, recorder?: Recorder): number {
  const { port } = nat;
  if (port !== undefined && !enterSubnet(fabric, from.subnet, port.subnet, h, recorder)) {
    return CODE.SUBNET_ACL_RESTRICTION;
  }
  const code = natOut(fabric, nat, from, h, recorder);
  return code !== 0 || port === undefined ? code : byRoute(fabric, port, h, recorder);
}

/** From outside into a VPC, straight to the ENI that has the destination: no route table is asked. */
export function deliver(fabric: Fabric, vpc: VpcNode, h: Header, recorder?: Recorder): number {
  const to = owner(fabric, vpc, h);
  if (to !== undefined) return handOver(fabric, undefined, to, h, recorder);
  if (recorder) {
    const text = `no ENI of ${vpc.id} has ${formatAddress(destinationOf(h))}: dropped`;
    record(recorder, h, 'router', vpc.id, text);
  }
  return CODE.NO_POSSIBLE_DESTINATION;
}

function recordRoute(recorder: Recorder, h: Header, table: TableNode, entry: RouteEntry, what: string): void {
  const { destination } = entry.route;
  const target = targetId(entry.route.target);
  const text = (): string => `${destination} -> ${target} matches: ${what}`;
  record(recorder, h, 'router', table.id, text, { kind: 'route', table: table.id, destination, target });
}

/** The border's check on the way in. */
export function enterSubnet(
  fabric: Fabric,
  from: SubnetNode | undefined,
  to: SubnetNode,
  h: Header,
  recorder?: Recorder,
): boolean {
  if (to.acl === undefined || (from === to && !fabric.settings.aclAtRouterWithinSubnet)) return true;
  if (recorder) {
    const { acl } = to;
    const decision = { kind: 'acl', acl, egress: false } as const;
    record(recorder, h, 'network-acl', acl.id, (seen) => explainAcl(acl, seen, false), decision);
  }
  return passesAcl(to, h, false);
}

/** From the router to an ENI, over the border of its subnet: the frame gets its MACs. */
export function handOver(
  fabric: Fabric,
  from: SubnetNode | undefined,
  to: Port,
  h: Header,
  recorder?: Recorder,
): number {
  const { subnet } = to;
  if (!enterSubnet(fabric, from, subnet, h, recorder)) return CODE.SUBNET_ACL_RESTRICTION;
  if (to.nat !== undefined) {
    if (addressOf(to, h.family, h.d0, h.d1, h.d2, h.d3) === undefined) {
      if (recorder) {
        const text = `belongs to ${to.nat.id}, and ${formatAddress(destinationOf(h))} is not its address: dropped`;
        record(recorder, h, 'eni', to.id, text);
      }
      return CODE.ENI_ADDRESS_RESTRICTION;
    }
    h.alwaysTracked = true;
    const code = natIn(fabric, to.nat, h, recorder);
    return code === 0 ? byRoute(fabric, to, h, recorder) : code;
  }
  h.sourceMac = subnet.routerMac;
  h.destinationMac = to.mac;
  return arrive(fabric, to, h, recorder);
}
