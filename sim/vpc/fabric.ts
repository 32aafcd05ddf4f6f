/**
 * The VPC fabric as compiled state, and what it answers to neighbours. apply-change.ts changes it, transit.ts
 * forwards by it. It knows no guests and no time.
 */
import { type Address, addressAt, formatAddress } from '../../controller/base/ip.ts';
import { createLongestMatch } from '../../controller/base/longest-match.ts';
import { type AddressMap, createAddressMap, find } from './address-map.ts';
import { seedOf } from './flow-hash.ts';
import { createFlowTable, type FlowTable } from './flow-table.ts';
import { createNat } from './masquerade.ts';
import type { BalancedTarget, MulticastDomain } from './model.ts';
import { createAcl } from './network-acl.ts';
import type {
  AclNode,
  AssociationNode,
  AttachmentNode,
  BalancerNode,
  ConnectPeerNode,
  DirectConnectNode,
  EgressOnlyNode,
  EndpointNode,
  GatewayNode,
  GroupNode,
  InstanceNode,
  LineNode,
  NatNode,
  PeeringNode,
  Place,
  Port,
  PrefixListNode,
  RouteEntry,
  ServiceFlow,
  SiteNode,
  SubnetNode,
  TableNode,
  TargetGroupNode,
  Tracked,
  TransitRoute,
  TransitTableNode,
  VpcNode,
  VpnConnectionNode,
  VpnGatewayNode,
} from './nodes.ts';
import { createGroup } from './security-group.ts';
import { DEFAULT_SETTINGS, type VpcSettings } from './settings.ts';

/**
 * Counts the changes of a network: of its fabric, and of how its guests are configured. What is remembered of
 * flows (flow-memo.ts) holds within one epoch.
 */
export interface Epoch {
  number: number;
}

export interface Fabric {
  readonly settings: VpcSettings;
  readonly epoch: Epoch;
  readonly vpcs: Map<string, VpcNode>;
  readonly subnets: Map<string, SubnetNode>;
  readonly tables: Map<string, TableNode>;
  readonly gateways: Map<string, GatewayNode>;
  readonly peerings: Map<string, PeeringNode>;
  readonly attachments: Map<string, AttachmentNode>;
  readonly connectPeers: Map<string, ConnectPeerNode>;
  readonly multicastDomains: Map<string, MulticastDomain>;
  readonly vpnGateways: Map<string, VpnGatewayNode>;
  readonly vpnConnections: Map<string, VpnConnectionNode>;
  readonly directConnects: Map<string, DirectConnectNode>;
  readonly associations: Map<string, AssociationNode>;
  /** Virtual interfaces. */
  readonly lines: Map<string, LineNode>;
  /** By customer gateway, or Direct Connect connection; by speaker of a Connect peer. */
  readonly sites: Map<string, SiteNode>;
  readonly transitTables: Map<string, TransitTableNode>;
  readonly instances: Map<string, InstanceNode>;
  readonly ports: Map<string, Port>;
  readonly groups: Map<string, GroupNode>;
  readonly acls: Map<string, AclNode>;
  readonly nats: Map<string, NatNode>;
  readonly egressOnly: Map<string, EgressOnlyNode>;
  /** Flows that left through egress-only Internet gateways. */
  readonly egressFlows: FlowTable<EgressOnlyNode>;
  readonly prefixLists: Map<string, PrefixListNode>;
  readonly endpoints: Map<string, EndpointNode>;
  readonly balancers: Map<string, BalancerNode>;
  readonly targetGroups: Map<string, TargetGroupNode>;
  /** The targets of flows through Gateway Load Balancers. */
  readonly balancedFlows: FlowTable<BalancedTarget>;
  /** Flows that go to services through endpoints, by what the service sees of them. */
  readonly serviceFlows: FlowTable<ServiceFlow>;
  /** Edge route tables by the id of the gateway; the last claim counts. */
  readonly edges: Map<string, TableNode[]>;
  /** The mapping service: (VPC and family, private address) -> ENI. */
  readonly mapping: AddressMap<Port>;
  /** MAC address -> ENI. */
  readonly macs: AddressMap<Port>;
  /** (family, address seen from the Internet) -> ENI. */
  readonly publics: AddressMap<Port>;
  /**
   * All ENIs that claim a key of one of the three maps, oldest first: the last claim counts, and without one
   * the key once had one.
   */
  readonly claims: Map<string, Port[]>;
  /** Flows that the security groups track. */
  readonly flows: FlowTable<Tracked>;
  /** In which VPN tunnels are tracked, which stand before what they carry: the same but in a trace. */
  readonly tunnelFlows: FlowTable<Tracked>;
}

