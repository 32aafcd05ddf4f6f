/**
 * One packet, and the answer to it, through a world with every hop. Security groups judge it as the first
 * packet of a new flow; NAT gateways and guests that masquerade remember it as they do every flow. Loss rates
 * do not touch it, cuts do.
 */
import { contains, formatAddress, parseAddress, prefix } from '../../controller/base/ip.ts';
import { err, must, ok, present, type Result } from '../../controller/base/result.ts';
import { inCidr } from '../vpc/cidr.ts';
import { CODE } from '../vpc/dispositions.ts';
import { copyFlows, createFlowTable } from '../vpc/flow-table.ts';
import { type Crossing, forward, type Trace } from '../vpc/forward.ts';
import { answerTo, createHeader, ICMP, ICMP6, type Packet, setDestination, TCP, UDP } from '../vpc/header.ts';
import type { End, Network } from '../vpc/network.ts';
import type { Port } from '../vpc/nodes.ts';
import { addHost } from './guests.ts';
import { cutBetween } from './links.ts';
import type { World } from './state.ts';
import { nameOf } from './wire.ts';

/** A packet to be traced. */
export interface TracedPacket {
  /** An instance, an ENI, a private or public address of an ENI, or the address of a host. */
  readonly from: string;
  readonly to: string;
  readonly protocol?: 'icmp' | 'tcp' | 'udp' | number | undefined;
  readonly port?: number | undefined;
  readonly sourcePort?: number | undefined;
  /** Total length of the IP packet, which may not be fragmented; 64 where absent. */
  readonly bytes?: number | undefined;
  readonly source?: string | undefined;
  readonly via?: string | undefined;
  /** Whether the receiver answers. */
  readonly both?: boolean | undefined;
}

/** How a packet fared, and how the answer to it did where one was asked for and it was delivered. */
export interface TracedFlow extends Trace {
  readonly answer?: Trace;
}

/** Crossings that cuts end, and nothing else. */
export const cutCrossing =
  (world: World): Crossing =>
  (out, into, h) =>
    world.cuts.size > 0 && cutBetween(world, nameOf(out, h, 'source'), nameOf(into, h, 'destination'))
      ? CODE.LINK_CUT
      : 0;

/** Where a packet starts: a machine, and the ENI and address by which it leaves, where those are given. */
interface Origin {
  readonly end: End;
  readonly by?: string;
  readonly source?: string;
}

/** Sends one packet and tells every hop. */
export function tracePacket(world: World, traced: TracedPacket): Result<TracedFlow> {
  const { to, source, via, bytes, both = false } = traced;
  for (const text of [to, source, via]) {
    if (text !== undefined && !parseAddress(text).ok) return err(`'${text}' is not an IP address`);
  }
  const family = familyOf(to);
  if (source !== undefined && familyOf(source) !== family) {
    return err(`source ${source} and destination ${to} are of different families`);
  }
  const origin = originOf(world, traced.from, family);
  if (!origin.ok) return origin;
  const { end, by } = origin.value;
  const from = source ?? origin.value.source;
  const packet: Packet = {
    destination: to,
    ...transportOf(traced),
    ...(from !== undefined && { source: from }),
    ...(bytes !== undefined && { lengthBytes: bytes }),
  };
  const network = withoutFlows(world.network);
  const crossing = cutCrossing(world);
  const leave = via === undefined ? by !== undefined && { by } : { via };
  const there = forward(network, packet, end, world.now, { crossing, ...leave });
  if (!both || there.deliveredTo === undefined || there.copies !== undefined) return ok(there);
  const { deliveredTo } = there;
  const host = world.ends.get(deliveredTo) ?? speakerAt(world, deliveredTo, there.packet.destination);
  const receiver = present(world.network.guests.get(deliveredTo) ?? host, deliveredTo);
  return ok({
    ...there,
    answer: forward(network, answerTo(there.packet), receiver, world.now, { crossing }),
  });
}

/** The speaker of a gateway, as what has the address. */
const speakerAt = (world: World, id: string, address: string): End | undefined =>
  world.gateways.get(id)?.hosts.find((host) => formatAddress(host.address) === address);

/** Addresses that no host of the Internet has: RFC 1918, RFC 6598, link-local, ULA. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16']
  .concat('fc00::/7', 'fe80::/10')
  .map(prefix);

/**
 * Adds hosts for addresses that no ENI and no host has: to the site whose VPN connection or virtual interface
 * leads there, else to the Internet where they are public. A world that was imported knows nothing outside
 * its VPCs.
 */
