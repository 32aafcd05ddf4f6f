/**
 * The compiled form of the VPC resources: a graph of mutable nodes, one for each id that was ever mentioned.
 * A node that another resource names before it arrived itself stands there with `present: false`, so records
 * may come in any order. Only fabric.ts changes nodes; the hot path reads them.
 */

import type { Prefix } from '../../controller/base/ip.ts';
import type { LongestMatch, Masked } from '../../controller/base/longest-match.ts';
import type {
  BalancedTarget,
  NetworkAcl,
  Route,
  RouteTable,
  SecurityGroup,
  SecurityGroupRule,
  TargetGroup,
  TransitGatewayRouteTable,
} from './model.ts';
import type { Nat, OwnAddress } from './nat-flow.ts';
import type { Border } from './settings.ts';

export interface VpcNode {
  readonly id: string;
  /** A small number, part of the key of every address of the VPC. */
  readonly number: number;
  present: boolean;
  region: string;
  cidrs: readonly CidrPeer[];
  /** Tables that claim to be main; the last claim counts. */
  readonly mainTables: TableNode[];
  /** Gateways that are attached; the last claim counts. */
  readonly gateways: GatewayNode[];
  /** Active peering connections, as either side. */
  readonly peerings: PeeringNode[];
  /** Attachments to transit gateways. */
  readonly attachments: AttachmentNode[];
}

export interface SubnetNode {
  readonly id: string;
  /** The router's MAC address in this subnet: 02:fa and a hash of the id. */
  readonly routerMac: number;
  present: boolean;
  zone: string;
  cidrs: readonly Prefix[];
  /** Tables with an explicit association; the last claim counts. */
  readonly tables: TableNode[];
  /** Network ACLs that claim the subnet; the last claim counts, and stands in `acl`. */
  readonly acls: AclNode[];
  acl: AclNode | undefined;
}

/** A route as compiled. */
export type RouteEntry =
  | { readonly kind: 'local'; readonly route: Route }
  | { readonly kind: 'eni'; readonly route: Route; readonly port: Port }
  | { readonly kind: 'internet-gateway'; readonly route: Route; readonly gateway: GatewayNode }
  | { readonly kind: 'vpc-peering-connection'; readonly route: Route; readonly connection: PeeringNode }
  | { readonly kind: 'transit-gateway'; readonly route: Route; readonly gateway: string }
  | { readonly kind: 'nat-gateway'; readonly route: Route; readonly nat: NatNode }
  | { readonly kind: 'egress-only-gateway'; readonly route: Route; readonly gateway: EgressOnlyNode }
  | { readonly kind: 'vpn-gateway'; readonly route: Route; readonly gateway: VpnGatewayNode }
  | { readonly kind: 'vpc-endpoint'; readonly route: Route; readonly endpoint: EndpointNode };

export interface TableNode {
  readonly id: string;
  record: RouteTable | undefined;
  readonly v4: LongestMatch<RouteEntry>;
  readonly v6: LongestMatch<RouteEntry>;
  /** Effective routes by destination: what the tries hold. */
  readonly effective: Map<string, Route>;
}

/** A prefix list, and the tables with a route for it. */
export interface PrefixListNode {
  readonly id: string;
  entries: readonly string[];
  readonly tables: Set<TableNode>;
  readonly groups: Set<GroupNode>;
}

export interface GatewayNode {
  readonly id: string;
  present: boolean;
  vpc: VpcNode | undefined;
}

export interface NatNode {
  readonly id: string;
  available: boolean;
  port: Port | undefined;
  /** The address that stands for its clients; the same object as long as it is the same address. */
  own: OwnAddress | undefined;
  readonly nat: Nat;
}

export interface EgressOnlyNode {
  readonly id: string;
  readonly number: number;
  vpc: VpcNode | undefined;
}

export interface EndpointNode {
  readonly id: string;
  available: boolean;
  vpc: VpcNode | undefined;
  /** The address of the service's host, the word of an IPv4 address. */
  address: number | undefined;
  ports: readonly Port[];
  readonly number: number;
  balancer: BalancerNode | undefined;
}

/** A Gateway Load Balancer. */
export interface BalancerNode {
  readonly id: string;
  available: boolean;
  crossZone: boolean;
  ports: readonly Port[];
  group: TargetGroupNode | undefined;
  tcpIdleMs: number;
}

export interface TargetGroupNode {
  readonly id: string;
  record: TargetGroup | undefined;
  targets: ReadonlyMap<string, BalancedTarget>;
}

/** What a packet travels in between the fabric and a guest. */
export type Tunnel = GeneveTunnel | GuestLink;

