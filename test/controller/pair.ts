/** Two appliances, each with its daemon, on a stage with the real EC2 service; and what tests ask of them. */
import type { ConfigInput } from '../../controller/config.ts';
import { type Design, design } from './designs.ts';
import { addDaemon, type Daemon, deliver, run, texts } from './stage.ts';

export type GroupInput = Partial<NonNullable<ConfigInput['groups']>[number]>;

export interface Pair extends Design {
  readonly made: Design;
  readonly a: Daemon;
  readonly b: Daemon;
}

export function pair(options: Parameters<typeof design>[0] = {}, group: GroupInput = {}): Pair {
  const made = design(options);
  const a = addDaemon(made.stage, made.config('a', group));
  const b = addDaemon(made.stage, made.config('b', group));
  run(made.stage, 10_000);
  return { ...made, made, a, b };
}

export const decisions = (daemon: Daemon): string => texts(daemon, 'decision').join('\n');
export const switchover = (pair: Pair, daemon: Daemon, to: string): void =>
  deliver(pair.stage, daemon, { kind: 'command', id: 7, command: { kind: 'switchover', group: 'g', to } });
