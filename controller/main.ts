/** The daemon's commands. Only wiring; each loads what it needs. */
import type { Command } from 'commander';
import type { AskOptions } from './shell/ask.ts';
import { registerBgp } from './shell/bgp-register.ts';
import { registerOrders } from './shell/orders-register.ts';
import type { ReadWorld } from './shell/plan.ts';
import { registerPlan } from './shell/plan-register.ts';

const CONFIG = '/etc/byoa/config.yaml';

interface RunOptions {
  readonly config: string;
  readonly observe?: boolean;
  readonly attach?: string;
  readonly journal?: string;
}

/** Adds the commands to the program; plans ask a world in a file where `readWorld` is given. */
export function register(program: Command, readWorld?: ReadWorld): void {
  program
    .command('run')
    .description('run the failover daemon')
    .option('-c, --config <file>', 'configuration file', CONFIG)
    .option('--observe', 'decide and log, and never write')
    .option('--attach <url#instance>', 'run inside an instance of a simulator (`byoa sim`)')
    .option('--journal <directory>', 'where to keep the journal, instead of the configured directory')
    .action(async ({ config, observe = false, ...rest }: RunOptions) => {
      const { runDaemon } = await import('./shell/daemon.ts');
      await runDaemon({
        configFile: config,
        observeOnly: observe,
        version: program.version() ?? '0',
        ...rest,
      });
      process.exit(0);
    });
  program
    .command('check')
    .description('validate a configuration; on the machine of the node, also what it needs of that machine')
    .option('-c, --config <file>', 'configuration file', CONFIG)
    .option('--aws', 'also check identity, permissions and everything that it names')
    .option('--local', 'check this machine too, although it has not the address of the node')
    .option('--json', 'print JSON')
    .action(async (options: { config: string; aws?: boolean; local?: boolean; json?: boolean }) => {
      const { check } = await import('./shell/check.ts');
      await check(options);
    });
  program
    .command('status')
    .description('show what a running daemon sees and decided')
    .option('-c, --config <file>', 'configuration file, which names the control socket', CONFIG)
    .option('--socket <path>', 'control socket, instead of the configured one')
    .option('--json', 'print JSON')
    .action(async (options: { config: string; socket?: string; json?: boolean }) => {
      const { status } = await import('./shell/ask.ts');
      await status(options);
    });
  program
    .command('switchover <group>')
    .description('move a group to an appliance on purpose')
    .requiredOption('--to <appliance>', 'the appliance that is to own the group')
    .option('--for <duration>', 'leave it there for so long, while that is healthy: no failback')
    .option('-c, --config <file>', 'configuration file, which names the control socket', CONFIG)
    .option('--socket <path>', 'control socket, instead of the configured one')
    .option('--json', 'print JSON')
    .action(async (group: string, options: AskOptions & { to: string; for?: string }) => {
      const { switchover } = await import('./shell/ask.ts');
      await switchover(group, options);
    });
  program
    .command('parameter <name>')
    .description('print a parameter of Systems Manager, decrypted, in the region of the configuration')
    .option('-c, --config <file>', 'configuration file', CONFIG)
    .action(async (name: string, options: { config: string }) => {
      const { printParameter } = await import('./shell/parameter-print.ts');
      await printParameter(name, options);
    });
  registerPlan(program, CONFIG, readWorld);
  registerOrders(program);
  registerBgp(program);
  program
    .command('replay <file>')
    .description('feed a journal through the same brain and compare its decisions')
    .option('--from <instant>', 'print from here on, e.g. 2026-01-31T12:00:00Z')
    .option('--json', 'print JSON lines')
    .action(async (file: string, options: { from?: string; json?: boolean }) => {
      const { replayFile } = await import('./shell/ask.ts');
      await replayFile(file, options);
    });
  program
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .action(async () => {
      const { configJsonSchema } = await import('./config.ts');
      process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });
}
