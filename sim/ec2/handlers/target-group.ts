/** Target groups for GENEVE on port 6081, with their health checks and attributes. */
import type {
  CreateTargetGroupInput,
  CreateTargetGroupOutput,
  DeleteTargetGroupInput,
  DescribeTargetGroupAttributesInput,
  DescribeTargetGroupAttributesOutput,
  DescribeTargetGroupsInput,
  DescribeTargetGroupsOutput,
  ModifyTargetGroupAttributesInput,
  ModifyTargetGroupAttributesOutput,
  ModifyTargetGroupInput,
  ModifyTargetGroupOutput,
  TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  changedAttributes,
  checkedName,
  invalid,
  newArn,
  newTags,
  pageOf,
  shownAttributes,
} from '../elastic-load-balancing.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { TargetGroupRecord } from '../record/load-balancer.ts';
import { refuse } from '../refusal.ts';

const KIND = 'target-group';
const GENEVE_PORT = 6081;

const DEFAULTS = {
  'deregistration_delay.timeout_seconds': '300',
  'stickiness.enabled': 'false',
  'stickiness.type': 'source_ip_dest_ip_proto',
  'target_failover.on_deregistration': 'no_rebalance',
  'target_failover.on_unhealthy': 'no_rebalance',
};

const shown = (group: TargetGroupRecord): TargetGroup => ({
  TargetGroupArn: group.id,
  TargetGroupName: group.name,
  Protocol: 'GENEVE',
  Port: GENEVE_PORT,
  VpcId: group.vpc,
  HealthCheckProtocol: group.health.protocol,
  HealthCheckPort: group.healthPort,
  HealthCheckEnabled: true,
  HealthCheckIntervalSeconds: group.health.intervalMs / 1000,
  HealthCheckTimeoutSeconds: group.health.timeoutMs / 1000,
  HealthyThresholdCount: group.health.healthy,
  UnhealthyThresholdCount: group.health.unhealthy,
  ...(group.health.protocol === 'HTTP' && {
    HealthCheckPath: group.health.path,
    Matcher: { HttpCode: '200-399' },
  }),
  LoadBalancerArns: [...group.loadBalancers],
  TargetType: group.targetType,
  IpAddressType: 'ipv4',
});

type Health = Pick<TargetGroupRecord, 'health' | 'healthPort'>;

const FIRST_HEALTH: Health = {
  healthPort: '80',
  health: {
    protocol: 'TCP',
    port: 80,
    path: '/',
    intervalMs: 10_000,
    timeoutMs: 5_000,
    healthy: 5,
    unhealthy: 2,
  },
};

/** A health check with what a request says of it laid over. */
function healthOf(held: Health, input: Omit<ModifyTargetGroupInput, 'TargetGroupArn'>): Health {
  const { HealthCheckProtocol: protocol = held.health.protocol, HealthCheckPort: port = held.healthPort } =
    input;
  if (protocol !== 'TCP' && protocol !== 'HTTP') {
    return refuse('UnsupportedFeature', `Health checks by ${protocol} are not simulated: TCP and HTTP are.`);
  }
  if (input.HealthCheckEnabled === false) invalid('Health checks of this target type cannot be disabled.');
  const number = port === 'traffic-port' ? GENEVE_PORT : Number(port);
  if (!(number >= 1 && number <= 65_535)) invalid(`Health check port '${port}' must be in the range 1-65535`);
  const health = {
    protocol,
    port: number,
    path: input.HealthCheckPath ?? held.health.path,
    intervalMs: seconds('interval', input.HealthCheckIntervalSeconds, 5, 300) ?? held.health.intervalMs,
    timeoutMs: seconds('timeout', input.HealthCheckTimeoutSeconds, 2, 120) ?? held.health.timeoutMs,
    healthy: threshold(input.HealthyThresholdCount) ?? held.health.healthy,
    unhealthy: threshold(input.UnhealthyThresholdCount) ?? held.health.unhealthy,
  };
  return { healthPort: port, health };
}

function seconds(what: string, value: number | undefined, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (value < least || value > most) invalid(`Health check ${what} '${value}' must be in ${least}-${most}`);
  return value * 1000;
}

function threshold(value: number | undefined): number | undefined {
  if (value !== undefined && (value < 2 || value > 10)) invalid(`Threshold count '${value}' must be in 2-10`);
  return value;
}

