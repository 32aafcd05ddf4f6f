/**
 * Daemons that share leases, without anything around them: their lease machines, each with a clock of its
 * own, and the simulator's DynamoDB. Requests and answers take time, get lost, or come late. Not a test.
 */
import { stream } from '../../../controller/base/prng.ts';
import { must, present } from '../../../controller/base/result.ts';
import type { LeaseCall, LeaseOutcome } from '../../../controller/lease/call.ts';
import {
  answered,
  callOf,
  FITNESS,
  holds,
  isDue,
  type Lease,
  leaseTimeoutMs,
  newLease,
  sent,
} from '../../../controller/lease/lease.ts';
import { toLeaseFailure, toLeaseOutcome, toLeaseRequest } from '../../../controller/lease/request.ts';
import { createTables, handle, type Reply, type Tables } from '../../../sim/dynamodb/service.ts';

export const LEASE = { termMs: 4000, lost: 'freeze' } as const;
const TABLE = { account: '123456789012', region: 'eu-central-1', name: 'leases' };

export interface Daemon {
  readonly id: string;
  /** What its clock shows at the fleet's time 0. */
  readonly offsetMs: number;
  readonly leases: Map<string, Lease>;
  /** By group. */
  fitness: (group: string) => number;
  busy: boolean;
  alive: boolean;
  /** It handles nothing before. */
  hungUntil: number;
  lastRequest: number;
  /** When it looks next for what is due. */
  armedFor: number;
}

export interface Trouble {
  /** Of requests, and of answers: lost. */
  readonly loss: number;
  /** At most, one way, ms. */
  readonly delayMs: number;
  /** Of requests: applied so much later. */
  readonly late: number;
  readonly lateMs: number;
}

export interface Fleet {
  now: number;
  readonly tables: Tables;
  readonly daemons: Daemon[];
  readonly groups: readonly string[];
  readonly random: () => number;
  trouble: Trouble;
  reachable: (daemon: Daemon) => boolean;
  /** Whether the answer to a call finds its way back. */
  answers: (call: LeaseCall) => boolean;
  requests: number;
  readonly queue: { at: number; seq: number; run: () => void }[];
  seq: number;
  /** Told after each event. */
  check: () => void;
}

export function ask(tables: Tables, action: string, input: object): Reply {
  return handle(tables, { account: TABLE.account, region: TABLE.region, action, input });
}

export function createFleet(seed: number, names: readonly string[], groups: readonly string[]): Fleet {
  const tables = createTables();
  ask(tables, 'CreateTable', {
    TableName: TABLE.name,
    KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }],
  });
  const random = stream(seed, 'fleet');
  const fleet: Fleet = {
    now: 0,
    tables,
    daemons: [],
    groups,
    random,
    trouble: { loss: 0, delayMs: 10, late: 0, lateMs: 0 },
    reachable: () => true,
    answers: () => true,
    requests: 0,
    queue: [],
    seq: 0,
    check: () => undefined,
  };
  for (const name of names) join(fleet, name);
  return fleet;
}

/** A run of a daemon begins. */
export function join(fleet: Fleet, name: string): Daemon {
  const daemon: Daemon = {
    id: `${name}/${fleet.daemons.length}`,
    offsetMs: Math.floor(fleet.random() * 1e6),
    leases: new Map(),
    fitness: () => FITNESS.heir,
    busy: false,
    alive: true,
    hungUntil: 0,
    lastRequest: 0,
    armedFor: Number.POSITIVE_INFINITY,
  };
  for (const group of fleet.groups) daemon.leases.set(group, newLease(clockOf(fleet, daemon)));
  fleet.daemons.push(daemon);
  arm(fleet, daemon, fleet.now + fleet.random() * 100);
  return daemon;
}

export const clockOf = (fleet: Fleet, { offsetMs }: Daemon): number => fleet.now + offsetMs;

export function later(fleet: Fleet, ms: number, run: () => void): void {
  const entry = { at: fleet.now + ms, seq: fleet.seq++, run };
  let low = 0;
  for (let high = fleet.queue.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (present(fleet.queue[middle], 'an entry').at <= entry.at) low = middle + 1;
    else high = middle;
  }
  fleet.queue.splice(low, 0, entry);
}

