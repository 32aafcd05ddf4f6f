/**
 * What a node has seen of EC2, by source: one describe call each for the listed tables, for each tag, for the
 * ENIs and for their subnets. A source is asked periodically, and at once when somebody needs to see beyond a
 * certain request.
 */
import { unreachable } from '../base/result.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { Config } from '../config.ts';
import { backoffMs } from '../ec2/budget.ts';
import type {
  Call,
  ObservedEip,
  ObservedEni,
  ObservedRouteTable,
  ObservedStatus,
  ObservedSubnet,
  ObservedTransitRoute,
  Outcome,
} from '../ec2/call.ts';
import type { Turn } from './turn.ts';

export interface SourceState {
  /** The last request that was answered, and when it was sent: what is seen is at least that fresh. */
  readonly seen?: { readonly request: number; readonly at: Instant };
  readonly inFlight?: number;
  readonly nextAt: Instant;
  /** Something sent after this request is needed, not before `wantAt`. */
  readonly wantAfter?: number;
  readonly wantAt?: Instant;
  readonly failures: number;
  readonly problem?: string;
}

export interface Observed {
  readonly sources: Readonly<Record<string, SourceState>>;
  readonly tables: Readonly<Record<string, ObservedRouteTable>>;
  /** Table ids by tag source. */
  readonly tagged: Readonly<Record<string, readonly string[]>>;
  readonly enis: Readonly<Record<string, ObservedEni>>;
  readonly subnets: Readonly<Record<string, ObservedSubnet>>;
  /** ENIs that have the private addresses that move, by source; also those of other VPCs. */
  readonly holders: Readonly<Record<string, readonly ObservedEni[]>>;
  readonly eips: Readonly<Record<string, ObservedEip>>;
  /** By instance. */
  readonly statuses: Readonly<Record<string, ObservedStatus>>;
  /** Static routes by transit gateway route table. */
  readonly transit: Readonly<Record<string, readonly ObservedTransitRoute[]>>;
}

export const nothingObserved: Observed = {
  sources: {},
  tables: {},
  tagged: {},
  enis: {},
  subnets: {},
  holders: {},
  eips: {},
  statuses: {},
  transit: {},
};

export const tagSource = (tag: { readonly key: string; readonly value: string }): string =>
  `tag:${tag.key}=${tag.value}`;

/** Who has a private address: one source for each IP version. */
export const addressSource = (address: string): string =>
  address.includes(':') ? 'addresses-6' : 'addresses-4';

/** The state and checks of the instances, where they are asked for. */
export const STATUS = 'status';

export const transitSource = (table: string): string => `transit:${table}`;

/** All that EC2 is asked for, as a text to compare. */
export const resourcesOf = ({ groups, appliances, routeSync }: Config): string =>
  JSON.stringify([groups.map(({ resources }) => resources), appliances.map(({ eni }) => eni), routeSync]);

type Sources = ReadonlyMap<string, Call>;

/** The sources of a configuration as last made, and what was seen of EC2 then that they depend on. */
const made = new WeakMap<Config, Pick<Observed, 'enis' | 'subnets'> & { readonly sources: Sources }>();

/** The calls that show all that the configuration names, by source: each step asks several times. */
function sourcesOf(config: Config, observed: Observed): Sources {
  const { enis, subnets } = observed;
  const known = made.get(config);
  if (known?.enis === enis && known.subnets === subnets) return known.sources;
  const sources = makeSources(config, observed);
  made.set(config, { enis, subnets, sources });
  return sources;
}

