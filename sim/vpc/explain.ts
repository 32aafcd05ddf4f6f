/**
 * Hops for people, made of recorded steps: which route counted and why it beat the others, which rule of a
 * filter decided, what was translated, and who is at fault where the packet was dropped.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import { inCidr } from './cidr.ts';
import { type Disposition, EXPLANATIONS } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { aclFilter, type Filter, groupFilter, groupText, lostReference } from './filter-reason.ts';
import { destinationOf, type Header, isUnspecified } from './header.ts';
import { BLACKHOLE, type Decision, type HopPlace, type Step, textOf } from './hop.ts';
import type { CidrPeer, Port } from './nodes.ts';
import { NOTES, type Note, type NoteCode } from './note.ts';
import { destinationText, formatPacket, sourceText } from './packet-text.ts';
import { type BeatenRoute, beatenRoutes, beatenTransitRoutes } from './route-reason.ts';

export interface Translation {
  readonly field: 'source' | 'destination';
  readonly before: string;
  readonly after: string;
}

/** One place that a packet came by. */
export interface Hop {
  readonly place: HopPlace;
  /** The id of the instance, ENI, route table, ACL or gateway, or the Internet host's address. */
  readonly id: string;
  /** What happened there and why: one sentence. */
  readonly text: string;
  /** The route that matched, where one was looked up, and those that match too and did not count. */
  readonly route?: {
    readonly table: string;
    readonly destination: string;
    readonly target: string;
    /** Ways of the same route beside the one that the flow takes. */
    readonly equals?: readonly string[];
    readonly beats?: readonly BeatenRoute[];
  };
  readonly filter?: Filter;
  readonly translations?: readonly Translation[];
  readonly notes?: readonly Note[];
  /** The packet as it left the place, e.g. `udp 10.0.0.1:5000 > 192.0.2.1:53 ttl 64`. */
  readonly packet: string;
}

/** A reason why a packet was dropped, or took a way that ended badly. */
export interface Finding {
  readonly code: Disposition | NoteCode;
  /** Ids of the resources at fault, the one to look at first first. */
  readonly objects: readonly string[];
  readonly text: string;
  readonly hint: string;
}

type RouteDecision = Extract<Decision, { readonly kind: 'route' }>;

/** The hops that the steps of one journey stand for; the fabric must be as it was then. */
export function explain(fabric: Fabric, steps: readonly Step[]): readonly Hop[] {
  const origins: Port[] = [];
  return steps.map((step, index): Hop => {
    const { place, id, header, decision } = step;
    const packet = formatPacket(header);
    const translations = translated(steps[index - 1]?.header, header);
    const common = { place, id, packet, ...(translations.length > 0 && { translations }) };
    switch (decision?.kind) {
      case 'route':
        return { ...common, ...routeOf(fabric, step, decision) };
      case 'no-route':
        return { ...common, text: textOf(step), ...noted(misdirected(fabric, header, decision)) };
      case 'groups': {
        const { port, direction, code } = decision;
        if (direction === 'egress') origins.push(port);
        const filter = groupFilter(fabric, port, header, direction, code);
        if (filter === undefined) return { ...common, text: textOf(step) };
        const text = `${textOf(step)}: ${groupText(filter, code, header)}`;
        const lost = code !== 0 && direction === 'ingress' ? lostReference(port, header, origins) : undefined;
        return { ...common, text, filter, ...noted(lost === undefined ? [] : [lost]) };
      }
      case 'acl':
        return { ...common, text: textOf(step), filter: aclFilter(decision.acl, header, decision.egress) };
      case 'fault':
      case undefined:
        return { ...common, text: textOf(step) };
      default:
        return unreachable(decision);
    }
  });
}

const noted = (notes: readonly Note[]) => (notes.length > 0 ? { notes } : {});

/** What changed of the addresses and ports since the step before; a source that was open is no change. */
function translated(before: Readonly<Header> | undefined, after: Readonly<Header>): readonly Translation[] {
  if (before === undefined || isUnspecified(before)) return [];
  const ends = [
    { field: 'source', before: sourceText(before), after: sourceText(after) },
    { field: 'destination', before: destinationText(before), after: destinationText(after) },
  ] as const;
  return ends.filter((end) => end.before !== end.after);
}

function routeOf(fabric: Fabric, step: Step, decision: RouteDecision) {
  const { header, place } = step;
  const { table, destination, target, equals } = decision;
  const to = destinationOf(header);
  const won = { destination, target };
  const transit = place === 'transit-gateway' ? fabric.transitTables.get(table) : undefined;
  const { record } = fabric.tables.get(table) ?? {};
  const entriesOf = (list: string): readonly string[] => fabric.prefixLists.get(list)?.entries ?? [];
  const beats =
    transit !== undefined
      ? beatenTransitRoutes(transit, won, to)
      : record === undefined
        ? []
        : beatenRoutes(record, won, to, entriesOf);
  const notes: readonly Note[] = [...diversions(decision, beats), ...zoneNotes(fabric, header, decision)];
  return {
    text: textOf(step),
    route: { table, ...won, ...(equals && { equals }), ...(beats.length > 0 && { beats }) },
    ...noted(notes),
  };
}

