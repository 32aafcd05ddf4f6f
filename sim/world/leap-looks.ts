/**
 * Looks at EC2 in a leap: describes that find what the daemon knows already. Each has its instants as its
 * connection to the API would give them, without packets and without steps of the brain: the brain's own
 * functions send it and take it in. Requests about leases (leap-leases.ts) go along with them.
 */
import { present } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Call, Outcome } from '../../controller/ec2/call.ts';
import { toRequest, toValue } from '../../controller/ec2/request.ts';
import {
  nextObservationAt,
  type Observed,
  sendObservations,
  take,
} from '../../controller/failover/observe.ts';
import { newTurn, settle } from '../../controller/failover/turn.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { handle, type Request } from '../ec2/service.ts';
import { admit } from '../ec2/throttle.ts';
import { isFaultless, recordCall } from './api.ts';
import { JSON_PORT } from './api-client.ts';
import { actorOf } from './assume.ts';
import { type Endpoint, takePort } from './endpoint.ts';
import { delayOf, draw, giveBack } from './kernel.ts';
import {
  firstFlight,
  firstOf,
  goOn,
  leaseDueAt,
  nextOf,
  noLeasing,
  type Position,
  sendLeases,
  undo,
} from './leap-leases.ts';
import { callerOf, type Daemon } from './node.ts';
import type { World } from './state.ts';
import { survey } from './wire.ts';

/** A describe, and the answer that it will have. */
interface Asked {
  readonly request: Request;
  readonly outcome: Outcome;
}

/** What a daemon knows of EC2, and the answers that say the same, by source. */
interface Known {
  readonly commits: number;
  readonly observed: Observed;
  readonly answers: Map<string, Asked>;
}

const knownTo = new WeakMap<Daemon, Known>();

/** A call of a look. */
interface Exchange {
  readonly endpoint: Endpoint;
  readonly request: Request;
  /** The request arrives, and is answered. */
  readonly requestedAt: Instant;
  readonly answeredAt: Instant;
}

/** Where a daemon stands after some looks. */
interface Course extends Position {
  readonly known: Known;
}

/** The looks that daemons complete before a leap ends. */
export interface Looks {
  readonly courses: readonly Course[];
  readonly exchanges: readonly Exchange[];
  /** How many random numbers their latencies took. */
  readonly drawn: number;
  /** Up to here: a look that begins then is not over before the leap is to end, or is not known. */
  readonly end: Instant;
}

export interface Foresight {
  /** The looks before `limit`. */
  readonly until: (limit: Instant) => Looks;
  /** Lets them happen; false, and nothing happens, where one would be throttled. */
  readonly commit: (looks: Looks) => boolean;
  /** Gives back what was drawn for others than the first `used` numbers, and what was done in vain. */
  readonly end: (used: number) => void;
}

const LATENCY = 'api latency';

/** Foresees the looks of daemons that are idle. */
export function foresee(world: World, daemons: readonly Daemon[]): Foresight {
  const { api } = world;
  const drawn: number[] = [];
  const isForeseeable = isFaultless(api);
  const first = new Map<Daemon, Course | undefined>();
  let leasing = noLeasing();

  const courseOf = (daemon: Daemon): Course | undefined => {
    if (!first.has(daemon)) first.set(daemon, isForeseeable ? beginOf(daemon) : undefined);
    return first.get(daemon);
  };

  function until(limit: Instant): Looks {
    undo(leasing);
    leasing = noLeasing();
    let at = 0;
    const numbers = (): number => {
      if (at === drawn.length) drawn.push(draw(world, LATENCY));
      return drawn[at++] ?? 0;
    };
    const courses = new Map<Daemon, Course>();
    const exchanges: Exchange[] = [];
    const looks = (end: Instant, used: number): Looks => {
      const staleAt = firstStaleAt(daemons, courses);
      return { courses: [...courses.values()], exchanges, drawn: used, end: Math.min(end, staleAt) };
    };
    for (;;) {
      const due = firstDue(daemons, courses);
      const flight = firstFlight(leasing);
      const used = at;
      if (flight !== undefined && (due === undefined || nextOf(flight) <= due.at)) {
        if (!goOn(leasing, flight, courses)) return looks(flight.sentAt, used);
        continue;
      }
      if (due === undefined || due.at >= limit) return looks(limit, used);
      const course = courses.get(due.daemon) ?? courseOf(due.daemon);
      if (due.isLease) {
        const asked = course && sendLeases(leasing, course, due.at, limit);
        if (asked === undefined) return looks(due.at, used);
        courses.set(due.daemon, asked);
        continue;
      }
      const look = course && lookOf(course, due.at, () => delayOf(api.knobs.latency, numbers));
      if (look === undefined || look.overAt > limit) return looks(due.at, used);
      courses.set(due.daemon, look.course);
      exchanges.push(...look.exchanges);
    }
  }

  function commit({ courses, exchanges }: Looks): boolean {
    const inOrder = exchanges.toSorted((a, b) => a.answeredAt - b.answeredAt);
    if (api.knobs.throttle === 'aws') {
      const buckets = new Map(api.cloud.buckets);
      if (!inOrder.every(({ request, answeredAt }) => admit(buckets, request, answeredAt))) return false;
      for (const [key, bucket] of buckets) api.cloud.buckets.set(key, bucket);
    }
    for (const { endpoint, request, requestedAt, answeredAt } of inOrder) {
      takePort(endpoint);
      world.now = answeredAt;
      recordCall(world, request, requestedAt, 'ok', true);
    }
    for (const endpoint of leasing.asked) takePort(endpoint);
    leasing = noLeasing();
    for (const { daemon, known, resources, observed, leases } of courses) {
      daemon.node = { ...daemon.node, resources, observed, leases };
      knownTo.set(daemon, { ...known, observed });
    }
    return true;
  }

  function end(used: number): void {
    undo(leasing);
    giveBack(world, LATENCY, drawn.slice(used));
  }

  return { until, commit, end };
}

