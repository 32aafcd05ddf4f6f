/**
 * Healthy worlds, and the packets that arrive in them: what the faults of faults.ts break. Not a test itself.
 */
import { present } from '../../controller/base/result.ts';
import { servicesOf } from '../../sim/ec2/catalog/services.ts';
import { REGION } from '../world/pair.ts';
import { chain, edge, overlay, stage } from './bases-tunnels.ts';
import { HOST, maker, type Probes, siteHost } from './maker.ts';

const EVERYWHERE = '0.0.0.0/0';
const OPEN = `-1 - ${EVERYWHERE}`;

/**
 * One VPC: `web` is public, `app` sends out through a NAT gateway and takes port 8080 from the group of web,
 * `box` masquerades what it forwards for addresses that no ENI has.
 */
export function office() {
  const m = maker();
  const vpc = m.vpc('10.0.0.0/16');
  const igw = m.gateway(vpc);
  const publicSubnet = m.subnet(vpc, '10.0.0.0/24');
  const privateSubnet = m.subnet(vpc, '10.0.1.0/24');
  const publicTable = m.table(vpc, publicSubnet);
  m.route(publicTable, EVERYWHERE, { GatewayId: igw });
  const privateTable = m.table(vpc, privateSubnet);
  const AllocationId = m.made('AllocateAddress', {}, 'AllocationId');
  const nat = m.made('CreateNatGateway', { SubnetId: publicSubnet, AllocationId }, 'NatGatewayId');
  m.settle();
  m.route(privateTable, EVERYWHERE, { NatGatewayId: nat });
  const natAddress = m.made('DescribeNatGateways', { NatGatewayIds: [nat] }, 'PublicIp');
  const natEni = m.made('DescribeNatGateways', { NatGatewayIds: [nat] }, 'NetworkInterfaceId');
  const webGroup = m.group(vpc, `tcp 443 ${EVERYWHERE}`);
  const appGroup = m.group(vpc, `tcp 8080 ${webGroup}`);
  const web = m.instance(publicSubnet, '10.0.0.10', webGroup);
  const eip = m.elastic(web.eni);
  const app = m.instance(privateSubnet, '10.0.1.10', appGroup);
  const box = m.appliance(privateSubnet, '10.0.1.20', m.group(vpc, OPEN), 'nat');
  const acl = m.guard(vpc, privateSubnet);
  const { name: ServiceName, address } = present(servicesOf(REGION)[0], 'a service');
  m.host(address ?? '');
  const endpoint = m.made('CreateVpcEndpoint', { VpcId: vpc, ServiceName }, 'VpcEndpointId');
  const door = m.made(
    'CreateVpcEndpoint',
    {
      ...{ VpcId: vpc, VpcEndpointType: 'Interface', ServiceName },
      ...{ SubnetIds: [publicSubnet], SecurityGroupIds: [m.group(vpc, OPEN)], PrivateDnsEnabled: false },
    },
    'VpcEndpointId',
  );
  const Filters = [{ Name: 'interface-type', Values: ['vpc_endpoint'] }];
  const doorAddress = m.made('DescribeNetworkInterfaces', { Filters }, 'PrivateIpAddress');
  const probes = {
    'web to app': { from: web.instance, to: '10.0.1.10', protocol: 'tcp', port: 8080, both: true },
    'app to the Internet': { from: app.instance, to: HOST, protocol: 'tcp', port: 443, both: true },
    'the Internet to web': { from: HOST, to: eip.address, protocol: 'tcp', port: 443, both: true },
    'web to the Internet': { from: web.eni, to: HOST, protocol: 'udp', port: 53, both: true },
    'behind the box': { from: box.instance, source: '172.30.0.5', to: HOST, protocol: 'udp', port: 53 },
    'app to the endpoint': { from: app.instance, to: doorAddress, protocol: 'tcp', port: 443, both: true },
    'app to the service': { from: app.instance, to: address ?? '', protocol: 'udp', port: 53, both: true },
  } as const satisfies Probes;
  const subnets = { publicSubnet, privateSubnet, publicTable, privateTable };
  return {
    ...m,
    ...subnets,
    id: vpc,
    igw,
    nat,
    natEni,
    natAddress,
    webGroup,
    appGroup,
    web,
    app,
    box,
    acl,
    endpoint,
    door,
    serviceAddress: address ?? '',
    eip,
    probes,
  };
}

