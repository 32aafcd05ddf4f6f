/**
 * Source NAT in a guest, as `iptables -t nat -A POSTROUTING -o DEVICE -j MASQUERADE`: flows keep their port
 * or ICMP id where it is free, else get the next free one from 1024 up. Entries expire by idle time. No DNAT,
 * no helpers; a flow that came in unmasqueraded is not tracked, so its answers through a masquerading device
 * count as new.
 */
import { CODE } from './dispositions.ts';
import { createFlowKey, createFlowTable, dropFlows, type FlowKey, findFlow, setFlow } from './flow-table.ts';
import { type Header, ICMP, ICMP6, TCP, UDP } from './header.ts';
import type { Nat, NatFlow, OwnAddress } from './nat-flow.ts';
import type { IdleTimes } from './settings.ts';

/** Most guests never masquerade: the tables begin small. */
export const createNat = (): Nat => ({ forward: createFlowTable(2), back: createFlowTable(2), next: 0 });

/** Forgets everything, or what used an address that is gone. */
export function clearNat(nat: Nat, own?: OwnAddress): void {
  if (nat.forward.used === 0 && nat.back.used === 0) return;
  const drop = (flow: NatFlow): boolean => own === undefined || flow.own === own;
  dropFlows(nat.forward, 0, drop);
  dropFlows(nat.back, 0, drop);
}

const forwardKey = createFlowKey();
const backKey = createFlowKey();

/** ICMP that has an identifier to translate; errors have not. */
const isEcho = (h: Header): boolean =>
  (h.protocol === ICMP || h.protocol === ICMP6) && h.quoted === undefined;
/** Echo, timestamp, information and mask requests: they ask, and so answer nothing. */
const REQUESTS: Readonly<Record<number, readonly number[]>> = { [ICMP]: [8, 13, 15, 17], [ICMP6]: [128] };
const isRequest = (h: Header): boolean => isEcho(h) && REQUESTS[h.protocol]?.includes(h.icmpType) === true;
const nearPort = (h: Header): number => (isEcho(h) ? h.icmpId : h.sourcePort);
const farPort = (h: Header): number => (isEcho(h) ? 0 : h.destinationPort);
const scope = (h: Header): number => h.protocol * 2 + (h.family === 6 ? 1 : 0);

function fillForward(key: FlowKey, h: Header): void {
  key.scope = scope(h);
  key.a0 = h.s0;
  key.a1 = h.s1;
  key.a2 = h.s2;
  key.a3 = h.s3;
  key.b0 = h.d0;
  key.b1 = h.d1;
  key.b2 = h.d2;
  key.b3 = h.d3;
  key.ports = (nearPort(h) << 16) | farPort(h);
}

/**
 * The key under which the answer to a packet from `own`:`port` to the packet's destination will be looked up.
 */
function fillBack(key: FlowKey, h: Header, own: OwnAddress, port: number): void {
  key.scope = scope(h);
  key.a0 = h.d0;
  key.a1 = h.d1;
  key.a2 = h.d2;
  key.a3 = h.d3;
  key.b0 = own.w0;
  key.b1 = own.w1;
  key.b2 = own.w2;
  key.b3 = own.w3;
  key.ports = (farPort(h) << 16) | port;
}

function idleMs(h: Header, answered: boolean, idle: IdleTimes): number {
  if (h.protocol === TCP) return idle.tcpMs;
  if (h.protocol === UDP) return answered ? idle.udpStreamMs : idle.udpMs;
  return idle.otherMs;
}

/** The ports, or ICMP ids, that may stand for a flow towards one destination. */
export interface PortRange {
  readonly first: number;
  readonly count: number;
}

/** Of a table that takes no new flow. */
export const NO_PORTS: PortRange = { first: 1024, count: 0 };

const UNPRIVILEGED: PortRange = { first: 1024, count: 65536 - 1024 };

/**
 * The flow's own port where it is free, and in the range if one is given; else the next free one: from the
 * own port up, or in a given range from where the last search ended.
 */
function freePort(nat: Nat, h: Header, own: OwnAddress, range?: PortRange): number | undefined {
  const wanted = nearPort(h);
  const { first, count } = range ?? UNPRIVILEGED;
  const keeps = range === undefined || (wanted >= first && wanted < first + count);
  const offset = range === undefined ? Math.max(wanted, first) - first : nat.next;
  for (let i = keeps ? 0 : 1; i <= count; i++) {
    const port = i === 0 ? wanted : first + ((offset + i) % count);
    fillBack(backKey, h, own, port);
    if (findFlow(nat.back, backKey, h.now) === undefined) {
      if (i > 0) nat.next = port - first;
      return port;
    }
    if (h.protocol !== TCP && h.protocol !== UDP && !isEcho(h)) return undefined;
  }
  return undefined;
}