/**
 * The daemon that looks, or asks for leases, next; of those at one instant the first. `courses` are those
 * that have.
 */
function firstDue(
  daemons: readonly Daemon[],
  courses: ReadonlyMap<Daemon, Course>,
): { readonly daemon: Daemon; readonly at: Instant; readonly isLease: boolean } | undefined {
  let first: { daemon: Daemon; at: Instant; isLease: boolean } | undefined;
  for (const daemon of daemons) {
    const { observed, leases } = courses.get(daemon) ?? daemon.node;
    const due = firstOf(nextObservationAt(observed, daemon.node.config), leaseDueAt(daemon, leases));
    if (due !== undefined && (first === undefined || due.at < first.at)) first = { daemon, ...due };
  }
  return first;
}

/**
 * When the next look of a daemon grows stale: its next step may decide otherwise. Never, where all of its
 * steps have known it.
 */
function firstStaleAt(daemons: readonly Daemon[], courses: ReadonlyMap<Daemon, Course>): Instant {
  let first = Number.POSITIVE_INFINITY;
  for (const daemon of daemons) {
    const { observed } = courses.get(daemon) ?? daemon.node;
    for (const { seen } of Object.values(observed.sources)) {
      const staleAt = seen && seen.at + daemon.node.config.observe.staleAfterMs;
      if (staleAt !== undefined && staleAt >= daemon.takenAt) first = Math.min(first, staleAt);
    }
  }
  return first;
}

/** Where an idle daemon stands; undefined where its next look cannot be foreseen. */
function beginOf(daemon: Daemon): Course | undefined {
  const { node, world, endpoint } = daemon;
  const { resources, observed, leases } = node;
  if (Object.keys(resources.pending).length > 0 || !Object.values(observed.sources).every(isPlain))
    return undefined;
  const wayMs = wayToApi(world, endpoint);
  if (wayMs === undefined) return undefined;
  const { commits } = world.api.cloud;
  const known = knownTo.get(daemon);
  if (known?.commits === commits && isSame(known.observed, observed))
    return { daemon, known, wayMs, resources, observed, leases };
  const nothing: Known = { commits, observed, answers: new Map() };
  return { daemon, known: nothing, wayMs, resources, observed, leases };
}

const isPlain = ({ seen, inFlight, wantAfter, failures, problem }: Observed['sources'][string]): boolean =>
  seen !== undefined &&
  inFlight === undefined &&
  wantAfter === undefined &&
  failures === 0 &&
  problem === undefined;

/** Whether two observations are the same but for when they were made. */
function isSame(a: Observed, b: Observed): boolean {
  const { sources: _, ...content } = a;
  return (Object.keys(content) as (keyof typeof content)[]).every((key) => a[key] === b[key]);
}

