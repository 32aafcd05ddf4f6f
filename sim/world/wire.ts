/**
 * The wire: a packet walks through guests and fabric at the instant of its sending (sim/vpc/forward.ts), and
 * arrives after the time that its crossings take. What arrives at a machine that has stopped meanwhile is
 * lost.
 */
import { type Address, formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { err, must, ok, type Result, unreachable } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import { CODE, dispositionOf, EXPLANATIONS } from '../vpc/dispositions.ts';
import {
  type Arrival,
  type Crossing,
  depart,
  type Ended,
  send,
  sendFromRouter,
  sendToGroup,
} from '../vpc/forward.ts';
import {
  createHeader,
  destinationOf,
  type Header,
  ICMP,
  ICMP6,
  setDestination,
  setSource,
  sourceOf,
  TCP,
  TCP_ACK,
  TCP_SYN,
  UDP,
} from '../vpc/header.ts';
import { answerTooLong } from '../vpc/mtu.ts';
import { isMulticast } from '../vpc/multicast.ts';
import type { End } from '../vpc/network.ts';
import type { Port } from '../vpc/nodes.ts';
import type { Endpoint, Network, Packet } from './endpoint.ts';
import { schedule, trace } from './kernel.ts';
import { crossingMs, cutBetween, lossOf, troubleOf } from './links.ts';
import { deliver } from './sockets.ts';
import type { World } from './state.ts';

/** How long a kernel believes what ICMP told of a path; Linux `net.ipv4.route.mtu_expires`. */
const PATH_MTU_MS = 600_000;

/** What a machine needs to deliver to itself, ms. */
const LOOPBACK_MS = 0.01;

const addresses = new Map<string, Address>();

/** Parses an address that has been checked before; remembers it. */
function addressOf(text: string): Address {
  const known = addresses.get(text);
  if (known !== undefined) return known;
  const parsed = must(parseAddress(text));
  if (addresses.size > 10_000) addresses.clear();
  addresses.set(text, parsed);
  return parsed;
}

/** The way of an endpoint to the wire; `end` is what the network knows it as. */
export function networkOf(world: World, end: End): Network {
  const header = createHeader();
  const journey = { delayMs: 0, twice: false, path: undefined as string[] | undefined };
  const crossing: Crossing = (from, to, h) => {
    journey.delayMs += crossingMs(world.links, zoneOf(from), zoneOf(to));
    if (to !== undefined) journey.path?.push(to.id);
    if (world.cuts.size === 0 && world.links.loss === 0) return 0;
    const [source, destination] = [nameOf(from, h, 'source'), nameOf(to, h, 'destination')];
    const loss = lossOf(world, source, destination);
    if (loss !== undefined) return CODE[loss];
    const trouble = troubleOf(world, source, destination);
    journey.delayMs += trouble.delayMs;
    journey.twice ||= trouble.twice;
    return 0;
  };
  const output = (packet: Packet, via: string | undefined): void => {
    fillHeader(header, packet, world.now, mtuTo(world, end, packet.destination));
    const began = (): void => {
      journey.delayMs = 0;
      journey.twice = false;
      journey.path = packet.body.kind === 'flow' ? [] : undefined;
    };
    began();
    const next = via === undefined ? {} : { via: addressOf(via) };
    const ended: Ended = (ending, copy) => arrived(packet, ending, copy);
    if (end.kind !== 'guest' || !isMulticast(header)) {
      arrived(packet, send(world.network, end, header, { crossing, ...next }), header);
    } else if (packet.body.kind === 'flow') lose(packet, 'a flow goes to one receiver, not to a group');
    else sendToGroup(world.network, end, header, { crossing, ...next, began, ended });
  };
  const arrived = (packet: Packet, { code, at }: Readonly<Arrival>, h: Header): void => {
    trace(world, code);
    const receiver = at === undefined ? undefined : endpointNamed(world, at.id);
    if (code !== CODE.DELIVERED || receiver === undefined) {
      if (code === CODE.MTU_EXCEEDED) complain(world, h, crossing, () => journey.delayMs);
      lose(packet, EXPLANATIONS[dispositionOf(code)].meaning);
      return;
    }
    if (packet.body.kind === 'flow') packet.body.fate.path(journey.path ?? [], packet.body.echo);
    const due = world.now + (journey.delayMs || LOOPBACK_MS);
    const received = asReceived(packet, h);
    arriveAt(world, due, receiver, received);
    // The books of a flow have one fate for each packet.
    if (journey.twice && packet.body.kind !== 'flow') arriveAt(world, due, receiver, received);
  };
  const source = (to: string, via: string | undefined): Result<string> => {
    if (end.kind === 'host') return ok(formatAddress(end.address));
    setDestination(Object.assign(header, createHeader(), { now: world.now, protocol: TCP }), addressOf(to));
    const code = depart(world.network, end, header, via === undefined ? {} : { via: addressOf(via) });
    if (code === 0 || code === CODE.DELIVERED || code === CODE.NOTHING_ANSWERS_ARP) {
      return ok(formatAddress(sourceOf(header)));
    }
    return err(`${end.id} cannot send to ${to}: ${EXPLANATIONS[dispositionOf(code)].meaning}`);
  };
  return { source, output };
}

/** A packet reaches its receiver at an instant, unless that has stopped meanwhile. */
export function arriveAt(world: World, at: Instant, receiver: Endpoint, received: Packet): void {
  const { boot } = receiver;
  schedule(world, at, () => {
    if (receiver.power === 'running' && receiver.boot === boot) deliver(receiver, received);
    else lose(received, `${receiver.name} is ${receiver.power}`);
  });
}

/**
 * Who would receive a packet of a guest or host at present, after how long, and as what; undefined where it
 * is lost.
 */
export function survey(
  world: World,
  sender: End,
  packet: Packet,
): { readonly receiver: Endpoint; readonly delayMs: number; readonly received: Packet } | undefined {
  const h = createHeader();
  fillHeader(h, packet, world.now, mtuTo(world, sender, packet.destination));
  let delayMs = 0;
  const crossing: Crossing = (from, to) => {
    delayMs += crossingMs(world.links, zoneOf(from), zoneOf(to));
    return world.cuts.size > 0 && cutBetween(world, nameOf(from, h, 'source'), nameOf(to, h, 'destination'))
      ? CODE.LINK_CUT
      : 0;
  };
  const { code, at } = send(world.network, sender, h, { crossing });
  const receiver = at === undefined ? undefined : endpointNamed(world, at.id);
  if (code !== CODE.DELIVERED || receiver === undefined) return undefined;
  return { receiver, delayMs: delayMs || LOOPBACK_MS, received: asReceived(packet, h) };
}

const zoneOf = (port: Port | undefined): string | undefined => port?.subnet.zone;

/** The machine of an ENI; on the Internet's side the host. */
export const nameOf = (port: Port | undefined, h: Header, side: 'source' | 'destination'): string =>
  port === undefined
    ? formatAddress(side === 'source' ? sourceOf(h) : destinationOf(h))
    : (port.instance?.id ?? port.id);

const endpointNamed = (world: World, name: string): Endpoint | undefined =>
  world.guests.get(name)?.endpoint ?? world.hosts.get(name) ?? world.gateways.get(name)?.endpoint;

function lose(packet: Packet, why: string): void {
  if (packet.body.kind === 'flow') packet.body.fate.lost(packet.body.number, why);
}

/** The ICMP error that a router answers with, on its way to the kernel that learns from it. */
function complain(world: World, h: Header, crossing: Crossing, delayMs: () => number): void {
  const answer = answerTooLong(h);
  if (answer === undefined) return;
  const { code, at } = sendFromRouter(world.network, answer, crossing);
  trace(world, code);
  const receiver = at === undefined ? undefined : endpointNamed(world, at.id);
  const { quoted, mtuBytes } = answer;
  if (code !== CODE.DELIVERED || receiver === undefined || quoted === undefined) return;
  const destination = formatAddress(destinationOf(quoted));
  const { boot } = receiver;
  schedule(world, world.now + delayMs(), () => {
    if (receiver.power !== 'running' || receiver.boot !== boot) return;
    receiver.pathMtus.set(destination, { mtuBytes, until: world.now + PATH_MTU_MS });
  });
}

/** Total length of the IP packet, bytes; an echo carries 56 bytes, as that of `ping`. */
function lengthOf({ body }: Packet, ipBytes: number): number {
  switch (body.kind) {
    case 'echo-request':
    case 'echo-reply':
      return ipBytes + 8 + 56;
    case 'datagram':
      return ipBytes + 8 + body.data.length;
    case 'flow':
      return ipBytes + 8;
    case 'segment':
      return ipBytes + 20 + body.segment.data.length;
    default:
      return unreachable(body);
  }
}

/** The longest packet that a machine sends to a destination: by what ICMP told it, else by its own device. */
function mtuTo(world: World, end: End, destination: string): number {
  const { vpcBytes, internetGateway } = world.network.fabric.settings.mtu;
  const known = endpointNamed(world, end.id)?.pathMtus.get(destination);
  if (known !== undefined && known.until > world.now) return known.mtuBytes;
  return end.kind === 'host' ? internetGateway.mtuBytes : vpcBytes;
}

function fillHeader(h: Header, packet: Packet, now: number, mtuBytes: number): void {
  const destination = addressOf(packet.destination);
  h.s0 = 0;
  h.s1 = 0;
  h.s2 = 0;
  h.s3 = 0;
  if (packet.source !== undefined) setSource(h, addressOf(packet.source));
  setDestination(h, destination);
  h.now = now;
  h.dontFragment = true;
  // The machine itself fragments what is longer; the fragments go as one.
  h.lengthBytes = Math.min(lengthOf(packet, destination.family === 4 ? 20 : 40), mtuBytes);
  h.ttl = 64;
  h.tunnel = undefined;
  h.member = undefined;
  h.sourceMac = 0;
  h.destinationMac = 0;
  h.sourcePort = packet.sourcePort;
  h.destinationPort = packet.destinationPort;
  h.icmpType = 0;
  h.icmpCode = 0;
  h.icmpId = 0;
  h.tcpFlags = 0;
  const { body } = packet;
  switch (body.kind) {
    case 'echo-request':
    case 'echo-reply': {
      const v6 = destination.family === 6;
      const request = body.kind === 'echo-request';
      h.protocol = v6 ? ICMP6 : ICMP;
      h.icmpType = v6 ? (request ? 128 : 129) : request ? 8 : 0;
      h.icmpId = packet.sourcePort;
      h.sourcePort = 0;
      h.destinationPort = 0;
      break;
    }
    case 'datagram':
    case 'flow':
      h.protocol = UDP;
      break;
    case 'segment':
      h.protocol = TCP;
      h.tcpFlags = (body.segment.syn ? TCP_SYN : 0) | (body.segment.ack === undefined ? 0 : TCP_ACK);
      break;
    default:
      unreachable(body);
  }
}

/** The packet as the last kernel sees it: addresses, ports and echo identifier may have been translated. */
function asReceived(packet: Packet, h: Header): Packet {
  const echo = h.protocol === ICMP || h.protocol === ICMP6;
  return {
    source: formatAddress(sourceOf(h)),
    destination: formatAddress(destinationOf(h)),
    sourcePort: echo ? h.icmpId : h.sourcePort,
    destinationPort: echo ? h.icmpId : h.destinationPort,
    body: packet.body,
  };
}
