/**
 * How long the main job takes, and how long traffic is gone in it: `npm start` as a user starts it, several
 * times. The simulated AWS takes the delays that the demonstration prints; blackouts contain them.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type DesignResult, DRILLS } from '../sim/demo/report.ts';
import { type Benchmark, goal, median, type Row, spread } from './harness.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNS = 3;
const LIMIT_S = 60;

interface Run {
  readonly tookS: number;
  readonly designs: readonly DesignResult[];
}

/** Runs the demonstration once; rejects where the traffic did not return. */
async function demonstrate(html: string): Promise<Run> {
  const began = performance.now();
  const args = [join(ROOT, 'bin', 'byoa.js'), 'demo', '--json', '--html', html];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const output = text(child.stdout);
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`byoa demo ended with ${code}`);
  return { tookS: (performance.now() - began) / 1000, designs: JSON.parse(await output).designs };
}

/** One row for each drill and part of it, over all runs. */
function rowsOf(runs: readonly Run[]): readonly Row[] {
  const designs = runs[0]?.designs.map(({ design }) => design) ?? [];
  return designs.flatMap((design) =>
    DRILLS.flatMap((kind) => {
      const drills = runs.flatMap((run) =>
        run.designs.filter((one) => one.design === design).flatMap((one) => one.drills),
      );
      const own = drills.filter((drill) => drill.kind === kind);
      const splits = own.flatMap(({ split }) => split ?? []);
      const row = (what: string, values: readonly number[]): Row => ({
        what: `${design}, ${kind}: ${what}`,
        ...spread(values, 'ms'),
      });
      const blackout = row(
        'blackout',
        own.map(({ blackoutMs }) => blackoutMs),
      );
      if (splits.length === 0) return [blackout];
      return [
        blackout,
        ...(['detectMs', 'decideMs', 'callMs', 'propagateMs'] as const).map((part) =>
          row(
            part.slice(0, -2),
            splits.map((split) => split[part]),
          ),
        ),
      ];
    }),
  );
}

export const benchmark: Benchmark = {
  question: `How long does npm start take, and how long is traffic gone in it? (${RUNS} runs)`,
  run: async (say) => {
    const folder = mkdtempSync(join(tmpdir(), 'byoa-bench-'));
    try {
      const runs: Run[] = [];
      for (let run = 0; run < RUNS; run++) {
        runs.push(await demonstrate(join(folder, 'demo.html')));
        say(`run ${run + 1} of ${RUNS}: ${runs.at(-1)?.tookS.toFixed(1)} s`);
      }
      const took = runs.map(({ tookS }) => tookS);
      return {
        rows: [{ what: 'npm start, both designs', ...spread(took, 's') }, ...rowsOf(runs)],
        goals: [goal('npm-start', median(took), '<=', LIMIT_S, 's')],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