/** The beaten routes that lead elsewhere; that local routes beat shorter ones is no news. */
function diversions({ table, target }: RouteDecision, beats: readonly BeatenRoute[]): readonly Note[] {
  return beats
    .filter((beaten) => beaten.target !== target)
    .filter((beaten) => target !== 'local' || beaten.code !== 'MORE_SPECIFIC_ROUTE')
    .map(({ code, destination, target: other, text }) => ({
      code,
      objects: [table, target],
      text: `${table} has ${destination} -> ${other} too, which does not count: ${text}`,
    }));
}

/** Where a transit gateway lets a packet into a VPC that it only passes, in the zone that it came from. */
function zoneNotes(fabric: Fabric, h: Header, { target, subnet }: RouteDecision): readonly Note[] {
  const attachment = fabric.attachments.get(target);
  if (subnet === undefined || attachment === undefined || attachment.applianceMode) return [];
  if (attachment.places.length < 2 || hasDestination(attachment.vpc?.cidrs ?? [], h)) return [];
  const { zone } = fabric.subnets.get(subnet) ?? {};
  const text = `${target} has no appliance mode: the packet stays in ${zone}, where it came from`;
  return [{ code: 'TGW_ATTACH_VPC_AZ_RESTRICTION', objects: [target], text }];
}

const hasDestination = (cidrs: readonly CidrPeer[], h: Header): boolean =>
  cidrs.some((cidr) => cidr.family === h.family && inCidr(cidr, h, true));

/** Routes of a transit gateway route table to the VPC that has the destination, which do not match it. */
function misdirected(
  fabric: Fabric,
  h: Header,
  { table, attachment }: Extract<Decision, { readonly kind: 'no-route' }>,
): readonly Note[] {
  if (attachment === undefined) return [];
  const routes = [...(fabric.transitTables.get(table)?.routes.values() ?? [])];
  return routes
    .flatMap(({ destination, paths }) => paths.map((path) => ({ destination, leads: path.attachment })))
    .filter(({ leads }) => hasDestination(leads.vpc?.cidrs ?? [], h))
    .map(({ destination, leads }) => ({
      code: 'TGW_RTB_CANNOT_ROUTE',
      objects: [table, leads.id],
      text: `${table} has ${destination} -> ${leads.id}, the VPC with the address, which does not match it`,
    }));
}

/** Who is at fault for what became of a packet: its disposition first, then what the hops noted. */
export function findingsOf(
  disposition: Disposition,
  steps: readonly Step[],
  hops: readonly Hop[],
): readonly Finding[] {
  if (disposition === 'DELIVERED') return [];
  const last = hops.at(-1);
  const { meaning, hint } = EXPLANATIONS[disposition];
  const first = {
    code: disposition,
    objects: faultAt(disposition, steps),
    text: last?.text ?? meaning,
    hint,
  };
  const notes = new Map(hops.flatMap((hop) => hop.notes ?? []).map((note) => [note.text, note]));
  return [first, ...[...notes.values()].map((note) => ({ ...note, hint: NOTES[note.code].hint }))];
}

/** What a gateway did not take because of who sent it, not because of the gateway. */
const BY_SENDER: ReadonlySet<Disposition> = new Set<Disposition>([
  'IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS',
  'VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS',
  'GATEWAY_REJECTS_SPOOFED_TRAFFIC',
  'NGW_REQUIRES_SOURCE_IN_VPC',
]);

/** What a gateway could not take because a route led the packet there, not because of the gateway. */
const BY_ROUTE: ReadonlySet<Disposition> = new Set<Disposition>([
  'INGRESS_RTB_TRAFFIC_REDIRECTION',
  'IGW_PRIVATE_DESTINATION',
  'PCX_REQUIRES_ADDRESS_IN_VPC_CIDR',
  'VGW_IPV4_ONLY',
  'NGW_PROTOCOL',
  'GRE_NO_GATEWAY',
]);

/** The resources at fault where the last step dropped the packet, the one to look at first first. */
function faultAt(disposition: Disposition, steps: readonly Step[]): readonly string[] {
  const last = steps.at(-1);
  if (last === undefined) return [];
  const { decision } = last;
  if (disposition === 'NO_POSSIBLE_DESTINATION') return [formatAddress(destinationOf(last.header)), last.id];
  switch (decision?.kind) {
    case 'route': {
      const { target, table } = decision;
      return target === BLACKHOLE ? [table] : [target, table];
    }
    case 'no-route':
      return [decision.table, decision.subnet ?? decision.attachment ?? []].flat();
    case 'groups':
      return [...decision.port.groups.map(({ id }) => id), decision.port.id];
    case 'acl':
      return [decision.acl.id];
    case 'fault':
      return decision.objects;
    case undefined:
      return atGateway(disposition, last, steps);
    default:
      return unreachable(decision);
  }
}

function atGateway(disposition: Disposition, { id }: Step, steps: readonly Step[]): readonly string[] {
  const decisions = steps.map(({ decision }) => decision);
  const route = decisions.findLast((each) => each?.kind === 'route');
  const led = route?.kind === 'route' && route.target === id ? [route.table] : [];
  if (BY_ROUTE.has(disposition)) return [...led, id];
  if (!BY_SENDER.has(disposition)) return [id, ...led];
  const sender = decisions.findLast((each) => each?.kind === 'groups' && each.direction === 'egress');
  return sender?.kind === 'groups' ? [sender.port.id, id] : [id];
}
