/**
 * A packet's whole journey: guests, fabric, Internet gateway, Internet hosts, until it is delivered or
 * dropped.
 *
 * `send` is the quick way, for flows and sockets; `forward` records every hop in words. Both take place at
 * one instant; latency, loss and cuts come in through `crossing`, which is asked at each crossing of the
 * fabric or the Internet. A driver that wants time to pass between hops calls `depart`, `cross` and `input`
 * itself.
 */
import { type Address, formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { must, present } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import { find } from './address-map.ts';
import { routeBy, routeVia } from './chosen-route.ts';
import { CODE, type Disposition, dispositionOf, EXPLANATIONS } from './dispositions.ts';
import { explain, type Finding, findingsOf, type Hop } from './explain.ts';
import { answerNeighbour, type Fabric, publicScope } from './fabric.ts';
import { type Leg, recall, remember } from './flow-memo.ts';
import type { Guest } from './guest.ts';
import { input, isLocal, output } from './guest-kernel.ts';
import {
  createHeader,
  destinationOf,
  fill,
  formatMac,
  type Header,
  nextHopOf,
  type Packet,
  packetOf,
  setSource,
} from './header.ts';
import { type Recorder, record, type Step } from './hop.ts';
import { answerTooLong } from './mtu.ts';
import { isMulticast, membersFor } from './multicast.ts';
import { type End, hostOf, type Network } from './network.ts';
import type { Port } from './nodes.ts';
import { byRoute } from './router.ts';
import { transit } from './transit.ts';

/**
 * Asked before each crossing; undefined is the Internet. 0 lets the packet pass, a code of `CODE` ends it.
 */
export type Crossing = (from: Port | undefined, to: Port | undefined, h: Header) => number;

export interface SendOptions {
  /** Next hop on the link of the sending guest, as a static route to the destination would have it. */
  readonly via?: Address;
  /** The ENI by which the sending guest lets the packet out, whatever its routes say. */
  readonly by?: string;
  readonly crossing?: Crossing;
}

/** How a journey ended; one object, reused by `send`. */
export interface Arrival {
  readonly code: number;
  /** Who has the packet where it was DELIVERED. */
  readonly at: End | undefined;
}

/**
 * The packet leaves its origin: source address, frame. DELIVERED where it is for the origin itself, 0 to
 * cross.
 */
export function depart(
  network: Network,
  origin: End,
  h: Header,
  { via, by }: SendOptions = {},
  recorder?: Recorder,
): number {
  h.from = undefined;
  h.to = undefined;
  if (origin.kind === 'host') {
    setSource(h, origin.address);
    h.site = origin.site;
    if (recorder) record(recorder, h, 'internet', origin.id, 'sends');
    return 0;
  }
  if (origin.power !== 'running') {
    if (recorder) record(recorder, h, 'guest', origin.id, `is ${origin.power}: nothing sends the packet`);
    return origin.power === 'dead' ? CODE.GUEST_DOWN : CODE.GUEST_FROZEN;
  }
  if (isLocal(origin, h)) {
    if (h.s0 === 0 && h.s1 === 0 && h.s2 === 0 && h.s3 === 0) {
      h.s0 = h.d0;
      h.s1 = h.d1;
      h.s2 = h.d2;
      h.s3 = h.d3;
    }
    if (recorder) record(recorder, h, 'guest', origin.id, 'delivers to itself');
    return CODE.DELIVERED;
  }
  const route =
    via !== undefined ? routeVia(origin, via) : by === undefined ? undefined : routeBy(origin, by, h);
  if (route === undefined && (via !== undefined || by !== undefined)) {
    const what = via === undefined ? `no device for ${by}` : `no link to the next hop ${formatAddress(via)}`;
    if (recorder) record(recorder, h, 'guest', origin.id, `has ${what}`);
    return CODE.GUEST_NO_ROUTE;
  }
  return output(network.fabric, origin, h, route, recorder);
}

/**
 * One crossing from `h.from` (undefined: the Internet): DELIVERED with `h.to` set, or undefined `h.to` for
 * the Internet host of the destination; or why it was dropped. Public addresses of the fabric are reached
 * through their gateway.
 */
export function cross(network: Network, h: Header, crossing?: Crossing, recorder?: Recorder): number {
  const { fabric } = network;
  const from = h.from;
  if (from !== undefined) {
    const framed = h.destinationMac;
    const code = transit(fabric, h, recorder);
    if (code === CODE.DELIVERED) return over(crossing, from, h.to, h, recorder) || CODE.DELIVERED;
    if (code !== CODE.TO_INTERNET && code !== CODE.TO_SITE)
      return isStale(fabric, from, framed, code, h, recorder) ? CODE.STALE_ARP : code;
    const out = over(crossing, from, undefined, h, recorder);
    if (out !== 0) return out;
    h.from = undefined;
    if (code === CODE.TO_SITE) return atSite(network, h, recorder);
    h.site = 0;
  }
  if (hostOf(network, h) !== undefined) return CODE.DELIVERED;
  const scope = publicScope(h.family);
  if (find(fabric.publics, scope, h.d0, h.d1, h.d2, h.d3) === undefined && from !== undefined) {
    if (recorder) record(recorder, h, 'internet', formatAddress(destinationOf(h)), 'is no host there');
    return CODE.INTERNET_NO_HOST;
  }
  const code = transit(fabric, h, recorder);
  if (code === CODE.TO_SITE) return atSite(network, h, recorder);
  if (code !== CODE.TO_INTERNET)
    return code === CODE.DELIVERED ? over(crossing, undefined, h.to, h, recorder) || code : code;
  h.site = 0;
  return hostOf(network, h) === undefined ? CODE.INTERNET_NO_HOST : CODE.DELIVERED;
}

/** At the site `h.site`: its host, if there is one of the destination. */
function atSite(network: Network, h: Header, recorder?: Recorder): number {
  if (hostOf(network, h) !== undefined) return CODE.DELIVERED;
  if (recorder) record(recorder, h, 'internet', formatAddress(destinationOf(h)), 'is no host of the site');
  return CODE.SITE_NO_HOST;
}

/** What `crossing` says of a way between two ENIs or the Internet: 0, or the code that ends the packet. */
function over(
  crossing: Crossing | undefined,
  from: Port | undefined,
  to: Port | undefined,
  h: Header,
  recorder?: Recorder,
): number {
  const code = crossing?.(from, to, h) ?? 0;
  if (code === 0 || !recorder) return code;
  const [near = 'internet', far = 'internet'] = [from?.id, to?.id];
  record(recorder, h, 'eni', near, `lost on the link to ${far}`, { kind: 'fault', objects: [near, far] });
  return code;
}

/** Whether a frame was lost because its sender has an old MAC for the next hop. */
function isStale(
  fabric: Fabric,
  from: Port,
  framed: number,
  code: number,
  h: Header,
  recorder?: Recorder,
): boolean {
  if (framed === from.subnet.routerMac) return false;
  const late =
    code === CODE.ENI_SOURCE_DEST_CHECK_RESTRICTION ||
    code === CODE.L2_UNKNOWN_MAC ||
    code === CODE.BAD_STATE_ATTACHMENT;
  if (!late || from.instance?.running !== true) return false;
  const mac = answerNeighbour(fabric, from, nextHopOf(h));
  const stale = mac !== 0 && mac !== framed;
  if (stale && recorder) {
    const { id } = from.instance;
    const text = `sent to the MAC ${formatMac(framed)}, but ${formatAddress(nextHopOf(h))} is at ${formatMac(mac)}`;
    record(recorder, h, 'guest', id, text);
  }
  return stale;
}

/** Whoever took the packet by memory is named by its leg: among many guests, touching each costs most. */
const arrival = {
  code: 0,
  end: undefined as End | undefined,
  leg: undefined as Leg | undefined,
  get at(): End | undefined {
    return this.leg?.taker ?? this.end;
  },
};

/**
 * Walks a packet to its end. `h` holds the packet (see `fill`; `now` set) and afterwards the packet as
 * received. The result is reused by the next call. Loops end by TTL.
 */
export function send(
  network: Network,
  origin: End,
  h: Header,
  options: SendOptions = {},
  recorder?: Recorder,
): Readonly<Arrival> {
  const { via, by, crossing } = options;
  const asks = via === undefined && by === undefined && recorder === undefined;
  const ridden = asks ? ride(network, origin, h, crossing) : undefined;
  if (ridden !== undefined) return ridden;
  const code = depart(network, origin, h, options, recorder);
  if (code !== 0) return ended(code, origin);
  return travel(network, h, 0, crossing, recorder, asks && origin.kind === 'guest' ? origin : undefined);
}

/** Walks what the router at `h.router` sends (see `answerTooLong`), as `send`. */
export function sendFromRouter(
  network: Network,
  h: Header,
  crossing?: Crossing,
  recorder?: Recorder,
): Readonly<Arrival> {
  const { router } = h;
  if (router === undefined) throw new Error('assertion failed: a router sends only where there is one');
  const code = byRoute(network.fabric, router, h, recorder);
  const lost = code === CODE.DELIVERED ? crossing?.(h.to, h.to, h) || 0 : code;
  return lost === 0 ? travel(network, h, CODE.DELIVERED, crossing, recorder) : ended(lost, undefined);
}

/** Told of each journey of a packet: how it ended, and the packet as it then was. */
export type Ended = (ending: Readonly<Arrival>, h: Header) => void;

/**
 * As `send`, but a packet to a multicast group goes in copies, one for each member; `began` is called before
 * each journey.
 */
export function sendToGroup(
  network: Network,
  origin: Guest,
  h: Header,
  { began = () => undefined, ended: tell, ...options }: SendOptions & { began?: () => void; ended: Ended },
  recorder?: Recorder,
): void {
  const code = depart(network, origin, h, options, recorder);
  const { from } = h;
  const members = code !== 0 || from === undefined ? code : membersFor(network.fabric, from, h, recorder);
  if (typeof members === 'number') {
    tell(ended(members, undefined), h);
    return;
  }
  for (const member of members) {
    const copy = { ...h, member };
    began();
    tell(travel(network, copy, 0, options.crossing, recorder), copy);
  }
}

/**
 * From a crossing (`begun` 0), or from the ENI that one led to (DELIVERED), to the packet's end. `sender` is
 * the guest that sent it, where it asked in vain what is remembered of the flow.
 */
function travel(
  network: Network,
  h: Header,
  begun: number,
  crossing?: Crossing,
  recorder?: Recorder,
  sender?: Guest,
): Readonly<Arrival> {
  if (h.ttl <= 0) return ended(CODE.TTL, undefined);
  const code = begun === 0 ? cross(network, h, crossing, recorder) : begun;
  if (code !== CODE.DELIVERED) return ended(code, undefined);
  const { to } = h;
  if (to === undefined) {
    const host = hostOf(network, h);
    if (host === undefined) return ended(CODE.INTERNET_NO_HOST, undefined);
    if (recorder) record(recorder, h, 'internet', host.id, 'takes the packet');
    return ended(CODE.DELIVERED, host);
  }
  const guest = to.instance === undefined ? undefined : network.guests.get(to.instance.id);
  if (guest === undefined) {
    const id = to.instance?.id ?? to.id;
    if (recorder) record(recorder, h, 'guest', id, 'has never run: nothing takes the packet');
    return ended(CODE.GUEST_DOWN, undefined);
  }
  const taken = input(network.fabric, guest, h, recorder);
  if (sender !== undefined) remember(network.memo, network.fabric, sender, guest, h, taken);
  return taken === 0 ? relay(network, guest, h, crossing, recorder) : ended(taken, guest);
}

/** A guest forwards the packet, and so on to its end. */
function relay(
  network: Network,
  guest: Guest,
  h: Header,
  crossing?: Crossing,
  recorder?: Recorder,
): Readonly<Arrival> {
  const ridden = recorder === undefined ? ride(network, guest, h, crossing) : undefined;
  if (ridden !== undefined) return ridden;
  const sent = output(network.fabric, guest, h, undefined, recorder);
  if (sent !== 0) return ended(sent, guest);
  return travel(network, h, 0, crossing, recorder, recorder === undefined ? guest : undefined);
}

/** From a guest that sends to the packet's end, where the flow's leg is remembered (flow-memo.ts). */
function ride(network: Network, sender: End, h: Header, crossing?: Crossing): Readonly<Arrival> | undefined {
  const leg = recall(network.memo, network.fabric, sender, h);
  if (leg === undefined) return undefined;
  const lost = over(crossing, leg.from, leg.to, h);
  if (lost !== 0) return ended(lost, undefined);
  if (leg.keeps) {
    ended(CODE.DELIVERED, undefined);
    arrival.leg = leg;
    return arrival;
  }
  if (h.ttl <= 1) return ended(CODE.TTL, undefined);
  h.ttl--;
  return relay(network, leg.taker, h, crossing);
}

function ended(code: number, at: End | undefined): Readonly<Arrival> {
  arrival.code = code;
  arrival.end = code === CODE.DELIVERED ? at : undefined;
  arrival.leg = undefined;
  return arrival;
}

/** A journey for people: every hop, how it ended, and what to do about it. */
export interface Trace {
  readonly disposition: Disposition;
  readonly meaning: string;
  readonly hint: string;
  /** Why it was not delivered: the disposition first, then what else led there; none where it was. */
  readonly findings: readonly Finding[];
  readonly hops: readonly Hop[];
  /** Instance id or Internet address. */
  readonly deliveredTo?: string;
  /** The packet as it was when it was delivered or dropped. */
  readonly packet: Packet;
  /** Of a packet to a multicast group: the journey of each copy. */
  readonly copies?: readonly Trace[];
  /** The journey of the ICMP error that a router answered with. */
  readonly icmp?: Trace;
}

/**
 * Sends a packet and records every hop. Throws where the packet's addresses are none: check them before
 * (`fill`).
 */
export function forward(
  network: Network,
  packet: Packet,
  origin: End,
  now: Instant,
  options: Omit<SendOptions, 'via'> & { readonly via?: string } = {},
): Trace {
  const h = createHeader();
  h.now = now;
  must(fill(h, packet));
  const steps: Step[] = [];
  const { via, ...rest } = options;
  const next = via === undefined ? {} : { via: must(parseAddress(via)) };
  if (isMulticast(h) && origin.kind === 'guest') {
    return forwardToGroup(network, h, origin, { ...rest, ...next });
  }
  const ending = send(network, origin, h, { ...rest, ...next }, (step) => steps.push(step));
  const traced = traceOf(network.fabric, ending, h, steps);
  const answer = ending.code === CODE.MTU_EXCEEDED ? answerTooLong(h) : undefined;
  if (answer === undefined) return traced;
  const back: Step[] = [];
  const end = sendFromRouter(network, answer, rest.crossing, (step) => back.push(step));
  return { ...traced, icmp: traceOf(network.fabric, end, answer, back) };
}

/** The journeys of all copies; as the whole the first that did not arrive, else the first. */
function forwardToGroup(network: Network, h: Header, origin: Guest, options: SendOptions): Trace {
  const copies: Trace[] = [];
  const start: Step[] = [];
  let steps = start;
  const began = (): void => {
    steps = [];
  };
  const ended: Ended = (ending, copy) => {
    copies.push(traceOf(network.fabric, ending, copy, [...start, ...(steps === start ? [] : steps)]));
  };
  sendToGroup(network, origin, h, { ...options, began, ended }, (step) => steps.push(step));
  const whole = present(copies.find((each) => each.deliveredTo === undefined) ?? copies[0], 'a journey');
  if (whole.deliveredTo === undefined) return copies.length > 1 ? { ...whole, copies } : whole;
  return { ...whole, deliveredTo: copies.map((each) => each.deliveredTo).join(', '), copies };
}

function traceOf(fabric: Fabric, { code, at }: Readonly<Arrival>, h: Header, steps: readonly Step[]): Trace {
  const disposition = dispositionOf(code);
  const { meaning, hint } = EXPLANATIONS[disposition];
  const deliveredTo = at === undefined ? {} : { deliveredTo: at.id };
  const hops = explain(fabric, steps);
  const findings = findingsOf(disposition, steps, hops);
  return { disposition, meaning, hint, findings, hops, packet: packetOf(h), ...deliveredTo };
}
