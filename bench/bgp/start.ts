/** Speakers run with the priority that the unit of our daemon has, all of them: none goes before another. */
import { NICE } from '../../infra/components/unit.ts';
import { type Host, type Running, start } from '../../test/interop/lab.ts';

/** Starts a program in a host, ahead of what else runs on the machine. */
export const startAhead = (
  host: Host,
  name: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running => start(host, name, ['nice', '-n', String(NICE), ...command], env);
