/**
 * Security groups at an ENI: stateful, with connection tracking as the EC2 User Guide has it ("Security group
 * connection tracking"). TCP and UDP that are open to everywhere both ways are not tracked, unless they cross
 * a gateway whose flows always are (`trackAlways`); everything else that a rule allows is tracked, and its
 * replies pass without a rule. A tracked flow outlives its rule. A rule that names a group lets in only what
 * comes straight from a member: behind an appliance the reference is lost. Not here: the ends of TCP
 * connections.
 */
import type { Millis } from '../../controller/base/time.ts';
import { find } from './address-map.ts';
import { inCidr } from './cidr.ts';
import { CODE } from './dispositions.ts';
import { type Fabric, scopeOf } from './fabric.ts';
import { createFlowKey, findSlot, setFlow } from './flow-table.ts';
import { type Header, ICMP, ICMP6, TCP, TCP_ACK, TCP_SYN, UDP } from './header.ts';
import type { Port, RuleNode, Tracked, VpcNode } from './nodes.ts';
import { openBit } from './security-group.ts';
import type { IdleTimes } from './settings.ts';

export type Direction = 'egress' | 'ingress';

const DENIED = 0;
const TRACK = 1;
const OPEN = 2;
const NO_RULES = 3;

const key = createFlowKey();

/**
 * 0 where the packet may pass the ENI's security groups in this direction, else the code of its disposition.
 */
export function checkGroups(fabric: Fabric, port: Port, h: Header, direction: Direction): number {
  if (port.groups.length === 0) return 0;
  fillKey(port, h, direction);
  const slot = findSlot(fabric.flows, key, h.now);
  if (slot >= 0) {
    refresh(fabric, slot, h, direction);
    return 0;
  }
  if (h.quoted !== undefined && fabric.settings.icmpErrorsAreRelated) {
    fillKey(port, h.quoted, direction === 'egress' ? 'ingress' : 'egress');
    if (findSlot(fabric.flows, key, h.now) >= 0) return 0;
    fillKey(port, h, direction);
  }
  const verdict = evaluate(fabric, port, h, direction);
  if (verdict === NO_RULES) return CODE.SG_HAS_NO_RULES;
  if (verdict === DENIED) return CODE.ENI_SG_RULES_MISMATCH;
  if (verdict === OPEN || answersUntracked(port, h, direction)) {
    if (direction === 'egress') h.untracked = true;
    if (direction === 'egress' || !h.alwaysTracked) return 0;
  } else if (isMidFlow(h) && !fabric.settings.midFlowPassesByRule) {
    return CODE.CONNTRACK_MISS;
  }
  track(fabric, h, direction);
  return 0;
}

/**
 * The crossing meets a gateway whose flows are tracked even where the rules are open to everywhere both ways:
 * the sender's security groups, which let the packet pass untracked, track it after all, and the receiver's
 * will.
 */
export function trackAlways(fabric: Fabric, h: Header): void {
  h.alwaysTracked = true;
  const { from } = h;
  if (from === undefined || !h.untracked) return;
  h.untracked = false;
  fillKey(from, h, 'egress');
  const slot = findSlot(fabric.flows, key, h.now);
  if (slot >= 0) refresh(fabric, slot, h, 'egress');
  else track(fabric, h, 'egress');
}

/** The slot of a packet's tracked flow; -1 where the ENI has no security groups, undefined if untracked. */
export function trackedSlot(fabric: Fabric, port: Port, h: Header, direction: Direction): number | undefined {
  if (port.groups.length === 0) return -1;
  fillKey(port, h, direction);
  const slot = findSlot(fabric.flows, key, h.now);
  return slot < 0 ? undefined : slot;
}

const BOTH: Tracked = 3;
const seenIn = (direction: Direction): Tracked => (direction === 'egress' ? 1 : 2);

const isMidFlow = (h: Header): boolean => h.protocol === TCP && (h.tcpFlags & TCP_SYN) === 0;

/** Begins the flow of `key`. */
function track(fabric: Fabric, h: Header, direction: Direction): void {
  const flow = seenIn(direction);
  setFlow(fabric.flows, key, flow, h.now + idleMs(fabric.settings.tracking, h.protocol, flow), h.now);
}

/** A packet of the flow in this slot: its idle time begins anew. */
export function refresh({ flows, settings }: Fabric, slot: number, h: Header, direction: Direction): void {
  const before = flows.values[slot];
  const seen = seenIn(direction);
  const flow = before === undefined || before === seen ? seen : BOTH;
  flows.values[slot] = flow;
  flows.expiresAt[slot] = h.now + idleMs(settings.tracking, h.protocol, flow);
}

function idleMs(idle: IdleTimes, protocol: number, flow: Tracked): Millis {
  if (protocol === TCP) return idle.tcpMs;
  if (protocol !== UDP) return idle.otherMs;
  return flow === BOTH ? idle.udpStreamMs : idle.udpMs;
}