/** One VPC: what comes from the Internet for `server` passes `firewall`, by the gateway's edge table. */
export function checkpoint() {
  const m = maker();
  const vpc = m.vpc('10.20.0.0/16');
  const igw = m.gateway(vpc);
  const outer = m.subnet(vpc, '10.20.0.0/24');
  const inner = m.subnet(vpc, '10.20.1.0/24');
  const client = m.subnet(vpc, '10.20.2.0/24');
  const firewall = m.appliance(outer, '10.20.0.10', m.group(vpc, OPEN));
  const eip = m.elastic(firewall.eni);
  const serverGroup = m.group(vpc, `tcp 80 ${EVERYWHERE}`);
  const server = m.instance(inner, '10.20.1.10', serverGroup);
  const visible = m.elastic(server.eni);
  const peerGroup = m.group(vpc);
  const peer = m.instance(client, '10.20.2.10', peerGroup);
  const outerTable = m.table(vpc, outer);
  m.route(outerTable, EVERYWHERE, { GatewayId: igw });
  const innerTable = m.table(vpc, inner);
  const toFirewall = { NetworkInterfaceId: firewall.eni };
  m.route(innerTable, EVERYWHERE, toFirewall);
  m.route(innerTable, '10.20.2.0/24', toFirewall);
  const clientTable = m.table(vpc, client);
  m.route(clientTable, '10.20.1.0/24', toFirewall);
  const edge = m.table(vpc);
  m.act('AssociateRouteTable', { RouteTableId: edge, GatewayId: igw });
  m.route(edge, '10.20.1.0/24', toFirewall);
  const probes = {
    'the Internet to server': { from: HOST, to: visible.address, protocol: 'tcp', port: 80, both: true },
    'server to the Internet': { from: server.instance, to: HOST, protocol: 'icmp', both: true },
    'client to server': { from: peer.instance, to: '10.20.1.10', protocol: 'tcp', port: 80, both: true },
  } as const satisfies Probes;
  const tables = { outerTable, innerTable, clientTable, edge };
  return { ...m, ...tables, id: vpc, igw, firewall, eip, server, serverGroup, peerGroup, probes };
}

/** Three VPCs: the first is peered with each of the others. */
export function neighbours() {
  const m = maker();
  const side = (n: number) => {
    const vpc = m.vpc(`10.${n}.0.0/16`);
    const subnet = m.subnet(vpc, `10.${n}.0.0/24`);
    const table = m.table(vpc, subnet);
    const group = m.group(vpc, 'tcp 5432 10.0.0.0/8');
    return { vpc, table, group, ...m.instance(subnet, `10.${n}.0.10`, group) };
  };
  const [first, second, third] = [side(1), side(2), side(3)] as const;
  const peer = (other: typeof second, n: number): string => {
    const ends = { VpcId: first.vpc, PeerVpcId: other.vpc };
    const connection = m.made('CreateVpcPeeringConnection', ends, 'VpcPeeringConnectionId');
    const named = { VpcPeeringConnectionId: connection };
    m.act('AcceptVpcPeeringConnection', named);
    m.route(first.table, `10.${n}.0.0/16`, named);
    m.route(other.table, '10.1.0.0/16', named);
    return connection;
  };
  const [toSecond, toThird] = [peer(second, 2), peer(third, 3)];
  const probe = (n: number) =>
    ({ from: first.instance, to: `10.${n}.0.10`, protocol: 'tcp', port: 5432, both: true }) as const;
  const probes = { 'first to second': probe(2), 'first to third': probe(3) } satisfies Probes;
  return { ...m, first, second, third, toSecond, toThird, probes };
}

