/**
 * Writes the table of blackouts in docs/failover.md. Run by `npm run docs:blackouts`; it plays some 900 runs
 * on all cores, which takes minutes, and fewer with `-- --runs 2`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { writeSection } from './section.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const { status, stdout } = spawnSync(
  process.execPath,
  ['bin/byoa.js', 'chaos', '--table', ...process.argv.slice(2)],
  {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
if (status !== 0) throw new Error(`byoa chaos --table ended with ${status}: the table is not written`);
writeSection('docs/failover.md', 'blackouts', stdout.trim());