export function assumeHosts(world: World, names: readonly string[]): void {
  const { ports, sites } = world.network.fabric;
  const taken = [...ports.values()].flatMap((port) =>
    port.present ? port.addresses.flatMap((own) => [own.text, own.public?.text]) : [],
  );
  for (const name of names) {
    const parsed = parseAddress(name);
    if (!parsed.ok) continue;
    const text = formatAddress(parsed.value);
    if (world.ends.has(text) || taken.includes(text)) continue;
    const h = createHeader();
    setDestination(h, parsed.value);
    const site = [...sites.values()].find(({ connections, lines }) =>
      [...connections, ...lines].some(({ routes }) =>
        routes.some((cidr) => cidr.family === h.family && inCidr(cidr, h, true)),
      ),
    );
    if (site !== undefined) must(addHost(world, text, [], site.id));
    else if (!PRIVATE.some((each) => contains(each, parsed.value))) must(addHost(world, text, []));
  }
}

const familyOf = (text: string): 4 | 6 => (text.includes(':') ? 6 : 4);

/** The same network, as a flow finds it that no security group tracks yet. */
const withoutFlows = (network: Network): Network => ({
  ...network,
  fabric: {
    ...network.fabric,
    flows: createFlowTable(),
    tunnelFlows: copyFlows(network.fabric.flows),
  },
});

const NAMES: Readonly<Record<number, 'icmp' | 'tcp' | 'udp'>> = {
  [ICMP]: 'icmp',
  [ICMP6]: 'icmp',
  [TCP]: 'tcp',
  [UDP]: 'udp',
};

function transportOf({ protocol = 'icmp', port, sourcePort }: TracedPacket): Omit<Packet, 'destination'> {
  const named = typeof protocol === 'number' ? (NAMES[protocol] ?? protocol) : protocol;
  if (named !== 'tcp' && named !== 'udp') return { protocol: named };
  return { protocol: named, sourcePort: sourcePort ?? 40_000, destinationPort: port ?? 7 };
}

function originOf(world: World, from: string, family: 4 | 6): Result<Origin> {
  const { guests, fabric } = world.network;
  const ports = [...fabric.ports.values()].filter(({ present }) => present);
  if (from.startsWith('i-')) {
    const guest = guests.get(from);
    if (guest !== undefined) return ok({ end: guest });
    return err(`no instance '${from}' has run here${near(from, [...guests.keys()])}`);
  }
  if (from.startsWith('eni-')) {
    const port = ports.find(({ id }) => id === from);
    const known = ports.map(({ id }) => id);
    if (port === undefined) return err(`there is no network interface '${from}'${near(from, known)}`);
    return leaving(world, port, port.addresses.find((own) => own.family === family)?.text);
  }
  const address = parseAddress(from);
  if (!address.ok) {
    return err(`'${from}' is no instance (i-...), network interface (eni-...) or IP address`);
  }
  const text = formatAddress(address.value);
  const host = world.ends.get(text);
  if (host !== undefined) return ok({ end: host });
  const owners = ports.flatMap((port) => {
    const own = port.addresses.find((each) => each.text === text || each.public?.text === text);
    return own === undefined ? [] : [{ port, source: own.text }];
  });
  const [owner, other] = owners;
  if (owner === undefined) return err(`neither a network interface nor a host has the address ${text}`);
  if (other !== undefined) {
    return err(`several have the address ${text}; name one: ${owners.map(({ port }) => port.id).join(', ')}`);
  }
  return leaving(world, owner.port, owner.source);
}

function leaving(world: World, { id, instance }: Port, source: string | undefined): Result<Origin> {
  const guest = instance && world.network.guests.get(instance.id);
  if (guest === undefined) return err(`${id} is attached to no instance that has run: nothing sends from it`);
  return source === undefined
    ? err(`${id} has no address of this family`)
    : ok({ end: guest, by: id, source });
}

/** The known names that differ least from one that is unknown, as the end of a sentence. */
function near(name: string, known: readonly string[]): string {
  const best = known
    .map((each) => ({ each, away: distance(name, each) }))
    .sort((a, b) => a.away - b.away || (a.each < b.each ? -1 : 1))
    .slice(0, 3);
  return best.length === 0
    ? '; there is none at all'
    : `; nearest: ${best.map(({ each }) => each).join(', ')}`;
}

/** How many letters must be put in, taken out or changed. Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
