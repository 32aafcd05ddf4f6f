/**
 * How a guest's kernel sends, receives and forwards: routing by policy rules, source addresses, neighbours,
 * the reverse path filter, masquerading. Each function says 0 or the code of a disposition. Linux semantics,
 * without fragments and ICMP errors.
 */
import { type Address, contains, formatAddress } from '../../controller/base/ip.ts';
import { hasDefault, lookup } from '../../controller/base/longest-match.ts';
import { find, set } from './address-map.ts';
import { CODE } from './dispositions.ts';
import { answerNeighbour, type Fabric } from './fabric.ts';
import {
  type Device,
  type DeviceAddress,
  type Guest,
  type GuestProfile,
  type GuestRoute,
  type GuestTunnel,
  learnMac,
  localScope,
  type Neighbour,
} from './guest.ts';
import { destinationOf, formatMac, type Header, isUnspecified, nextHopOf, sourceOf } from './header.ts';
import { type Recorder, record } from './hop.ts';
import { isAnswer, masquerade, NO_PORTS, unmasquerade } from './masquerade.ts';
import { groupMac, isMulticast } from './multicast.ts';
import type { Port } from './nodes.ts';

/** Whether the packet's destination is configured on the guest, on whichever device. */
export const isLocal = (guest: Guest, h: Header): boolean =>
  find(guest.local, localScope(h.family), h.d0, h.d1, h.d2, h.d3) !== undefined;

/** The route for a destination (four words); `from` is the source that policy rules look at. */
function routeTo(guest: Guest, h: Header, from: 'source' | 'destination'): GuestRoute | undefined {
  const out = from === 'source';
  const t0 = out ? h.d0 : h.s0;
  const t1 = out ? h.d1 : h.s1;
  const t2 = out ? h.d2 : h.s2;
  const t3 = out ? h.d3 : h.s3;
  for (let i = 0; i < guest.rules.length; i++) {
    const rule = guest.rules[i];
    if (rule === undefined || !contains(rule.from, out ? sourceOf(h) : destinationOf(h))) continue;
    const table = guest.tables.get(rule.table);
    if (table === undefined) continue;
    const match = lookup(h.family === 4 ? table.v4 : table.v6, t0, t1, t2, t3);
    if (match !== undefined) return match.value;
  }
  return lookup(h.family === 4 ? guest.main.v4 : guest.main.v6, t0, t1, t2, t3)?.value;
}

/** The address that a device sends from, the one beside the next hop first. */
function sourceFor(device: Device, h: Header): DeviceAddress | undefined {
  let any: DeviceAddress | undefined;
  for (let i = 0; i < device.addresses.length; i++) {
    const own = device.addresses[i];
    if (own === undefined || own.address.family !== h.family) continue;
    any ??= own;
    if (device.addresses.length === 1 || contains(own.prefix, nextHopOf(h))) return own;
  }
  return any;
}

/** The MAC of a route's next hop: from the cache, else asked of the fabric; 0 for silence. */
function neighbourMac(fabric: Fabric, route: GuestRoute, h: Header): number {
  const { device } = route;
  const scope = localScope(h.family);
  const known = route.neighbour ?? find(device.neighbours, scope, h.n0, h.n1, h.n2, h.n3);
  if (
    known !== undefined &&
    known.mac !== 0 &&
    h.now - known.learnedAt < fabric.settings.neighbourLifetimeMs
  ) {
    return known.mac;
  }
  const target = nextHopOf(h);
  const mac = answerNeighbour(fabric, device.port, target);
  if (known !== undefined) {
    learnMac(fabric.epoch, known, mac, h.now);
  } else if (mac !== 0) {
    const neighbour: Neighbour = { mac, learnedAt: h.now, address: target };
    set(device.neighbours, scope, [h.n0, h.n1, h.n2, h.n3], neighbour);
    if (route.via !== undefined) route.neighbour = neighbour;
  }
  return mac;
}

/**
 * Sends the packet out of the guest: route, source address, masquerade, frame. `via` is a next hop on the
 * link that takes the place of the route (a static route to it). Fills `from`, MACs and next hop. 0 or a
 * code.
 */
