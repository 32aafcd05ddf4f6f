/**
 * `byoa demo`: deploys two designs into the simulator, takes an appliance away, and shows what happened. Only
 * wiring.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import type { DesignName } from '../pulumi/designs.ts';
import { page } from './page.ts';
import type { DesignResult } from './report.ts';
import { runDesign } from './run.ts';
import { designText, drillText, painter } from './text.ts';

interface DemoOptions {
  readonly design?: DesignName;
  readonly json?: boolean;
  readonly html: string;
  readonly keep?: boolean;
}

/** Adds `demo` to the program. */
export function register(program: Command): void {
  program
    .command('demo')
    .description('deploy two designs into the simulator, kill the active appliance, and show the failover')
    .addOption(new Option('--design <name>', 'only this design').choices([...SHOWN]))
    .option('--html <file>', 'where the page with the drawings goes', '.byoa/demo.html')
    .option('--json', 'print one JSON document instead of text')
    .option('--keep', 'keep the folder with configurations and journals')
    .action(run);
}

/** Of one group each: the routes of one are rewritten, the ENI of the other is moved. */
const SHOWN: readonly DesignName[] = ['egress-pair', 'floating-eni'];

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * One line that is written over on a terminal, and a line each elsewhere; to stderr, so that stdout stays
 * clean.
 */
function progressLine(): { show: (text: string) => void; clear: () => void } {
  const terminal = process.stderr.isTTY === true;
  let last = '';
  return {
    show: (text) => {
      const quiet = text.replace(/, \d+ resources made$/, '');
      if (terminal) process.stderr.write(`\r\u001b[K${text}`);
      else if (quiet !== last) process.stderr.write(`${quiet}\n`);
      last = quiet;
    },
    clear: () => {
      if (terminal) process.stderr.write('\r\u001b[K');
    },
  };
}

async function run(options: DemoOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'byoa-demo-'));
  const progress = progressLine();
  const paint = painter(process.stdout.isTTY === true && process.env.NO_COLOR === undefined);
  const print = (text: string): void => {
    progress.clear();
    if (!options.json) process.stdout.write(`${text}\n`);
  };
  let results: readonly DesignResult[];
  try {
    let turn: Promise<unknown> = Promise.resolve();
    const runs = (options.design ? [options.design] : SHOWN).map((design) => {
      const result = runDesign({
        design,
        root: ROOT,
        directory,
        turn,
        progress: progress.show,
        deployed: (deployed) => print(designText(deployed, paint)),
        drilled: (drill) => print(drillText(drill, paint)),
      });
      turn = result.catch(() => undefined);
      return result;
    });
    // All end, and have ended what they started, before the first failure is told.
    await Promise.allSettled(runs);
    results = await Promise.all(runs);
  } finally {
    progress.clear();
    if (options.keep) process.stderr.write(`kept ${directory}\n`);
    else await rm(directory, { recursive: true, force: true });
  }
  const html = resolve(options.html);
  await mkdir(resolve(html, '..'), { recursive: true });
  await writeFile(html, page(results, new Date().toISOString()));
  if (options.json) process.stdout.write(`${JSON.stringify({ designs: results, html }, undefined, 2)}\n`);
  else print(`\nThe same with drawings: ${html}`);
  if (results.some(({ drills }) => drills.some(({ recovered }) => !recovered))) process.exitCode = 1;
}
