/**
 * What the hypervisors check at an ENI, on both sides of a crossing (F28): the state of the attachment, the
 * source and destination check, security groups, and frames that nobody may send.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { destinationOf, formatMac, type Header, sourceOf } from './header.ts';
import { type Decision, type Recorder, record } from './hop.ts';
import { isMulticast } from './multicast.ts';
import type { Port, PortAddress } from './nodes.ts';
import { checkGroups, trackAlways } from './security.ts';
import { throughEndpoint } from './vpc-endpoint.ts';

const BROADCAST_BIT = 0x0100_0000_0000;

/** Checks in the sending hypervisor; 0 or a code. */
export function leave(fabric: Fabric, from: Port, h: Header): number {
  if (from.instance === undefined || !from.instance.running) return CODE.BAD_STATE_ATTACHMENT;
  if (h.sourceMac !== from.mac && fabric.settings.sourceMacChecked) return CODE.L2_SOURCE_MAC;
  const isGroup = Math.floor(h.destinationMac / BROADCAST_BIT) % 2 === 1 || isGroupAddress(h);
  if (isGroup && h.member === undefined) return CODE.L2_BUM;
  if (isReserved(h)) return CODE.RESERVED_ADDRESS;
  if (h.lengthBytes > fabric.settings.mtu.vpcBytes) return CODE.MTU_EXCEEDED;
  if (from.sourceDestCheck && !owns(from, h.family, h.s0, h.s1, h.s2, h.s3)) {
    return CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION;
  }
  return checkGroups(fabric, from, h, 'egress');
}

/** Whom `BAD_STATE_ATTACHMENT` is about: an instance that does not run, or the ENI itself. */
const unattached = ({ id, instance }: Port): Decision => ({
  kind: 'fault',
  objects: instance === undefined ? [id] : [instance.id, id],
});

/** What `leave` decided, as far as a recorder is told. */
export function decisionAtSend(code: number, port: Port): Decision | undefined {
  if (code === CODE.BAD_STATE_ATTACHMENT) return unattached(port);
  const byGroups =
    code === 0 ||
    code === CODE.SG_HAS_NO_RULES ||
    code === CODE.ENI_SG_RULES_MISMATCH ||
    code === CODE.CONNTRACK_MISS;
  return byGroups ? { kind: 'groups', port, direction: 'egress', code } : undefined;
}

/** Why `leave` refused, in words. */
export function whySend(code: number, h: Header): string {
  const source = formatAddress(sourceOf(h));
  switch (code) {
    case CODE.BAD_STATE_ATTACHMENT:
      return 'the ENI is not attached to a running instance';
    case CODE.L2_SOURCE_MAC:
      return `the source MAC ${formatMac(h.sourceMac)} is not the ENI's`;
    case CODE.L2_BUM:
      return 'broadcast and multicast go nowhere';
    case CODE.RESERVED_ADDRESS:
      return `${formatAddress(destinationOf(h))} is link-local or reserved by AWS`;
    case CODE.MTU_EXCEEDED:
      return `no ENI sends a packet of ${h.lengthBytes} bytes`;
    case CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION:
      return `source/dest check is on, and ${source} is not an address of this ENI`;
    default:
      return 'its security groups do not allow it';
  }
}

/** Multicast and limited broadcast destinations. */
function isGroupAddress(h: Header): boolean {
  if (h.family === 4) return h.d3 === -1 || h.d3 >>> 28 === 14;
  return h.d0 >>> 24 === 255;
}

/**
 * 169.254.0.0/16; fe80::/10, fd00:ec2::/32. Amazon VPC User Guide, "Route table concepts", reserved ranges.
 */
function isReserved(h: Header): boolean {
  if (h.family === 4) return h.d3 >>> 16 === 0xa9fe;
  return h.d0 >>> 22 === 0x3fa || h.d0 >>> 0 === 0xfd000ec2;
}

/** The address of the ENI that equals these words. */
export function addressOf(
  port: Port,
  family: 4 | 6,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): PortAddress | undefined {
  for (let i = 0; i < port.addresses.length; i++) {
    const own = port.addresses[i];
    if (own === undefined || own.family !== family) continue;
    if (own.w3 === w3 && own.w2 === w2 && own.w1 === w1 && own.w0 === w0) return own;
  }
  return undefined;
}

const owns = (port: Port, family: 4 | 6, w0: number, w1: number, w2: number, w3: number): boolean =>
  addressOf(port, family, w0, w1, w2, w3) !== undefined;

/** Checks in the receiving hypervisor: DELIVERED with `h.to`, or why not. */
export function arrive(fabric: Fabric, to: Port, h: Header, recorder?: Recorder): number {
  if (to.endpoint === undefined && (to.instance === undefined || !to.instance.running)) {
    if (recorder) {
      record(recorder, h, 'eni', to.id, 'is not attached to a running instance: dropped', unattached(to));
    }
    return CODE.BAD_STATE_ATTACHMENT;
  }
  if (to.endpoint !== undefined) trackAlways(fabric, h);
  const refusal = checkGroups(fabric, to, h, 'ingress');
  const groups: Decision | undefined = recorder && {
    kind: 'groups',
    port: to,
    direction: 'ingress',
    code: refusal,
  };
  if (refusal !== 0) {
    if (recorder) record(recorder, h, 'eni', to.id, 'dropped by its security groups', groups);
    return refusal;
  }
  if (to.sourceDestCheck && !owns(to, h.family, h.d0, h.d1, h.d2, h.d3) && !isMulticast(h)) {
    if (recorder) {
      const text = `source/dest check is on, and ${formatAddress(destinationOf(h))} is not its address`;
      record(recorder, h, 'eni', to.id, `${text}: dropped`);
    }
    return CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION;
  }
  if (recorder)
    record(recorder, h, 'eni', to.id, 'passed the ingress rules and the destination check', groups);
  if (to.endpoint !== undefined) return throughEndpoint(fabric, to.endpoint, to, h, recorder);
  h.to = to;
  return CODE.DELIVERED;
}
