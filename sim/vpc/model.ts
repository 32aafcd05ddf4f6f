/**
 * The resources that decide how a VPC forwards, as plain records. The EC2 service owns them and extends them
 * with what only the API shows; the fabric is fed the same records by `Change`, when they take effect in the
 * data plane. Addresses and prefixes are canonical text here; the fabric compiles them.
 */
import { unreachable } from '../../controller/base/result.ts';
import type {
  CustomerGateway,
  DirectConnectAssociation,
  VirtualInterface,
  VpnConnection,
  VpnGateway,
} from './hybrid-model.ts';

export interface Vpc {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** IPv4 blocks first (primary first), then IPv6. */
  readonly cidrs: readonly string[];
}

export interface Subnet {
  readonly id: string;
  readonly vpc: string;
  readonly zone: string;
  /** One IPv4 block, then any IPv6 block. */
  readonly cidrs: readonly string[];
}

export type RouteTarget =
  | { readonly kind: 'local' }
  | { readonly kind: 'eni'; readonly eni: string }
  | { readonly kind: 'internet-gateway'; readonly gateway: string }
  | { readonly kind: 'vpc-peering-connection'; readonly connection: string }
  | { readonly kind: 'transit-gateway'; readonly gateway: string }
  | { readonly kind: 'nat-gateway'; readonly gateway: string }
  | { readonly kind: 'egress-only-gateway'; readonly gateway: string }
  | { readonly kind: 'vpn-gateway'; readonly gateway: string }
  | { readonly kind: 'vpc-endpoint'; readonly endpoint: string };

/** The id of a target; `local` for the local one. */
export function targetId(target: RouteTarget): string {
  switch (target.kind) {
    case 'local':
      return 'local';
    case 'eni':
      return target.eni;
    case 'internet-gateway':
    case 'transit-gateway':
    case 'nat-gateway':
    case 'egress-only-gateway':
    case 'vpn-gateway':
      return target.gateway;
    case 'vpc-peering-connection':
      return target.connection;
    case 'vpc-endpoint':
      return target.endpoint;
    default:
      return unreachable(target);
  }
}

export interface Route {
  /** Canonical CIDR block, or the id of a prefix list. */
  readonly destination: string;
  readonly target: RouteTarget;
  /** `CreateRouteTable` is a local route, whatever its target has become. */
  readonly origin: 'CreateRouteTable' | 'CreateRoute' | 'EnableVgwRoutePropagation' | 'Advertisement';
  /** Where a route with the origin EnableVgwRoutePropagation comes from; the BGP of a VPN where absent. */
  readonly propagatedFrom?: 'direct-connect' | 'vpn-static' | 'vpn-bgp';
  /** With the origin Advertisement: the route server, and the next hop that was announced to it. */
  readonly advertised?: { readonly server: string; readonly nextHop: string };
}

export interface RouteTable {
  readonly id: string;
  readonly vpc: string;
  readonly main: boolean;
  readonly routes: readonly Route[];
  /** Subnets with an explicit association; a subnet without one uses its VPC's main table. */
  readonly subnets: readonly string[];
  /** Internet and VPN gateways with an association: an edge table, for what enters through them. */
  readonly gateways: readonly string[];
}

/** The CIDR blocks of a prefix list. */
export interface PrefixList {
  readonly id: string;
  readonly entries: readonly string[];
}

export interface NetworkInterface {
  readonly id: string;
  readonly vpc: string;
  readonly subnet: string;
  /** Lower-case, colon separated; assigned by EC2 for the life of the ENI. */
  readonly mac: string;
  /** Private addresses: primary IPv4, secondary IPv4, then IPv6. */
  readonly addresses: readonly string[];
  /** 1:1 NAT at the Internet gateway. */
  readonly publicAddresses: readonly { readonly private: string; readonly public: string }[];
  readonly sourceDestCheck: boolean;
  readonly securityGroups: readonly string[];
  /** Present from `attached` until `detaching`. */
  readonly attachment?: { readonly instance: string; readonly deviceIndex: number };
}

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';

export interface Instance {
  readonly id: string;
  readonly vpc: string;
  readonly state: InstanceState;
}

export interface InternetGateway {
  readonly id: string;
  /** The VPC it is attached to. */
  readonly vpc?: string;
}

export interface NatGateway {
  readonly id: string;
  /** Its own ENI, in the subnet whose route table serves what it sends. */
  readonly eni: string;
  /** The private IPv4 address that stands for its clients. */
  readonly address: string;
  readonly available: boolean;
}

export interface EgressOnlyGateway {
  readonly id: string;
  readonly vpc: string;
}

export interface PeeringConnection {
  readonly id: string;
  readonly requesterVpc: string;
  readonly accepterVpc: string;
  /** It carries packets only while it is active. */
  readonly active: boolean;
}

