/**
 * `byoa plan`: what a failover would send and how long that would take, beforehand. It asks the daemon, which
 * answers from what it sees and from the budget that is left; or a node that sees a world in a file, with
 * full buckets. Exit code 1: it would take longer than the objective of the group, or there is no plan.
 */
import { formatMillis } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import { toRequest, toValue } from '../ec2/request.ts';
import type { Command, Effect, Event } from '../event.ts';
import type { Answer, Cost, Forecast } from '../failover/forecast.ts';
import { createNode, step } from '../node.ts';
import { type AskOptions, socketOf } from './ask.ts';
import { askDaemon } from './control.ts';
import { loadConfig } from './daemon.ts';
import { table } from './status-table.ts';

const TIMEOUT_MS = 5_000;

/** Answers a request to EC2 as the AWS SDK would. */
export type Described = (action: string, input: object) => unknown;
/** Those of each account of a world in a file, in one region. */
export type ReadWorld = (file: string, region: string) => Promise<readonly Described[]>;

export interface PlanOptions extends AskOptions {
  readonly fail: string;
  readonly to?: string;
  readonly world?: string;
}

/** Prints the plan. */
export async function plan(group: string, options: PlanOptions, readWorld?: ReadWorld): Promise<void> {
  const { fail, to } = options;
  const question = { kind: 'plan', group, fail, to } as const;
  const answer =
    options.world === undefined || readWorld === undefined
      ? await askRunning(question, options)
      : await askWorld(question, options, options.world, readWorld);
  if (!answer.ok) throw new Error(answer.body.message);
  process.stdout.write(options.json ? `${JSON.stringify(answer.body)}\n` : formatPlan(answer.body));
  if (!answer.body.meetsObjective) process.exitCode = 1;
}

type Question = Extract<Command, { kind: 'plan' }>;

const askRunning = async (question: Question, options: PlanOptions): Promise<Answer> =>
  (await askDaemon(await socketOf(options), question, TIMEOUT_MS)) as Answer;

async function askWorld(
  question: Question,
  options: PlanOptions,
  file: string,
  readWorld: ReadWorld,
): Promise<Answer> {
  const config = await loadConfig(options.config);
  return answerBy(config, question, await readWorld(file, config.aws.region));
}

/** The answer of a node that only observes what is described, without any time passing. */
export function answerBy(config: Config, question: Question, accounts: readonly Described[]): Answer {
  const described = accountOf(config, accounts);
  let node = createNode({ config, observeOnly: true }, 0);
  const todo: Event[] = [{ kind: 'start' }];
  const take = (event: Event): readonly Effect[] => {
    const done = step(node, event, 0);
    node = done.node;
    return done.effects;
  };
  for (let event = todo.shift(); event !== undefined; event = todo.shift()) {
    for (const effect of take(event)) {
      if (effect.kind !== 'ec2-call') continue;
      const outcome = outcomeOf(effect.call, described);
      todo.push({ kind: 'ec2-outcome', request: effect.request, outcome });
    }
  }
  const replies = take({ kind: 'command', id: 1, command: question });
  const reply = replies.find((effect) => effect.kind === 'reply');
  if (reply === undefined) throw new Error('the node gave no answer');
  return { ok: reply.ok, body: reply.body } as Answer;
}

const outcomeOf = (call: Call, described: Described): Outcome => {
  const { action, input } = toRequest(call);
  return { kind: 'ok', value: toValue(call, described(action, input)) };
};

/** The account that has the appliances. */
function accountOf({ appliances }: Config, accounts: readonly Described[]): Described {
  const call: Call = { kind: 'describe-network-interfaces', enis: appliances.map(({ eni }) => eni) };
  const found = accounts.find((described) => {
    const outcome = outcomeOf(call, described);
    return (
      outcome.kind === 'ok' && outcome.value.kind === 'network-interfaces' && outcome.value.enis.length > 0
    );
  });
  if (found !== undefined) return found;
  const names = appliances.map(({ name, eni }) => `${name} (${eni})`).join(', ');
  throw new Error(
    `the world has none of the appliances ${names}; is it that of this configuration, and its region?`,
  );
}

const SHOWN = 20;

const times = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
const costText = ({ calls, predictedMs }: Cost): string =>
  `${times(calls, 'call')}, ${formatMillis(predictedMs)}`;

/** The plan for people. */
export function formatPlan(plan: Forecast): string {
  const { group, fail, to, calls, batches, predictedMs, objectiveMs, plain, oneByOne } = plan;
  const cost = costText({ calls: calls.length, predictedMs });
  const objective = objectiveMs === undefined ? '' : ` (objective ${formatMillis(objectiveMs)})`;
  const head =
    calls.length === 0
      ? `${group}: nothing is sent if ${fail} fails.`
      : `${group}: ${to} takes over from ${fail} by ${cost} in ${batches === 1 ? '1 batch' : `${batches} batches`}${objective}.`;
  const rows = calls
    .slice(0, SHOWN)
    .map(({ batch, atMs, text }) => [String(batch), formatMillis(atMs), text]);
  const lines = rows.length === 0 ? [] : ['', table([['BATCH', 'AT', 'CALL'], ...rows])];
  const last = calls.at(-1);
  if (calls.length > SHOWN && last !== undefined)
    lines.push(
      `... and ${calls.length - SHOWN} more, the last at ${formatMillis(last.atMs)}; --json lists all.`,
    );
  if (calls.length > 0)
    lines.push(
      '',
      `Without prepared tables: ${costText(plain)}; with one call after another: ${costText(oneByOne)}.`,
      `Counted from the verdict on, with ${formatMillis(plan.latencyMs)} for each answer of EC2.`,
    );
  const notes = plan.notes.map((note) => `! ${note}`);
  if (!plan.meetsObjective) {
    const remedy =
      ': prepare a table for each member, or gather prefixes in a prefix list (docs/failover.md)';
    const missed = `${formatMillis(predictedMs)} exceed the objective of ${formatMillis(objectiveMs ?? 0)}`;
    notes.push(`! ${missed}${calls.length > 1 ? remedy : ''}.`);
  }
  return `${[head, ...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`;
}
