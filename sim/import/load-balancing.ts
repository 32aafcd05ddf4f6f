/** Gateway Load Balancers, what they lead to, and the services in front of them, from their descriptions. */
import type { TargetGroupRecord, TargetRecord } from '../ec2/record/load-balancer.ts';
import { type Item, tagsOf } from './item.ts';
import { type Described, made, type Place, type Reader } from './place.ts';

/** The digits at the end of an ARN: files whose answers do not name their resource are named by them. */
export const LAST_OF_ARN = /\b[0-9a-f]{16}\b/;

const EPOCH = new Date(0);
const GENEVE_PORT = 6081;
const IDLE = 'tcp.idle_timeout.seconds';

const lastOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

/** The nodes of a load balancer, one in each of its zones: AWS names it in their descriptions. */
export const nodesOf = (balancer: Item, described: Described) => {
  const arn = balancer.text('LoadBalancerArn') ?? '';
  const label = arn.slice(arn.indexOf('gwy/'));
  return (described.get('NetworkInterfaces') ?? [])
    .filter((eni) => eni.text('InterfaceType') === 'gateway_load_balancer')
    .filter((eni) => eni.text('Description') === `ELB ${label}`)
    .map((eni) => ({ id: eni.text('NetworkInterfaceId') ?? '', subnet: eni.text('SubnetId') ?? '' }));
};

/** Tags come by DescribeTags of Elastic Load Balancing. */
const tagsOfArn = (arn: string, { described }: Place): Readonly<Record<string, string>> => {
  const found = (described.get('TagDescriptions') ?? []).find((each) => each.text('ResourceArn') === arn);
  return found === undefined ? {} : tagsOf(found);
};

/** Attributes come by a call for each resource, in a file that is named by the end of its ARN. */
function attributesOf(
  arn: string,
  list: string,
  { described, find }: Place,
): Readonly<Record<string, string>> {
  const given = described.get(`Attributes ${lastOf(arn)}`);
  if (given === undefined) {
    const why = `they are not known: save them in a file with ${lastOf(arn)} in its name`;
    find({ list, id: arn, field: 'Attributes', why });
  }
  return Object.fromEntries((given ?? []).map((each) => [each.text('Key') ?? '', each.text('Value') ?? '']));
}

/** Leaves out what is of another type, and says so. */
function leaveOut(item: Item, list: string, id: string, what: string, { find }: Place): readonly [] {
  item.ignore(...item.unread());
  find({ list, id, why: `${what} are not simulated: left out` });
  return [];
}

const loadBalancer: Reader = (item, place) => {
  const { account, described, find } = place;
  const id = item.text('LoadBalancerArn') ?? '';
  const type = item.text('Type');
  if (type !== 'gateway') return leaveOut(item, 'LoadBalancers', id, `load balancers of type ${type}`, place);
  item.ignore('IpAddressType', 'SecurityGroups', 'DNSName', 'CanonicalHostedZoneId', 'Scheme');
  const state = item.item('State');
  state.ignore('Reason');
  const nodes = nodesOf(item, described);
  const zones = item.items('AvailabilityZones').flatMap((each) => {
    each.ignore('LoadBalancerAddresses');
    const [zone, subnet] = [each.text('ZoneName') ?? '', each.text('SubnetId') ?? ''];
    const eni = nodes.find((node) => node.subnet === subnet)?.id;
    if (eni !== undefined) return [{ zone, subnet, eni }];
    const why = `no network interface of it is described in ${subnet}: it has no node there`;
    find({ list: 'LoadBalancers', id, field: 'AvailabilityZones', why });
    return [];
  });
  const listener = described.get('Listeners')?.find((each) => each.text('LoadBalancerArn') === id);
  const targetGroup = listener === undefined ? undefined : forwardsTo(listener);
  const arn = listener?.text('ListenerArn');
  const idle = arn === undefined ? undefined : attributesOf(arn, 'Listeners', place)[IDLE];
  return made('load-balancer', {
    id,
    tags: tagsOfArn(id, place),
    account,
    name: item.text('LoadBalancerName') ?? '',
    vpc: item.text('VpcId') ?? '',
    state: state.text('Code') === 'provisioning' ? 'provisioning' : 'active',
    createdAt: item.date('CreatedTime') ?? EPOCH,
    zones,
    attributes: attributesOf(id, 'LoadBalancers', place),
    ...(targetGroup !== undefined && { targetGroup }),
    tcpIdleS: Number(idle ?? '350'),
  });
};

/** The target group of a listener: that of its one action. */
function forwardsTo(listener: Item): string | undefined {
  const [action] = listener.items('DefaultActions');
  action?.ignore('Type', 'Order');
  const [first] = action?.item('ForwardConfig').items('TargetGroups') ?? [];
  first?.ignore('Weight');
  return action?.text('TargetGroupArn') ?? first?.text('TargetGroupArn');
}

const listener: Reader = (item, place) => {
  const id = item.text('ListenerArn') ?? '';
  const balancer = item.text('LoadBalancerArn') ?? '';
  if (!balancer.includes('loadbalancer/gwy/')) {
    return leaveOut(item, 'Listeners', id, 'listeners of other than Gateway Load Balancers', place);
  }
  const targetGroup = forwardsTo(item) ?? '';
  for (const action of item.items('DefaultActions')) {
    for (const each of action.item('ForwardConfig').items('TargetGroups')) each.ignore('TargetGroupArn');
  }
  const attributes = attributesOf(id, 'Listeners', place);
  return made('listener', {
    id,
    tags: tagsOfArn(id, place),
    loadBalancer: balancer,
    targetGroup,
    attributes,
  });
};