export function output(
  fabric: Fabric,
  guest: Guest,
  h: Header,
  via: GuestRoute | undefined,
  recorder?: Recorder,
): number {
  if (h.tunnel?.kind === 'geneve') return giveBack(guest, h, recorder);
  const route = via ?? routeTo(guest, h, 'source');
  if (route === undefined) {
    if (recorder)
      record(recorder, h, 'guest', guest.id, `has no route to ${formatAddress(destinationOf(h))}`);
    return CODE.GUEST_NO_ROUTE;
  }
  const { device } = route;
  const onLink = route.via === undefined;
  h.n0 = onLink ? h.d0 : route.v0;
  h.n1 = onLink ? h.d1 : route.v1;
  h.n2 = onLink ? h.d2 : route.v2;
  h.n3 = onLink ? h.d3 : route.v3;
  if (!device.up) {
    if (recorder)
      record(recorder, h, 'guest', guest.id, `would send by device ${device.index}, which is not up`);
    return CODE.GUEST_LINK_DOWN;
  }
  const tunnel = guest.profile.tunnels && tunnelTo(guest, device, h);
  const masks = !tunnel && isMasked(guest.profile, device, h) && !isAnswer(guest.nat, h);
  if (masks || isUnspecified(h)) {
    const own = sourceFor(device, h);
    if (own === undefined) {
      if (recorder)
        record(recorder, h, 'guest', guest.id, `device ${device.index} has no address to send from`);
      return CODE.GUEST_NO_SOURCE;
    }
    if (isUnspecified(h)) {
      h.s0 = own.w0;
      h.s1 = own.w1;
      h.s2 = own.w2;
      h.s3 = own.w3;
    }
    const code = masks
      ? masquerade(guest.nat, h, own, fabric.settings.masquerade, guest.full ? NO_PORTS : undefined)
      : 0;
    if (code !== 0) {
      if (recorder) record(recorder, h, 'guest', guest.id, 'has no free port to masquerade this flow');
      return code;
    }
  }
  if (tunnel !== undefined) return intoTunnel(guest, device, tunnel, h, recorder);
  const mac = isMulticast(h) ? groupMac(h) : neighbourMac(fabric, route, h);
  if (recorder) {
    const { index } = device;
    const text = (sent: Readonly<Header>): string => {
      const next = onLink ? 'on the link' : `by next hop ${formatAddress(nextHopOf(sent))}`;
      const to = mac === 0 ? ', but nobody answers ARP for it' : ` to MAC ${formatMac(mac)}`;
      return `sends ${next}, device ${index}${masks ? ', masqueraded' : ''}${to}`;
    };
    record(recorder, h, 'guest', guest.id, text);
  }
  if (mac === 0) return CODE.NOTHING_ANSWERS_ARP;
  h.from = device.port;
  h.sourceMac = device.mac;
  h.destinationMac = mac;
  return 0;
}

/** Whether a new flow by the device gets the device's own address as its source. */
function isMasked({ masquerade: devices, masqueraded }: GuestProfile, { index }: Device, h: Header): boolean {
  if (!devices.includes(index)) return false;
  if (masqueraded === undefined) return true;
  const isAmong = (address: Address): boolean => masqueraded.some((block) => contains(block, address));
  return isAmong(sourceOf(h)) && !isAmong(destinationOf(h));
}

/** The tunnel of the device that leads to the next hop. */
const tunnelTo = (guest: Guest, { index }: Device, h: Header): GuestTunnel | undefined =>
  guest.profile.tunnels?.find(
    ({ device, inside }) => device === index && inside.some(({ prefix }) => contains(prefix, nextHopOf(h))),
  );

const NAMES = { gre: 'GRE', ipsec: 'IPsec' } as const;

function intoTunnel(
  guest: Guest,
  device: Device,
  { link }: GuestTunnel,
  h: Header,
  recorder?: Recorder,
): number {
  h.tunnel = link;
  h.from = device.port;
  h.sourceMac = device.mac;
  h.destinationMac = device.port.subnet.routerMac;
  if (recorder) record(recorder, h, 'guest', guest.id, `sends in ${NAMES[link.kind]}`);
  return 0;
}

