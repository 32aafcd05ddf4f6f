/**
 * VPC endpoints of services that are hosts: gateway endpoints, which are the targets of prefix-list routes,
 * and interface endpoints, whose ENIs stand for the service. The service sees the client's own address and
 * port; answers find their VPC by the flow, so two clients that are equal in all of that, in two VPCs, are
 * one to it. IPv4 only. AWS PrivateLink Guide, "Gateway endpoints" and "Interface endpoints".
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { find } from './address-map.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, scopeOf } from './fabric.ts';
import { createFlowKey, findFlow, setFlow } from './flow-table.ts';
import { type Header, ICMP, sourceOf, TCP, UDP } from './header.ts';
import { type Recorder, record } from './hop.ts';
import type { EndpointNode, Port, ServiceFlow, VpcNode } from './nodes.ts';

const ECHO_REQUEST = 8;

const key = createFlowKey();

/** The flow of a packet to the service, or of its answer: `b` is the client's side. */
function fillKey(h: Header, answer: boolean): void {
  const near = h.protocol === ICMP ? h.icmpId : answer ? h.sourcePort : h.destinationPort;
  const far = h.protocol === ICMP ? h.icmpId : answer ? h.destinationPort : h.sourcePort;
  key.scope = h.protocol;
  key.a3 = answer ? h.s3 : h.d3;
  key.b3 = answer ? h.d3 : h.s3;
  key.ports = (near << 16) | far;
}

/** Who opened the flow that a packet from outside answers. */
export function answeredFlow(fabric: Fabric, h: Header): ServiceFlow | undefined {
  if (fabric.serviceFlows.used === 0 || h.family === 6) return undefined;
  fillKey(h, true);
  return findFlow(fabric.serviceFlows, key, h.now);
}

function remember(fabric: Fabric, flow: ServiceFlow, h: Header): void {
  fillKey(h, false);
  setFlow(fabric.serviceFlows, key, flow, h.now + fabric.settings.endpointIdleMs, h.now);
}

/** By a route to a gateway endpoint: TO_INTERNET to the service's host, or why the packet was dropped. */
export function toService(
  fabric: Fabric,
  endpoint: EndpointNode,
  from: VpcNode,
  h: Header,
  recorder?: Recorder,
): number {
  const code = checkGateway(fabric, endpoint, from, h);
  if (recorder) record(recorder, h, 'vpc-endpoint', endpoint.id, whyGateway(code, h));
  if (code === CODE.TO_INTERNET) remember(fabric, { endpoint, vpc: from, port: undefined, own: 0 }, h);
  return code;
}

function checkGateway(fabric: Fabric, endpoint: EndpointNode, from: VpcNode, h: Header): number {
  if (!endpoint.available || endpoint.vpc !== from) return CODE.BAD_STATE_ROUTE;
  const ping = h.protocol === ICMP && h.icmpType === ECHO_REQUEST;
  if (h.protocol !== TCP && !ping) return CODE.VPCE_GATEWAY_PROTOCOL_RESTRICTION;
  const owner = find(fabric.mapping, scopeOf(from, h.family), h.s0, h.s1, h.s2, h.s3);
  return owner === undefined ? CODE.VPCE_REQUIRES_SOURCE_IN_VPC : CODE.TO_INTERNET;
}

function whyGateway(code: number, h: Header): string {
  switch (code) {
    case CODE.TO_INTERNET:
      return 'to the service, with the private source address';
    case CODE.BAD_STATE_ROUTE:
      return 'is gone, not available or not of this VPC: the route is a blackhole';
    case CODE.VPCE_GATEWAY_PROTOCOL_RESTRICTION:
      return 'takes TCP and ICMP echo only: dropped';
    default:
      return `${formatAddress(sourceOf(h))} is no address of an ENI of its VPC: dropped`;
  }
}

/** At an ENI of an interface endpoint: TO_INTERNET to the service's host, or why the packet was dropped. */
export function throughEndpoint(
  fabric: Fabric,
  endpoint: EndpointNode,
  port: Port,
  h: Header,
  recorder?: Recorder,
): number {
  const code = checkInterface(endpoint, h);
  if (code === CODE.TO_INTERNET) {
    const own = h.d3;
    h.d3 = endpoint.address ?? 0;
    remember(fabric, { endpoint, vpc: port.vpc, port, own }, h);
  }
  if (recorder) record(recorder, h, 'vpc-endpoint', endpoint.id, whyInterface(code));
  return code;
}

function checkInterface({ available, address }: EndpointNode, h: Header): number {
  if (!available) return CODE.BAD_STATE_ATTACHMENT;
  if (h.protocol !== TCP && h.protocol !== UDP) return CODE.VPCE_INTERFACE_PROTOCOL;
  return address === undefined || h.family === 6 ? CODE.VPCE_NO_SERVICE : CODE.TO_INTERNET;
}

function whyInterface(code: number): string {
  switch (code) {
    case CODE.TO_INTERNET:
      return 'to the service behind it';
    case CODE.BAD_STATE_ATTACHMENT:
      return 'is not available: dropped';
    case CODE.VPCE_INTERFACE_PROTOCOL:
      return 'takes TCP and UDP only: dropped';
    default:
      return 'leads to no host: dropped';
  }
}