function makeSources(config: Config, observed: Observed): Sources {
  const sources = new Map<string, Call>();
  const tables = new Set<string>();
  const enis = new Set<string>(config.appliances.map(({ eni }) => eni));
  const unknownSubnets = new Set<string>();
  const addresses: string[] = [];
  const allocations: string[] = [];
  const transit = new Map<string, readonly string[]>();
  const byTag = (tag: { readonly key: string; readonly value: string }): void =>
    void sources.set(tagSource(tag), { kind: 'describe-route-tables', select: { kind: 'tag', ...tag } });
  for (const resource of config.groups.flatMap(({ resources }) => resources)) {
    switch (resource.kind) {
      case 'eni': {
        enis.add(resource.id);
        const subnet = observed.enis[resource.id]?.subnet;
        if (subnet !== undefined && observed.subnets[subnet] === undefined) unknownSubnets.add(subnet);
        break;
      }
      case 'routes':
        for (const { table, tag, prepared } of resource.sets) {
          if (table !== undefined) tables.add(table);
          for (const one of Object.values(prepared?.tables ?? {})) tables.add(one);
          if (prepared?.lastResort !== undefined) tables.add(prepared.lastResort);
          if (tag !== undefined) byTag(tag);
        }
        break;
      case 'transit-routes':
        for (const { table, destinations } of resource.sets)
          transit.set(table, [...(transit.get(table) ?? []), ...destinations]);
        break;
      case 'address':
        addresses.push(resource.address);
        break;
      case 'eip':
        allocations.push(resource.allocation);
        break;
      default:
        unreachable(resource);
    }
  }
  for (const source of new Set(addresses.map(addressSource))) {
    const asked = addresses.filter((address) => addressSource(address) === source);
    sources.set(source, { kind: 'describe-network-interfaces', addresses: asked });
  }
  if (allocations.length > 0) sources.set('eips', { kind: 'describe-addresses', allocations });
  for (const [table, destinations] of transit)
    sources.set(transitSource(table), { kind: 'search-transit-gateway-routes', table, destinations });
  if (unknownSubnets.size > 0)
    sources.set('subnets', { kind: 'describe-subnets', subnets: [...unknownSubnets] });
  for (const { table, tag } of config.routeSync.flatMap((entry) => entry.tables)) {
    if (table !== undefined) tables.add(table);
    if (tag !== undefined) byTag(tag);
  }
  if (tables.size > 0) {
    sources.set('tables', { kind: 'describe-route-tables', select: { kind: 'ids', ids: [...tables] } });
  }
  if (config.instanceStatusMs !== undefined) {
    const instances = config.appliances.flatMap((one) => observed.enis[one.eni]?.attachment?.instance ?? []);
    if (instances.length > 0) sources.set(STATUS, { kind: 'describe-instance-status', instances });
  }
  // An empty filter would be refused.
  if (enis.size > 0) sources.set('enis', { kind: 'describe-network-interfaces', enis: [...enis] });
  return sources;
}

const fresh: SourceState = { nextAt: 0, failures: 0 };

const dueAt = ({ inFlight, nextAt, wantAfter, wantAt }: SourceState): Instant | undefined => {
  if (inFlight !== undefined) return undefined;
  return wantAfter === undefined ? nextAt : Math.min(nextAt, wantAt ?? nextAt);
};

/** Sends the describe calls that are due. */
export function sendObservations(observed: Observed, config: Config, turn: Turn): Observed {
  const sources: Record<string, SourceState> = {};
  for (const [source, call] of sourcesOf(config, observed)) {
    const state = observed.sources[source] ?? fresh;
    const at = dueAt(state);
    if (at === undefined || at > turn.now) continue;
    const sent = turn.call(call, { kind: 'observe', source }, state.wantAfter === undefined ? 0.5 : 0);
    const { intervalMs } = config.observe;
    const nextAt = turn.now + (source === STATUS ? (config.instanceStatusMs ?? intervalMs) : intervalMs);
    if ('at' in sent)
      sources[source] = {
        ...state,
        nextAt: sent.at,
        ...(state.wantAt === undefined ? {} : { wantAt: sent.at }),
      };
    else sources[source] = { ...state, inFlight: sent.request, nextAt };
  }
  // Views are kept by what was observed: while that is the same, nobody looks through all routes again.
  if (Object.keys(sources).length === 0) return observed;
  return { ...observed, sources: { ...observed.sources, ...sources } };
}

/** When the next describe call is due. */
export function nextObservationAt(observed: Observed, config: Config): Instant | undefined {
  let first: Instant | undefined;
  for (const source of sourcesOf(config, observed).keys())
    first = earliest(first, dueAt(observed.sources[source] ?? fresh));
  return first;
}

