/** Gateway Load Balancers in a world: health checks by packets, and what a dead appliance costs. */
import { describe, expect, it } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { handle } from '../../sim/ec2/service.ts';
import type { ServiceName } from '../../sim/ec2/shape.ts';
import { publish } from '../../sim/world/api.ts';
import { type Flow, startFlow } from '../../sim/world/flows.ts';
import { controlGuest, endpointOf, setProfile } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';

function caller(world: World) {
  return <O>(action: string, input: object = {}, service: ServiceName = 'ec2'): O => {
    const who = { account: '123456789012', region: 'eu-central-1' };
    const reply = handle(world.api.cloud, { ...who, service, action, input }, world.now);
    publish(world.api);
    if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}: ${reply.message}`);
    return reply.output as O;
  };
}

const ELB = 'elasticloadbalancing';

/** A workload whose way out leads through two appliances; all in one zone. */
function scene(failover: 'rebalance' | 'no_rebalance') {
  const world = createWorld();
  const call = caller(world);
  const vpc = call<{ Vpc: { VpcId: string } }>('CreateVpc', { CidrBlock: '10.0.0.0/16' }).Vpc.VpcId;
  const subnets = [0, 1, 2].map((n) => {
    const wanted = { VpcId: vpc, CidrBlock: `10.0.${n}.0/24`, AvailabilityZone: 'eu-central-1a' };
    return call<{ Subnet: { SubnetId: string } }>('CreateSubnet', wanted).Subnet.SubnetId;
  });
  const [inside, door, fleet] = subnets;
  const igw = call<{ InternetGateway: { InternetGatewayId: string } }>('CreateInternetGateway')
    .InternetGateway.InternetGatewayId;
  call('AttachInternetGateway', { VpcId: vpc, InternetGatewayId: igw });
  const launch = (SubnetId: string | undefined, role: 'host' | 'geneve'): string => {
    const wanted = {
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      SubnetId,
    };
    const made = call<{ Instances: { InstanceId: string }[] }>('RunInstances', wanted).Instances[0]
      ?.InstanceId;
    const name = present(made, 'instance');
    must(setProfile(world, name, { role, services: [{ kind: 'http', port: 80 }] }));
    return name;
  };
  const client = launch(inside, 'host');
  const fleetIds = [launch(fleet, 'geneve'), launch(fleet, 'geneve')];
  const groups = call<{ SecurityGroups: { GroupId: string }[] }>('DescribeSecurityGroups').SecurityGroups;
  const open = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
  call('AuthorizeSecurityGroupIngress', { GroupId: groups[0]?.GroupId, IpPermissions: [open] });
  const eni = call<{ NetworkInterfaces: { NetworkInterfaceId: string }[] }>('DescribeNetworkInterfaces', {
    Filters: [{ Name: 'attachment.instance-id', Values: [client] }],
  }).NetworkInterfaces[0]?.NetworkInterfaceId;
  const { AllocationId } = call<{ AllocationId: string }>('AllocateAddress', { Domain: 'vpc' });
  call('AssociateAddress', { AllocationId, NetworkInterfaceId: eni });
  const lb = call<{ LoadBalancers: { LoadBalancerArn: string }[] }>(
    'CreateLoadBalancer',
    { Name: 'lb', Type: 'gateway', Subnets: [fleet] },
    ELB,
  ).LoadBalancers[0]?.LoadBalancerArn;
  const tg = call<{ TargetGroups: { TargetGroupArn: string }[] }>(
    'CreateTargetGroup',
    {
      Name: 'tg',
      Protocol: 'GENEVE',
      Port: 6081,
      VpcId: vpc,
      HealthCheckProtocol: 'HTTP',
      HealthyThresholdCount: 2,
      UnhealthyThresholdCount: 2,
    },
    ELB,
  ).TargetGroups[0]?.TargetGroupArn;
  const Attributes = ['on_deregistration', 'on_unhealthy'].map((what) => ({
    Key: `target_failover.${what}`,
    Value: failover,
  }));
  call('ModifyTargetGroupAttributes', { TargetGroupArn: tg, Attributes }, ELB);
  call('RegisterTargets', { TargetGroupArn: tg, Targets: fleetIds.map((Id) => ({ Id })) }, ELB);
  const forward = { Type: 'forward', TargetGroupArn: tg };
  call('CreateListener', { LoadBalancerArn: lb, DefaultActions: [forward] }, ELB);
  const { ServiceConfiguration: service } = call<{ ServiceConfiguration: { ServiceName: string } }>(
    'CreateVpcEndpointServiceConfiguration',
    { GatewayLoadBalancerArns: [lb], AcceptanceRequired: false },
  );
  const vpce = call<{ VpcEndpoint: { VpcEndpointId: string } }>('CreateVpcEndpoint', {
    VpcId: vpc,
    VpcEndpointType: 'GatewayLoadBalancer',
    ServiceName: service.ServiceName,
    SubnetIds: [door],
  }).VpcEndpoint.VpcEndpointId;
  const table = (end: object, route: object): void => {
    const made = call<{ RouteTable: { RouteTableId: string } }>('CreateRouteTable', {
      VpcId: vpc,
    }).RouteTable;
    call('CreateRoute', { RouteTableId: made.RouteTableId, ...route });
    call('AssociateRouteTable', { RouteTableId: made.RouteTableId, ...end });
  };
  table({ SubnetId: inside }, { DestinationCidrBlock: '0.0.0.0/0', VpcEndpointId: vpce });
  table({ SubnetId: door }, { DestinationCidrBlock: '0.0.0.0/0', GatewayId: igw });
  table({ GatewayId: igw }, { DestinationCidrBlock: '10.0.0.0/24', VpcEndpointId: vpce });
  const health = (): Record<string, string> => {
    const found = call<{
      TargetHealthDescriptions: { Target: { Id: string }; TargetHealth: { State: string } }[];
    }>('DescribeTargetHealth', { TargetGroupArn: tg }, ELB).TargetHealthDescriptions;
    return Object.fromEntries(found.map((each) => [each.Target.Id, each.TargetHealth.State]));
  };
  return { world, call, client, fleet: fleetIds, health };
}

/** The appliance that a flow's last packet went through. */
function applianceOf(world: World, { path }: Flow): string | undefined {
  const owners = path.map((eni) => world.network.fabric.ports.get(eni)?.instance?.id);
  return owners.find((owner) => world.profiles.get(owner ?? '')?.role === 'geneve');
}

describe.each(['no_rebalance', 'rebalance'] as const)('a Gateway Load Balancer with %s', (failover) => {
  it('finds a dead appliance by its health checks; its flows stay there, or move', () => {
    const { world, client, fleet, health } = scene(failover);
    advance(world, 12_000);
    expect(health()).toEqual(Object.fromEntries(fleet.map((each) => [each, 'healthy'])));
    const source = present(endpointOf(world, client), client);
    const flow = must(startFlow(world, { id: 'f', source, to: '203.0.113.10', port: 7, intervalMs: 100 }));
    advance(world, 13_000);
    const used = present(applianceOf(world, flow), 'an appliance on the way');
    expect(flow.lost).toBe(0);
    must(controlGuest(world, used, 'kill'));
    advance(world, 50_000);
    expect(health()[used]).toBe('unhealthy');
    const other = present(
      fleet.find((each) => each !== used),
      'the other',
    );
    expect(health()[other]).toBe('healthy');
    const { answered } = flow;
    advance(world, 55_000);
    if (failover === 'rebalance') {
      expect(flow.answered).toBeGreaterThan(answered + 40);
      expect(applianceOf(world, flow)).toBe(other);
    } else {
      expect(flow.answered).toBe(answered);
      must(controlGuest(world, used, 'start'));
      advance(world, 100_000);
      expect(health()[used]).toBe('healthy');
      expect(flow.answered).toBeGreaterThan(answered);
      expect(applianceOf(world, flow)).toBe(used);
    }
  });
});
