/** The commands of `byoa bgp`. Only wiring. */
import type { Command } from 'commander';
import type { SpeakerInput } from '../bgp/event.ts';

const CONFIG = '/etc/byoa/config.yaml';

interface Options {
  readonly config: string;
  readonly socket?: string;
  readonly json?: boolean;
}

const asking = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'configuration file, which names the control socket', CONFIG)
    .option('--socket <path>', 'control socket, instead of the configured one')
    .option('--json', 'print JSON');

const commands = () => import('./bgp-commands.ts');

async function order(input: SpeakerInput, options: Options): Promise<void> {
  await (await commands()).order(input, options);
}

/** Adds `bgp` and its commands to the program. */
export function registerBgp(program: Command): void {
  const bgp = program.command('bgp').description('see and steer the BGP speaker and BFD of a running daemon');
  asking(bgp.command('summary').description('all neighbors at a glance')).action(async (options: Options) =>
    (await commands()).showSummary(options),
  );
  asking(bgp.command('neighbor [name]').description('a neighbor, or all, in every detail')).action(
    async (name: string | undefined, options: Options) => (await commands()).showNeighbors(name, options),
  );
  asking(bgp.command('rib').description('best routes; > best, ! refused, S stale'))
    .option('--in <neighbor>', 'what a neighbor sent, before policy')
    .option('--out <neighbor>', 'what a neighbor was sent')
    .option('--longer <prefix>', 'only prefixes within this one')
    .option('--family <family>', 'ipv4 or ipv6')
    .action(async (options: Options) => (await commands()).showRib(options));
  asking(bgp.command('route <prefix>').description('all paths of a prefix, and why one won')).action(
    async (prefix: string, options: Options) => (await commands()).showRoute(prefix, options),
  );
  asking(bgp.command('bfd').description('the BFD sessions')).action(async (options: Options) =>
    (await commands()).showBfd(options),
  );
  registerOrders(bgp);
}

function registerOrders(bgp: Command): void {
  asking(bgp.command('clear <neighbor>').description('end a session, which comes back'))
    .option('--hard', 'RFC 8538 Hard Reset: also where graceful restart was negotiated')
    .option('--text <words>', 'what the neighbor is told (RFC 9003)', '')
    .action(async (peer: string, options: Options & { hard?: boolean; text: string }) =>
      order({ kind: 'reset', peer, hard: options.hard === true, text: options.text }, options),
    );
  asking(
    bgp
      .command('soft <neighbor> <direction>')
      .description('policy anew, in or out, without losing the session'),
  ).action(async (peer: string, direction: string, options: Options) => {
    if (direction !== 'in' && direction !== 'out') throw new Error(`'${direction}' is neither in nor out`);
    await order({ kind: 'soft-reset', peer, direction }, options);
  });
  asking(
    bgp.command('refresh <neighbor> [family]').description('ask a neighbor for its routes again'),
  ).action(async (peer: string, family: string | undefined, options: Options) => {
    if (family !== undefined && family !== 'ipv4' && family !== 'ipv6')
      throw new Error(`'${family}' is neither ipv4 nor ipv6`);
    await order({ kind: 'route-refresh', peer, family: family ?? 'ipv4' }, options);
  });
  asking(bgp.command('shutdown <neighbor>').description('end a session until it is enabled'))
    .option('--text <words>', 'what the neighbor is told (RFC 9003)', '')
    .action(async (peer: string, options: Options & { text: string }) =>
      order({ kind: 'shutdown', peer, text: options.text }, options),
    );
  asking(bgp.command('enable <neighbor>').description('let a session come up again')).action(
    async (peer: string, options: Options) => order({ kind: 'enable', peer }, options),
  );
  asking(
    bgp.command('drain [how]').description('graceful-shutdown (RFC 8326, default), withdraw, or none'),
  ).action(async (how: string | undefined, options: Options) => {
    const wanted = how ?? 'graceful-shutdown';
    if (wanted !== 'graceful-shutdown' && wanted !== 'withdraw' && wanted !== 'none')
      throw new Error(`'${wanted}' is none of graceful-shutdown, withdraw and none`);
    await order({ kind: 'drain', how: wanted, reason: 'an operator wants it' }, options);
  });
}
