/** The command `byoa plan`: options only; what it does is loaded when it is asked for. */
import { type Command, Option } from 'commander';
import type { PlanOptions, ReadWorld } from './plan.ts';

/** Adds the command; `--world` where there is something that reads worlds. */
export function registerPlan(program: Command, config: string, readWorld: ReadWorld | undefined): void {
  const command = program
    .command('plan <group>')
    .description(
      'show what a failover would send, and how long it would take; exit code 1 beyond the objective',
    )
    .requiredOption('--fail <appliances>', 'who would die: one appliance, several with commas, or all')
    .option('--to <appliance>', 'who would take over, instead of the most preferred healthy member')
    .option('-c, --config <file>', 'configuration file, which names the control socket', config)
    .option('--json', 'print JSON');
  const socket = new Option('--socket <path>', 'control socket, instead of the configured one');
  const world = new Option(
    '--world <file>',
    'a world in a file, of byoa sim --state or import, not the daemon',
  );
  command.addOption(socket);
  if (readWorld !== undefined) command.addOption(world.conflicts('socket'));
  command.action(async (group: string, options: PlanOptions) => {
    const { plan } = await import('./plan.ts');
    await plan(group, options, readWorld);
  });
}
