/**
 * The commands that talk to a running daemon or read its journal: status, switchover, replay. They only read
 * and print.
 */
import { parseDuration } from '../config/units.ts';
import type { Effect } from '../event.ts';
import { type Node, nextDeadline, recall, step } from '../node.ts';
import { askDaemon, type Request } from './control.ts';
import { loadConfig } from './daemon.ts';
import { readJournal } from './journal-read.ts';
import { type Replayed, replay } from './replay.ts';
import { type DaemonStatus, formatStatus } from './status-table.ts';

const STATUS_TIMEOUT_MS = 5_000;
/** A forced detach alone may take minutes. */
const SWITCHOVER_TIMEOUT_MS = 10 * 60_000;

export interface AskOptions {
  readonly config: string;
  readonly socket?: string;
  readonly json?: boolean;
}

/** The control socket that the options name. */
export const socketOf = async ({ config, socket }: AskOptions): Promise<string> =>
  socket ?? (await loadConfig(config)).control.socket;

/** Prints the status of the daemon. */
export async function status(options: AskOptions): Promise<void> {
  const { body } = await askDaemon(await socketOf(options), { kind: 'status' }, STATUS_TIMEOUT_MS);
  process.stdout.write(options.json ? `${JSON.stringify(body)}\n` : formatStatus(body as DaemonStatus));
}

/** Asks for a planned move and waits for its end; exit code 1 where it was refused or failed. */
export async function switchover(
  group: string,
  options: AskOptions & { readonly to: string; readonly for?: string },
): Promise<void> {
  const request = { kind: 'switchover', group, to: options.to, ...forOf(options) } as const;
  await tellDaemon(request, options, SWITCHOVER_TIMEOUT_MS);
}

/** The time of an order that ends by itself; throws where it is no duration. */
export function forOf({ for: text }: { readonly for?: string }): { readonly forMs?: number } {
  if (text === undefined) return {};
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.value > 0) return { forMs: parsed.value };
  throw new Error(`--for '${text}' is no duration: write it as 90s, 30m or 2h`);
}

/** Gives a running daemon an order, and prints its answer; exit code 1 where it refuses. */
export async function tellDaemon(
  request: Request,
  options: AskOptions,
  timeoutMs = STATUS_TIMEOUT_MS,
): Promise<void> {
  const { ok, body } = await askDaemon(await socketOf(options), request, timeoutMs);
  const message =
    typeof body === 'object' && body !== null && 'message' in body
      ? String(body.message)
      : JSON.stringify(body);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, body })}\n`);
  else if (ok) process.stdout.write(`${message}\n`);
  else process.stderr.write(`byoa: ${message}\n`);
  if (!ok) process.exitCode = 1;
}

export interface ReplayOptions {
  /** Print from this instant on: ISO 8601, or milliseconds. */
  readonly from?: string;
  readonly json?: boolean;
}

/** Replays a journal file; exit code 1 where the brain decides otherwise than it did then. */
export async function replayFile(file: string, options: ReplayOptions): Promise<void> {
  const records = await readJournal(file);
  if (!records.ok) throw new Error(records.error);
  const from = instantOf(options.from);
  let events = 0;
  let differences = 0;
  for (const one of replay({ step, nextDeadline, recall }, (state) => state as Node, records.value)) {
    events += 1;
    const differs = one.journalled !== undefined;
    if (differs) differences += 1;
    if (one.at < from && !differs) continue;
    if (options.json) process.stdout.write(`${JSON.stringify(one)}\n`);
    else process.stdout.write(describe(one));
  }
  if (differences > 0) process.exitCode = 1;
  const sentence =
    differences === 0
      ? `${events} events: the same decisions.`
      : `${events} events: ${differences} with other decisions; was the journal written by another version?`;
  if (options.json) process.stdout.write(`${JSON.stringify({ events, differences })}\n`);
  else process.stdout.write(`${sentence}\n`);
}

function instantOf(text: string | undefined): number {
  if (text === undefined) return Number.NEGATIVE_INFINITY;
  const instant = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isNaN(instant)) return instant;
  throw new Error(`--from '${text}' is no instant: write it as 2026-01-31T12:00:00Z, or in milliseconds`);
}

/** The decisions of one event; nothing where it decided nothing, as it did then. */
function describe({ at, event, effects, journalled }: Replayed): string {
  const time = new Date(at).toISOString();
  const lines = (list: readonly Effect[], sign: string): string =>
    list.map((effect) => `${sign} ${time} ${sentence(effect)}\n`).join('');
  if (journalled === undefined) return lines(effects.filter(isShown), ' ');
  return `! ${time} ${event.kind}: decided otherwise\n${lines(journalled, '-')}${lines(effects, '+')}`;
}

const isShown = (effect: Effect): boolean => effect.kind !== 'log' || effect.level !== 'debug';

function sentence(effect: Effect): string {
  if (effect.kind === 'log') return `${effect.topic}: ${effect.text}`;
  const { kind, ...rest } = effect;
  return `${kind}: ${JSON.stringify(rest)}`;
}