export function createFabric(settings: Partial<VpcSettings> = {}): Fabric {
  const flows = createFlowTable<Tracked>();
  return {
    settings: { ...DEFAULT_SETTINGS, ...settings },
    epoch: { number: 0 },
    vpcs: new Map(),
    subnets: new Map(),
    tables: new Map(),
    gateways: new Map(),
    peerings: new Map(),
    attachments: new Map(),
    connectPeers: new Map(),
    multicastDomains: new Map(),
    vpnGateways: new Map(),
    vpnConnections: new Map(),
    directConnects: new Map(),
    associations: new Map(),
    lines: new Map(),
    sites: new Map(),
    transitTables: new Map(),
    instances: new Map(),
    ports: new Map(),
    groups: new Map(),
    acls: new Map(),
    nats: new Map(),
    egressOnly: new Map(),
    egressFlows: createFlowTable(),
    prefixLists: new Map(),
    endpoints: new Map(),
    serviceFlows: createFlowTable(),
    balancers: new Map(),
    targetGroups: new Map(),
    balancedFlows: createFlowTable(),
    edges: new Map(),
    mapping: createAddressMap(),
    macs: createAddressMap(),
    publics: createAddressMap(),
    claims: new Map(),
    flows,
    tunnelFlows: flows,
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

export const vpcOf = (fabric: Fabric, id: string): VpcNode =>
  intern(fabric.vpcs, id, (_, number) => ({
    id,
    number,
    present: false,
    region: '',
    cidrs: [],
    mainTables: [],
    gateways: [],
    peerings: [],
    attachments: [],
  }));

/** 02:fa and 32 bits of FNV-1a over the subnet's id: EC2 hands out no such MAC to ENIs here. */
const routerMacOf = (subnet: string): number => 0x02fa * 4294967296 + seedOf(subnet);

export const subnetOf = (fabric: Fabric, id: string): SubnetNode =>
  intern(fabric.subnets, id, () => ({
    id,
    routerMac: routerMacOf(id),
    present: false,
    zone: '',
    cidrs: [],
    tables: [],
    acls: [],
    acl: undefined,
  }));

export const tableOf = (fabric: Fabric, id: string): TableNode =>
  intern(fabric.tables, id, () => ({
    id,
    record: undefined,
    v4: createLongestMatch<RouteEntry>(),
    v6: createLongestMatch<RouteEntry>(),
    effective: new Map(),
  }));

export const gatewayOf = (fabric: Fabric, id: string): GatewayNode =>
  intern(fabric.gateways, id, () => ({ id, present: false, vpc: undefined }));

export const vpnGatewayOf = (fabric: Fabric, id: string): VpnGatewayNode =>
  intern(fabric.vpnGateways, id, () => ({ id, vpc: undefined, connections: [], directs: [] }));

export const siteOf = (fabric: Fabric, id: string): SiteNode =>
  intern(fabric.sites, id, (_, number) => ({
    id,
    number,
    connections: [],
    lines: [],
    address: 0,
    peer: undefined,
    vpn: undefined,
  }));

export const directConnectOf = (fabric: Fabric, id: string): DirectConnectNode =>
  intern(fabric.directConnects, id, () => ({ id, lines: [], associations: [], own: undefined }));

export const associationOf = (fabric: Fabric, id: string): AssociationNode =>
  intern(fabric.associations, id, () => ({
    id,
    direct: undefined,
    vpnGateway: undefined,
    attachment: undefined,
    allowed: undefined,
  }));

export const lineOf = (fabric: Fabric, id: string): LineNode =>
  intern(fabric.lines, id, () => ({
    id,
    seed: seedOf(id),
    up: false,
    siteLink: false,
    border: { ...fabric.settings.mtu.directConnect, mtuBytes: 1500 },
    direct: undefined,
    site: undefined,
    routes: [],
  }));

export const vpnConnectionOf = (fabric: Fabric, id: string): VpnConnectionNode =>
  intern(fabric.vpnConnections, id, () => ({
    id,
    up: false,
    tunnels: [],
    gateway: undefined,
    attachment: undefined,
    site: undefined,
    speaker: siteOf(fabric, id),
    routes: [],
  }));

export const attachmentOf = (fabric: Fabric, id: string): AttachmentNode =>
  intern(fabric.attachments, id, () => ({
    id,
    gateway: '',
    available: false,
    applianceMode: false,
    vpc: undefined,
    places: [],
    peer: undefined,
    vpn: undefined,
    direct: undefined,
    transport: undefined,
    table: undefined,
  }));

export const connectPeerOf = (fabric: Fabric, id: string): ConnectPeerNode =>
  intern(fabric.connectPeers, id, () => ({
    id,
    attachment: undefined,
    gatewayAddress: 0,
    peerAddress: 0,
    speakers: [],
  }));

export const transitTableOf = (fabric: Fabric, id: string): TransitTableNode =>
  intern(fabric.transitTables, id, () => ({
    id,
    present: false,
    v4: createLongestMatch<TransitRoute>(),
    v6: createLongestMatch<TransitRoute>(),
    routes: new Map(),
    shadowed: [],
  }));

export const peeringOf = (fabric: Fabric, id: string): PeeringNode =>
  intern(fabric.peerings, id, () => ({ id, active: false, vpcs: [] }));

export const instanceOf = (fabric: Fabric, id: string): InstanceNode =>
  intern(fabric.instances, id, () => ({ id, present: false, running: false, ports: new Set<Port>() }));

export const aclOf = (fabric: Fabric, id: string): AclNode => intern(fabric.acls, id, createAcl);

export const natOf = (fabric: Fabric, id: string): NatNode =>
  intern(fabric.nats, id, () => ({
    id,
    available: false,
    port: undefined,
    own: undefined,
    nat: createNat(),
  }));

export const egressOnlyOf = (fabric: Fabric, id: string): EgressOnlyNode =>
  intern(fabric.egressOnly, id, (_, number) => ({ id, number, vpc: undefined }));

export const endpointOf = (fabric: Fabric, id: string): EndpointNode =>
  intern(fabric.endpoints, id, (_, number) => ({
    id,
    number,
    available: false,
    vpc: undefined,
    address: undefined,
    ports: [],
    balancer: undefined,
  }));

export const balancerOf = (fabric: Fabric, id: string): BalancerNode =>
  intern(fabric.balancers, id, () => ({
    id,
    available: false,
    crossZone: false,
    ports: [],
    group: undefined,
    tcpIdleMs: 0,
  }));

export const targetGroupOf = (fabric: Fabric, id: string): TargetGroupNode =>
  intern(fabric.targetGroups, id, () => ({ id, record: undefined, targets: new Map() }));

export const prefixListOf = (fabric: Fabric, id: string): PrefixListNode =>
  intern(fabric.prefixLists, id, () => ({
    id,
    entries: [],
    tables: new Set<TableNode>(),
    groups: new Set<GroupNode>(),
  }));

export const groupOf = (fabric: Fabric, id: string): GroupNode => intern(fabric.groups, id, createGroup);

/** The ENI of an id; a placeholder where the fabric has not heard of it. */
export const portOf = (fabric: Fabric, id: string): Port =>
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
    nat: undefined,
    endpoint: undefined,
    deviceIndex: -1,
  }));

