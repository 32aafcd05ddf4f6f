/** Load balancers of type gateway: an ENI in one subnet of each zone. Other types are not simulated. */
import type {
  CreateLoadBalancerInput,
  CreateLoadBalancerOutput,
  DeleteLoadBalancerInput,
  DescribeLoadBalancerAttributesInput,
  DescribeLoadBalancerAttributesOutput,
  DescribeLoadBalancersInput,
  DescribeLoadBalancersOutput,
  LoadBalancer,
  ModifyLoadBalancerAttributesInput,
  ModifyLoadBalancerAttributesOutput,
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
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { makeInterface, removeInterface } from '../network-interface.ts';
import type { LoadBalancerRecord } from '../record/load-balancer.ts';
import { refuse } from '../refusal.ts';
import { dropListener } from './listener.ts';

const KIND = 'load-balancer';

const DEFAULTS = { 'deletion_protection.enabled': 'false', 'load_balancing.cross_zone.enabled': 'false' };
const TCP_IDLE_S = 350;

const shown = (balancer: LoadBalancerRecord): LoadBalancer => ({
  LoadBalancerArn: balancer.id,
  CreatedTime: balancer.createdAt,
  LoadBalancerName: balancer.name,
  VpcId: balancer.vpc,
  State: { Code: balancer.state },
  Type: 'gateway',
  AvailabilityZones: balancer.zones.map(({ zone, subnet }) => ({
    ZoneName: zone,
    SubnetId: subnet,
    LoadBalancerAddresses: [],
  })),
  IpAddressType: 'ipv4',
});

/** One ENI in each subnet, of one VPC and different zones. */
function makeZones(tx: Tx, arn: string, subnets: readonly string[]): LoadBalancerRecord['zones'] {
  const label = arn.slice(arn.indexOf('gwy/'));
  return subnets.map((id, index) => {
    const subnet = tx.need('subnet', id);
    const before = subnets.slice(0, index).map((each) => tx.need('subnet', each));
    if (before.some((each) => each.vpc !== subnet.vpc)) {
      refuse('InvalidSubnet', 'All subnets must belong to the same VPC.');
    }
    if (before.some((each) => each.zone === subnet.zone)) {
      refuse('InvalidConfigurationRequest', `More than one subnet is of the zone ${subnet.zone}.`);
    }
    const eni = makeInterface(tx, {
      subnet: id,
      description: `ELB ${label}`,
      interfaceType: 'gateway_load_balancer',
    });
    tx.put('network-interface', { ...eni, groups: [], manager: arn, machine: eni.id });
    return { zone: subnet.zone, subnet: id, eni: eni.id };
  });
}

function create(tx: Tx, input: CreateLoadBalancerInput): CreateLoadBalancerOutput {
  const { Type: type = 'application', Name = '', SecurityGroups: groups = [] } = input;
  if (type !== 'gateway') {
    refuse('UnsupportedFeature', `Load balancers of type ${type} are not simulated: only gateway is.`);
  }
  const name = checkedName('load balancer', Name);
  const subnets = input.Subnets ?? (input.SubnetMappings ?? []).map(({ SubnetId = '' }) => SubnetId);
  if (subnets.length === 0) invalid('At least one subnet must be specified.');
  if (groups.length > 0) invalid('Security groups are not supported for load balancers of type gateway.');
  const same = tx.list(KIND).find((each) => each.name === name);
  if (same !== undefined) {
    const held = same.zones.map(({ subnet }) => subnet);
    if (held.length === subnets.length && held.every((each) => subnets.includes(each))) {
      return { LoadBalancers: [shown(same)] };
    }
    const why = `A load balancer with the same name '${name}' exists, but with different settings`;
    return refuse('DuplicateLoadBalancerName', why);
  }
  const id = newArn(tx, `loadbalancer/gwy/${name}`);
  const balancer = tx.put(KIND, {
    id,
    tags: newTags(tx, input.Tags),
    account: tx.account,
    name,
    vpc: tx.need('subnet', subnets[0] ?? '').vpc,
    state: 'provisioning',
    createdAt: tx.date(),
    zones: makeZones(tx, id, subnets),
    attributes: DEFAULTS,
    tcpIdleS: TCP_IDLE_S,
  });
  tx.after(tx.settings.endpointMs, { name: 'load-balancer-made', id });
  return { LoadBalancers: [shown(balancer)] };
}

function describe(tx: Tx, input: DescribeLoadBalancersInput): DescribeLoadBalancersOutput {
  const { LoadBalancerArns: arns = [], Names: names = [] } = input;
  for (const arn of arns) tx.need(KIND, arn);
  const all = tx.list(KIND);
  const absent = names.find((name) => !all.some((each) => each.name === name));
  if (absent !== undefined) refuse('LoadBalancerNotFound', `Load balancers '[${absent}]' not found`);
  const asked = arns.length + names.length > 0;
  const found = all.filter((each) => !asked || arns.includes(each.id) || names.includes(each.name));
  const page = pageOf(tx, KIND, found, input);
  return { LoadBalancers: page.records.map(shown), ...page.next };
}

/** Deletes it with its listener; a load balancer that is not there is deleted already. */
function remove(tx: Tx, { LoadBalancerArn: arn = '' }: DeleteLoadBalancerInput): object {
  const balancer = tx.get(KIND, arn);
  if (balancer === undefined) return {};
  if (balancer.attributes['deletion_protection.enabled'] === 'true') {
    const why = `Load balancer '${arn}' cannot be deleted because deletion protection is enabled`;
    refuse('OperationNotPermitted', why);
  }
  if (tx.referring('vpc-endpoint-service', arn).length > 0) {
    const why = 'cannot be deleted because it is currently associated with another service';
    refuse('ResourceInUse', `Load balancer '${arn}' ${why}`);
  }
  for (const listener of tx.referring('listener', arn)) dropListener(tx, listener);
  for (const { eni } of balancer.zones) removeInterface(tx, tx.need('network-interface', eni));
  tx.remove(KIND, arn);
  return {};
}

function modifyAttributes(
  tx: Tx,
  { LoadBalancerArn: arn = '', Attributes }: ModifyLoadBalancerAttributesInput,
): ModifyLoadBalancerAttributesOutput {
  const balancer = tx.need(KIND, arn);
  const attributes = changedAttributes(balancer.attributes, Attributes);
  tx.put(KIND, { ...balancer, attributes });
  return { Attributes: shownAttributes(attributes) };
}

export const loadBalancerHandlers: Handlers = {
  CreateLoadBalancer: handler(create),
  DescribeLoadBalancers: handler(describe),
  DeleteLoadBalancer: handler(remove),
  ModifyLoadBalancerAttributes: handler(modifyAttributes),

  DescribeLoadBalancerAttributes: handler(
    (tx, input: DescribeLoadBalancerAttributesInput): DescribeLoadBalancerAttributesOutput => ({
      Attributes: shownAttributes(tx.need(KIND, input.LoadBalancerArn ?? '').attributes),
    }),
  ),
};

export const loadBalancerTransitions: Transitions = {
  'load-balancer-made': (tx, id) => {
    const balancer = tx.get(KIND, id);
    if (balancer !== undefined) tx.put(KIND, { ...balancer, state: 'active' });
  },
};
