/**
 * Egress-only Internet gateways: IPv6 out of a VPC, and back in only what answers it. Amazon VPC User Guide,
 * "Egress-only internet gateways".
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { find } from './address-map.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, scopeOf } from './fabric.ts';
import { createFlowKey, findFlow, setFlow } from './flow-table.ts';
import { type Header, ICMP6, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type { EgressOnlyNode, Place } from './nodes.ts';

const key = createFlowKey();

/** `a` is the inside of the flow, `b` the outside. */
function fillKey(gateway: EgressOnlyNode, h: Header, outwards: boolean): void {
  const id = h.protocol === ICMP6;
  const near = id ? h.icmpId : outwards ? h.sourcePort : h.destinationPort;
  const far = id ? 0 : outwards ? h.destinationPort : h.sourcePort;
  key.scope = gateway.number * 256 + h.protocol;
  key.a0 = outwards ? h.s0 : h.d0;
  key.a1 = outwards ? h.s1 : h.d1;
  key.a2 = outwards ? h.s2 : h.d2;
  key.a3 = outwards ? h.s3 : h.d3;
  key.b0 = outwards ? h.d0 : h.s0;
  key.b1 = outwards ? h.d1 : h.s1;
  key.b2 = outwards ? h.d2 : h.s2;
  key.b3 = outwards ? h.d3 : h.s3;
  key.ports = (near << 16) | far;
}

/** TO_INTERNET, and the flow is remembered; or why the gateway dropped the packet. */
export function egressOnlyOut(
  fabric: Fabric,
  gateway: EgressOnlyNode,
  from: Place,
  h: Header,
  recorder?: Recorder,
): number {
  const { vpc } = from;
  const known = find(fabric.mapping, scopeOf(vpc, 6), h.s0, h.s1, h.s2, h.s3) !== undefined;
  const code =
    gateway.vpc !== vpc
      ? CODE.BAD_STATE_ROUTE
      : h.d0 >>> 25 === 0x7e
        ? CODE.IGW_PRIVATE_DESTINATION
        : known
          ? checkLength(fabric.settings.mtu.internetGateway, from, h) || CODE.TO_INTERNET
          : CODE.GATEWAY_REJECTS_SPOOFED_TRAFFIC;
  if (code === CODE.TO_INTERNET) {
    fillKey(gateway, h, true);
    setFlow(fabric.egressFlows, key, gateway, h.now + fabric.settings.egressOnlyIdleMs, h.now);
  }
  if (recorder) record(recorder, h, 'egress-only-gateway', gateway.id, why(code, h));
  return code;
}

/** Whether a packet from the Internet answers a flow that left through the gateway. */
export function answersEgressOnly(fabric: Fabric, gateway: EgressOnlyNode, h: Header): boolean {
  fillKey(gateway, h, false);
  if (findFlow(fabric.egressFlows, key, h.now) === undefined) return false;
  setFlow(fabric.egressFlows, key, gateway, h.now + fabric.settings.egressOnlyIdleMs, h.now);
  return true;
}

function why(code: number, h: Header): string {
  switch (code) {
    case CODE.TO_INTERNET:
      return 'passed unchanged, and remembers the flow';
    case CODE.BAD_STATE_ROUTE:
      return 'is gone, or is not one of this VPC: the route is a blackhole';
    case CODE.MTU_EXCEEDED:
      return whyTooLong(h);
    case CODE.IGW_PRIVATE_DESTINATION:
      return 'drops the private destination';
    default:
      return `drops the source ${formatAddress(sourceOf(h))}: no ENI of this VPC has it`;
  }
}
