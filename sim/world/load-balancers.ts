/**
 * The nodes of Gateway Load Balancers as machines, and the health checks that they make: TCP connections or
 * HTTP requests from the ENI of a node to each target. What they find goes to the API, which alone decides
 * who is healthy.
 */
import { judgeTarget } from '../ec2/service.ts';
import type { BalancedTarget, Change, LoadBalancer, TargetGroup } from '../vpc/model.ts';
import { publish } from './api.ts';
import type { Endpoint } from './endpoint.ts';
import { removeMachine, startMachine } from './guests.ts';
import { after } from './kernel.ts';
import { connect, web } from './probe.ts';
import type { World } from './state.ts';

/** What HTTP health checks take for well: 200-399. */
const GOOD = Array.from({ length: 200 }, (_, index) => 200 + index);

/** A load balancer or a target group has changed in the data plane. */
export function followBalancing(world: World, change: Change): void {
  if (change.kind === 'load-balancer') followBalancer(world, change.id, change.value);
  if (change.kind === 'target-group') followGroup(world, change.value);
}

function followBalancer(world: World, id: string, value: LoadBalancer | undefined): void {
  const enis = value?.available === true ? value.enis : [];
  for (const eni of world.balancerNodes.get(id) ?? []) {
    if (!enis.includes(eni)) removeMachine(world, eni, 'its load balancer is gone');
  }
  for (const eni of enis) if (!world.guests.has(eni)) startMachine(world, eni, 'its load balancer is active');
  if (enis.length > 0) world.balancerNodes.set(id, enis);
  else world.balancerNodes.delete(id);
}

/** Begins with the checks of targets that are not being checked. */
function followGroup(world: World, group: TargetGroup | undefined): void {
  if (group === undefined || group.loadBalancers.length === 0) return;
  for (const target of group.targets) {
    const name = `${group.id} ${target.id}`;
    if (world.healthChecks.has(name) || target.state === 'draining') continue;
    world.healthChecks.add(name);
    check(world, group.id, target.id, name);
  }
}

/** One check after the other, as long as the target is registered and its group is used. */
function check(world: World, id: string, targetId: string, name: string): void {
  const group = world.records['target-group'].get(id);
  const target = group?.targets.find((each) => each.id === targetId);
  const used = group !== undefined && group.loadBalancers.length > 0;
  if (!used || target === undefined || target.state === 'draining') {
    world.healthChecks.delete(name);
    return;
  }
  after(world, group.health.intervalMs, () => check(world, id, targetId, name));
  const node = nodeFor(world, group, target);
  if (node === undefined) return;
  probe(node, group, target, (passed) => {
    judgeTarget(world.api.cloud, group, target.id, passed, world.now);
    publish(world.api);
  });
}

/** The node that checks a target: the one of its zone, if there is one. */
function nodeFor(world: World, group: TargetGroup, target: BalancedTarget): Endpoint | undefined {
  const nodes = group.loadBalancers.flatMap((arn) => world.balancerNodes.get(arn) ?? []);
  const zoneOf = (eni: string): string | undefined => world.network.fabric.ports.get(eni)?.subnet.zone;
  const near = nodes.find((eni) => zoneOf(eni) === target.zone) ?? nodes[0];
  return near === undefined ? undefined : world.guests.get(near)?.endpoint;
}

function probe(
  node: Endpoint,
  { health }: TargetGroup,
  { address }: BalancedTarget,
  done: (passed: boolean) => void,
): void {
  const { port, path, timeoutMs } = health;
  if (health.protocol === 'TCP') {
    connect(node, { to: address, port }, timeoutMs, ({ kind }) => done(kind === 'up'));
    return;
  }
  const url = `http://${address}:${port}${path}`;
  web(node, { url, expect: GOOD }, undefined, timeoutMs, ({ kind }) => done(kind === 'up'));
}
