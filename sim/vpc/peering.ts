/**
 * VPC peering connections: two VPCs reach each other's ENIs, and nothing behind them. Neither a route table
 * nor a gateway of the far VPC is asked, so peering is neither transitive nor a way to the far VPC's edges.
 * Amazon VPC Peering Guide, "Limitations".
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { inCidr } from './cidr.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { destinationOf, type Header, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { checkLength, whyTooLong } from './mtu.ts';
import type { PeeringNode, Place, VpcNode } from './nodes.ts';

/** The VPC at the far end, where `vpc` is one of the two ends. */
export function peerOf({ vpcs }: PeeringNode, vpc: VpcNode): VpcNode | undefined {
  const [requester, accepter] = vpcs;
  return requester === vpc ? accepter : accepter === vpc ? requester : undefined;
}

/** 0 where the packet from `from` reaches the far VPC, else the code of its disposition. */
export function throughPeering(
  fabric: Fabric,
  connection: PeeringNode,
  from: Place,
  h: Header,
  recorder?: Recorder,
): number {
  const to = peerOf(connection, from.vpc);
  const code =
    to === undefined || !connection.active
      ? CODE.BAD_STATE_ROUTE
      : !holds(to, h, 'destination') && !holds(to, h, 'source')
        ? CODE.PCX_REQUIRES_ADDRESS_IN_VPC_CIDR
        : to.region === from.vpc.region
          ? 0
          : checkLength(fabric.settings.mtu.interRegionPeering, from, h);
  if (recorder) record(recorder, h, 'vpc-peering-connection', connection.id, why(code, to, h));
  return code;
}

function why(code: number, to: VpcNode | undefined, h: Header): string {
  if (to === undefined) return 'is gone, or is not one of this VPC: the route is a blackhole';
  switch (code) {
    case 0:
      return `to ${to.id}`;
    case CODE.MTU_EXCEEDED:
      return whyTooLong(h);
    case CODE.BAD_STATE_ROUTE:
      return 'is not active: the route is a blackhole';
    default: {
      const ends = `${formatAddress(destinationOf(h))} nor ${formatAddress(sourceOf(h))}`;
      return `leads to ${to.id}, and neither ${ends} is of its CIDR blocks: dropped`;
    }
  }
}

/** Whether an end of the packet lies in a CIDR block of the VPC. */
function holds(vpc: VpcNode, h: Header, end: 'source' | 'destination'): boolean {
  for (let i = 0; i < vpc.cidrs.length; i++) {
    const cidr = vpc.cidrs[i];
    if (cidr?.family === h.family && inCidr(cidr, h, end === 'destination')) return true;
  }
  return false;
}
