/** `byoa sim ctl`: the control API from the command line, readable or as JSON. Speaks HTTP to a simulator; holds nothing. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FlowStats } from '../world/flows.ts';
import type { Logged } from '../world/happening.ts';
import type { Trace } from '../world/wire.ts';
import { describeEvent, describeFlow, describeState, describeTrace } from './describe.ts';
import type { State } from './state.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Asks a simulator; fails with what, why and remedy in one sentence. */
async function ask<T>(base: string, method: Method, path: string, body?: unknown): Promise<T> {
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
  ctl.addHelpText('after', VERBS);
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

const VERBS = `
Verbs:
  state                                    everything there is
  start|kill|hang|freeze|resume|drop|nodrop|reboot INSTANCE
  profile INSTANCE host|router|nat         what its guest does; --service udp-echo:7,http:80
  flow FROM TO [--port N] [--interval MS]  start a flow of UDP packets to an echo service
  flows | flow-stop ID                     read the books of all flows | stop one
  trace FROM TO [--protocol P] [--port N]  send one packet and show every hop
  cut A B [--one-way] [--loss RATE] | heal [ID]
  host ADDRESS                             add a host to the simulated Internet
  events [--since N] [--kinds LIST]
  knobs [JSON] | inject ACTION FAULT [--times N]   FAULT: throttle, applied-no-answer, lost, late, error:CODE:STATUS
  reset`;

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

const POWER_VERBS = ['start', 'kill', 'hang', 'freeze', 'resume', 'drop', 'nodrop', 'reboot'];

async function perform(url: string, verb: string, args: readonly string[], options: Options): Promise<void> {
  const [first = '', second = ''] = args;
  const need = (count: number, usage: string): void => {
    if (args.length < count) throw new Error(`'${verb}' needs more: byoa sim ctl URL ${usage}`);
  };
  const call = <T>(method: Method, path: string, body?: unknown): Promise<T> =>
    ask<T>(url, method, path, body);
  if (POWER_VERBS.includes(verb)) {
    need(1, `${verb} INSTANCE`);
    return print(await call('POST', `instances/${first}/${verb}`), options, done);
  }
  switch (verb) {
    case 'state':
      return print(await call<State>('GET', 'state'), options, describeState);
    case 'profile':
      need(2, 'profile INSTANCE host|router|nat');
      return print(
        await call('PUT', `guests/${first}`, { role: second, services: servicesOf(options.service) }),
        options,
        done,
      );
    case 'flow':
      need(2, 'flow FROM TO');
      return print(
        await call<FlowStats>('POST', 'flows', flowOf(first, second, options)),
        options,
        describeFlow,
      );
    case 'flows':
      return print(await call<{ flows: FlowStats[] }>('GET', 'flows'), options, ({ flows }) =>
        flows.length === 0 ? 'no flows' : flows.map(describeFlow).join('\n'),
      );
    case 'flow-stop':
      need(1, 'flow-stop ID');
      return print(await call<FlowStats>('DELETE', `flows/${first}`), options, describeFlow);
    case 'trace': {
      need(2, 'trace FROM TO');
      const { protocol, port, via } = options;
      const packet = {
        from: first,
        to: second,
        ...(protocol && { protocol }),
        ...(port && { port }),
        ...(via && { via }),
      };
      return print(await call<Trace>('POST', 'trace', packet), options, describeTrace);
    }
    case 'cut': {
      need(2, 'cut A B');
      const { id, loss, oneWay } = options;
      const cut = {
        from: first,
        to: second,
        direction: oneWay ? 'one-way' : 'both',
        ...(id && { id }),
        ...(loss && { loss }),
      };
      return print(
        await call<{ id: string }>('POST', 'cuts', cut),
        options,
        (made) => `${made.id}; heal it with: heal ${made.id}`,
      );
    }
    case 'heal':
      return print(await call('DELETE', first === '' ? 'cuts' : `cuts/${first}`), options, done);
    case 'host':
      need(1, 'host ADDRESS');
      return print(await call('POST', 'hosts', { address: first }), options, done);
    case 'events': {
      const query = new URLSearchParams();
      if (options.since !== undefined) query.set('since', String(options.since));
      if (options.kinds !== undefined) query.set('kinds', options.kinds);
      return print(await call<{ events: Logged[] }>('GET', `events?${query}`), options, ({ events }) =>
        events.length === 0 ? 'no events' : events.map(describeEvent).join('\n'),
      );
    }
    case 'knobs': {
      const knobs = first === '' ? await call('GET', 'knobs') : await call('PUT', 'knobs', JSON.parse(first));
      return print(knobs, options, (value) => JSON.stringify(value, undefined, 2));
    }
    case 'inject': {
      need(2, 'inject ACTION FAULT');
      const body = { action: first, fault: faultOf(second, options), times: options.times ?? 1 };
      return print(await call('POST', 'inject', body), options, done);
    }
    case 'reset':
      return print(await call('POST', 'reset', {}), options, done);
    default:
      throw new Error(`There is no verb '${verb}'; byoa sim ctl --help lists them.`);
  }
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
