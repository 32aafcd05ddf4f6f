/**
 * Flows: one numbered UDP packet every so many ms from a machine to an echo service, with books on each
 * packet's fate. A packet counts as through when its echo is back; its instant is that of its sending.
 */
import { err, ok, type Result } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import { type Endpoint, type Fate, inProgram, takePort } from './endpoint.ts';
import { type Kernel, record, schedule, trace } from './kernel.ts';

/**
 * Packets lost in a row. `to` is absent while the gap lasts. Blackout: from the last packet through to the
 * next.
 */
export interface Gap {
  /** When the last packet before the gap, and the first after it, were sent. */
  readonly from: Instant;
  readonly to?: Instant;
  readonly lostPackets: number;
}

export interface FlowStats {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly intervalMs: Millis;
  readonly running: boolean;
  readonly startedAt: Instant;
  readonly sent: number;
  /** Arrived at the service; its echo may still have been lost. */
  readonly delivered: number;
  readonly answered: number;
  readonly lost: number;
  readonly gaps: readonly Gap[];
  /** Round trip of the last packet through, and the longest, ms. */
  readonly latencyMs?: Millis;
  readonly maxLatencyMs?: Millis;
  /** The ENIs that the last packet was handed to, there and back. */
  readonly path: readonly string[];
  /** Why the last lost packet was lost. */
  readonly lastLoss?: string;
}

export interface Flow {
  readonly id: string;
  readonly source: Endpoint;
  readonly to: string;
  readonly port: number;
  readonly intervalMs: Millis;
  readonly startedAt: Instant;
  fromPort: number;
  running: boolean;
  sent: number;
  delivered: number;
  answered: number;
  lost: number;
  /** The next number whose fate is to be entered, and the fates known beyond it. */
  head: number;
  readonly sentAt: Map<number, Instant>;
  readonly fates: Map<number, 'answered' | 'lost'>;
  lastThrough: Instant | undefined;
  openGap: { from: Instant; lostPackets: number } | undefined;
  readonly gaps: Gap[];
  latencyMs: Millis | undefined;
  maxLatencyMs: Millis | undefined;
  path: readonly string[];
  pathThere: readonly string[];
  lastLoss: string | undefined;
}

/** Gaps kept for each flow; older ones are forgotten. */
const MAX_GAPS = 10_000;

export interface FlowOptions {
  readonly id: string;
  readonly source: Endpoint;
  readonly to: string;
  readonly port?: number;
  readonly intervalMs?: Millis;
}

/** Starts a flow; fails where the source cannot send to the address at all. */
export function startFlow(kernel: Kernel, options: FlowOptions): Result<Flow> {
  const { id, source, to } = options;
  const intervalMs = options.intervalMs ?? 1;
  if (!(intervalMs >= 0.01)) return err(`a flow's interval is at least 0.01 ms, not ${intervalMs}`);
  if (source.power === 'dead') return err(`${source.name} is not running; start it first`);
  const flow: Flow = {
    id,
    source,
    to,
    port: options.port ?? 7,
    intervalMs,
    startedAt: kernel.now,
    fromPort: takePort(source),
    running: true,
    sent: 0,
    delivered: 0,
    answered: 0,
    lost: 0,
    head: 0,
    sentAt: new Map(),
    fates: new Map(),
    lastThrough: undefined,
    openGap: undefined,
    gaps: [],
    latencyMs: undefined,
    maxLatencyMs: undefined,
    path: [],
    pathThere: [],
    lastLoss: undefined,
  };
  record(kernel, { kind: 'flow', flow: id, what: 'started' });
  tick(kernel, flow, kernel.now, fateOf(kernel, flow));
  return ok(flow);
}

/** Stops sending; packets under way still find their fate. */
export function stopFlow(kernel: Kernel, flow: Flow): void {
  if (!flow.running) return;
  flow.running = false;
  record(kernel, { kind: 'flow', flow: flow.id, what: 'stopped' });
}

