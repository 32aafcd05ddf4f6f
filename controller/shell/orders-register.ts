/** The commands by which operators leave something with a daemon: drain, undrain, leave, pause, resume. */
import type { Command } from 'commander';
import type { AskOptions } from './ask.ts';
import type { Request } from './control.ts';
import type { LeaveOptions } from './leave.ts';

const CONFIG = '/etc/byoa/config.yaml';

const asking = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'configuration file, which names the control socket', CONFIG)
    .option('--socket <path>', 'control socket, instead of the configured one')
    .option('--json', 'print JSON');

async function tell(request: Request, options: AskOptions): Promise<void> {
  const { tellDaemon } = await import('./ask.ts');
  await tellDaemon(request, options);
}

const named = (group: string | undefined): { readonly group?: string } =>
  group === undefined ? {} : { group };

/** Adds the commands to the program. */
export function registerOrders(program: Command): void {
  asking(
    program
      .command('drain <appliance>')
      .description('empty an appliance: its groups go to others, and it gets none'),
  ).action((appliance: string, options: AskOptions) => tell({ kind: 'drain', appliance }, options));
  asking(program.command('undrain <appliance>').description('let an appliance be given groups again')).action(
    (appliance: string, options: AskOptions) => tell({ kind: 'undrain', appliance }, options),
  );
  asking(
    program
      .command('leave')
      .description('hand over what the own appliance has, before its machine stops; waits until that is done')
      .option('--wait <duration>', 'how long to wait for somebody to take over', '90s'),
  ).action(async (options: LeaveOptions) => {
    const { leaveService } = await import('./leave.ts');
    await leaveService(options);
  });
  asking(
    program
      .command('pause [group]')
      .description('leave a group alone, or all, until resumed')
      .option('--for <duration>', 'only for so long, as 30m'),
  ).action(async (group: string | undefined, options: AskOptions & { for?: string }) => {
    const { forOf } = await import('./ask.ts');
    await tell({ kind: 'pause', ...named(group), ...forOf(options) }, options);
  });
  asking(
    program.command('resume [group]').description('end pauses and overrides of a group, or of all'),
  ).action((group: string | undefined, options: AskOptions) =>
    tell({ kind: 'resume', ...named(group) }, options),
  );
}
