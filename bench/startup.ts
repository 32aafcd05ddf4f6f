/** How long the daemon takes from its start to its ready line. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bin/bundle.ts';
import { makeExecutable } from '../bin/executable.ts';
import { type Benchmark, goal, median, type Row, spread } from './harness.ts';
import { configuration, openTarget, startDaemon } from './scene/daemon.ts';
import { openRegion } from './scene/region.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNS = 9;
const LIMIT_MS = 500;

export const benchmark: Benchmark = {
  question: `How soon after its start is the daemon ready? (${RUNS} runs each, EC2 answering at once)`,
  run: async (say) => {
    const folder = mkdtempSync(join(tmpdir(), 'byoa-bench-'));
    say('building the bundle and the executable');
    const main = await bundle(ROOT, folder, '0.0.0');
    const programs = {
      bundle: [process.execPath, main],
      executable: [makeExecutable(main, join(folder, 'koffi.node'), folder)],
      clone: [process.execPath, join(ROOT, 'bin', 'byoa.js')],
    };
    const region = await openRegion(0, 1);
    const targets = [await openTarget('127.0.0.2'), await openTarget('127.0.0.3')] as const;
    try {
      const times = { bundle: [] as number[], executable: [] as number[], clone: [] as number[] };
      for (let run = 0; run < RUNS; run++) {
        for (const kind of ['bundle', 'executable', 'clone'] as const) {
          const own = join(folder, `${kind}-${run}`);
          const file = configuration({
            folder: own,
            endpoint: region.url,
            region,
            tables: region.tables,
            targets,
          });
          const start = performance.now();
          const daemon = startDaemon(programs[kind], file);
          await daemon.logged('ready', (line) => line.topic === 'ready');
          times[kind].push(performance.now() - start);
          await daemon.stop();
        }
        say(`run ${run + 1} of ${RUNS}: bundle ${times.bundle.at(-1)?.toFixed(0)} ms`);
      }
      const rows: readonly Row[] = [
        { what: 'bundle', ...spread(times.bundle, 'ms') },
        { what: 'executable', ...spread(times.executable, 'ms') },
        { what: 'clone, through tsx', ...spread(times.clone, 'ms') },
      ];
      const goals = [
        goal('ready-bundle', median(times.bundle), '<=', LIMIT_MS, 'ms'),
        goal('ready-executable', median(times.executable), '<=', LIMIT_MS, 'ms'),
      ];
      return { rows, goals };
    } finally {
      await Promise.all([region.close(), targets[0].kill(), targets[1].kill()]);
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
