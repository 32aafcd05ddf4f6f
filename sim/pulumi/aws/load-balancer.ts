/** `aws:lb` LoadBalancer of type gateway, TargetGroup, its attachments, Listener; VpcEndpointService. */
import {
  CreateVpcEndpointServiceConfigurationCommand,
  DeleteVpcEndpointServiceConfigurationsCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteListenerCommand,
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DeregisterTargetsCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { isObject, type Properties } from '../value.ts';
import { need, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import {
  count,
  type Definition,
  defined,
  flag,
  group,
  iamTagging,
  optionalText,
  retag,
  tagging,
  text,
  texts,
} from './type.ts';

export const loadBalancer: Definition = {
  inputs: [],
  fixed: ['name', 'loadBalancerType', 'subnets', 'tags'],
  named: 'name',
  create: async (clients, inputs) => {
    const type = text(inputs, 'loadBalancerType');
    if (type !== 'gateway')
      throw new Error(`load balancers of type ${type} are not simulated: only gateway is`);
    const command = new CreateLoadBalancerCommand({
      Name: text(inputs, 'name'),
      Type: 'gateway',
      Subnets: texts(inputs, 'subnets'),
      ...iamTagging(inputs),
    });
    const id = need((await clients.elb.send(command)).LoadBalancers?.[0]?.LoadBalancerArn, 'LoadBalancerArn');
    return until(`load balancer ${id} is active`, async () => {
      const found = await unlessGone(
        clients.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [id] })),
      );
      const isActive = found?.LoadBalancers?.[0]?.State?.Code === 'active';
      return isActive ? loadBalancer.read(clients, id, inputs) : undefined;
    });
  },
  read: async (clients, id, inputs) => {
    const command = new DescribeLoadBalancersCommand({ LoadBalancerArns: [id] });
    const found = (await unlessGone(clients.elb.send(command)))?.LoadBalancers?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: id,
      name: found.LoadBalancerName,
      loadBalancerType: found.Type,
      vpcId: found.VpcId,
      subnets: (found.AvailabilityZones ?? []).map((each) => each.SubnetId ?? ''),
      tags: group(inputs, 'tags'),
    });
    return { id, outputs };
  },
  remove: async (clients, id) => {
    const command = new DeleteLoadBalancerCommand({ LoadBalancerArn: id });
    await whileRefused(['ResourceInUse', 'ResourceInUseException'], () => clients.elb.send(command));
  },
};

export const targetGroup: Definition = {
  inputs: [],
  fixed: ['name', 'port', 'protocol', 'vpcId', 'targetType', 'healthCheck', 'tags'],
  named: 'name',
  create: async (clients, inputs) => {
    const check = group(inputs, 'healthCheck');
    const health = optionalText(check, 'protocol');
    const number = (key: string) => (key in check ? count(check, key) : undefined);
    const command = new CreateTargetGroupCommand({
      Name: text(inputs, 'name'),
      Protocol: text(inputs, 'protocol') as 'GENEVE',
      Port: count(inputs, 'port'),
      VpcId: text(inputs, 'vpcId'),
      TargetType: optionalText(inputs, 'targetType') === 'ip' ? 'ip' : 'instance',
      HealthCheckProtocol: health === undefined ? undefined : health === 'HTTP' ? 'HTTP' : 'TCP',
      HealthCheckPort: 'port' in check ? String(check.port) : undefined,
      HealthCheckPath: optionalText(check, 'path'),
      HealthCheckIntervalSeconds: number('interval'),
      HealthCheckTimeoutSeconds: number('timeout'),
      HealthyThresholdCount: number('healthyThreshold'),
      UnhealthyThresholdCount: number('unhealthyThreshold'),
      ...iamTagging(inputs),
    });
    const id = need((await clients.elb.send(command)).TargetGroups?.[0]?.TargetGroupArn, 'TargetGroupArn');
    return until(`target group ${id} is there`, () => targetGroup.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const command = new DescribeTargetGroupsCommand({ TargetGroupArns: [id] });
    const found = (await unlessGone(clients.elb.send(command)))?.TargetGroups?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: id,
      name: found.TargetGroupName,
      port: found.Port,
      protocol: found.Protocol,
      vpcId: found.VpcId,
      targetType: found.TargetType,
      tags: group(inputs, 'tags'),
    });
    return { id, outputs };
  },
  remove: async (clients, id) => {
    const command = new DeleteTargetGroupCommand({ TargetGroupArn: id });
    await whileRefused(['ResourceInUse', 'ResourceInUseException'], () => clients.elb.send(command));
  },
};