/** A Gateway Load Balancer, by its ARN. */
export interface LoadBalancer {
  readonly id: string;
  readonly available: boolean;
  /** Whether a node also picks targets of other zones. */
  readonly crossZone: boolean;
  /** One ENI for each of its zones. */
  readonly enis: readonly string[];
  readonly targetGroup?: string;
  readonly tcpIdleMs: number;
}

/** A target group of a Gateway Load Balancer, by its ARN. */
export interface TargetGroup {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** The load balancers that use it. */
  readonly loadBalancers: readonly string[];
  readonly targets: readonly BalancedTarget[];
  /** What of a flow picks its target: addresses, with the protocol, with the ports too. */
  readonly stickiness: 'addresses' | 'protocol' | 'ports';
  /** Whether flows leave a target that is unhealthy, or no longer registered. */
  readonly rebalanceUnhealthy: boolean;
  readonly rebalanceDeregistered: boolean;
  readonly health: TargetHealthCheck;
}

export interface BalancedTarget {
  /** An instance id or an IPv4 address. */
  readonly id: string;
  readonly address: string;
  /** Its zone; absent for all zones. */
  readonly zone?: string;
  readonly state: 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';
}

export interface TargetHealthCheck {
  readonly protocol: 'TCP' | 'HTTP';
  readonly port: number;
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Results in a row that make a target healthy, or unhealthy. */
  readonly healthy: number;
  readonly unhealthy: number;
}

/** A way from a VPC to a service that needs no Internet gateway. */
export interface VpcEndpoint {
  readonly id: string;
  readonly vpc: string;
  readonly available: boolean;
  /** The IPv4 address of the host that stands for the service; without one nothing answers. */
  readonly address?: string;
  /** Its own ENIs stand for that address; none of a gateway endpoint, which is the target of routes. */
  readonly enis: readonly string[];
  /** The load balancer of a Gateway Load Balancer endpoint: that has one ENI, and is the target of routes. */
  readonly loadBalancer?: string;
}

/** Where a VPC, or another transit gateway, meets a transit gateway. */
export interface TransitGatewayAttachment {
  readonly id: string;
  readonly gateway: string;
  readonly available: boolean;
  readonly link: /** One subnet for each zone that the gateway serves. */
    | { readonly kind: 'vpc'; readonly vpc: string; readonly subnets: readonly string[] }
    /** `peer` is the attachment at the other gateway. */
    | { readonly kind: 'peering'; readonly peer: string }
    | { readonly kind: 'vpn'; readonly connection: string }
    | { readonly kind: 'direct-connect-gateway'; readonly gateway: string }
    /** GRE to appliances, which `transport`, an attachment of a VPC, carries. */
    | { readonly kind: 'connect'; readonly transport: string };
  readonly applianceMode: boolean;
  /** The transit gateway route table that decides where packets go that come in here. */
  readonly routeTable?: string;
}

/** A way that a route of a transit gateway leads. */
export interface TransitPath {
  readonly attachment: string;
  /** Of a VPN attachment: the tunnel, by its address outside. Where absent, the one that AWS prefers. */
  readonly tunnel?: string;
  /** Of a Connect attachment. */
  readonly peer?: string;
}

export interface TransitGatewayRoute {
  readonly destination: string;
  /** All equally good: a hash of the flow picks one. Without any the route is a blackhole. */
  readonly paths: readonly TransitPath[];
}

export interface TransitGatewayRouteTable {
  readonly id: string;
  readonly gateway: string;
  /** The routes that count, one for each destination. */
  readonly routes: readonly TransitGatewayRoute[];
  /** Propagated routes that do not count, because a static one has the same destination. */
  readonly shadowed?: readonly TransitGatewayRoute[];
}

/** A group of a multicast domain has an ENI as member, or as source. */
export interface GroupMembership {
  /** An IPv4 address of 224.0.0.0/4. */
  readonly group: string;
  readonly eni: string;
}

export interface MulticastDomain {
  readonly id: string;
  readonly available: boolean;
  /** Only registered sources may send. */
  readonly staticSources: boolean;
  readonly associations: readonly { readonly attachment: string; readonly subnet: string }[];
  readonly members: readonly GroupMembership[];
  readonly sources: readonly GroupMembership[];
}

/** A GRE tunnel between a transit gateway and an appliance, by a Connect attachment. */
export interface ConnectPeer {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly attachment: string;
  /** The outer addresses, IPv4: of the transit gateway, and of the appliance. */
  readonly gatewayAddress: string;
  readonly peerAddress: string;
  /** The ids of the gateway's BGP speakers inside the tunnel, and their addresses. */
  readonly speakers: readonly { readonly id: string; readonly address: string }[];
}

