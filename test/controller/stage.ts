/**
 * A stage for brains: nodes driven in virtual time against the real EC2 service of the simulator. Who reaches
 * whom is said by the test; packets are the world's business (world-*.test.ts).
 */
import { must } from '../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig, type ProbeConfig } from '../../controller/config.ts';
import { actionOf } from '../../controller/ec2/budget.ts';
import { type Call, isRead, type Outcome } from '../../controller/ec2/call.ts';
import { toOutcome } from '../../controller/ec2/failure.ts';
import { toRequest, toValue } from '../../controller/ec2/request.ts';
import type { Effect, Event, GuestChange, Memory, ToldOthers } from '../../controller/event.ts';
import type { LeaseOutcome } from '../../controller/lease/call.ts';
import { toLeaseFailure, toLeaseOutcome, toLeaseRequest } from '../../controller/lease/request.ts';
import { createNode, type Node, nextDeadline, recall, step } from '../../controller/node.ts';
import { handle as askTables, createTables, type Tables } from '../../sim/dynamodb/service.ts';
import { type Cloud, createCloud, handle, nextAt, settle } from '../../sim/ec2/service.ts';

/** What befalls the next calls of a kind. `late`: applied after so long, never answered. */
export type Fault =
  | { readonly kind: 'throttle' | 'lost' | 'applied' | 'unauthorised' }
  | { readonly kind: 'late'; readonly afterMs: number };

type Log = Extract<Effect, { kind: 'log' }>;

export interface Daemon {
  readonly name: string;
  readonly config: Config;
  node: Node;
  /** Its process runs. */
  running: boolean;
  /** Counts lives: what a former life started does not come back. */
  life: number;
  handled: number;
  /** Dies right after handling so many events, its last effects sent. */
  crashAfter?: number;
  readonly logs: (Log & { at: number })[];
  readonly replies: { id: number; ok: boolean; body: unknown }[];
  readonly guest: GuestChange[];
  readonly hooks: string[];
  readonly words: boolean[];
  /** What it says of others. */
  told: Required<ToldOthers>;
  readonly journal: { at: number; event: Event; effects: readonly Effect[] }[];
}

export interface Stage {
  now: number;
  readonly cloud: Cloud;
  readonly daemons: Map<string, Daemon>;
  /** Whether a probe of `from` passes; `silent` for one that gets no word. */
  reach: (from: string, probe: ProbeConfig) => boolean | 'silent';
  /** How many neighbors a `speaker` probe of a node counts. */
  serves: (node: string) => number;
  /** Whether a node's calls reach EC2. */
  online: (node: string) => boolean;
  /** DynamoDB, and whether a node's requests reach it; the table `leases` is there. */
  readonly tables: Tables;
  storeOnline: (node: string) => boolean;
  latencyMs: number;
  readonly faults: { kind?: Call['kind']; from?: string; times: number; fault: Fault }[];
  readonly writes: { at: number; from: string; call: Call }[];
  readonly reads: { at: number; from: string; call: Call }[];
  readonly queue: { at: number; seq: number; run: () => void }[];
  seq: number;
}

const REGION = 'eu-central-1';
const TIMEOUT_MS = 1000;

const ACCOUNT = '123456789012';

function leaseTable(): Tables {
  const tables = createTables();
  const input = { TableName: 'leases', KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }] };
  askTables(tables, { account: ACCOUNT, region: REGION, action: 'CreateTable', input });
  return tables;
}

export function newStage(options: Parameters<typeof createCloud>[0] = {}): Stage {
  return {
    now: 0,
    cloud: createCloud(options),
    daemons: new Map(),
    reach: () => true,
    serves: () => 0,
    online: () => true,
    tables: leaseTable(),
    storeOnline: () => true,
    latencyMs: 20,
    faults: [],
    writes: [],
    reads: [],
    queue: [],
    seq: 0,
  };
}

