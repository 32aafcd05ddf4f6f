/** The commands that let designs in labs fail: `byoa lab drill`, `byoa soak`. Only wiring. */
import type { Command } from 'commander';
import { setting } from '../../pulumi/setting.ts';
import { millis, minutes } from '../arguments.ts';
import type { DrillOptions, SoakCommandOptions } from './command.ts';
import type { TrafficWanted } from './report.ts';

/** The knobs of the API that both have. */
const knobs = (command: Command): Command =>
  command
    .option('--latency <ms>', 'API: from request to answer', millis, 150)
    .option('--propagation <ms>', 'API: from a change to its effect on packets', millis, 50);

/** Adds them to the program, and to its command `lab`. */
export function registerDrills(program: Command, lab: Command): void {
  lab.command('traffic <wanted>', { hidden: true }).action(async (text: string) => {
    const { runTraffic } = await import('./traffic.ts');
    await runTraffic(JSON.parse(text) as TrafficWanted);
  });
  knobs(
    lab
      .command('drill [designs...]')
      .description(
        'deploy each design into a lab of its own, let it fail in every way, and tell what real traffic saw',
      ),
  )
    .option('--only <failure...>', 'these failures alone')
    .option('--config <key=value>', 'a key of the design, as in byoa deploy; may be repeated', setting, [])
    .option('--json', 'print the reports as JSON')
    .action(async (designs: readonly string[], options: DrillOptions) => {
      const { runDrills } = await import('./command.ts');
      process.exitCode = await runDrills(designs, options);
    });
  knobs(
    program
      .command('soak')
      .description(
        'let failures drawn from a seed happen to a design in a lab, under load, and watch its daemons',
      ),
  )
    .option('--minutes <number>', 'for how long', minutes, 60)
    .option('--design <name>', 'which design', 'egress-pair')
    .option('--seed <number>', 'seed of the failures', Number, 1)
    .action(async (options: SoakCommandOptions) => {
      const { runSoak } = await import('./command.ts');
      process.exitCode = await runSoak(options);
    });
}