/** One look of a daemon at `at`, with a latency for each call; undefined where its end is not known. */
function lookOf(
  start: Course,
  at: Instant,
  latencyMs: () => Millis,
):
  | { readonly course: Course; readonly exchanges: readonly Exchange[]; readonly overAt: Instant }
  | undefined {
  const { daemon, known, wayMs } = start;
  const { config, observeOnly } = daemon.node;
  const { timeoutMs } = config.aws;
  const turn = newTurn(start.resources, at, observeOnly);
  let observed = sendObservations(start.observed, config, turn);
  let { resources, effects } = turn.finish();
  const exchanges: Exchange[] = [];
  let overAt = at;
  for (const effect of effects) {
    if (effect.kind !== 'ec2-call') return undefined;
    const { request: number, call } = effect;
    const asked = askedFor(daemon, known, { observed, resources }, number, call);
    if (asked === undefined) return undefined;
    // SYN, SYN-ACK, the request; the answer; and RST.
    const requestedAt = at + wayMs + wayMs + wayMs;
    const answeredAt = requestedAt + latencyMs();
    const heardAt = answeredAt + wayMs;
    if (heardAt - at >= timeoutMs) return undefined;
    const taken = takeIn({ observed, resources }, number, asked.outcome, heardAt, observeOnly);
    if (taken === undefined) return undefined;
    ({ observed, resources } = taken);
    exchanges.push({ endpoint: daemon.endpoint, request: asked.request, requestedAt, answeredAt });
    overAt = Math.max(overAt, heardAt + wayMs);
  }
  if (exchanges.length === 0) return undefined;
  return { course: { ...start, resources, observed }, exchanges, overAt };
}

type Standing = Pick<Course, 'observed' | 'resources'>;

/** As the brain takes in the outcome of a describe; undefined where it has more to say. */
function takeIn(
  { observed, resources }: Standing,
  number: number,
  outcome: Outcome,
  at: Instant,
  observeOnly: boolean,
): Standing | undefined {
  const ended = settle(resources, number);
  if (ended?.pending.purpose.kind !== 'observe') return undefined;
  const { purpose, sentAt } = ended.pending;
  const turn = newTurn(ended.resources, at, observeOnly);
  const taken = take(observed, purpose.source, number, sentAt, outcome, turn);
  const { resources: left, effects } = turn.finish();
  return effects.length > 0 ? undefined : { observed: taken, resources: left };
}

/** The request of a describe with its answer; undefined where that says something new. */
function askedFor(
  daemon: Daemon,
  { answers }: Known,
  standing: Standing,
  number: number,
  call: Call,
): Asked | undefined {
  const pending = present(standing.resources.pending[number], 'a request under way');
  const source = pending.purpose.kind === 'observe' ? pending.purpose.source : '';
  const known = answers.get(source);
  if (known !== undefined) return known;
  const actor = actorOf(callerOf(daemon), call);
  if (!('world' in actor)) return undefined;
  const { world, account, region } = actor;
  const request: Request = { account, region, service: 'ec2', ...toRequest(call) };
  // Of a cloud with full buckets: whether a request is admitted is asked when it is made.
  const reply = handle({ ...world.api.cloud, buckets: new Map() }, request, world.now);
  if (reply.kind !== 'ok') return undefined;
  const value = toValue(call, JSON.parse(JSON.stringify(reply.output)));
  const asked: Asked = { request, outcome: { kind: 'ok', value } };
  const taken = takeIn(standing, number, asked.outcome, world.now, daemon.node.observeOnly);
  if (taken === undefined || contentOf(taken.observed) !== contentOf(standing.observed)) return undefined;
  answers.set(source, asked);
  return asked;
}

const contentOf = ({ sources: _, ...content }: Observed): string => JSON.stringify(content);

interface Way {
  readonly changedAt: Instant;
  readonly wayMs: Millis | undefined;
}

const ways = new WeakMap<Endpoint, Way>();
/** None that a machine takes for itself. */
const TRIAL_PORT = 1;

/** How long a segment takes to the API and as long back; undefined where one is lost, or they differ. */
function wayToApi(world: World, endpoint: Endpoint): Millis | undefined {
  const known = ways.get(endpoint);
  if (known?.changedAt === world.changedAt) return known.wayMs;
  const wayMs = walkToApi(world, endpoint);
  ways.set(endpoint, { changedAt: world.changedAt, wayMs });
  return wayMs;
}

function walkToApi(world: World, endpoint: Endpoint): Millis | undefined {
  const [guest, host] = [world.guests.get(endpoint.name)?.kernel, world.ends.get(API_ADDRESS)];
  const source = endpoint.network.source(API_ADDRESS, undefined);
  if (guest === undefined || host === undefined || !source.ok) return undefined;
  const segment = { syn: true, fin: false, rst: false, seq: 0, data: new Uint8Array(0) };
  const there = survey(world, guest, {
    source: source.value,
    destination: API_ADDRESS,
    sourcePort: TRIAL_PORT,
    destinationPort: JSON_PORT,
    body: { kind: 'segment', segment },
  });
  if (there === undefined || there.receiver !== world.hosts.get(API_ADDRESS)) return undefined;
  const { source: from = '', destination, sourcePort, destinationPort } = there.received;
  const back = survey(world, host, {
    source: destination,
    destination: from,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    body: { kind: 'segment', segment: { ...segment, ack: 1 } },
  });
  return back?.receiver === endpoint && back.delayMs === there.delayMs ? there.delayMs : undefined;
}