/** An EC2 request by an operator: must succeed. */
export function ec2(stage: Stage, action: string, input: object): Record<string, never> & object {
  const reply = handle(
    stage.cloud,
    { account: '123456789012', region: REGION, service: 'ec2', action, input },
    stage.now,
  );
  if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}: ${reply.message}`);
  return reply.output as Record<string, never>;
}

export function at(stage: Stage, time: number, run: () => void): void {
  stage.queue.push({ at: time, seq: stage.seq++, run });
  stage.queue.sort((a, b) => a.at - b.at || a.seq - b.seq);
}

/** Adds a daemon that starts now. */
export function addDaemon(
  stage: Stage,
  input: ConfigInput,
  options: { observeOnly?: boolean; memory?: Memory } = {},
): Daemon {
  const config = must(checkConfig(input));
  const { memory, ...rest } = options;
  const daemon: Daemon = {
    name: config.node,
    config,
    node: createNode({ config, seed: 1, ...rest }, stage.now),
    running: true,
    life: 0,
    handled: 0,
    logs: [],
    replies: [],
    guest: [],
    hooks: [],
    words: [],
    told: { dead: [], drained: [], owns: [], serves: 0 },
    journal: [],
  };
  stage.daemons.set(daemon.name, daemon);
  deliver(stage, daemon, { kind: 'start', ...(memory === undefined ? {} : { memory }) });
  return daemon;
}

/** Kills the process; what it sent is on its way. */
export function kill(daemon: Daemon): void {
  daemon.running = false;
  daemon.life += 1;
}

/** Starts the process again, with what its journal remembers. */
export function restart(stage: Stage, daemon: Daemon): void {
  const memory = recall(daemon.node);
  daemon.life += 1;
  daemon.running = true;
  delete daemon.crashAfter;
  daemon.node = createNode({ config: daemon.config, seed: daemon.life }, stage.now);
  deliver(stage, daemon, { kind: 'start', memory });
}

/** Hands an event to a daemon and plays its effects. */
export function deliver(stage: Stage, daemon: Daemon, event: Event): void {
  if (!daemon.running) return;
  // Now and then, for it is slow: the node that a step is given must stay as it was.
  const before = daemon.handled % 50 === 0 ? JSON.stringify(daemon.node) : undefined;
  const { node, effects } = step(daemon.node, event, stage.now);
  if (before !== undefined && JSON.stringify(daemon.node) !== before)
    throw new Error('step changed the node that it was given');
  daemon.node = node;
  daemon.handled += 1;
  daemon.journal.push({ at: stage.now, event, effects });
  for (const effect of effects) play(stage, daemon, effect);
  if (daemon.crashAfter !== undefined && daemon.handled >= daemon.crashAfter) kill(daemon);
}

function play(stage: Stage, daemon: Daemon, effect: Effect): void {
  const { life } = daemon;
  const later = (ms: number, event: Event): void =>
    at(stage, stage.now + ms, () => {
      if (daemon.life === life) deliver(stage, daemon, event);
    });
  switch (effect.kind) {
    case 'probe': {
      const { probe, round, spec } = effect;
      const passes = stage.reach(daemon.name, spec);
      const counted = spec.kind === 'speaker' ? { serves: stage.serves(daemon.name) } : {};
      const word = spec.kind === 'daemon' ? (stage.daemons.get(spec.appliance)?.told ?? {}) : counted;
      if (passes === true)
        later(1, { kind: 'probe-result', probe, round, result: { kind: 'up', rttMs: 1, ...word } });
      else if (passes === false)
        later(spec.timeoutMs, {
          kind: 'probe-result',
          probe,
          round,
          result: { kind: 'down', reason: 'no answer' },
        });
      else
        later(spec.timeoutMs, {
          kind: 'probe-result',
          probe,
          round,
          result: { kind: 'silent', reason: 'refused' },
        });
      return;
    }
    case 'ec2-call':
      call(stage, daemon, effect.call, (ms, outcome) =>
        later(ms, { kind: 'ec2-outcome', request: effect.request, outcome }),
      );
      return;
    case 'lease-call':
      askLease(stage, daemon, effect, (ms, outcome) =>
        later(ms, { kind: 'lease-outcome', request: effect.request, outcome }),
      );
      return;
    case 'guest':
      daemon.guest.push(...effect.changes);
      later(5, { kind: 'guest-outcome', request: effect.request });
      return;
    case 'hook':
      daemon.hooks.push(effect.hook);
      later(5, { kind: 'hook-outcome', request: effect.request });
      return;
    case 'reply':
      daemon.replies.push(effect);
      return;
    case 'own-word': {
      daemon.words.push(effect.healthy);
      const { dead, drained, owns, serves } = effect;
      daemon.told = { dead, drained, owns, serves };
      return;
    }
    case 'log':
      daemon.logs.push({ ...effect, at: stage.now });
      return;
    case 'stopped':
      daemon.running = false;
  }
}

function askLease(
  { tables, storeOnline, latencyMs }: Stage,
  { name }: Daemon,
  { call, timeoutMs }: Extract<Effect, { kind: 'lease-call' }>,
  reply: (ms: number, outcome: LeaseOutcome) => void,
): void {
  if (!storeOnline(name)) {
    reply(timeoutMs, toLeaseFailure({ message: 'no answer' }));
    return;
  }
  const asked = { account: ACCOUNT, region: REGION, ...toLeaseRequest(call, 'leases') };
  const answer = askTables(tables, asked);
  reply(latencyMs, answer.kind === 'ok' ? toLeaseOutcome(answer.output) : toLeaseFailure(answer));
}

function call(
  stage: Stage,
  daemon: Daemon,
  asked: Call,
  reply: (ms: number, outcome: Outcome) => void,
): void {
  const unanswered: Outcome = { kind: 'unknown', reason: 'no answer in 1000 ms' };
  const sent = { at: stage.now, from: daemon.name, call: asked };
  (isRead(asked.kind) ? stage.reads : stage.writes).push(sent);
  if (!stage.online(daemon.name)) {
    reply(TIMEOUT_MS, unanswered);
    return;
  }
  const fault = stage.faults.find(
    ({ kind, from, times }) =>
      times > 0 && (kind ?? actionOf(asked)) === actionOf(asked) && (from ?? daemon.name) === daemon.name,
  );
  if (fault !== undefined) fault.times -= 1;
  const perform = (): Outcome => {
    settle(stage.cloud, stage.now);
    const request = { account: '123456789012', region: REGION, service: 'ec2' as const, ...toRequest(asked) };
    const answer = handle(stage.cloud, request, stage.now);
    return answer.kind === 'ok'
      ? { kind: 'ok', value: toValue(asked, answer.output) }
      : toOutcome({ status: answer.status, code: answer.code, message: answer.message });
  };
  switch (fault?.fault.kind) {
    case 'throttle':
      reply(
        stage.latencyMs,
        toOutcome({ status: 503, code: 'RequestLimitExceeded', message: 'Request limit exceeded.' }),
      );
      return;
    case 'unauthorised':
      reply(
        stage.latencyMs,
        toOutcome({ status: 403, code: 'UnauthorizedOperation', message: 'You are not authorized.' }),
      );
      return;
    case 'lost':
      reply(TIMEOUT_MS, unanswered);
      return;
    case 'applied':
      at(stage, stage.now + stage.latencyMs, () => void perform());
      reply(TIMEOUT_MS, unanswered);
      return;
    case 'late':
      at(stage, stage.now + fault.fault.afterMs, () => void perform());
      reply(TIMEOUT_MS, unanswered);
      return;
    default:
      at(stage, stage.now + stage.latencyMs, () => reply(0, perform()));
  }
}

/** Runs until `until`, or until `done`; whichever is first. */
export function run(stage: Stage, until: number, done: () => boolean = () => false): void {
  for (let events = 0; !done(); events++) {
    if (events > 200_000)
      throw new Error(`more than 200000 events before ${until} ms: a loop without progress`);
    const deadlines = [...stage.daemons.values()].flatMap((daemon) => {
      const deadline = daemon.running ? nextDeadline(daemon.node) : undefined;
      return deadline === undefined ? [] : [{ daemon, deadline: Math.max(deadline, stage.now) }];
    });
    const first = deadlines.sort((a, b) => a.deadline - b.deadline)[0];
    const queued = stage.queue[0];
    const time = Math.min(
      first?.deadline ?? Number.POSITIVE_INFINITY,
      queued?.at ?? Number.POSITIVE_INFINITY,
    );
    if (time > until) break;
    stage.now = time;
    settle(stage.cloud, time);
    if (queued !== undefined && queued.at <= time) {
      stage.queue.shift();
      queued.run();
    } else if (first !== undefined) deliver(stage, first.daemon, { kind: 'deadline' });
  }
  if (!done()) stage.now = Math.max(stage.now, until);
  if (nextAt(stage.cloud) !== undefined) settle(stage.cloud, stage.now);
}

/** The texts of a daemon's logs on a topic. */
export const texts = (daemon: Daemon, topic: string): string[] =>
  daemon.logs.filter((log) => log.topic === topic).map(({ text }) => text);
