/** Gateway Load Balancers through the Elastic Load Balancing and EC2 APIs. */
import type { CreateVpcEndpointResult, ServiceConfiguration } from '@aws-sdk/client-ec2';
import type {
  CreateListenerOutput,
  CreateLoadBalancerOutput,
  CreateTargetGroupOutput,
  DescribeTargetGroupAttributesOutput,
  DescribeTargetHealthOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { judgeTarget, takeChanges } from '../../sim/ec2/service.ts';
import { name, type Site, site } from './site.ts';

const ELB = 'elasticloadbalancing';
const WHO = { account: '111122223333', region: 'eu-central-1' };

const balancer = (at: Site, more: object = {}): string =>
  name(
    at.call<CreateLoadBalancerOutput>(
      'CreateLoadBalancer',
      { Name: 'lb', Type: 'gateway', Subnets: [at.subnets[0]], ...more },
      ELB,
    ).LoadBalancers?.[0]?.LoadBalancerArn,
  );

const group = (at: Site, more: object = {}): string =>
  name(
    at.call<CreateTargetGroupOutput>(
      'CreateTargetGroup',
      { Name: 'tg', Protocol: 'GENEVE', Port: 6081, VpcId: at.vpc, ...more },
      ELB,
    ).TargetGroups?.[0]?.TargetGroupArn,
  );

const listen = (at: Site, LoadBalancerArn: string, TargetGroupArn: string): string =>
  name(
    at.call<CreateListenerOutput>(
      'CreateListener',
      { LoadBalancerArn, DefaultActions: [{ Type: 'forward', TargetGroupArn }] },
      ELB,
    ).Listeners?.[0]?.ListenerArn,
  );

const states = (at: Site, TargetGroupArn: string): string[] => {
  const health = at.call<DescribeTargetHealthOutput>('DescribeTargetHealth', { TargetGroupArn }, ELB);
  return (health.TargetHealthDescriptions ?? []).map((each) => String(each.TargetHealth?.State));
};

const service = (at: Site, arn: string, AcceptanceRequired = false): ServiceConfiguration =>
  at.call<{ ServiceConfiguration: ServiceConfiguration }>('CreateVpcEndpointServiceConfiguration', {
    GatewayLoadBalancerArns: [arn],
    AcceptanceRequired,
  }).ServiceConfiguration;

const endpoint = (at: Site, ServiceName: string | undefined): string =>
  name(
    at.call<CreateVpcEndpointResult>('CreateVpcEndpoint', {
      VpcId: at.vpc,
      VpcEndpointType: 'GatewayLoadBalancer',
      ServiceName,
      SubnetIds: [at.subnets[0]],
    }).VpcEndpoint?.VpcEndpointId,
  );

describe('a Gateway Load Balancer', () => {
  it('has an ENI in each zone, a listener, and goes with both', () => {
    const at = site({ endpointMs: 1000 });
    const arn = balancer(at, { Subnets: at.subnets });
    expect(arn).toMatch(
      /^arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer\/gwy\/lb\/[0-9a-f]{16}$/,
    );
    const shown = () =>
      at.call<CreateLoadBalancerOutput>('DescribeLoadBalancers', { Names: ['lb'] }, ELB).LoadBalancers?.[0];
    expect(shown()).toMatchObject({ State: { Code: 'provisioning' }, Type: 'gateway', VpcId: at.vpc });
    at.pass(1000);
    expect(shown()?.State?.Code).toBe('active');
    expect(balancer(at, { Subnets: at.subnets })).toBe(arn);
    expect(
      at.code('CreateLoadBalancer', { Name: 'lb', Type: 'gateway', Subnets: [at.subnets[0]] }, ELB),
    ).toBe('DuplicateLoadBalancerName');
    const tg = group(at);
    const listener = listen(at, arn, tg);
    expect(listener.startsWith(arn.replace(':loadbalancer/', ':listener/'))).toBe(true);
    const twice = { LoadBalancerArn: arn, DefaultActions: [{ Type: 'forward', TargetGroupArn: tg }] };
    expect(at.code('CreateListener', twice, ELB)).toBe('DuplicateListener');
    expect(at.code('DeleteTargetGroup', { TargetGroupArn: tg }, ELB)).toBe('ResourceInUse');
    expect(at.code('DeleteSubnet', { SubnetId: at.subnets[1] })).toBe('DependencyViolation');
    at.call('DeleteLoadBalancer', { LoadBalancerArn: arn }, ELB);
    at.call('DeleteTargetGroup', { TargetGroupArn: tg }, ELB);
    at.call('DeleteSubnet', { SubnetId: at.subnets[1] });
    expect(at.code('DescribeLoadBalancers', { LoadBalancerArns: [arn] }, ELB)).toBe('LoadBalancerNotFound');
  });

  it('keeps attributes and tags, and refuses those that there are not', () => {
    const at = site();
    const LoadBalancerArn = balancer(at, { Tags: [{ Key: 'a', Value: '1' }] });
    const set = (Key: string, Value: string) => ({ LoadBalancerArn, Attributes: [{ Key, Value }] });
    at.call('ModifyLoadBalancerAttributes', set('deletion_protection.enabled', 'true'), ELB);
    expect(at.code('DeleteLoadBalancer', { LoadBalancerArn }, ELB)).toBe('OperationNotPermitted');
    expect(at.code('ModifyLoadBalancerAttributes', set('access_logs.s3.enabled', 'x'), ELB)).toBe(
      'ValidationError',
    );
    const ResourceArns = [LoadBalancerArn];
    at.call('AddTags', { ResourceArns, Tags: [{ Key: 'b', Value: '2' }] }, ELB);
    at.call('RemoveTags', { ResourceArns, TagKeys: ['a'] }, ELB);
    expect(at.call('DescribeTags', { ResourceArns }, ELB)).toEqual({
      TagDescriptions: [{ ResourceArn: LoadBalancerArn, Tags: [{ Key: 'b', Value: '2' }] }],
    });
    takeChanges(at.cloud);
    at.call('ModifyLoadBalancerAttributes', set('load_balancing.cross_zone.enabled', 'true'), ELB);
    expect(takeChanges(at.cloud).map((each) => each.value)).toMatchObject([{ crossZone: true }]);
  });

  it('judges targets: one good check makes a new one healthy, then as many as the group says', () => {
    const at = site();
    const tg = group(at, { HealthyThresholdCount: 3, UnhealthyThresholdCount: 2 });
    const { id } = at.instance(at.subnets[0]);
    at.call('RegisterTargets', { TargetGroupArn: tg, Targets: [{ Id: id }] }, ELB);
    expect(states(at, tg)).toEqual(['unused']);
    listen(at, balancer(at), tg);
    const judge = (...results: readonly boolean[]): string[] => {
      for (const passed of results) judgeTarget(at.cloud, { id: tg, ...WHO }, id, passed, 0);
      return states(at, tg);
    };
    expect(states(at, tg)).toEqual(['initial']);
    expect(judge(true)).toEqual(['healthy']);
    expect(judge(false, true, false)).toEqual(['healthy']);
    expect(judge(false)).toEqual(['unhealthy']);
    expect(judge(true, true, false, true, true)).toEqual(['unhealthy']);
    expect(judge(true)).toEqual(['healthy']);
  });

  it('drains a target for the time of its group, and forgets it', () => {
    const at = site();
    const TargetGroupArn = group(at);
    const delay = { Key: 'deregistration_delay.timeout_seconds', Value: '30' };
    at.call('ModifyTargetGroupAttributes', { TargetGroupArn, Attributes: [delay] }, ELB);
    listen(at, balancer(at), TargetGroupArn);
    const { id } = at.instance(at.subnets[0]);
    const one = { TargetGroupArn, Targets: [{ Id: id }] };
    at.call('RegisterTargets', one, ELB);
    at.call('DeregisterTargets', one, ELB);
    expect(states(at, TargetGroupArn)).toEqual(['draining']);
    at.pass(30_000);
    expect(states(at, TargetGroupArn)).toEqual([]);
    at.call('RegisterTargets', one, ELB);
    at.call('DeregisterTargets', one, ELB);
    at.call('RegisterTargets', one, ELB);
    at.pass(30_000);
    expect(states(at, TargetGroupArn)).toEqual(['initial']);
  });

  it('rebalances by two attributes that are one', () => {
    const at = site();
    const TargetGroupArn = group(at);
    const both = ['on_deregistration', 'on_unhealthy'].map((what) => ({
      Key: `target_failover.${what}`,
      Value: 'rebalance',
    }));
    const one = { TargetGroupArn, Attributes: both.slice(0, 1) };
    expect(at.code('ModifyTargetGroupAttributes', one, ELB)).toBe('ValidationError');
    at.call('ModifyTargetGroupAttributes', { TargetGroupArn, Attributes: both }, ELB);
    const shown = at.call<DescribeTargetGroupAttributesOutput>(
      'DescribeTargetGroupAttributes',
      { TargetGroupArn },
      ELB,
    );
    expect(shown.Attributes).toEqual(expect.arrayContaining(both));
    expect(takeChanges(at.cloud).at(-1)?.value).toMatchObject({
      rebalanceUnhealthy: true,
      rebalanceDeregistered: true,
    });
  });

  it('refuses what is not simulated, and targets that cannot be', () => {
    const at = site();
    const type = { Name: 'x', Type: 'network', Subnets: [at.subnets[0]] };
    expect(at.code('CreateLoadBalancer', type, ELB)).toBe('UnsupportedFeature');
    const http = { Name: 'x', Protocol: 'HTTP', Port: 80, VpcId: at.vpc };
    expect(at.code('CreateTargetGroup', http, ELB)).toBe('UnsupportedFeature');
    const TargetGroupArn = group(at);
    const absent = { TargetGroupArn, Targets: [{ Id: 'i-00000000000000000' }] };
    expect(at.code('RegisterTargets', absent, ELB)).toBe('InvalidTarget');
    const ip = { TargetGroupArn: group(at, { Name: 'ip', TargetType: 'ip' }), Targets: [{ Id: 'nowhere' }] };
    expect(at.code('RegisterTargets', ip, ELB)).toBe('ValidationError');
  });
});

describe('a Gateway Load Balancer endpoint', () => {
  it('is the target of routes: of any, for a whole subnet, and in an edge table', () => {
    const at = site();
    const arn = balancer(at);
    const { ServiceName, ServiceId } = service(at, arn);
    expect(at.code('DeleteLoadBalancer', { LoadBalancerArn: arn }, ELB)).toBe('ResourceInUse');
    const VpcEndpointId = endpoint(at, ServiceName);
    const route = { RouteTableId: at.table, VpcEndpointId };
    at.call('CreateRoute', { ...route, DestinationCidrBlock: '0.0.0.0/0' });
    expect(at.routes().at(-1)).toMatchObject({ GatewayId: VpcEndpointId, State: 'active' });
    at.call('CreateRoute', { ...route, DestinationCidrBlock: '10.0.1.0/24' });
    at.call('DeleteRoute', { RouteTableId: at.table, DestinationCidrBlock: '0.0.0.0/0' });
    at.call('AssociateRouteTable', { RouteTableId: at.table, GatewayId: at.gateway });
    const id = { VpcEndpointIds: [VpcEndpointId] };
    expect(at.call('DeleteVpcEndpoints', id)).toMatchObject({
      Unsuccessful: [{ Error: { Message: 'Endpoint must be removed from route table before deletion' } }],
    });
    expect(at.call('DeleteVpcEndpointServiceConfigurations', { ServiceIds: [ServiceId] })).toMatchObject({
      Unsuccessful: [{ Error: { Code: 'ExistingVpcEndpointConnections' } }],
    });
    at.call('DeleteRoute', { RouteTableId: at.table, DestinationCidrBlock: '10.0.1.0/24' });
    expect(at.call('DeleteVpcEndpoints', id)).toEqual({ Unsuccessful: [] });
    at.call('DeleteVpcEndpointServiceConfigurations', { ServiceIds: [ServiceId] });
    at.call('DeleteLoadBalancer', { LoadBalancerArn: arn }, ELB);
  });

  it('waits for acceptance where the service asks for it', () => {
    const at = site();
    const { ServiceId, ServiceName } = service(at, balancer(at), true);
    const id = endpoint(at, ServiceName);
    const state = () =>
      at.call<{ VpcEndpoints: { State: string }[] }>('DescribeVpcEndpoints', { VpcEndpointIds: [id] })
        .VpcEndpoints[0]?.State;
    expect(state()).toBe('pendingAcceptance');
    const both = { ServiceId, VpcEndpointIds: [id] };
    at.call('RejectVpcEndpointConnections', both);
    expect(state()).toBe('rejected');
    at.call('AcceptVpcEndpointConnections', both);
    expect(state()).toBe('available');
    const filter = { Filters: [{ Name: 'service-id', Values: [ServiceId] }] };
    expect(at.call('DescribeVpcEndpointConnections', filter)).toMatchObject({
      VpcEndpointConnections: [{ VpcEndpointId: id, VpcEndpointState: 'available' }],
    });
  });

  it('takes one subnet, and no interface endpoint is a target', () => {
    const at = site();
    const { ServiceName } = service(at, balancer(at));
    const wanted = { VpcId: at.vpc, VpcEndpointType: 'GatewayLoadBalancer', ServiceName };
    expect(at.code('CreateVpcEndpoint', { ...wanted, SubnetIds: at.subnets })).toBe('InvalidParameter');
    const { VpcEndpoint: other } = at.call<CreateVpcEndpointResult>('CreateVpcEndpoint', {
      VpcId: at.vpc,
      ServiceName: 'com.amazonaws.eu-central-1.s3',
    });
    const route = { RouteTableId: at.table, DestinationCidrBlock: '0.0.0.0/0' };
    expect(at.code('CreateRoute', { ...route, VpcEndpointId: other?.VpcEndpointId })).toBe(
      'InvalidParameterValue',
    );
  });
});
