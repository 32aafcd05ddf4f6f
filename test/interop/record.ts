/** Writes what a run of the matrix came to into `docs/interop.md`. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machine, median, type Row } from '../../bench/harness.ts';
import type { Reaction } from './bfd-cases.ts';
import { KINDS, type Kind } from './daemons.ts';
import type { InteropTable } from './table.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/interop.md', import.meta.url));

const ASK_VERSION: Readonly<Record<Kind, readonly [string, string]>> = {
  bird: ['bird', '--version'],
  frr: ['/usr/lib/frr/bgpd', '--version'],
  gobgp: ['gobgpd', '--version'],
  exabgp: ['exabgp', '--version'],
  openbgpd: ['bgpd', '-V'],
};

/** What a daemon calls its version, or why it says none. */
function versionOf(kind: Kind): string {
  const [program, flag] = ASK_VERSION[kind];
  const { stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8' });
  return /\d+\.\d+[.\d]*/.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[0] ?? 'not installed';
}

/** A line for each interval, daemon, family and side. */
export const reactionRows = (reactions: readonly Reaction[]): readonly Row[] => {
  const keyOf = ({ intervalMs, what, trial }: Reaction): string =>
    [`${intervalMs} ms x 3`, trial.kind, trial.family, what].join('|');
  const keys = [...new Set(reactions.map(keyOf))];
  return keys.map((key) => {
    const [interval = '', daemon = '', family = '', what = ''] = key.split('|');
    const times = reactions.filter((one) => keyOf(one) === key).map(({ tookMs }) => tookMs);
    return { BFD: interval, daemon, family, what, after: `${Math.round(median(times))} ms` };
  });
};

function markdown(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => row[column] ?? ''))),
  ].join('\n');
}

/** Overwrites the document with this run. */
export function recordInterop({ rows, footnotes }: InteropTable, reactions: readonly Reaction[]): void {
  const versions = KINDS.map((kind) => `${kind} ${versionOf(kind)}`).join(', ');
  const text = `# Interoperability

byoa's BGP speaker and BFD against routing daemons from Debian, each in a network namespace of its own. A cell
stands for IPv4 and IPv6; \`-\` with the number of a footnote says why a daemon is left out. Written by

    BYOA_RECORD=1 npx vitest run test/interop/matrix.test.ts

on ${new Date().toISOString().slice(0, 10)} (as root; \`npm run peers\` installs the daemons) with ${versions};
${machine()}.

${markdown(rows)}

${footnotes.map((note) => `- ${note}`).join('\n')}

## How long BFD took to end a session

From the moment at which one side fell silent until our speaker's session was down, while the other daemons'
tests ran beside it on the same machine. Three intervals are the Detection Time; nothing judges these.

${markdown(reactionRows(reactions))}
`;
  writeFileSync(DOCUMENT, text);
}