/** A BGP neighbor of a gateway's speaker. */
export interface GatewayNeighbor {
  /** Names the session: the id of a Route Server peer, the outside address of a VPN tunnel. */
  readonly name: string;
  readonly address: string;
  /** The address on our side, where the speaker has several. */
  readonly localAddress?: string;
  readonly as: number;
  readonly holdTimeS: number;
  /** The TCP-MD5 key: with another one at the other end nothing is heard. */
  readonly authKey?: string;
  /** Whether BFD watches the neighbor beside the hold timer. */
  readonly bfd: boolean;
  /** Whether the tunnel to it carries nothing. */
  readonly down?: boolean;
  /** With more prefixes of a family the session ends. */
  readonly maxPrefixes?: number;
}

/** A BGP speaker beside a gateway: whom it waits for, and what it tells them. sim/world runs it. */
export interface GatewaySpeaker {
  /** The id of what it belongs to. */
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /**
   * Where it has its addresses: at an ENI of its own, at the near ends of tunnels or lines to a site (a
   * customer gateway, or a Direct Connect connection), or inside the GRE tunnel of a Connect peer.
   */
  readonly place:
    | { readonly kind: 'eni'; readonly eni: string }
    | { readonly kind: 'connect-peer'; readonly peer: string }
    | { readonly kind: 'site'; readonly site: string };
  readonly as: number;
  readonly routerId: string;
  readonly neighbors: readonly GatewayNeighbor[];
  /** The prefixes that it tells its neighbors. */
  readonly announces: readonly string[];
  /** Those of them that others have told, with the AS paths that they came with, as text. */
  readonly relays?: Readonly<Record<string, string>>;
  /** What it has learnt was described, not heard: that stays until the first session is there. */
  readonly described?: boolean;
}

/**
 * One permission. `protocol` is an IP protocol number, or -1 for all; ports are ICMP type and code for ICMP.
 */
export interface SecurityGroupRule {
  readonly protocol: number;
  readonly fromPort: number;
  readonly toPort: number;
  readonly peer:
    | { readonly kind: 'cidr'; readonly cidr: string }
    | { readonly kind: 'group'; readonly group: string }
    | { readonly kind: 'prefix-list'; readonly list: string };
}

export interface SecurityGroup {
  readonly id: string;
  readonly vpc: string;
  readonly ingress: readonly SecurityGroupRule[];
  readonly egress: readonly SecurityGroupRule[];
}

/** One entry of a network ACL; the lowest number that matches decides. */
export interface NetworkAclRule {
  readonly number: number;
  readonly egress: boolean;
  /** IP protocol number, or -1 for all. */
  readonly protocol: number;
  readonly action: 'allow' | 'deny';
  readonly cidr: string;
  /** Ports of TCP and UDP, type and code of ICMP (-1: all). */
  readonly fromPort: number;
  readonly toPort: number;
}

export interface NetworkAcl {
  readonly id: string;
  readonly vpc: string;
  readonly entries: readonly NetworkAclRule[];
  /** The subnets that it guards; a subnet without an ACL, which EC2 does not know, is not filtered. */
  readonly subnets: readonly string[];
}

export interface Resources {
  readonly vpc: Vpc;
  readonly subnet: Subnet;
  readonly 'route-table': RouteTable;
  readonly 'network-interface': NetworkInterface;
  readonly instance: Instance;
  readonly 'internet-gateway': InternetGateway;
  readonly 'security-group': SecurityGroup;
  readonly 'network-acl': NetworkAcl;
  readonly 'vpc-peering-connection': PeeringConnection;
  readonly 'prefix-list': PrefixList;
  readonly 'transit-gateway-attachment': TransitGatewayAttachment;
  readonly 'vpn-gateway': VpnGateway;
  readonly 'customer-gateway': CustomerGateway;
  readonly 'vpn-connection': VpnConnection;
  readonly 'virtual-interface': VirtualInterface;
  readonly 'direct-connect-association': DirectConnectAssociation;
  readonly 'transit-gateway-connect-peer': ConnectPeer;
  readonly 'transit-gateway-multicast-domain': MulticastDomain;
  readonly 'transit-gateway-route-table': TransitGatewayRouteTable;
  readonly 'nat-gateway': NatGateway;
  readonly 'egress-only-gateway': EgressOnlyGateway;
  readonly 'gateway-speaker': GatewaySpeaker;
  readonly 'vpc-endpoint': VpcEndpoint;
  readonly 'load-balancer': LoadBalancer;
  readonly 'target-group': TargetGroup;
}

export type ResourceKind = keyof Resources;

/** A resource as it now is, or `value: undefined` where it is gone. */
export type Change = {
  [K in ResourceKind]: { readonly kind: K; readonly id: string; readonly value: Resources[K] | undefined };
}[ResourceKind];