/** Gives an outgoing packet the source `own` and a port, of the range if one is given; 0, or a code. */
export function masquerade(nat: Nat, h: Header, own: OwnAddress, idle: IdleTimes, range?: PortRange): number {
  fillForward(forwardKey, h);
  let flow = findFlow(nat.forward, forwardKey, h.now);
  if (flow === undefined || flow.own !== own) {
    const port = freePort(nat, h, own, range);
    if (port === undefined) return CODE.GUEST_NAT_EXHAUSTED;
    const { s0, s1, s2, s3 } = h;
    flow = { own, port, s0, s1, s2, s3, sourcePort: nearPort(h), answered: false };
  }
  const expiresAt = h.now + idleMs(h, flow.answered, idle);
  setFlow(nat.forward, forwardKey, flow, expiresAt, h.now);
  fillBack(backKey, h, own, flow.port);
  setFlow(nat.back, backKey, flow, expiresAt, h.now);
  h.s0 = own.w0;
  h.s1 = own.w1;
  h.s2 = own.w2;
  h.s3 = own.w3;
  if (isEcho(h)) h.icmpId = flow.port;
  else h.sourcePort = flow.port;
  return 0;
}

/** Gives an ICMP error about a packet of a flow, and the packet that it repeats, the true addresses back. */
function unmasqueradeError(nat: Nat, h: Header, quoted: Header): boolean {
  fillBack(backKey, quoted, { w0: quoted.s0, w1: quoted.s1, w2: quoted.s2, w3: quoted.s3 }, nearPort(quoted));
  const flow = findFlow(nat.back, backKey, h.now);
  if (flow === undefined) return false;
  const { s0, s1, s2, s3 } = flow;
  const port = isEcho(quoted) ? { icmpId: flow.sourcePort } : { sourcePort: flow.sourcePort };
  h.quoted = { ...quoted, s0, s1, s2, s3, ...port };
  h.d0 = s0;
  h.d1 = s1;
  h.d2 = s2;
  h.d3 = s3;
  return true;
}

/** Gives an answer its true destination back; true where the packet belongs to a masqueraded flow. */
export function unmasquerade(nat: Nat, h: Header, idle: IdleTimes): boolean {
  if (h.quoted !== undefined) return unmasqueradeError(nat, h, h.quoted);
  if (isRequest(h)) return false;
  fillForward(backKey, h);
  backKey.ports = isEcho(h) ? h.icmpId : (h.sourcePort << 16) | h.destinationPort;
  const flow = findFlow(nat.back, backKey, h.now);
  if (flow === undefined) return false;
  flow.answered = true;
  const expiresAt = h.now + idleMs(h, true, idle);
  setFlow(nat.back, backKey, flow, expiresAt, h.now);
  h.d0 = flow.s0;
  h.d1 = flow.s1;
  h.d2 = flow.s2;
  h.d3 = flow.s3;
  if (isEcho(h)) h.icmpId = flow.sourcePort;
  else h.destinationPort = flow.sourcePort;
  fillBackToForward(h);
  setFlow(nat.forward, forwardKey, flow, expiresAt, h.now);
  return true;
}

/**
 * Whether `h` answers a flow that was masqueraded: it goes out as it is, as in Linux, where NAT is for new
 * flows.
 */
export function isAnswer(nat: Nat, h: Header): boolean {
  if (nat.forward.used === 0) return false;
  fillBackToForward(h);
  return findFlow(nat.forward, forwardKey, h.now) !== undefined;
}

/** The forward key of the flow that the (already rewritten) answer `h` belongs to. */
function fillBackToForward(h: Header): void {
  forwardKey.scope = scope(h);
  forwardKey.a0 = h.d0;
  forwardKey.a1 = h.d1;
  forwardKey.a2 = h.d2;
  forwardKey.a3 = h.d3;
  forwardKey.b0 = h.s0;
  forwardKey.b1 = h.s1;
  forwardKey.b2 = h.s2;
  forwardKey.b3 = h.s3;
  const near = isEcho(h) ? h.icmpId : h.destinationPort;
  forwardKey.ports = (near << 16) | (isEcho(h) ? 0 : h.sourcePort);
}