/** What a guest sets up by itself, to a far end that knows it. */
export type GuestLink = GreTunnel | IpsecTunnel;

/** A packet in GRE: the address of the far end, as the guest sees it, a signed word of IPv4. */
export interface GreTunnel {
  readonly kind: 'gre';
  readonly remote: number;
}

/** A packet in IPsec: the outside address of the gateway's end of a VPN tunnel, a signed word of IPv4. */
export interface IpsecTunnel {
  readonly kind: 'ipsec';
  readonly remote: number;
}

/** A packet on its way to an appliance behind a Gateway Load Balancer, and back: where it goes on from. */
export interface GeneveTunnel {
  readonly kind: 'geneve';
  /** The ENI of the endpoint. */
  readonly door: Port;
  /** The ENI of the load balancer. */
  readonly node: Port;
  readonly balancer: BalancerNode;
  /** The source port of the outer packet, both ways. */
  readonly sourcePort: number;
}

/** Who opened a flow to a service through an endpoint: where its answers go. */
export interface ServiceFlow {
  readonly endpoint: EndpointNode;
  readonly vpc: VpcNode;
  /** The ENI of an interface endpoint, whose address the client sees, a signed word. */
  readonly port: Port | undefined;
  readonly own: number;
}

export interface PeeringNode {
  readonly id: string;
  active: boolean;
  /** Requester and accepter, as far as known. */
  vpcs: readonly VpcNode[];
}

export interface VpnGatewayNode {
  readonly id: string;
  vpc: VpcNode | undefined;
  readonly connections: VpnConnectionNode[];
  /** The Direct Connect gateways that lead to it, itself among them where virtual interfaces end at it. */
  readonly directs: DirectConnectNode[];
}

/** A Direct Connect gateway; or, by its own id, a VPN gateway at which virtual interfaces end. */
export interface DirectConnectNode {
  readonly id: string;
  readonly lines: LineNode[];
  readonly associations: AssociationNode[];
  /** The VPN gateway that it is. */
  own: VpnGatewayNode | undefined;
}

/** What a Direct Connect gateway leads to: a VPN gateway, or an attachment to a transit gateway. */
export interface AssociationNode {
  readonly id: string;
  direct: DirectConnectNode | undefined;
  vpnGateway: VpnGatewayNode | undefined;
  attachment: AttachmentNode | undefined;
  /** The allowed prefixes; undefined: all blocks of the VPC. */
  allowed: readonly CidrPeer[] | undefined;
}

/** A virtual interface. */
export interface LineNode {
  readonly id: string;
  /** What tells it from its equals when a flow picks one. */
  readonly seed: number;
  up: boolean;
  siteLink: boolean;
  border: Border;
  direct: DirectConnectNode | undefined;
  site: SiteNode | undefined;
  /** What was told over it, and for which its gateway may use it. */
  routes: readonly CidrPeer[];
}

/**
 * The network behind a customer gateway or a Direct Connect connection, or another place outside the VPCs
 * that has addresses of its own.
 */
export interface SiteNode {
  readonly id: string;
  /** Tells the addresses of sites apart. */
  readonly number: number;
  readonly connections: VpnConnectionNode[];
  readonly lines: LineNode[];
  /** The public address of its customer gateway, the signed word of IPv4; 0 where it has none. */
  address: number;
  /** Instead of a site: the place of a transit gateway's BGP speaker inside this peer's tunnel. */
  peer: ConnectPeerNode | undefined;
  /** Instead of a site: the place of a gateway's BGP speaker inside the tunnels of this connection. */
  vpn: VpnConnectionNode | undefined;
}

export interface VpnConnectionNode {
  readonly id: string;
  /** Whether a tunnel is up. */
  up: boolean;
  tunnels: readonly VpnTunnelNode[];
  gateway: VpnGatewayNode | undefined;
  /** Instead of a VPN gateway: the attachment to a transit gateway. */
  attachment: AttachmentNode | undefined;
  site: SiteNode | undefined;
  /** The place of the gateway's BGP speaker, inside the tunnels. */
  speaker: SiteNode;
  /** Of all tunnels. */
  routes: readonly CidrPeer[];
}

export interface VpnTunnelNode {
  readonly connection: VpnConnectionNode;
  /** The public address of the gateway's end, and the same as a signed word. */
  readonly outside: string;
  readonly remote: number;
  /** The gateway's address inside, the signed word of IPv4. */
  readonly near: number;
  /** Whether IPsec is down. */
  readonly down: boolean;
  readonly up: boolean;
  readonly routes: readonly CidrPeer[];
}

