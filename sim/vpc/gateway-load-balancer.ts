/**
 * Gateway Load Balancers. A route to an endpoint hands the packet to the load balancer's node in the zone of
 * the endpoint, which picks a target for the flow and keeps to it, both ways; the packet travels to the
 * target in GENEVE (UDP 6081), an ordinary packet from the node's ENI to the target that routes, network ACLs
 * and security groups may drop; the appliance gives it back the same way, and it goes on by the route table
 * of the endpoint's subnet. What became of the target since does not matter to a flow, unless the target
 * group rebalances. Elastic Load Balancing, "Gateway Load Balancers". Not here: routes (transit.ts).
 */

import { parseAddress } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { flowHash } from './flow-hash.ts';
import { createFlowKey, type FlowKey, findFlow, setFlow } from './flow-table.ts';
import { createHeader, type Header, ICMP, ICMP6, TCP, UDP } from './header.ts';
import { type Recorder, record } from './hop.ts';
import type { BalancedTarget } from './model.ts';
import type { BalancerNode, EndpointNode, GeneveTunnel, Port, TargetGroupNode } from './nodes.ts';

const GENEVE_PORT = 6081;
/** Outer IPv4 and UDP headers, and GENEVE with the options of AWS. */
const OVERHEAD_BYTES = 68;
/** The first of the source ports of outer packets, and how many there are. */
const FIRST_PORT = 60_000;
const PORTS = 5_000;

const key = createFlowKey();

/** The same key both ways: the lower end is `a`. Flows of different endpoints are different flows. */
function fillKey(endpoint: EndpointNode, group: TargetGroupNode, h: Header): void {
  const fields = group.record?.stickiness ?? 'ports';
  const icmp = h.protocol === ICMP || h.protocol === ICMP6;
  const near = fields !== 'ports' ? 0 : icmp ? h.icmpId : h.sourcePort;
  const far = fields !== 'ports' ? 0 : icmp ? h.icmpId : h.destinationPort;
  const swap = h.s3 - h.d3 || h.s2 - h.d2 || h.s1 - h.d1 || h.s0 - h.d0 || near - far;
  key.scope =
    endpoint.number * 512 + (fields === 'addresses' ? 0 : h.protocol) * 2 + (h.family === 6 ? 1 : 0);
  fillEnds(key, h, swap > 0);
  key.ports = swap > 0 ? (far << 16) | near : (near << 16) | far;
}

function fillEnds(into: FlowKey, h: Header, swap: boolean): void {
  into.a0 = swap ? h.d0 : h.s0;
  into.a1 = swap ? h.d1 : h.s1;
  into.a2 = swap ? h.d2 : h.s2;
  into.a3 = swap ? h.d3 : h.s3;
  into.b0 = swap ? h.s0 : h.d0;
  into.b1 = swap ? h.s1 : h.d1;
  into.b2 = swap ? h.s2 : h.d2;
  into.b3 = swap ? h.s3 : h.d3;
}

/** Whether a flow that has this target keeps to it. */
function keeps({ record, targets }: TargetGroupNode, { id }: BalancedTarget): boolean {
  const now = targets.get(id);
  if (now === undefined) return record?.rebalanceDeregistered !== true;
  return now.state !== 'unhealthy' || record?.rebalanceUnhealthy !== true;
}

/** A target for a new flow: a healthy one; where none is, any that is registered. */
function pick(group: TargetGroupNode, zone: string | undefined, h: Header): BalancedTarget | undefined {
  const here = [...group.targets.values()].filter(
    (target) =>
      target.state !== 'draining' &&
      (zone === undefined || target.zone === undefined || target.zone === zone),
  );
  const healthy = here.filter((target) => target.state === 'healthy');
  const candidates = healthy.length > 0 ? healthy : here;
  return candidates[flowHash(h, group.record?.stickiness) % candidates.length];
}

/** The target of the packet's flow. */
function targetOf(
  fabric: Fabric,
  endpoint: EndpointNode,
  balancer: BalancerNode,
  node: Port,
  h: Header,
): BalancedTarget | undefined {
  const { group } = balancer;
  if (group === undefined) return undefined;
  fillKey(endpoint, group, h);
  const known = findFlow(fabric.balancedFlows, key, h.now);
  const zone = balancer.crossZone ? undefined : node.subnet.zone;
  const target = known !== undefined && keeps(group, known) ? known : pick(group, zone, h);
  if (target === undefined) return undefined;
  const idleMs = h.protocol === TCP ? balancer.tcpIdleMs : fabric.settings.balancerIdleMs;
  setFlow(fabric.balancedFlows, key, target, h.now + idleMs, h.now);
  return target;
}

/** The outer packet from the load balancer to a target, and the tunnel that it stands for. */
export interface Encapsulated {
  readonly tunnel: GeneveTunnel;
  readonly outer: Header;
}

/** Puts the packet into GENEVE for the target of its flow, or says why it is dropped. */
export function encapsulate(
  fabric: Fabric,
  endpoint: EndpointNode,
  h: Header,
  recorder?: Recorder,
): Encapsulated | number {
  const { balancer } = endpoint;
  const [door] = endpoint.ports;
  const say = (text: string): void => {
    if (recorder) record(recorder, h, 'gateway-load-balancer', balancer?.id ?? endpoint.id, text);
  };
  if (!endpoint.available || door === undefined || balancer?.available !== true) {
    say('is gone or not available: the route is a blackhole');
    return CODE.BAD_STATE_ROUTE;
  }
  const node = balancer.ports.find((port) => port.subnet.zone === door.subnet.zone);
  if (node === undefined) {
    say(`has no subnet in ${door.subnet.zone}: dropped`);
    return CODE.VPCE_SERVICE_NOT_INSTALLED_IN_AZ;
  }
  const target = targetOf(fabric, endpoint, balancer, node, h);
  if (target === undefined) {
    say('has no target: dropped');
    return CODE.GWLB_NO_TARGET;
  }
  say(
    `to its target ${target.id}, which is ${balancer.group?.targets.get(target.id)?.state ?? 'deregistered'}`,
  );
  const sourcePort = FIRST_PORT + (flowHash(h) % PORTS);
  const outer = outerHeader(h, node, must(parseAddress(target.address)).words[3] | 0, sourcePort);
  return { tunnel: { kind: 'geneve', door, node, balancer, sourcePort }, outer };
}

const wordOf = (port: Port): number => port.addresses.find(({ family }) => family === 4)?.w3 ?? 0;

/** The outer packet back from an appliance to the load balancer. */
export const returning = (h: Header, { node, sourcePort }: GeneveTunnel, from: Port): Header =>
  outerHeader(h, from, wordOf(node), sourcePort);

function outerHeader(h: Header, from: Port, destination: number, sourcePort: number): Header {
  return Object.assign(createHeader(), {
    now: h.now,
    from,
    s3: wordOf(from),
    d3: destination,
    protocol: UDP,
    sourcePort,
    destinationPort: GENEVE_PORT,
    lengthBytes: h.lengthBytes + OVERHEAD_BYTES,
    sourceMac: from.mac,
    destinationMac: from.subnet.routerMac,
  });
}