/** The route table of a subnet: its explicit association, else the VPC's main table. */
export const tableFor = ({ subnet, vpc }: Place): TableNode | undefined =>
  subnet.tables.at(-1) ?? vpc.mainTables.at(-1);

/** The edge route table of a gateway, if it has one. */
export const edgeTableFor = (fabric: Fabric, gateway: string): TableNode | undefined =>
  fabric.edges.size === 0 ? undefined : fabric.edges.get(gateway)?.at(-1);

/** The IPv4 address of a subnet's router: the first after the network address. */
export function gatewayOfSubnet(subnet: SubnetNode): Address | undefined {
  const cidr = subnet.cidrs.find((each) => each.address.family === 4);
  return cidr === undefined ? undefined : addressAt(cidr, 1);
}

/** The router's IPv6 address in every subnet (AWS uses one that is made from the router's MAC). */
export const ROUTER_LINK_LOCAL: Address = { family: 6, words: [0xfe800000, 0, 0, 1] };

/**
 * What the fabric answers an ARP request or neighbour solicitation that `asker` sends: the real MAC of the
 * ENI in the subnet that has the address, the router's MAC for the router, or 0, silence. Gratuitous ones
 * (`asker` asks for or announces an address of its own) are never answered and change nothing: F18, F23.
 */
export function answerNeighbour(fabric: Fabric, asker: Port, target: Address): number {
  const gateway = target.family === 4 ? gatewayOfSubnet(asker.subnet) : ROUTER_LINK_LOCAL;
  if (gateway !== undefined && formatAddress(gateway) === formatAddress(target))
    return asker.subnet.routerMac;
  const [w0, w1, w2, w3] = target.words;
  const owner = find(fabric.mapping, scopeOf(asker.vpc, target.family), w0 | 0, w1 | 0, w2 | 0, w3 | 0);
  return owner === undefined || owner === asker || owner.subnet !== asker.subnet ? 0 : owner.mac;
}
