/**
 * `byoa sim ctl`: the control API from the command line, readable or as JSON. Speaks HTTP to a simulator;
 * holds nothing.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FlowStats } from '../world/flows.ts';
import type { Logged } from '../world/happening.ts';
import type { TracedFlow } from '../world/trace.ts';
import { describeEvent, describeFlow, describeState } from './describe.ts';
import { describeTrace } from './describe-trace.ts';
import type { State } from './state.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Asks a simulator; fails with what, why and remedy in one sentence. */
export async function ask<T>(base: string, method: Method, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(new URL(`/_byoa/${path}`, base), {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
  } catch (error) {
    const why =
      error instanceof Error
        ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`
        : '';
    throw new Error(`No simulator answers at ${base} (${why}); start one with: byoa sim --port N`);
  }
  const json = (await response.json()) as T & { error?: { what: string; why: string; remedy: string } };
  if (response.ok) return json;
  const error = json.error;
  throw new Error(
    error ? `${error.what} ${error.why} ${error.remedy}` : `${method} ${path}: HTTP ${response.status}`,
  );
}

interface Output {
  readonly json?: boolean;
}

function print<T>(value: T, { json }: Output, describe: (value: T) => string): void {
  console.log(json ? JSON.stringify(value) : describe(value));
}

const done = (): string => 'done';

const float = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new InvalidArgumentError(`'${text}' is not a number.`);
  return value;
};

const JSON_FLAG = ['--json', 'print the answer of the simulator as it is'] as const;

/** Adds `ctl URL VERB ...` to `sim`. */
export function registerCtl(sim: Command): void {
  const ctl = sim.command('ctl <url>').description('control a running simulator');
  ctl.argument('<verb>', 'what to do').argument('[args...]');
  ctl.addHelpText(
    'after',
    () => `\nVerbs:\n${verbs.map(({ usage, does }) => `  ${usage.padEnd(38)} ${does}`).join('\n')}`,
  );
  ctl
    .option(...JSON_FLAG)
    .option('--port <number>', 'flow, trace: UDP or TCP port', float)
    .option('--interval <ms>', 'flow: from packet to packet', float)
    .option('--id <name>', 'flow, cut: its name')
    .option('--since <seq>', 'events: after this number', float)
    .option('--kinds <list>', 'events: only these, such as api,power')
    .option('--one-way', 'cut: only from the first to the second')
    .option('--loss <rate>', 'cut: lose this share instead of all', float)
    .addOption(new Option('--protocol <name>', 'trace').choices(['icmp', 'tcp', 'udp']))
    .option('--via <address>', 'trace: next hop in the same subnet')
    .option('--times <count>', 'inject: for how many requests', float)
    .option('--delay <ms>', 'inject late: after how long', float)
    .option('--service <list>', 'profile: such as udp-echo:7,http:80')
    .action((url: string, verb: string, args: readonly string[], options: Options) =>
      perform(url, verb, args, options),
    );
}

interface Options extends Output {
  readonly port?: number;
  readonly interval?: number;
  readonly id?: string;
  readonly since?: number;
  readonly kinds?: string;
  readonly oneWay?: boolean;
  readonly loss?: number;
  readonly protocol?: 'icmp' | 'tcp' | 'udp';
  readonly via?: string;
  readonly times?: number;
  readonly delay?: number;
  readonly service?: string;
}

/** One request to a simulator: the arguments, the options, and how to ask. */
interface Run {
  readonly first: string;
  readonly second: string;
  readonly options: Options;
  readonly call: <T>(method: Method, path: string, body?: unknown) => Promise<T>;
}

interface Verb {
  /** The verb and its arguments: capitals are needed, brackets are not. */
  readonly usage: string;
  readonly does: string;
  readonly run: (run: Run) => Promise<void>;
}

const power = (verb: string, does: string): Verb => ({
  usage: `${verb} INSTANCE`,
  does,
  run: async ({ call, first, options }) =>
    print(await call('POST', `instances/${first}/${verb}`), options, done),
});

const verbs: readonly Verb[] = [
  {
    usage: 'state',
    does: 'everything there is',
    run: async ({ call, options }) => print(await call<State>('GET', 'state'), options, describeState),
  },
  power('start', 'boot a dead machine'),
  power('kill', 'cut its power; EC2 still says running'),
  power('reboot', 'let it reboot, as RebootInstances does'),
  power('hang', 'stop its programs, not its kernel'),
  power('freeze', 'stop all of it'),
  power('resume', 'undo hang and freeze'),
  power('drop', 'let it forward nothing'),
  power('nodrop', 'let it forward again'),
  {
    usage: 'profile INSTANCE host|router|nat',
    does: 'what its guest does; --service udp-echo:7,http:80',
    run: async ({ call, first, second, options }) => {
      const profile = { role: second, services: servicesOf(options.service) };
      print(await call('PUT', `guests/${first}`, profile), options, done);
    },
  },
  {
    usage: 'flow FROM TO',
    does: 'start a flow to an echo service; --port, --interval, --id',
    run: async ({ call, first, second, options }) => {
      const flow = flowOf(first, second, options);
      print(await call<FlowStats>('POST', 'flows', flow), options, describeFlow);
    },
  },
  {
    usage: 'flows',
    does: 'the books of all flows',
    run: async ({ call, options }) =>
      print(await call<{ flows: FlowStats[] }>('GET', 'flows'), options, ({ flows }) =>
        flows.length === 0 ? 'no flows' : flows.map(describeFlow).join('\n'),
      ),
  },
  {
    usage: 'flow-stop ID',
    does: 'stop a flow',
    run: async ({ call, first, options }) =>
      print(await call<FlowStats>('DELETE', `flows/${first}`), options, describeFlow),
  },
  {
    usage: 'trace FROM TO',
    does: 'send one packet and show every hop; --protocol, --port, --via',
    run: async ({ call, first, second, options }) => {
      const { protocol, port, via } = options;
      const packet = { from: first, to: second, protocol, port, via };
      print(await call<TracedFlow>('POST', 'trace', packet), options, describeTrace);
    },
  },
  {
    usage: 'cut A B',
    does: 'cut the link between two machines; --one-way, --loss, --id',
    run: async ({ call, first, second, options }) => {
      const { id, loss, oneWay } = options;
      const cut = { from: first, to: second, direction: oneWay ? 'one-way' : 'both', id, loss };
      print(
        await call<{ id: string }>('POST', 'cuts', cut),
        options,
        (made) => `cut; heal it with: heal ${made.id}`,
      );
    },
  },
  {
    usage: 'heal [ID]',
    does: 'heal one cut, or all',
    run: async ({ call, first, options }) =>
      print(await call('DELETE', first === '' ? 'cuts' : `cuts/${first}`), options, done),
  },
  {
    usage: 'imds INSTANCE [HOPS]',
    does: 'serve its metadata; prints what AWS_EC2_METADATA_SERVICE_ENDPOINT must be (HOPS away: a container)',
    run: async ({ call, first, second, options }) => {
      const hops = Number(second || 0);
      print(await call<{ endpoint: string }>('PUT', `imds/${first}`, { hops }), options, (at) => at.endpoint);
    },
  },
  {
    usage: 'host ADDRESS',
    does: 'add a host to the simulated Internet',
    run: async ({ call, first, options }) =>
      print(await call('POST', 'hosts', { address: first }), options, done),
  },
  {
    usage: 'events',
    does: 'what has happened; --since, --kinds',
    run: async ({ call, options }) => {
      const query = new URLSearchParams();
      if (options.since !== undefined) query.set('since', String(options.since));
      if (options.kinds !== undefined) query.set('kinds', options.kinds);
      print(await call<{ events: Logged[] }>('GET', `events?${query}`), options, ({ events }) =>
        events.length === 0 ? 'no events' : events.map(describeEvent).join('\n'),
      );
    },
  },
  {
    usage: 'knobs [JSON]',
    does: 'show the knobs, or set some',
    run: async ({ call, first, options }) => {
      const knobs = first === '' ? await call('GET', 'knobs') : await call('PUT', 'knobs', JSON.parse(first));
      print(knobs, options, (value) => JSON.stringify(value, undefined, 2));
    },
  },
  {
    usage: 'inject ACTION FAULT',
    does: 'FAULT: throttle, lost, applied-no-answer, late, error:CODE:STATUS; --times, --delay',
    run: async ({ call, first, second, options }) => {
      const body = { action: first, fault: faultOf(second, options), times: options.times ?? 1 };
      print(await call('POST', 'inject', body), options, done);
    },
  },
  {
    usage: 'reset',
    does: 'begin a new, empty world',
    run: async ({ call, options }) => print(await call('POST', 'reset', {}), options, done),
  },
];

async function perform(url: string, verb: string, args: readonly string[], options: Options): Promise<void> {
  const known = verbs.find(({ usage }) => usage.split(' ')[0] === verb);
  if (known === undefined) throw new Error(`There is no verb '${verb}'; byoa sim ctl --help lists them.`);
  const needed = known.usage
    .split(' ')
    .slice(1)
    .filter((word) => !word.startsWith('['));
  if (args.length < needed.length) throw new Error(`'${verb}' needs more: byoa sim ctl URL ${known.usage}`);
  const [first = '', second = ''] = args;
  const call = <T>(method: Method, path: string, body?: unknown): Promise<T> =>
    ask<T>(url, method, path, body);
  await known.run({ first, second, options, call });
}

const flowOf = (from: string, to: string, { id, port, interval }: Options) => ({
  from,
  to,
  ...(id !== undefined && { id }),
  ...(port !== undefined && { port }),
  ...(interval !== undefined && { intervalMs: interval }),
});

const servicesOf = (list: string | undefined) =>
  (list ?? '')
    .split(',')
    .filter((each) => each !== '')
    .map((each) => {
      const [kind, port] = each.split(':');
      return { kind, port: Number(port) };
    });

function faultOf(text: string, { delay }: Options) {
  const [kind, code, status] = text.split(':');
  if (kind === 'error') return { kind, code: code ?? 'InternalError', status: Number(status ?? 500) };
  return kind === 'late' ? { kind, delayMs: delay ?? 1000 } : { kind };
}
