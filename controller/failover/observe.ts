/**
 * What a node has seen of EC2, by source: one describe call each for the listed tables, for each tag, for the
 * ENIs and for their subnets, in each realm. A source is asked periodically, and at once when somebody needs
 * to see beyond a certain request.
 */
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
import { isStatus, makeSources, transitSource } from './sources.ts';
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
  /** What each source showed last, by id. */
  readonly listed: Readonly<Record<string, readonly string[]>>;
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
  listed: {},
  enis: {},
  subnets: {},
  holders: {},
  eips: {},
  statuses: {},
  transit: {},
};

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
    const nextAt = turn.now + (isStatus(source) ? (config.instanceStatusMs ?? intervalMs) : intervalMs);
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
    case 'route-tables':
      return { ...next, ...shown(observed, 'tables', source, byId(value.tables)) };
    case 'statuses':
      return { ...next, ...shown(observed, 'statuses', source, byId(value.statuses)) };
    case 'addresses': {
      const eips = value.addresses.map((eip) => [eip.allocation, eip] as const);
      return { ...next, ...shown(observed, 'eips', source, eips) };
    }
    case 'transit-routes': {
      const table = source.slice(transitSource('').length);
      return { ...next, transit: { ...observed.transit, [table]: value.routes } };
    }
    case 'network-interfaces':
      if (source.startsWith('addresses-'))
        return { ...next, holders: { ...observed.holders, [source]: value.enis } };
      return { ...next, ...shown(observed, 'enis', source, byId(value.enis)) };
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

const byId = <T extends { readonly id: string }>(list: readonly T[]) =>
  list.map((one) => [one.id, one] as const);

/** What a source shows now, in the place of what it showed before and no other source shows. */
function shown<K extends 'tables' | 'enis' | 'eips' | 'statuses'>(
  { listed: before, ...observed }: Observed,
  key: K,
  source: string,
  found: readonly (readonly [string, Observed[K][string]])[],
): Pick<Observed, 'listed'> & Record<K, Observed[K]> {
  const listed = { ...before, [source]: found.map(([id]) => id) };
  const others = new Set(Object.values(listed).flat());
  const gone = new Set(before[source]?.filter((id) => !others.has(id)));
  const kept = Object.entries(observed[key]).filter(([id]) => !gone.has(id));
  const all = Object.fromEntries([...kept, ...found]);
  return { listed, [key]: all } as Pick<Observed, 'listed'> & Record<K, Observed[K]>;
}
