/** How VPC endpoints, Gateway Load Balancers and their target groups come into the fabric. */
import { parseAddress } from '../../controller/base/ip.ts';
import { must, unreachable } from '../../controller/base/result.ts';
import { balancerOf, endpointOf, type Fabric, instanceOf, portOf, targetGroupOf, vpcOf } from './fabric.ts';
import type { Change, LoadBalancer, TargetGroup, VpcEndpoint } from './model.ts';

export function applyEndpointChange(
  fabric: Fabric,
  change: Extract<Change, { readonly kind: 'vpc-endpoint' | 'load-balancer' | 'target-group' }>,
): void {
  switch (change.kind) {
    case 'vpc-endpoint':
      applyEndpoint(fabric, change.id, change.value);
      break;
    case 'load-balancer':
      applyBalancer(fabric, change.id, change.value);
      break;
    case 'target-group':
      applyTargetGroup(fabric, change.id, change.value);
      break;
    default:
      unreachable(change);
  }
}

function applyEndpoint(fabric: Fabric, id: string, value: VpcEndpoint | undefined): void {
  const node = endpointOf(fabric, id);
  for (const port of node.ports) port.endpoint = undefined;
  node.available = value?.available ?? false;
  node.vpc = value === undefined ? undefined : vpcOf(fabric, value.vpc);
  node.address = value?.address === undefined ? undefined : must(parseAddress(value.address)).words[3] | 0;
  node.balancer = value?.loadBalancer === undefined ? undefined : balancerOf(fabric, value.loadBalancer);
  node.ports = (value?.enis ?? []).map((eni) => portOf(fabric, eni));
  for (const port of node.ports) port.endpoint = node;
}

/** Each ENI of a load balancer has a machine of its own behind it, of the same id. */
function applyBalancer(fabric: Fabric, id: string, value: LoadBalancer | undefined): void {
  const node = balancerOf(fabric, id);
  const machines = new Set([...node.ports.map((port) => port.id), ...(value?.enis ?? [])]);
  for (const name of machines) {
    const machine = instanceOf(fabric, name);
    machine.present = value?.enis.includes(name) ?? false;
    machine.running = machine.present && value?.available === true;
  }
  node.available = value?.available ?? false;
  node.crossZone = value?.crossZone ?? false;
  node.tcpIdleMs = value?.tcpIdleMs ?? 0;
  node.ports = (value?.enis ?? []).map((eni) => portOf(fabric, eni));
  node.group = value?.targetGroup === undefined ? undefined : targetGroupOf(fabric, value.targetGroup);
}

function applyTargetGroup(fabric: Fabric, id: string, value: TargetGroup | undefined): void {
  const node = targetGroupOf(fabric, id);
  node.record = value;
  node.targets = new Map((value?.targets ?? []).map((target) => [target.id, target]));
}
