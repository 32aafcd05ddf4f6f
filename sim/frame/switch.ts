/**
 * The fabric between TAPs: a frame that comes out of one is decided by the function that decides in the
 * pure simulator (`cross`), rewritten in place, and goes into another. Pure: what it sends, it hands to
 * `out`.
 *
 * Taps are numbers. An ENI has one while its machine runs; one leads to the hosts outside, one to the
 * services of the link. Not carried: GENEVE and GRE (dropped, and said so), multicast, delay and
 * duplication by links.
 */
import type { Address } from '../../controller/base/ip.ts';
import type { Instant } from '../../controller/base/time.ts';
import { CODE } from '../vpc/dispositions.ts';
import { answerNeighbour } from '../vpc/fabric.ts';
import { type Crossing, cross } from '../vpc/forward.ts';
import { createHeader, type Header } from '../vpc/header.ts';
import { type Recorder, record } from '../vpc/hop.ts';
import { addressOf } from '../vpc/interface.ts';
import { answerTooLong } from '../vpc/mtu.ts';
import type { Network } from '../vpc/network.ts';
import type { Port } from '../vpc/nodes.ts';
import { byRoute } from '../vpc/router.ts';
import { answerDhcp, isDhcp } from './dhcp.ts';
import { ARP, etherType, type Frame, readPacket, writePacket } from './frame.ts';
import { announcement, errorFrame } from './made.ts';
import { answerArp, answerSolicitation, isSolicitation, ownersFor } from './neighbour.ts';
import { type Askers, createAskers, fromServices, isService, toServices } from './service.ts';

/** MACs of the two places that are no ENI, and of the routers that they see. */
export const OUTSIDE_MAC = 0x02fb00000001;
export const OUTSIDE_ROUTER_MAC = 0x02fb00000002;
export const SERVICES_MAC = 0x02fb00000003;
export const SERVICES_ROUTER_MAC = 0x02fb00000004;

/** What a tap is the end of. */
export type End =
  | { readonly kind: 'eni'; readonly port: Port; running: boolean }
  | { readonly kind: 'outside' }
  | { readonly kind: 'services' };

/** Takes a frame that leaves by a tap. */
export type Out = (tap: number, frame: Frame) => void;

/** What became of a frame: a code of `CODE`, and the packet as it then was. */
export type Seen = (tap: number, code: number, h: Header) => void;

export interface Switch {
  readonly network: Network;
  readonly out: Out;
  readonly ends: (End | undefined)[];
  /** The tap of an ENI by its number. */
  readonly tapOf: (number | undefined)[];
  readonly askers: Askers;
  outside: number;
  services: number;
  crossing: Crossing | undefined;
  /** Told of each packet while somebody watches; with a recorder of its way. */
  seen: Seen | undefined;
  recorder: Recorder | undefined;
  readonly counts: { frames: number; dropped: number };
  readonly header: Header;
}

/** `asker` is told of each ENI that is new to the services. */
export const createSwitch = (
  network: Network,
  out: Out,
  asker: Askers['added'] = () => undefined,
): Switch => ({
  network,
  out,
  ends: [],
  tapOf: [],
  askers: createAskers(asker),
  outside: -1,
  services: -1,
  crossing: undefined,
  seen: undefined,
  recorder: undefined,
  counts: { frames: 0, dropped: 0 },
  header: createHeader(),
});

/** Plugs a tap in, in the place of what had the number. */
export function plug(sw: Switch, tap: number, end: End): void {
  sw.ends[tap] = end;
  if (end.kind === 'eni') sw.tapOf[end.port.number] = tap;
  else if (end.kind === 'outside') sw.outside = tap;
  else sw.services = tap;
}

/** Takes a tap away; frames for its ENI find a dead machine. */
export function unplug(sw: Switch, tap: number): void {
  const end = sw.ends[tap];
  sw.ends[tap] = undefined;
  if (end?.kind === 'eni' && sw.tapOf[end.port.number] === tap) sw.tapOf[end.port.number] = undefined;
}

/** Takes a frame from a tap: whatever goes out because of it is handed out before this returns. */
export function switchFrame(sw: Switch, tap: number, frame: Frame, now: Instant): void {
  const end = sw.ends[tap];
  sw.counts.frames++;
  if (end === undefined || (end.kind === 'eni' && !end.running)) {
    sw.counts.dropped++;
    return;
  }
  if (etherType(frame) === ARP) {
    if (frame.end - frame.start >= 42 && answerArp(frame, ownerFor(sw, end))) sw.out(tap, frame);
    return;
  }
  const h = sw.header;
  h.now = now;
  if (!readPacket(frame, h)) {
    sw.counts.dropped++;
    return;
  }
  const code =
    end.kind === 'eni' ? fromPort(sw, tap, end.port, frame, h) : fromBeyond(sw, tap, end, frame, h);
  if (code !== CODE.DELIVERED && code !== 0) sw.counts.dropped++;
  if (code !== 0) sw.seen?.(tap, code, h);
}

const ownerFor = (sw: Switch, end: End) => {
  if (end.kind === 'eni') return ownersFor(sw.network.fabric, end.port);
  return () => (end.kind === 'outside' ? OUTSIDE_ROUTER_MAC : SERVICES_ROUTER_MAC);
};