/**
 * A transit gateway: `near` reaches `far` through a firewall of the zone in the VPC `checks`, whose
 * attachment is in appliance mode. The client is in zone a, the server in zone b.
 */
export function hub() {
  const m = maker();
  const tgw = m.made(
    'CreateTransitGateway',
    { Options: { DefaultRouteTableAssociation: 'disable', DefaultRouteTablePropagation: 'disable' } },
    'TransitGatewayId',
  );
  m.settle();
  const TransitGatewayId = tgw;
  const member = (n: number, mode: 'enable' | 'disable') => {
    const vpc = m.vpc(`10.${n}.0.0/16`);
    const zones = ['a', 'b'].map((zone, index) => ({
      door: m.subnet(vpc, `10.${n}.${index}.0/24`, zone),
      inside: m.subnet(vpc, `10.${n}.1${index}.0/24`, zone),
    }));
    const [a, b] = [zones[0], zones[1]];
    if (a === undefined || b === undefined) throw new Error('two zones');
    const table = m.table(vpc, a.inside, b.inside);
    const input = { TransitGatewayId, VpcId: vpc, SubnetIds: [a.door, b.door] };
    const Options = { ApplianceModeSupport: mode };
    const attachment = m.made(
      'CreateTransitGatewayVpcAttachment',
      { ...input, Options },
      'TransitGatewayAttachmentId',
    );
    m.settle();
    m.route(table, EVERYWHERE, { TransitGatewayId });
    return { vpc, a, b, table, attachment };
  };
  const [near, far, checks] = [member(1, 'disable'), member(2, 'disable'), member(100, 'enable')] as const;
  const newTable = (): string =>
    m.made('CreateTransitGatewayRouteTable', { TransitGatewayId }, 'TransitGatewayRouteTableId');
  const [spokes, checked] = [newTable(), newTable()];
  m.settle();
  const join = (table: string, attachment: string, action: string): void =>
    m.act(action, { TransitGatewayRouteTableId: table, TransitGatewayAttachmentId: attachment });
  for (const { attachment } of [near, far]) {
    join(spokes, attachment, 'AssociateTransitGatewayRouteTable');
    join(checked, attachment, 'EnableTransitGatewayRouteTablePropagation');
  }
  join(checked, checks.attachment, 'AssociateTransitGatewayRouteTable');
  const all = { DestinationCidrBlock: EVERYWHERE, TransitGatewayAttachmentId: checks.attachment };
  m.act('CreateTransitGatewayRoute', { TransitGatewayRouteTableId: spokes, ...all });
  const firewallGroup = m.group(checks.vpc, 'tcp 443 10.1.0.0/16');
  const firewall = (zone: typeof near.a, address: string) => {
    const launched = m.appliance(zone.inside, address, firewallGroup);
    const table = m.table(checks.vpc, zone.door);
    m.route(table, EVERYWHERE, { NetworkInterfaceId: launched.eni });
    return { ...launched, table };
  };
  const [a, b] = [firewall(checks.a, '10.100.10.5'), firewall(checks.b, '10.100.11.5')];
  const client = m.instance(near.a.inside, '10.1.10.10', m.group(near.vpc));
  const serverGroup = m.group(far.vpc, 'tcp 443 10.1.0.0/16');
  const server = m.instance(far.b.inside, '10.2.11.10', serverGroup);
  m.settle();
  const probe = { from: client.eni, to: '10.2.11.10', protocol: 'tcp', port: 443, both: true } as const;
  const probes = { 'near to far': probe } satisfies Probes;
  return {
    ...m,
    tgw,
    near,
    far,
    checks,
    spokes,
    checked,
    a,
    b,
    client,
    server,
    serverGroup,
    firewallGroup,
    join,
    probes,
  };
}