/** An attachment to a transit gateway. */
export interface AttachmentNode {
  readonly id: string;
  gateway: string;
  available: boolean;
  applianceMode: boolean;
  vpc: VpcNode | undefined;
  /** Where its packets enter the VPC: one place for each zone. */
  places: readonly Place[];
  /** The attachment at the other transit gateway, of a peering. */
  peer: AttachmentNode | undefined;
  /** The VPN connection that it is. */
  vpn: VpnConnectionNode | undefined;
  /** The Direct Connect gateway that it leads to. */
  direct: DirectConnectNode | undefined;
  /** The attachment that carries the tunnels of this one, a Connect attachment. */
  transport: AttachmentNode | undefined;
  table: TransitTableNode | undefined;
}

/** A Connect peer; addresses are signed words of IPv4. */
export interface ConnectPeerNode {
  readonly id: string;
  attachment: AttachmentNode | undefined;
  gatewayAddress: number;
  peerAddress: number;
  speakers: readonly { readonly address: number; readonly site: SiteNode }[];
}

export interface TransitPathNode {
  readonly attachment: AttachmentNode;
  /** The address outside of a tunnel of a VPN attachment; undefined for the one that AWS prefers. */
  readonly tunnel: string | undefined;
  /** Of a Connect attachment. */
  readonly peer: ConnectPeerNode | undefined;
  /** What tells it from its equals when a flow picks one. */
  readonly seed: number;
}

export interface TransitRoute {
  readonly destination: string;
  /** None is a blackhole. */
  readonly paths: readonly TransitPathNode[];
}

export interface TransitTableNode {
  readonly id: string;
  present: boolean;
  readonly v4: LongestMatch<TransitRoute>;
  readonly v6: LongestMatch<TransitRoute>;
  /** What the tries hold, by destination. */
  readonly routes: Map<string, TransitRoute>;
  shadowed: NonNullable<TransitGatewayRouteTable['shadowed']>;
}

/** Where the VPC router stands while it looks up a route: a subnet decides the table. */
export interface Place {
  readonly vpc: VpcNode;
  readonly subnet: SubnetNode;
}

export interface InstanceNode {
  readonly id: string;
  present: boolean;
  running: boolean;
  /** Attached ENIs. */
  readonly ports: Set<Port>;
}

/** A private address of an ENI; words are signed. */
export interface PortAddress {
  readonly text: string;
  readonly family: 4 | 6;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  /** The address that the Internet gateway shows instead, IPv4 only. */
  readonly public: { readonly text: string; readonly word: number } | undefined;
}

/** An ENI: where packets enter and leave the fabric. */
export interface Port {
  readonly id: string;
  readonly number: number;
  present: boolean;
  vpc: VpcNode;
  subnet: SubnetNode;
  mac: number;
  addresses: readonly PortAddress[];
  sourceDestCheck: boolean;
  groups: readonly GroupNode[];
  instance: InstanceNode | undefined;
  /** The NAT gateway whose own ENI this is. */
  nat: NatNode | undefined;
  /** The endpoint whose own ENI this is. */
  endpoint: EndpointNode | undefined;
  deviceIndex: number;
}

/** A rule as compiled; one about a prefix list is a node for each of its entries. */
export interface RuleNode {
  readonly record: SecurityGroupRule;
  readonly protocol: number;
  readonly fromPort: number;
  readonly toPort: number;
  readonly peer: CidrPeer | GroupNode;
}

export interface CidrPeer extends Masked {
  readonly kind: 'cidr';
  readonly family: 4 | 6;
  readonly length: number;
}

export interface GroupNode {
  readonly kind: 'group';
  readonly id: string;
  record: SecurityGroup | undefined;
  ingress: readonly RuleNode[];
  egress: readonly RuleNode[];
  /**
   * Bits of `openBit` (security-group.ts): protocols and families that the direction allows from or to
   * everywhere.
   */
  openIngress: number;
  openEgress: number;
}

/** A network ACL as compiled: entries in order of their numbers. */
export interface AclNode {
  readonly id: string;
  record: NetworkAcl | undefined;
  ingress: readonly AclEntryNode[];
  egress: readonly AclEntryNode[];
  /** One bit for each direction and family whose first entry lets everything pass. */
  open: number;
}

export interface AclEntryNode {
  readonly number: number;
  readonly allow: boolean;
  readonly protocol: number;
  readonly fromPort: number;
  readonly toPort: number;
  readonly cidr: CidrPeer;
}

/** The directions that a flow has been seen in which an ENI's security groups track: 1 out, 2 in, 3 both. */
export type Tracked = 1 | 2 | 3;