/** A code, 0 where a question was answered, or was none for anybody. */
function fromPort(sw: Switch, tap: number, port: Port, frame: Frame, h: Header): number {
  const { fabric } = sw.network;
  h.from = port;
  if (h.family === 6 && isSolicitation(h)) {
    const answer = answerSolicitation(frame, h, (target) => answerNeighbour(fabric, port, target));
    if (answer !== undefined) sw.out(tap, answer);
    return 0;
  }
  if (isDhcp(h)) {
    const answer = answerDhcp(frame, h, port);
    if (answer !== undefined) sw.out(tap, answer);
    return 0;
  }
  if (h.family === 4 && isService(port, h.d3)) return service(sw, port, frame, h);
  h.site = 0;
  return crossed(sw, frame, h);
}

/** From the hosts outside, or an answer of the services. */
function fromBeyond(sw: Switch, tap: number, end: End, frame: Frame, h: Header): number {
  if (h.family === 6 && isSolicitation(h)) {
    const mac = end.kind === 'outside' ? OUTSIDE_ROUTER_MAC : SERVICES_ROUTER_MAC;
    const answer = answerSolicitation(frame, h, () => mac);
    if (answer !== undefined) sw.out(tap, answer);
    return 0;
  }
  if (isLinkLocal(h)) return 0;
  h.from = undefined;
  if (end.kind === 'outside') {
    h.site = 0;
    return crossed(sw, frame, h);
  }
  const port = fromServices(sw.askers, h);
  if (port === undefined) return CODE.NO_POSSIBLE_DESTINATION;
  h.sourceMac = port.subnet.routerMac;
  h.destinationMac = port.mac;
  return handTo(sw, port, frame, h);
}

/** What machines say to their own link: multicast of IPv6, and of IPv4. */
const isLinkLocal = (h: Header): boolean =>
  h.family === 6 ? h.d0 >>> 24 === 255 || h.d0 >>> 22 === 0x3fa : h.d3 >>> 28 === 14 || h.d3 === -1;

/**
 * To a service of the link: neither security groups nor route tables are asked, but the address is the
 * ENI's.
 */
function service(sw: Switch, port: Port, frame: Frame, h: Header): number {
  if (port.instance?.running !== true) return CODE.BAD_STATE_ATTACHMENT;
  if (h.sourceMac !== port.mac) return CODE.L2_SOURCE_MAC;
  if (addressOf(port, 4, 0, 0, 0, h.s3) === undefined) return CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION;
  if (sw.services < 0 || !toServices(sw.askers, port, h)) return CODE.RESERVED_ADDRESS;
  h.sourceMac = SERVICES_ROUTER_MAC;
  h.destinationMac = SERVICES_MAC;
  writePacket(frame, h);
  sw.out(sw.services, frame);
  return CODE.DELIVERED;
}

/** Over the fabric, from `h.from` or from outside. */
function crossed(sw: Switch, frame: Frame, h: Header): number {
  const code = cross(sw.network, h, sw.crossing, sw.recorder);
  if (code === CODE.MTU_EXCEEDED) answerLength(sw, frame, h);
  if (code !== CODE.DELIVERED) return code;
  if (h.tunnel !== undefined) {
    if (sw.recorder)
      record(sw.recorder, h, 'eni', h.to?.id ?? '', 'the lab carries no GENEVE and no GRE: dropped');
    return CODE.GUEST_DOWN;
  }
  if (h.to !== undefined) return handTo(sw, h.to, frame, h);
  if (sw.outside < 0) return CODE.INTERNET_NO_HOST;
  h.sourceMac = OUTSIDE_ROUTER_MAC;
  h.destinationMac = OUTSIDE_MAC;
  writePacket(frame, h);
  sw.out(sw.outside, frame);
  return CODE.DELIVERED;
}

function handTo(sw: Switch, port: Port, frame: Frame, h: Header): number {
  const tap = sw.tapOf[port.number];
  const end = tap === undefined ? undefined : sw.ends[tap];
  if (tap === undefined || end?.kind !== 'eni' || !end.running) {
    const { instance } = port;
    if (sw.recorder)
      record(sw.recorder, h, 'guest', instance?.id ?? port.id, 'is dead or frozen: nothing takes it');
    return CODE.GUEST_DOWN;
  }
  writePacket(frame, h);
  sw.out(tap, frame);
  return CODE.DELIVERED;
}

/** The ICMP error of the router whose link the packet does not fit. */
function answerLength(sw: Switch, frame: Frame, h: Header): void {
  const answer = answerTooLong(h);
  if (answer?.router === undefined) return;
  if (byRoute(sw.network.fabric, answer.router, answer, sw.recorder) !== CODE.DELIVERED) return;
  const tap = answer.to && sw.tapOf[answer.to.number];
  const error = errorFrame(answer, frame);
  if (tap !== undefined && error !== undefined) sw.out(tap, error);
}

/** Tells the running neighbours of an ENI that an address has moved to it. */
export function announce(sw: Switch, address: Address, to: Port): void {
  for (const [tap, end] of sw.ends.entries()) {
    if (end?.kind !== 'eni' || !end.running || end.port === to || end.port.subnet !== to.subnet) continue;
    sw.out(tap, announcement(address, to.mac, end.port.mac));
  }
}