/** The books of a flow as they stand. */
export function flowStats(flow: Flow): FlowStats {
  const open: readonly Gap[] = flow.openGap === undefined ? [] : [{ ...flow.openGap }];
  const { id, to, port, intervalMs, startedAt, running, sent, delivered, answered, lost, path } = flow;
  return {
    id,
    from: flow.source.name,
    to,
    port,
    intervalMs,
    running,
    startedAt,
    sent,
    delivered,
    answered,
    lost,
    gaps: [...flow.gaps, ...open],
    path,
    ...(flow.latencyMs !== undefined && { latencyMs: flow.latencyMs }),
    ...(flow.maxLatencyMs !== undefined && { maxLatencyMs: flow.maxLatencyMs }),
    ...(flow.lastLoss !== undefined && { lastLoss: flow.lastLoss }),
  };
}

/** Sends the packet that is due at `at` and plans the next. A machine that does not run sends nothing. */
function tick(kernel: Kernel, flow: Flow, at: Instant, fate: Fate): void {
  if (!flow.running) return;
  const { source } = flow;
  if (source.power === 'running' && !source.hung) inProgram(source, () => send(kernel, flow, fate));
  const next = at + flow.intervalMs;
  schedule(kernel, next, () => tick(kernel, flow, next, fate));
}

function send(kernel: Kernel, flow: Flow, fate: Fate): void {
  const number = flow.sent++;
  flow.sentAt.set(number, kernel.now);
  const packet = {
    destination: flow.to,
    sourcePort: flow.fromPort,
    destinationPort: flow.port,
    body: { kind: 'flow', echo: false, number, fate } as const,
  };
  flow.source.network.output(packet, undefined);
}

const fateOf = (kernel: Kernel, flow: Flow): Fate => ({
  delivered: () => {
    flow.delivered += 1;
  },
  answered: (number) => {
    const sentAt = flow.sentAt.get(number) ?? kernel.now;
    flow.latencyMs = Math.round((kernel.now - sentAt) * 1000) / 1000;
    flow.maxLatencyMs = Math.max(flow.maxLatencyMs ?? 0, flow.latencyMs);
    enter(kernel, flow, number, 'answered');
  },
  lost: (number, why) => {
    flow.lastLoss = why;
    enter(kernel, flow, number, 'lost');
  },
  path: (enis, echo) => {
    flow.path = echo ? [...flow.pathThere, ...enis] : flow.path;
    if (!echo) flow.pathThere = enis;
  },
});

/** Enters fates in the order of sending, so that a reply that overtakes another makes no gap. */
function enter(kernel: Kernel, flow: Flow, number: number, fate: 'answered' | 'lost'): void {
  flow.fates.set(number, fate);
  trace(kernel, fate === 'lost' ? -number : number);
  for (let next = flow.fates.get(flow.head); next !== undefined; next = flow.fates.get(flow.head)) {
    const sentAt = flow.sentAt.get(flow.head) ?? kernel.now;
    flow.fates.delete(flow.head);
    flow.sentAt.delete(flow.head);
    flow.head += 1;
    if (next === 'lost') enterLost(kernel, flow, sentAt);
    else enterAnswered(kernel, flow, sentAt);
  }
}

function enterLost(kernel: Kernel, flow: Flow, sentAt: Instant): void {
  flow.lost += 1;
  if (flow.openGap === undefined) {
    flow.openGap = { from: flow.lastThrough ?? sentAt, lostPackets: 0 };
    record(kernel, { kind: 'flow', flow: flow.id, what: 'lost' });
  }
  flow.openGap.lostPackets += 1;
}

function enterAnswered(kernel: Kernel, flow: Flow, sentAt: Instant): void {
  flow.answered += 1;
  const gap = flow.openGap;
  flow.lastThrough = sentAt;
  if (gap === undefined) return;
  flow.openGap = undefined;
  flow.gaps.push({ from: gap.from, to: sentAt, lostPackets: gap.lostPackets });
  if (flow.gaps.length > MAX_GAPS) flow.gaps.shift();
  const gapMs = Math.round((sentAt - gap.from) * 1000) / 1000;
  record(kernel, { kind: 'flow', flow: flow.id, what: 'back', lostPackets: gap.lostPackets, gapMs });
}
