/** What an entrant costs while nothing happens: the processes of an appliance, other than the server. */
import { pause, type Side, type Stage } from './stage.ts';

/** Processor time in a second and memory of an appliance's processes other than the server. */
export interface Idle {
  readonly cpuPercent: number;
  readonly rssMiB: number;
}

/** A line for each process: its id and start, its processor time, its pages. */
const LIST = `own=$(readlink /proc/self/ns/net)
for d in /proc/[0-9]*; do
  p=\${d#/proc/}
  [ "$p" = $$ ] || [ "$p" = "$(cat /run/echo.pid)" ] && continue
  [ "$(readlink $d/ns/net 2>/dev/null)" = "$own" ] || continue
  stat=$(cat $d/stat 2>/dev/null) || continue
  set -- \${stat##*) }
  echo $p-\${20} $((\${12} + \${13})) \${22}
done`;

const IDLE_MS = 10_000;
const PAGE_BYTES = 4096;

interface Process {
  /** Hundredths of a second. */
  readonly ticks: number;
  readonly pages: number;
}

const processesOf = (text: string): ReadonlyMap<string, Process> =>
  new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', ticks, pages] = line.split(' ');
        return [name, { ticks: Number(ticks), pages: Number(pages) }];
      }),
  );

/** Measures over ten seconds, by the processes that live all the while; what they start is left out. */
export async function measureIdle(stage: Stage, side: Side): Promise<Idle> {
  const list = async () => processesOf(await stage.run(side, LIST));
  const before = await list();
  const began = performance.now();
  await pause(IDLE_MS);
  const after = await list();
  const seconds = (performance.now() - began) / 1000;
  const lasting = [...after].flatMap(([name, { ticks, pages }]) => {
    const then = before.get(name);
    return then === undefined ? [] : [{ ticks: ticks - then.ticks, pages }];
  });
  const sum = (of: (one: Process) => number): number => lasting.reduce((total, one) => total + of(one), 0);
  return {
    cpuPercent: sum(({ ticks }) => ticks) / seconds,
    rssMiB: (sum(({ pages }) => pages) * PAGE_BYTES) / 2 ** 20,
  };
}