/** The same key for both directions: `a` is the ENI's side, `b` the other. */
function fillKey(port: Port, h: Header, direction: Direction): void {
  const out = direction === 'egress';
  const icmp = h.protocol === ICMP || h.protocol === ICMP6;
  const near = icmp ? h.icmpId : out ? h.sourcePort : h.destinationPort;
  const far = icmp ? h.icmpId : out ? h.destinationPort : h.sourcePort;
  key.scope = port.number * 512 + h.protocol * 2 + (h.family === 6 ? 1 : 0);
  key.a0 = out ? h.s0 : h.d0;
  key.a1 = out ? h.s1 : h.d1;
  key.a2 = out ? h.s2 : h.d2;
  key.a3 = out ? h.s3 : h.d3;
  key.b0 = out ? h.d0 : h.s0;
  key.b1 = out ? h.d1 : h.s1;
  key.b2 = out ? h.d2 : h.s2;
  key.b3 = out ? h.d3 : h.s3;
  key.ports = (near << 16) | far;
}

function evaluate(fabric: Fabric, port: Port, h: Header, direction: Direction): number {
  const egress = direction === 'egress';
  const open = openBit(h.protocol, h.family);
  let opposite = 0;
  let rules = 0;
  let verdict = DENIED;
  let everywhere = false;
  for (let i = 0; i < port.groups.length; i++) {
    const group = port.groups[i];
    if (group === undefined) continue;
    opposite |= egress ? group.openIngress : group.openEgress;
    const list = egress ? group.egress : group.ingress;
    rules += list.length;
    for (let j = 0; j < list.length; j++) {
      const rule = list[j];
      if (rule === undefined || !matchesRule(fabric, port, rule, h, egress)) continue;
      verdict = TRACK;
      if (rule.peer.kind === 'cidr' && rule.peer.length === 0) everywhere = true;
    }
  }
  if (rules === 0) return NO_RULES;
  return verdict === TRACK && everywhere && (opposite & open) !== 0 ? OPEN : verdict;
}

/**
 * Whether a packet that a rule allows may answer a flow that is not tracked: one that began in the other
 * direction, with rules open to everywhere both ways.
 */
function answersUntracked(port: Port, h: Header, direction: Direction): boolean {
  const opens = h.protocol === TCP && (h.tcpFlags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  const open = openBit(h.protocol, h.family);
  if (opens || open === 0) return false;
  let everywhere = false;
  let bits = 0;
  for (let i = 0; i < port.groups.length; i++) {
    const group = port.groups[i];
    if (group === undefined) continue;
    bits |= direction === 'egress' ? group.openEgress : group.openIngress;
    const list = direction === 'egress' ? group.ingress : group.egress;
    for (let j = 0; j < list.length && !everywhere; j++) everywhere = opensPort(list[j], h);
  }
  return everywhere && (bits & open) !== 0;
}

/** Whether a rule opens the port that the packet comes from to everywhere. */
function opensPort(rule: RuleNode | undefined, h: Header): boolean {
  if (rule?.peer.kind !== 'cidr' || rule.peer.length !== 0 || rule.peer.family !== h.family) return false;
  if (rule.protocol === -1) return true;
  return rule.protocol === h.protocol && h.sourcePort >= rule.fromPort && h.sourcePort <= rule.toPort;
}

/** Whether a rule of the ENI's security groups allows the packet. */
export function matchesRule(fabric: Fabric, port: Port, rule: RuleNode, h: Header, egress: boolean): boolean {
  if (!matchesTransport(rule, h)) return false;
  const { peer } = rule;
  if (peer.kind === 'cidr') return peer.family === h.family && inCidr(peer, h, egress);
  const other = farEnd(fabric, port.vpc, h, egress) ?? farPeer(fabric, port.vpc, h, egress);
  return other?.groups.includes(peer) === true && (egress || other === h.from);
}

/** Whether a rule is about the protocol and port of the packet, or its ICMP type and code. */
export function matchesTransport(rule: RuleNode, h: Header): boolean {
  if (rule.protocol === -1) return true;
  if (rule.protocol !== h.protocol) return false;
  if (h.protocol === ICMP || h.protocol === ICMP6) {
    if (rule.fromPort !== -1 && rule.fromPort !== h.icmpType) return false;
    return rule.toPort === -1 || rule.fromPort === -1 || rule.toPort === h.icmpCode;
  }
  if (h.protocol !== TCP && h.protocol !== UDP) return true;
  return h.destinationPort >= rule.fromPort && h.destinationPort <= rule.toPort;
}

/** The ENI of a VPC that has the address at the other end of the packet. */
function farEnd(fabric: Fabric, vpc: VpcNode, h: Header, egress: boolean): Port | undefined {
  const scope = scopeOf(vpc, h.family);
  return egress
    ? find(fabric.mapping, scope, h.d0, h.d1, h.d2, h.d3)
    : find(fabric.mapping, scope, h.s0, h.s1, h.s2, h.s3);
}

/** The same in the VPCs that are peered with it: references to their groups hold across the connection. */
function farPeer(fabric: Fabric, vpc: VpcNode, h: Header, egress: boolean): Port | undefined {
  for (let i = 0; i < vpc.peerings.length; i++) {
    const other = vpc.peerings[i]?.vpcs.find((each) => each !== vpc);
    const port = other === undefined ? undefined : farEnd(fabric, other, h, egress);
    if (port !== undefined) return port;
  }
  return undefined;
}