/** A VPC with a VPN to a site, whose routes are propagated; `box` masquerades for others; IPv6 goes out. */
export function branch() {
  const m = maker();
  const vpc = m.made('CreateVpc', { CidrBlock: '10.5.0.0/16', AmazonProvidedIpv6CidrBlock: true }, 'VpcId');
  const block = m.made('DescribeVpcs', { VpcIds: [vpc] }, 'Ipv6CidrBlock');
  const igw = m.gateway(vpc);
  const Ipv6CidrBlock = block.replace('/56', '/64');
  const subnet = m.made('CreateSubnet', { VpcId: vpc, CidrBlock: '10.5.0.0/24', Ipv6CidrBlock }, 'SubnetId');
  const table = m.table(vpc, subnet);
  m.act('CreateRoute', { RouteTableId: table, DestinationIpv6CidrBlock: '::/0', GatewayId: igw });
  const vgw = m.made('CreateVpnGateway', { Type: 'ipsec.1' }, 'VpnGatewayId');
  m.act('AttachVpnGateway', { VpnGatewayId: vgw, VpcId: vpc });
  const remote = { Type: 'ipsec.1', BgpAsn: 65_010, IpAddress: '198.51.100.7' };
  const cgw = m.made('CreateCustomerGateway', remote, 'CustomerGatewayId');
  const ends = { Type: 'ipsec.1', VpnGatewayId: vgw, CustomerGatewayId: cgw };
  const vpn = m.made(
    'CreateVpnConnection',
    { ...ends, Options: { StaticRoutesOnly: true } },
    'VpnConnectionId',
  );
  m.settle();
  m.act('CreateVpnConnectionRoute', { VpnConnectionId: vpn, DestinationCidrBlock: '192.168.0.0/16' });
  m.act('EnableVgwRoutePropagation', { RouteTableId: table, GatewayId: vgw });
  m.settle();
  siteHost(m, '192.168.7.10', cgw);
  const group = m.group(vpc, 'tcp 22 192.168.0.0/16', 'tcp 22 ::/0');
  const host = m.instance(subnet, '10.5.0.10', group, { Ipv6AddressCount: 1 });
  const v6 = m.made('DescribeNetworkInterfaces', { NetworkInterfaceIds: [host.eni] }, 'Ipv6Address');
  m.act('ModifyNetworkInterfaceAttribute', {
    NetworkInterfaceId: host.eni,
    SourceDestCheck: { Value: false },
  });
  const boxGroup = m.group(vpc, OPEN);
  const box = m.appliance(subnet, '10.5.0.20', boxGroup, 'nat');
  m.host('2001:db8:ffff::10');
  const eigw = m.made('CreateEgressOnlyInternetGateway', { VpcId: vpc }, 'EgressOnlyInternetGatewayId');
  const probes = {
    'host to the site': { from: host.instance, to: '192.168.7.10', protocol: 'tcp', port: 80, both: true },
    'the site to host': { from: '192.168.7.10', to: '10.5.0.10', protocol: 'tcp', port: 22, both: true },
    'behind the box': { from: box.instance, source: '172.30.0.5', to: '192.168.7.10', protocol: 'icmp' },
    'host to the Internet': { from: host.instance, to: '2001:db8:ffff::10', protocol: 'icmp', both: true },
    'the Internet to host': { from: '2001:db8:ffff::10', to: v6, protocol: 'tcp', port: 22 },
  } as const satisfies Probes;
  return {
    ...m,
    id: vpc,
    igw,
    rtb: table,
    vgw,
    cgw,
    vpn,
    eigw,
    machine: host,
    v6,
    box,
    hostGroup: group,
    probes,
  };
}

export type Bases = {
  readonly office: ReturnType<typeof office>;
  readonly checkpoint: ReturnType<typeof checkpoint>;
  readonly neighbours: ReturnType<typeof neighbours>;
  readonly hub: ReturnType<typeof hub>;
  readonly branch: ReturnType<typeof branch>;
  readonly chain: ReturnType<typeof chain>;
  readonly overlay: ReturnType<typeof overlay>;
  readonly edge: ReturnType<typeof edge>;
  readonly stage: ReturnType<typeof stage>;
};

export const BASES: { readonly [K in keyof Bases]: () => Bases[K] } = {
  office,
  checkpoint,
  neighbours,
  hub,
  branch,
  chain,
  overlay,
  edge,
  stage,
};
