/** `byoa drill`: fails everything, one at a time and in pairs, in a copy of the world. Only wiring. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Millis } from '../../controller/base/time.ts';
import { parseDuration } from '../../controller/config/units.ts';
import { whole } from '../chaos/terminal.ts';
import { DESIGNS } from '../pulumi/designs.ts';
import type { DrillCommandOptions } from './campaign.ts';

function duration(text: string): Millis {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(`${parsed.error} such as 500ms or 10s.`);
}

function placement(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, node, instance] = /^([^=]+)=(i-[0-9a-f]+)$/.exec(text) ?? [];
  if (node !== undefined && instance !== undefined) return { ...before, [node]: instance };
  throw new InvalidArgumentError(`'${text}' is not like observer=i-0123456789abcdef0.`);
}

const several = (text: string, before: readonly string[]): readonly string[] => [...before, text];

/** Adds `drill` to the program. */
export function register(program: Command): void {
  const command = program
    .command('drill')
    .description(
      'fail everything, one at a time and in pairs, in the simulator: which flows come back, and when',
    )
    .addOption(
      new Option('--design <name>', 'only this design; all of them by default').choices([...DESIGNS]),
    )
    .addOption(
      new Option(
        '--program <folder>',
        'a Pulumi project that deploys a design, as byoa init writes it; with --stack',
      ).conflicts(['design', 'world', 'config']),
    )
    .option('--stack <name>', 'the stack whose configuration the program gets', 'prod')
    .option('--world <file>', 'a world that byoa import or byoa sim --state wrote; with --config')
    .option('--config <file>', 'configuration of a daemon; without --world the account is read', several, [])
    .option('--endpoint <url>', 'where EC2 is, for reading the account')
    .option('--on <node=instance>', 'where a daemon runs that is on no appliance', placement, {})
    .addOption(
      new Option('--role <role>', 'what appliances do where the world does not say it')
        .choices(['nat', 'router'])
        .default('nat'),
    )
    .option(
      '--objective <duration>',
      'a flow is to be back after so long; by default as the design promises, or 10s',
      duration,
    )
    .option('--limit <duration>', 'flows are watched for so long', duration, 60_000)
    .option('--no-pairs', 'only single failures')
    .option('--seed <number>', 'seed of delays', whole, 1)
    .option('--html <file>', 'write a page with pictures')
    .option('--junit <file>', 'write JUnit XML')
    .option('--json', 'print the report as JSON');
  command.action(async (options: DrillCommandOptions) => {
    if (options.world !== undefined && options.config.length === 0)
      command.error('A world needs its daemons: give their configurations, --config FILE.');
    if (options.design !== undefined && options.config.length > 0)
      command.error('--design has configurations of its own: leave out --config.');
    // What it needs is loaded only here: help and complaints do not wait for the AWS SDK.
    const { run } = await import('./campaign.ts');
    await run(options);
  });
}