function create(tx: Tx, input: CreateTargetGroupInput): CreateTargetGroupOutput {
  const { Protocol: protocol, Port: port, TargetType: type = 'instance', Name = '' } = input;
  if (protocol !== 'GENEVE' || port !== GENEVE_PORT) {
    const why = 'only GENEVE on port 6081 is';
    refuse('UnsupportedFeature', `Target groups for ${protocol} on port ${port} are not simulated: ${why}.`);
  }
  if (type !== 'instance' && type !== 'ip') return invalid(`Target type '${type}' does not go with GENEVE.`);
  const name = checkedName('target group', Name);
  if (tx.list(KIND).some((each) => each.name === name)) {
    refuse('DuplicateTargetGroupName', `A target group with the same name '${name}' exists.`);
  }
  const group = tx.put(KIND, {
    id: newArn(tx, `targetgroup/${name}`),
    tags: newTags(tx, input.Tags),
    account: tx.account,
    region: tx.region,
    name,
    vpc: tx.need('vpc', input.VpcId ?? invalid('A VPC ID must be specified')).id,
    targetType: type,
    ...healthOf(FIRST_HEALTH, input),
    attributes: DEFAULTS,
    targets: [],
    loadBalancers: [],
  });
  return { TargetGroups: [shown(group)] };
}

function describe(tx: Tx, input: DescribeTargetGroupsInput): DescribeTargetGroupsOutput {
  const { TargetGroupArns: arns = [], Names: names = [], LoadBalancerArn: balancer } = input;
  for (const arn of arns) tx.need(KIND, arn);
  if (balancer !== undefined) tx.need('load-balancer', balancer);
  const all = tx.list(KIND);
  const absent = names.find((name) => !all.some((each) => each.name === name));
  if (absent !== undefined) refuse('TargetGroupNotFound', `Target groups '[${absent}]' not found`);
  const found = all.filter(
    (each) =>
      (arns.length === 0 || arns.includes(each.id)) &&
      (names.length === 0 || names.includes(each.name)) &&
      (balancer === undefined || each.loadBalancers.includes(balancer)),
  );
  const page = pageOf(tx, KIND, found, input);
  return { TargetGroups: page.records.map(shown), ...page.next };
}

function remove(tx: Tx, { TargetGroupArn: arn = '' }: DeleteTargetGroupInput): object {
  const group = tx.get(KIND, arn);
  if (group === undefined) return {};
  if (tx.referring('listener', arn).length > 0) {
    refuse('ResourceInUse', `Target group '${arn}' is currently in use by a listener or a rule`);
  }
  tx.remove(KIND, arn);
  return {};
}

function checkAttributes(attributes: Readonly<Record<string, string>>): void {
  const delay = Number(attributes['deregistration_delay.timeout_seconds']);
  if (!(delay >= 0 && delay <= 3600)) invalid(`The deregistration delay '${delay}' must be in 0-3600`);
  const both = ['target_failover.on_deregistration', 'target_failover.on_unhealthy'].map(
    (key) => attributes[key],
  );
  if (both[0] !== both[1] || (both[0] !== 'rebalance' && both[0] !== 'no_rebalance')) {
    invalid('Both target_failover attributes must have the same value, rebalance or no_rebalance.');
  }
  const types = ['source_ip_dest_ip', 'source_ip_dest_ip_proto'];
  if (!types.includes(attributes['stickiness.type'] ?? ''))
    invalid(`stickiness.type must be one of ${types}.`);
}

function modifyAttributes(
  tx: Tx,
  input: ModifyTargetGroupAttributesInput,
): ModifyTargetGroupAttributesOutput {
  const group = tx.need(KIND, input.TargetGroupArn ?? '');
  const attributes = changedAttributes(group.attributes, input.Attributes);
  checkAttributes(attributes);
  tx.put(KIND, { ...group, attributes });
  return { Attributes: shownAttributes(attributes) };
}

export const targetGroupHandlers: Handlers = {
  CreateTargetGroup: handler(create),
  DescribeTargetGroups: handler(describe),
  DeleteTargetGroup: handler(remove),
  ModifyTargetGroupAttributes: handler(modifyAttributes),

  ModifyTargetGroup: handler((tx, input: ModifyTargetGroupInput): ModifyTargetGroupOutput => {
    const group = tx.need(KIND, input.TargetGroupArn ?? '');
    return { TargetGroups: [shown(tx.put(KIND, { ...group, ...healthOf(group, input) }))] };
  }),

  DescribeTargetGroupAttributes: handler(
    (tx, input: DescribeTargetGroupAttributesInput): DescribeTargetGroupAttributesOutput => ({
      Attributes: shownAttributes(tx.need(KIND, input.TargetGroupArn ?? '').attributes),
    }),
  ),
};
