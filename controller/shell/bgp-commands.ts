/** `byoa bgp …`: asks the running daemon and prints, or gives its speaker an operator's order. */

import type { SpeakerInput } from '../bgp/event.ts';
import type { Family } from '../bgp/options.ts';
import type { Neighbor } from '../bgp/query.ts';
import { type AskOptions, socketOf } from './ask.ts';
import type { BfdAnswer, BgpQuestion, RibAnswer, RouteAnswer, SummaryAnswer } from './bgp-answer.ts';
import { formatBfd, formatNeighbor, formatRoute, formatRoutes, formatSummary } from './bgp-tables.ts';
import { askDaemon } from './control.ts';

const TIMEOUT_MS = 5_000;

/** The answer, or undefined where the daemon refused: it has been said, and the exit code is 1. */
async function ask<T>(options: AskOptions, question: BgpQuestion): Promise<T | undefined> {
  const { ok, body } = await askDaemon(await socketOf(options), { kind: 'bgp-query', question }, TIMEOUT_MS);
  if (ok) return body as T;
  refuse(body);
  return undefined;
}

function refuse(body: unknown): void {
  const message =
    typeof body === 'object' && body !== null && 'message' in body
      ? String(body.message)
      : JSON.stringify(body);
  process.stderr.write(`byoa: ${message}\n`);
  process.exitCode = 1;
}

function print<T>(options: AskOptions, answer: T | undefined, format: (answer: T) => string): void {
  if (answer === undefined) return;
  process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : format(answer));
}

export async function showSummary(options: AskOptions): Promise<void> {
  print(options, await ask<SummaryAnswer>(options, { what: 'summary' }), formatSummary);
}

export async function showNeighbors(name: string | undefined, options: AskOptions): Promise<void> {
  const answer = await ask<{ neighbors: readonly Neighbor[] }>(options, { what: 'neighbor', name });
  print(options, answer, ({ neighbors }) => neighbors.map(formatNeighbor).join('\n'));
}

export async function showRoute(prefix: string, options: AskOptions): Promise<void> {
  print(options, await ask<RouteAnswer>(options, { what: 'route', prefix }), formatRoute);
}

export async function showBfd(options: AskOptions): Promise<void> {
  print(options, await ask<BfdAnswer>(options, { what: 'bfd' }), formatBfd);
}

export interface RibOptions extends AskOptions {
  readonly in?: string;
  readonly out?: string;
  readonly longer?: string;
  readonly family?: string;
}

/** The families to show: the one that is asked for, or that of the prefix, or both. */
function familiesOf({ family, longer }: RibOptions): readonly Family[] {
  if (family === 'ipv4' || family === 'ipv6') return [family];
  if (family !== undefined) throw new Error(`--family '${family}' is neither ipv4 nor ipv6`);
  if (longer === undefined) return ['ipv4', 'ipv6'];
  return longer.includes(':') ? ['ipv6'] : ['ipv4'];
}

/** A page after the other, as the daemon gives them: a full table is never one answer. */
export async function showRib(options: RibOptions): Promise<void> {
  const peer = options.in ?? options.out;
  if (options.in !== undefined && options.out !== undefined)
    throw new Error('--in and --out are two tables; ask for one after the other');
  const families = familiesOf(options);
  const base = {
    what: 'rib',
    table: options.in !== undefined ? 'in' : options.out !== undefined ? 'out' : 'loc',
    peer,
    under: options.longer,
  } as const;
  let head = options.json !== true;
  for (const family of families) {
    let after: number | undefined;
    do {
      const page: RibAnswer | undefined = await ask<RibAnswer>(options, { ...base, family, after });
      if (page === undefined) return;
      const text =
        options.json === true
          ? page.routes.map((route) => `${JSON.stringify(route)}\n`).join('')
          : formatRoutes(page.routes, head);
      process.stdout.write(text);
      head = false;
      after = page.after;
    } while (after !== undefined);
  }
}

/** Hands an order to the speaker. */
export async function order(input: SpeakerInput, options: AskOptions): Promise<void> {
  const { ok, body } = await askDaemon(await socketOf(options), { kind: 'bgp', input }, TIMEOUT_MS);
  if (!ok) refuse(body);
  else print(options, body as { message: string }, ({ message }) => `${message}\n`);
}