const targetOf = (inputs: Properties) => ({
  TargetGroupArn: text(inputs, 'targetGroupArn'),
  Targets: [{ Id: text(inputs, 'targetId') }],
});

export const targetGroupAttachment: Definition = {
  inputs: [],
  fixed: ['targetGroupArn', 'targetId', 'port'],
  create: async (clients, inputs) => {
    await clients.elb.send(new RegisterTargetsCommand(targetOf(inputs)));
    const id = `${text(inputs, 'targetGroupArn')}-${text(inputs, 'targetId')}`;
    return until(`target ${id} is there`, () => targetGroupAttachment.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const health = await unlessGone(clients.elb.send(new DescribeTargetHealthCommand(targetOf(inputs))));
    const [found] = health?.TargetHealthDescriptions ?? [];
    const isThere =
      found !== undefined &&
      found.TargetHealth?.Reason !== 'Target.NotRegistered' &&
      found.TargetHealth?.State !== 'draining';
    return isThere ? { id, outputs: inputs } : undefined;
  },
  remove: async (clients, _id, inputs) => {
    await unlessGone(clients.elb.send(new DeregisterTargetsCommand(targetOf(inputs))));
  },
};

export const listener: Definition = {
  inputs: [],
  fixed: ['loadBalancerArn', 'defaultActions', 'tags'],
  create: async (clients, inputs) => {
    const actions = Array.isArray(inputs.defaultActions) ? inputs.defaultActions : [];
    const command = new CreateListenerCommand({
      LoadBalancerArn: text(inputs, 'loadBalancerArn'),
      DefaultActions: actions.filter(isObject).map((action) => ({
        Type: text(action, 'type') as 'forward',
        TargetGroupArn: text(action, 'targetGroupArn'),
      })),
      ...iamTagging(inputs),
    });
    const id = need((await clients.elb.send(command)).Listeners?.[0]?.ListenerArn, 'ListenerArn');
    return until(`listener ${id} is there`, () => listener.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const command = new DescribeListenersCommand({ ListenerArns: [id] });
    const found = (await unlessGone(clients.elb.send(command)))?.Listeners?.[0];
    return found === undefined ? undefined : { id, outputs: { ...inputs, arn: id } };
  },
  remove: async (clients, id) => {
    await unlessGone(clients.elb.send(new DeleteListenerCommand({ ListenerArn: id })));
  },
};

export const vpcEndpointService: Definition = {
  inputs: ['tags'],
  fixed: ['gatewayLoadBalancerArns', 'acceptanceRequired'],
  create: async (clients, inputs) => {
    const command = new CreateVpcEndpointServiceConfigurationCommand({
      GatewayLoadBalancerArns: texts(inputs, 'gatewayLoadBalancerArns'),
      AcceptanceRequired: flag(inputs, 'acceptanceRequired'),
      ...tagging('vpc-endpoint-service', inputs),
    });
    const id = need((await clients.ec2.send(command)).ServiceConfiguration?.ServiceId, 'ServiceId');
    return until(`endpoint service ${id} is there`, () => vpcEndpointService.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new DescribeVpcEndpointServiceConfigurationsCommand({ ServiceIds: [id] });
    const found = (await unlessGone(clients.ec2.send(command)))?.ServiceConfigurations?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      serviceName: found.ServiceName,
      state: found.ServiceState,
      acceptanceRequired: found.AcceptanceRequired ?? false,
      gatewayLoadBalancerArns: found.GatewayLoadBalancerArns ?? [],
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    await clients.ec2.send(new DeleteVpcEndpointServiceConfigurationsCommand({ ServiceIds: [id] }));
  },
};