/** Asks for a look at `sources` that is sent after request `after`, at `at` or later. */
export function want(observed: Observed, sources: readonly string[], after: number, at: Instant): Observed {
  const changed = sources.flatMap((source): [string, SourceState][] => {
    const state = observed.sources[source] ?? fresh;
    if ((state.seen?.request ?? -1) > after || (state.inFlight ?? -1) > after) return [];
    if (state.wantAfter !== undefined && state.wantAfter >= after && (state.wantAt ?? at) <= at) return [];
    const wantAt = state.wantAfter === undefined ? at : Math.min(at, state.wantAt ?? at);
    return [[source, { ...state, wantAfter: Math.max(after, state.wantAfter ?? after), wantAt }]];
  });
  return changed.length === 0
    ? observed
    : { ...observed, sources: { ...observed.sources, ...Object.fromEntries(changed) } };
}

/** Takes in the outcome of a describe call that was sent at `sentAt`. */
export function take(
  observed: Observed,
  source: string,
  request: number,
  sentAt: Instant,
  outcome: Outcome,
  turn: Turn,
): Observed {
  const before = observed.sources[source] ?? fresh;
  if (before.inFlight !== request) return observed;
  const { inFlight: _, problem, ...state } = before;
  if (outcome.kind !== 'ok') {
    const text = outcome.kind === 'unknown' ? outcome.reason : `${outcome.code}: ${outcome.message}`;
    const failures = state.failures + 1;
    if (text !== problem) turn.log('warn', 'observe', `Cannot observe ${source}: ${text}.`, { source });
    const retryAt = turn.now + backoffMs(failures, turn.random(), 250, 5000);
    const wanted = state.wantAt === undefined ? {} : { wantAt: retryAt };
    const nextAt = Math.min(state.nextAt, retryAt);
    return withSource(observed, source, {
      ...state,
      ...wanted,
      nextAt: Math.max(nextAt, retryAt),
      failures,
      problem: text,
    });
  }
  const { wantAfter, wantAt, ...plain } = state;
  const satisfied = wantAfter === undefined || request > wantAfter;
  const wish = satisfied ? {} : { wantAfter, ...(wantAt === undefined ? {} : { wantAt }) };
  if (problem !== undefined) turn.log('info', 'observe', `Observes ${source} again.`, { source });
  const next = withSource(observed, source, {
    ...plain,
    ...wish,
    failures: 0,
    seen: { request, at: sentAt },
  });
  const { value } = outcome;
  switch (value.kind) {
    case 'route-tables': {
      const byId = Object.fromEntries(value.tables.map((table) => [table.id, table]));
      if (source === 'tables') {
        const others = new Set(Object.values(observed.tagged).flat());
        const kept = Object.entries(observed.tables).filter(([id]) => others.has(id));
        return { ...next, tables: { ...Object.fromEntries(kept), ...byId } };
      }
      const tagged = { ...observed.tagged, [source]: value.tables.map(({ id }) => id) };
      return { ...next, tagged, tables: { ...observed.tables, ...byId } };
    }
    case 'statuses':
      return { ...next, statuses: Object.fromEntries(value.statuses.map((one) => [one.id, one])) };
    case 'addresses':
      return { ...next, eips: Object.fromEntries(value.addresses.map((eip) => [eip.allocation, eip])) };
    case 'transit-routes': {
      const table = source.slice(transitSource('').length);
      return { ...next, transit: { ...observed.transit, [table]: value.routes } };
    }
    case 'network-interfaces':
      if (source !== 'enis') return { ...next, holders: { ...observed.holders, [source]: value.enis } };
      return { ...next, enis: Object.fromEntries(value.enis.map((eni) => [eni.id, eni])) };
    case 'subnets':
      return {
        ...next,
        subnets: { ...observed.subnets, ...Object.fromEntries(value.subnets.map((one) => [one.id, one])) },
      };
    default:
      return next;
  }
}

const withSource = (observed: Observed, source: string, state: SourceState): Observed => ({
  ...observed,
  sources: { ...observed.sources, [source]: state },
});
