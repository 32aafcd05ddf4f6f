/**
 * Healthy worlds whose packets travel inside of others, or are copied: a Gateway Load Balancer, a transit
 * gateway with Connect peers, a multicast domain. Not a test itself.
 */
import { must, present } from '../../controller/base/result.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { BLOCK, connectScene, tableOf } from '../world/connect.ts';
import { call } from '../world/pair.ts';
import { edgeScene } from '../world/vpn-edge.ts';
import { HOST, maker, type Probes } from './maker.ts';

const EVERYWHERE = '0.0.0.0/0';

/** One VPC: the way of `client` out to the Internet leads through the appliances of a load balancer. */
export function chain() {
  const m = maker();
  const vpc = m.vpc('10.40.0.0/16');
  const [inside, door, fleet] = [0, 1, 2].map((n) => m.subnet(vpc, `10.40.${n}.0/24`)) as [
    string,
    string,
    string,
  ];
  const igw = m.gateway(vpc);
  const client = m.instance(inside, '10.40.0.10', m.group(vpc));
  m.elastic(client.eni);
  const fleetGroup = m.group(vpc, `udp 6081 10.40.2.0/24`);
  const box = m.appliance(fleet, '10.40.2.10', fleetGroup, 'geneve');
  const gateway = { Name: 'lb', Type: 'gateway', Subnets: [fleet] };
  const lb = m.balanced('CreateLoadBalancer', gateway, 'LoadBalancerArn');
  const geneve = { Name: 'tg', Protocol: 'GENEVE', Port: 6081, VpcId: vpc };
  const tg = m.balanced('CreateTargetGroup', geneve, 'TargetGroupArn');
  const DefaultActions = [{ Type: 'forward', TargetGroupArn: tg }];
  m.balanced('CreateListener', { LoadBalancerArn: lb, DefaultActions }, 'ListenerArn');
  const target = { TargetGroupArn: tg, Targets: [{ Id: box.instance }] };
  const tell = (action: string): void => m.balance(action, target);
  tell('RegisterTargets');
  const offered = { GatewayLoadBalancerArns: [lb], AcceptanceRequired: false };
  const ServiceName = m.made('CreateVpcEndpointServiceConfiguration', offered, 'ServiceName');
  const wanted = { VpcId: vpc, VpcEndpointType: 'GatewayLoadBalancer', ServiceName, SubnetIds: [door] };
  const endpoint = m.made('CreateVpcEndpoint', wanted, 'VpcEndpointId');
  m.settle();
  const insideTable = m.table(vpc, inside);
  m.route(insideTable, EVERYWHERE, { VpcEndpointId: endpoint });
  const doorTable = m.table(vpc, door);
  m.route(doorTable, EVERYWHERE, { GatewayId: igw });
  const edge = m.table(vpc);
  m.act('AssociateRouteTable', { RouteTableId: edge, GatewayId: igw });
  m.route(edge, '10.40.0.0/24', { VpcEndpointId: endpoint });
  const probe = { from: client.instance, to: HOST, protocol: 'tcp', port: 443, both: true } as const;
  const probes = { 'client to the Internet': probe } satisfies Probes;
  return { ...m, igw, lb, box, fleetGroup, endpoint, doorTable, tell, probes };
}

/** A spoke VPC, whose way out leads over a transit gateway to the Connect peer of either appliance. */
export function overlay() {
  const scene = connectScene();
  const { world, pair, spoke, table, connect } = scene;
  const act = (action: string, input: object): void => void call(world, action, input);
  const probe = { from: spoke.instance, to: HOST, protocol: 'tcp', port: 443, both: true } as const;
  const back = { from: pair.a.instance, to: spoke.address, protocol: 'icmp' } as const;
  const probes = { 'spoke to the Internet': probe, 'appliance to spoke': back } satisfies Probes;
  const boxes = [pair.a.instance, pair.b.instance];
  const { hops } = must(tracePacket(world, probe));
  const used = present(
    boxes.find((box) => hops.some(({ id }) => id === box)),
    'an appliance',
  );
  return { world, act, table, connect, boxes, used, block: BLOCK, outer: tableOf(world, pair.a), probes };
}

/** A spoke VPC, whose way out leads by VPN connections of its VPN gateway to either appliance. */
export function edge() {
  const { world, pair, spoke, vpns } = edgeScene();
  const act = (action: string, input: object): void => void call(world, action, input);
  const probe = { from: spoke.instance, to: HOST, protocol: 'tcp', port: 443, both: true } as const;
  const back = { from: pair.a.instance, to: spoke.address, protocol: 'icmp' } as const;
  const probes = { 'spoke to the Internet': probe, 'appliance to spoke': back } satisfies Probes;
  const cgw = present(world.records['vpn-connection'].get(vpns.a), vpns.a).customerGateway;
  return { world, act, box: pair.a, cgw, outer: tableOf(world, pair.a), probes };
}

/** Three machines in a multicast domain with static sources: `sender` is one, the others are members. */
export function stage() {
  const m = maker();
  const vpc = m.vpc('10.50.0.0/16');
  const subnet = m.subnet(vpc, '10.50.0.0/24');
  const Options = { MulticastSupport: 'enable' };
  const TransitGatewayId = m.made('CreateTransitGateway', { Options }, 'TransitGatewayId');
  m.settle();
  const wanted = { TransitGatewayId, VpcId: vpc, SubnetIds: [subnet] };
  const attachment = m.made('CreateTransitGatewayVpcAttachment', wanted, 'TransitGatewayAttachmentId');
  const domain = m.made(
    'CreateTransitGatewayMulticastDomain',
    { TransitGatewayId, Options: { StaticSourcesSupport: 'enable' } },
    'TransitGatewayMulticastDomainId',
  );
  m.settle();
  const named = { TransitGatewayMulticastDomainId: domain };
  const joined = { ...named, TransitGatewayAttachmentId: attachment, SubnetIds: [subnet] };
  m.act('AssociateTransitGatewayMulticastDomain', joined);
  m.settle();
  const memberGroup = m.group(vpc, 'udp 5000 10.50.0.0/16');
  const [sender, ...members] = [10, 11, 12].map((n) => m.instance(subnet, `10.50.0.${n}`, memberGroup)) as [
    ReturnType<typeof m.instance>,
    ...ReturnType<typeof m.instance>[],
  ];
  const register = (verb: 'Register' | 'Deregister', what: 'Members' | 'Sources'): void => {
    const enis = what === 'Members' ? members : [sender];
    m.act(`${verb}TransitGatewayMulticastGroup${what}`, {
      ...named,
      GroupIpAddress: '239.1.1.1',
      NetworkInterfaceIds: enis.map(({ eni }) => eni),
    });
    m.settle();
  };
  register('Register', 'Members');
  register('Register', 'Sources');
  const probe = { from: sender.instance, to: '239.1.1.1', protocol: 'udp', port: 5000 } as const;
  const probes = { 'sender to the group': probe } satisfies Probes;
  return { ...m, joined, domain, sender, memberGroup, register, probes };
}
