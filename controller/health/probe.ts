/**
 * One probe over time: rounds, successes and failures in a row, and how fresh they are. Knows nothing of
 * appliances.
 */
import type { Instant } from '../base/time.ts';
import { isEventDriven, type ProbeConfig } from '../config.ts';
import type { ProbeResult } from '../event.ts';

export interface ProbeState {
  /** The round that is under way or was last; each round has at most one result. */
  readonly round: number;
  /** When the round was sent; absent between rounds. */
  readonly sentAt?: Instant;
  readonly nextAt: Instant;
  /** `up` after `rise` successes in a row, `down` after `fall` failures. */
  readonly state: 'up' | 'down' | 'unknown';
  /** Results in a row like the last one. */
  readonly streak: number;
  /** The last result that said something, and the first in a row like it. */
  readonly last?: {
    readonly up: boolean;
    readonly at: Instant;
    readonly firstAt: Instant;
    readonly reason: string;
  };
  /** Of a daemon's word: the appliances that it found dead itself, in its last answer. */
  readonly dead?: readonly string[];
  /** The same of appliances that are to be emptied, and since when it has said so. */
  readonly drained?: Readonly<Record<string, Instant>>;
  /** The groups that its own appliance has. */
  readonly owns?: readonly string[];
  /** How many neighbors it announces its routes to. */
  readonly serves?: number;
  readonly lastUpAt?: Instant;
  /** When the round of the last success was sent. */
  readonly lastUpSentAt?: Instant;
  /** Of a session that is down: when its peer was last heard. */
  readonly heardAt?: Instant;
  /** Why the last round said nothing, where it did not. */
  readonly silence?: string;
  /** How many of the failures in a row were the target's fault: no other way led to it either. */
  readonly forgiven?: number;
  /**
   * Failures count for nothing before the first success; set where the path of the probe has just been moved.
   */
  readonly unarmed?: true;
}

/** A probe with its state: the evidence of this node. */
export interface Evidence {
  readonly config: ProbeConfig;
  readonly state: ProbeState;
}

export const newProbe = (now: Instant): ProbeState => ({
  round: 0,
  nextAt: now,
  state: 'unknown',
  streak: 0,
});

/** A driver owes a result by the timeout; a round this much older is given up as silent. */
const OVERDUE_MS = 1000;

/** Whether a round should be sent now: none is under way, or its result is overdue. */
export const isDue = (probe: ProbeState, config: ProbeConfig, now: Instant): boolean =>
  dueAt(probe, config) <= now;

/** When the next round is to be sent. */
export const dueAt = ({ sentAt, nextAt }: ProbeState, { timeoutMs }: ProbeConfig): Instant =>
  sentAt === undefined ? nextAt : Math.max(nextAt, sentAt + timeoutMs + OVERDUE_MS);

/** The state with a new round under way. */
export function begin(probe: ProbeState, config: ProbeConfig, now: Instant): ProbeState {
  return { ...probe, round: probe.round + 1, sentAt: now, nextAt: now + config.intervalMs };
}

/** The state after a result; a result of another round than the one under way changes nothing. */
export function record(
  probe: ProbeState,
  config: ProbeConfig,
  round: number,
  result: ProbeResult,
  now: Instant,
): ProbeState {
  if (round !== probe.round || probe.sentAt === undefined) return probe;
  const { sentAt: _, silence: __, ...idle } = probe;
  if (result.kind === 'silent') return { ...idle, silence: result.reason };
  const up = result.kind === 'up';
  if (!up && probe.unarmed) return { ...idle, silence: `not yet passed by the new path: ${result.reason}` };
  const inRow = probe.last?.up === up && isFresh(probe, config, now);
  const streak = inRow ? probe.streak + 1 : 1;
  const {
    unarmed: ___,
    forgiven,
    dead: ____,
    drained: before = {},
    owns: _____,
    serves: ______,
    ...armed
  } = idle;
  const turned = streak >= (up ? config.rise : config.fall);
  return {
    ...armed,
    ...(inRow && forgiven !== undefined ? { forgiven } : {}),
    ...(result.dead === undefined ? {} : { dead: result.dead }),
    ...(result.owns === undefined || result.owns.length === 0 ? {} : { owns: result.owns }),
    ...(result.serves === undefined || result.serves === 0 ? {} : { serves: result.serves }),
    ...(result.drained === undefined || result.drained.length === 0
      ? {}
      : { drained: Object.fromEntries(result.drained.map((name) => [name, before[name] ?? now])) }),
    streak,
    state: turned ? (up ? 'up' : 'down') : isFresh(probe, config, now) ? probe.state : 'unknown',
    last: {
      up,
      at: now,
      firstAt: inRow ? (probe.last?.firstAt ?? now) : now,
      reason: up ? `answered in ${Math.round(result.rttMs * 10) / 10} ms` : result.reason,
    },
    ...(up ? { lastUpAt: now, lastUpSentAt: probe.sentAt } : {}),
  };
}

/**
 * The state of a session's probe after the session changed: one change decides, and counts until the next.
 * `heardAt`: when its peer was last heard; a silence is taken to have begun half-way from then to now, as
 * packets were due before that and none was heard.
 */
export function hear(probe: ProbeState, result: ProbeResult, now: Instant, heardAt?: Instant): ProbeState {
  const { last: _, silence: __, heardAt: ___, ...rest } = probe;
  if (result.kind === 'silent') return { ...rest, state: 'unknown', streak: 0, silence: result.reason };
  const up = result.kind === 'up';
  return {
    ...rest,
    state: up ? 'up' : 'down',
    streak: 1,
    last: {
      up,
      at: now,
      firstAt: up ? now : (Math.min(now, heardAt ?? now) + now) / 2,
      reason: up ? 'the session is up' : result.reason,
    },
    ...(up ? { lastUpAt: now } : {}),
    ...(heardAt === undefined ? {} : { heardAt }),
  };
}

/** Evidence counts for `fall` rounds: older, it says nothing of the present. */
export const isFresh = ({ last }: ProbeState, config: ProbeConfig, now: Instant): boolean =>
  last !== undefined &&
  (isEventDriven(config) || now - last.at <= config.intervalMs * config.fall + config.timeoutMs);

/**
 * What a probe says now. `passing`: up, and its last round too; `failing`: not down yet, but its last round
 * failed; `rising`: it answers, also after having been down, and has not done so often enough; `unknown`:
 * nothing fresh.
 */
export type Says = 'passing' | 'failing' | 'rising' | 'down' | 'unknown';

export function says(probe: ProbeState, config: ProbeConfig, now: Instant): Says {
  if (probe.last === undefined || !isFresh(probe, config, now)) return 'unknown';
  if (probe.last.up) return probe.state === 'up' ? 'passing' : 'rising';
  return probe.state === 'down' ? 'down' : 'failing';
}
