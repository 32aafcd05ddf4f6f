/**
 * Drills all designs, or those named, in labs, and writes what came of it into docs/lab.md, after each
 * design: `npm run docs:lab`, as root, some fifteen minutes. Designs that are not drilled keep what stands
 * there.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { NAMES } from '../../infra/designs/catalog.ts';
import { LAB_DESIGNS, whyNotInLabs } from '../../sim/lab/designs.ts';
import { drillDesign, type LabReport } from '../../sim/lab/drill/run.ts';
import { lineOf, tableOf } from '../../sim/lab/drill/text.ts';
import { writeSection } from './section.ts';

const KNOBS = { latencyMs: 150, propagationMs: 50 };
const RESULTS = fileURLToPath(new URL('../../docs/lab-drills.json', import.meta.url));
const BYOA = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));

interface Recorded {
  readonly day: string;
  readonly machine: string;
  readonly report: LabReport;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function pageOf(all: readonly Recorded[]): string {
  return NAMES.flatMap((name) => {
    const found = all.find(({ report }) => report.design === name);
    if (found === undefined) {
      const why = whyNotInLabs(name);
      return [`### ${name}`, '', why === undefined ? 'Not drilled yet.' : `Not in a lab: ${why}.`, ''];
    }
    return [`### ${name}`, '', `${found.day}, ${found.machine}.`, '', tableOf(found.report.drills), ''];
  })
    .join('\n')
    .trimEnd();
}

const wanted = process.argv.slice(2);
let all: readonly Recorded[] = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : [];
for (const design of wanted.length > 0 ? wanted : LAB_DESIGNS) {
  const report = await drillDesign(design, {
    program: [process.execPath, BYOA],
    options: ['--latency', String(KNOBS.latencyMs), '--propagation', String(KNOBS.propagationMs)],
    say,
    told: (drill) => say(lineOf(design, drill)),
  }).catch((error: unknown) => {
    process.exitCode = 1;
    say(`${design} broke off: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (report === undefined) continue;
  const processor = cpus();
  const recorded = {
    day: new Date().toISOString().slice(0, 10),
    machine: `${processor.length} x ${processor[0]?.model.split(' ').slice(0, 2).join(' ')}`,
    report,
  };
  all = [...all.filter((one) => one.report.design !== design), recorded];
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`);
  writeSection('docs/lab.md', 'drills', pageOf(all));
}