export function run(fleet: Fleet, until: number): void {
  for (let next = fleet.queue[0]; next !== undefined && next.at <= until; next = fleet.queue[0]) {
    fleet.queue.shift();
    fleet.now = next.at;
    next.run();
    fleet.check();
  }
  fleet.now = until;
}

/** What happens in a daemon happens when it runs. */
function inside(fleet: Fleet, daemon: Daemon, then: () => void): void {
  if (!daemon.alive) return;
  if (fleet.now >= daemon.hungUntil) then();
  else later(fleet, daemon.hungUntil - fleet.now, () => inside(fleet, daemon, then));
}

/** One timer for the earliest. */
function arm(fleet: Fleet, daemon: Daemon, at: number): void {
  if (daemon.armedFor <= at) return;
  daemon.armedFor = at;
  later(fleet, at - fleet.now, () => {
    if (daemon.armedFor !== at) return;
    daemon.armedFor = Number.POSITIVE_INFINITY;
    pump(fleet, daemon);
  });
}

/** Sends all that is due, and comes again when something will be. */
function pump(fleet: Fleet, daemon: Daemon): void {
  inside(fleet, daemon, () => {
    const now = clockOf(fleet, daemon);
    for (const [group, lease] of daemon.leases) {
      if (!isDue(lease, now)) continue;
      const place = { id: daemon.id, fitness: daemon.fitness(group), busy: daemon.busy };
      const call = callOf(group, lease, LEASE, place, now);
      daemon.lastRequest += 1;
      daemon.leases.set(group, sent(lease, LEASE, call, daemon.lastRequest, now));
      request(fleet, daemon, call, daemon.lastRequest);
    }
    const due = [...daemon.leases.values()].flatMap(({ inFlight, nextAt }) => (inFlight ? [] : [nextAt]));
    if (due.length > 0) arm(fleet, daemon, fleet.now + Math.max(1, Math.min(...due) - now));
  });
}

function request(fleet: Fleet, daemon: Daemon, call: LeaseCall, number: number): void {
  const { random } = fleet;
  const { loss, delayMs, late, lateMs } = fleet.trouble;
  let over = false;
  const end = (outcome: LeaseOutcome): void =>
    inside(fleet, daemon, () => {
      if (over) return;
      over = true;
      const before = daemon.leases.get(call.group);
      if (before === undefined) return;
      const after = answered(before, number, outcome, LEASE, daemon.id, clockOf(fleet, daemon));
      daemon.leases.set(call.group, after);
      arm(fleet, daemon, fleet.now + Math.max(0, after.nextAt - clockOf(fleet, daemon)));
    });
  fleet.requests += 1;
  later(fleet, leaseTimeoutMs(LEASE), () => end(toLeaseFailure({ message: 'no answer' })));
  if (!fleet.reachable(daemon) || random() < loss) return;
  const there = random() * delayMs + (random() < late ? random() * lateMs : 0);
  later(fleet, there, () => {
    const { action, input } = toLeaseRequest(call, TABLE.name);
    const reply = ask(fleet.tables, action, input);
    if (!fleet.answers(call) || random() < loss) return;
    const outcome = reply.kind === 'ok' ? toLeaseOutcome(reply.output) : toLeaseFailure(reply);
    later(fleet, random() * delayMs, () => end(outcome));
  });
}

/** Who may write for a group at this instant, by its own judgement. */
export const writersOf = (fleet: Fleet, group: string): readonly string[] =>
  fleet.daemons
    .filter(
      (daemon) =>
        daemon.alive && holds(present(daemon.leases.get(group), group), LEASE, clockOf(fleet, daemon)),
    )
    .map(({ id }) => id);

/** The record as the store has it. */
export function recordOf({ tables }: Fleet, group: string) {
  const reply = ask(tables, 'GetItem', { TableName: TABLE.name, Key: { group: { S: group } } });
  if (reply.kind === 'error') throw new Error(reply.message);
  const outcome = toLeaseOutcome(reply.output);
  return must(
    outcome.kind === 'ok' ? { ok: true, value: outcome.record } : { ok: false, error: outcome.kind },
  );
}