const STATES: Readonly<Record<string, TargetRecord['state']>> = {
  initial: 'initial',
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  'unhealthy.draining': 'draining',
  draining: 'draining',
  unused: 'unused',
};

/** A target by its health; an instance's address is the first of its primary interface. */
function targetOf(item: Item, byInstance: boolean, { described }: Place): TargetRecord {
  item.ignore('HealthCheckPort', 'AnomalyDetection', 'AdministrativeOverride');
  const [target, health] = [item.item('Target'), item.item('TargetHealth')];
  target.ignore('Port');
  health.ignore('Reason', 'Description');
  const id = target.text('Id') ?? '';
  const eni = (described.get('NetworkInterfaces') ?? []).find((each) => {
    const attachment = each.item('Attachment');
    return byInstance
      ? attachment.text('InstanceId') === id && attachment.number('DeviceIndex') === 0
      : each.items('PrivateIpAddresses').some((at) => at.text('PrivateIpAddress') === id);
  });
  const given = target.text('AvailabilityZone');
  const zone = eni?.text('AvailabilityZone') ?? (given === 'all' ? undefined : given);
  return {
    id,
    address: byInstance ? (eni?.text('PrivateIpAddress') ?? '') : id,
    ...(zone !== undefined && { zone }),
    state: STATES[health.text('State') ?? ''] ?? 'healthy',
    streak: 0,
  };
}

function healthOf(item: Item, id: string, { find }: Place): Pick<TargetGroupRecord, 'health' | 'healthPort'> {
  item.ignore('HealthCheckEnabled', 'Matcher');
  const protocol = item.text('HealthCheckProtocol');
  if (protocol !== 'TCP' && protocol !== 'HTTP') {
    const why = `health checks by ${protocol} are not simulated: TCP takes their place`;
    find({ list: 'TargetGroups', id, field: 'HealthCheckProtocol', why });
  }
  const healthPort = item.text('HealthCheckPort') ?? '80';
  return {
    healthPort,
    health: {
      protocol: protocol === 'HTTP' ? 'HTTP' : 'TCP',
      port: healthPort === 'traffic-port' ? GENEVE_PORT : Number(healthPort),
      path: item.text('HealthCheckPath') ?? '/',
      intervalMs: (item.number('HealthCheckIntervalSeconds') ?? 10) * 1000,
      timeoutMs: (item.number('HealthCheckTimeoutSeconds') ?? 5) * 1000,
      healthy: item.number('HealthyThresholdCount') ?? 5,
      unhealthy: item.number('UnhealthyThresholdCount') ?? 2,
    },
  };
}

/** Targets come by DescribeTargetHealth; the file's name says of which group. */
const targetGroup: Reader = (item, place) => {
  const { account, region, described, find } = place;
  const id = item.text('TargetGroupArn') ?? '';
  const protocol = item.text('Protocol');
  if (protocol !== 'GENEVE')
    return leaveOut(item, 'TargetGroups', id, `target groups for ${protocol}`, place);
  item.ignore('Port', 'IpAddressType', 'ProtocolVersion');
  const given = described.get(`TargetHealthDescriptions ${lastOf(id)}`);
  if (given === undefined) {
    const why = `they are not known: save those of describe-target-health in a file with ${lastOf(id)} in its name`;
    find({ list: 'TargetGroups', id, field: 'Targets', why });
  }
  const byInstance = item.text('TargetType') !== 'ip';
  return made('target-group', {
    id,
    tags: tagsOfArn(id, place),
    account,
    region,
    name: item.text('TargetGroupName') ?? '',
    vpc: item.text('VpcId') ?? '',
    targetType: byInstance ? 'instance' : 'ip',
    ...healthOf(item, id, place),
    attributes: attributesOf(id, 'TargetGroups', place),
    targets: (given ?? []).map((each) => targetOf(each, byInstance, place)),
    loadBalancers: item.texts('LoadBalancerArns'),
  });
};

/** Who may use a service comes by DescribeVpcEndpointServicePermissions; the file's name says of which. */
const endpointService: Reader = (item, place) => {
  const { account, described } = place;
  const id = item.text('ServiceId') ?? '';
  const loadBalancers = item.texts('GatewayLoadBalancerArns');
  if (loadBalancers.length === 0)
    return leaveOut(item, 'ServiceConfigurations', id, 'services of other load balancers', place);
  item.ignore(
    'ServiceType',
    'ServiceState',
    'AvailabilityZones',
    'AvailabilityZoneIds',
    'BaseEndpointDnsNames',
  );
  item.ignore('SupportedIpAddressTypes', 'ManagesVpcEndpoints', 'SupportedRegions', 'PayerResponsibility');
  const principals = (described.get(`AllowedPrincipals ${id}`) ?? []).map((each) => {
    each.ignore('PrincipalType', 'ServicePermissionId', 'ServiceId', 'Tags');
    return each.text('Principal') ?? '';
  });
  return made('vpc-endpoint-service', {
    id,
    tags: tagsOf(item),
    account,
    name: item.text('ServiceName') ?? '',
    loadBalancers,
    acceptanceRequired: item.flag('AcceptanceRequired'),
    principals,
  });
};

export const loadBalancingReaders: Readonly<Record<string, Reader>> = {
  LoadBalancers: loadBalancer,
  Listeners: listener,
  TargetGroups: targetGroup,
  ServiceConfigurations: endpointService,
};
