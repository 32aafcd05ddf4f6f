/**
 * `byoa trace`: how a packet fares in a simulated world, hop by hop. It asks a running simulator, or loads a
 * world from a file. Exit code 0: it was delivered (with `--both`, the answer as well); 1: it was not; 2: the
 * question was wrong.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TracedFlow, TracedPacket } from '../world/trace.ts';
import { ask } from './ctl.ts';
import { describeTrace } from './describe-trace.ts';

interface Options {
  readonly from: string;
  readonly to: { readonly address: string; readonly port?: number };
  readonly proto?: TracedPacket['protocol'];
  readonly fromPort?: number;
  readonly bytes?: number;
  readonly endpoint: string;
  readonly world?: string;
  readonly both?: boolean;
  readonly json?: boolean;
}

function integer(text: string, what: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`'${text}' is not ${what} from ${least} to ${most}.`);
}

/** As the control API takes it: from an IP header with a UDP header on. */
const length = (text: string): number => integer(text, 'a length', 28, 65_535);

const portNumber = (text: string): number => integer(text, 'a port', 1, 65_535);

/** `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`. */
function destination(text: string): Options['to'] {
  const [, bracketed, v6Port, v4, v4Port] = /^(?:\[([^\]]+)\](?::(.*))?|([^:]+):([^:]*))$/.exec(text) ?? [];
  const address = bracketed ?? v4 ?? text;
  const port = v6Port ?? v4Port;
  return { address, ...(port !== undefined && { port: portNumber(port) }) };
}

function protocol(text: string): TracedPacket['protocol'] {
  return text === 'tcp' || text === 'udp' || text === 'icmp'
    ? text
    : integer(text, 'tcp, udp, icmp or a number', 0, 255);
}

/** Adds `trace` to the program. */
export function registerTrace(program: Command): void {
  const command = program.command('trace').description('show hop by hop how a packet fares, and why');
  command
    .requiredOption('--from <name>', 'an instance, a network interface, or an address of one')
    .requiredOption(
      '--to <address[:port]>',
      'its destination; IPv6 with a port as [ADDRESS]:PORT',
      destination,
    )
    .option('--proto <name>', 'tcp, udp, icmp or a number (tcp where a port is given, else icmp)', protocol)
    .option('--from-port <number>', 'source port of tcp and udp', portNumber)
    .option('--bytes <number>', 'length of the IP packet, which may not be fragmented (64)', length)
    .option('--endpoint <url>', 'a running byoa sim', 'http://127.0.0.1:4566')
    .addOption(
      new Option('--world <file>', 'a world in a file instead, of byoa sim --state or import').conflicts(
        'endpoint',
      ),
    )
    .option('--both', 'let the receiver answer, and show the way of the answer')
    .option('--json', 'print the trace as data: docs/trace.md')
    .action(async (options: Options) => {
      const flow = await answer(options).catch((error: unknown) =>
        command.error(error instanceof Error ? error.message : String(error), { exitCode: 2 }),
      );
      console.log(options.json ? JSON.stringify(flow) : describeTrace(flow));
      if (!isDelivered(flow)) process.exitCode = 1;
    });
}

async function answer(options: Options): Promise<TracedFlow> {
  const { to, proto, endpoint, world } = options;
  if ((proto === 'tcp' || proto === 'udp') && to.port === undefined) {
    throw new Error(`--proto ${proto} needs a port: --to ADDRESS:PORT, with IPv6 --to [ADDRESS]:PORT.`);
  }
  const packet = packetOf(options);
  return world === undefined
    ? ask<TracedFlow>(endpoint, 'POST', 'trace', packet)
    : traceInFile(world, packet);
}

/** The world of a file, in this process: what loads it is loaded only here. */
async function traceInFile(file: string, packet: TracedPacket): Promise<TracedFlow> {
  const { readWorld } = await import('./keeper.ts');
  const { openWorld } = await import('../world/world-file.ts');
  const { assumeHosts, tracePacket } = await import('../world/trace.ts');
  const saved = readWorld(file);
  if (saved === undefined)
    throw new Error(`There is no file ${file}; byoa sim --state and byoa import make one.`);
  const world = openWorld(saved);
  assumeHosts(world, [packet.from, packet.to]);
  const flow = tracePacket(world, packet);
  if (flow.ok) return flow.value;
  throw new Error(`The packet was not sent: ${flow.error}.`);
}

const packetOf = ({ from, to, proto, fromPort, bytes, both }: Options): TracedPacket => ({
  from,
  to: to.address,
  protocol: proto ?? (to.port === undefined ? 'icmp' : 'tcp'),
  port: to.port,
  sourcePort: fromPort,
  bytes,
  both,
});

const isDelivered = ({ disposition, answer }: TracedFlow): boolean =>
  disposition === 'DELIVERED' && (answer === undefined || answer.disposition === 'DELIVERED');