/** Sends a packet in GENEVE back to the load balancer that it came from, by the device that it came in. */
function giveBack(guest: Guest, h: Header, recorder?: Recorder): number {
  const port = h.to;
  const device = port && deviceOf(guest, port);
  if (port === undefined || device === undefined) return CODE.GUEST_LINK_DOWN;
  h.from = port;
  h.sourceMac = device.mac;
  h.destinationMac = port.subnet.routerMac;
  if (recorder) record(recorder, h, 'guest', guest.id, 'gives it back in GENEVE');
  return 0;
}

/** The device of an ENI. */
export function deviceOf(guest: Guest, port: Port): Device | undefined {
  for (let i = 0; i < guest.devices.length; i++) {
    const device = guest.devices[i];
    if (device?.port === port) return device;
  }
  return undefined;
}

/** The reverse path filter, RFC 3704; IPv4 only, as in Linux. */
function passesReversePath(guest: Guest, device: Device, h: Header): boolean {
  if (h.family === 6 || device.rpFilter === 0) return true;
  if (device.rpFilter === 2 && hasDefault(guest.main.v4)) return true;
  const back = routeTo(guest, h, 'destination');
  return back !== undefined && (device.rpFilter === 2 || back.device === device);
}

/** Takes a packet in from the fabric: DELIVERED where it is for this guest, 0 to forward it, or why not. */
export function input(fabric: Fabric, guest: Guest, h: Header, recorder?: Recorder): number {
  const code = accept(fabric, guest, h);
  if (recorder) record(recorder, h, 'guest', guest.id, whyInput(code));
  return code;
}

function accept(fabric: Fabric, guest: Guest, h: Header): number {
  if (guest.power === 'dead') return CODE.GUEST_DOWN;
  if (guest.power === 'frozen') return CODE.GUEST_FROZEN;
  const device = h.to === undefined ? undefined : deviceOf(guest, h.to);
  if (device === undefined || !device.up) return CODE.GUEST_LINK_DOWN;
  if (device.mac !== h.destinationMac) return CODE.GUEST_NOT_ITS_MAC;
  const { tunnel } = h;
  if (tunnel?.kind === 'gre' || tunnel?.kind === 'ipsec') {
    h.tunnel = undefined;
    const { index } = device;
    const has = guest.profile.tunnels?.some(
      ({ device: carries, link }) =>
        carries === index && link.kind === tunnel.kind && link.remote === tunnel.remote,
    );
    if (has !== true) return CODE.GUEST_NO_TUNNEL;
  } else if (tunnel !== undefined) {
    if (guest.profile.geneve !== true) return CODE.GUEST_NO_GENEVE;
    if (guest.drop) return CODE.GUEST_DROPS;
    return h.ttl-- <= 1 ? CODE.TTL : 0;
  }
  if (guest.nat.back.used > 0) unmasquerade(guest.nat, h, fabric.settings.masquerade);
  if (!passesReversePath(guest, device, h)) return CODE.GUEST_RP_FILTER;
  if (isLocal(guest, h) || isMulticast(h)) return CODE.DELIVERED;
  if (guest.drop) return CODE.GUEST_DROPS;
  if (!guest.profile.ipForward) return CODE.GUEST_NOT_FORWARDING;
  if (h.ttl <= 1) return CODE.TTL;
  h.ttl--;
  return 0;
}

function whyInput(code: number): string {
  switch (code) {
    case 0:
      return 'is not the destination and forwards';
    case CODE.GUEST_DOWN:
      return 'is dead: nothing takes the packet';
    case CODE.GUEST_FROZEN:
      return 'is frozen: nothing takes the packet';
    case CODE.GUEST_LINK_DOWN:
      return 'has not brought the device up';
    case CODE.GUEST_NOT_ITS_MAC:
      return 'ignores the frame: its device has another MAC address';
    case CODE.GUEST_RP_FILTER:
      return 'drops the packet: its reverse path filter refuses the source on this device';
    case CODE.GUEST_NO_GENEVE:
      return 'takes no GENEVE: nothing listens on UDP 6081';
    case CODE.GUEST_NO_TUNNEL:
      return 'has no such tunnel to where the packet came from';
    case CODE.GUEST_DROPS:
      return 'is alive but forwards nothing';
    case CODE.GUEST_NOT_FORWARDING:
      return 'has no such address, and does not forward';
    case CODE.TTL:
      return 'would forward, but the TTL is used up';
    default:
      return 'takes the packet';
  }
}
