/** Writes the table of figures in docs/failover.md. Run by `npm run docs:failover`; it takes a minute. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  byPrefixLists,
  byPreparedTables,
  byRoutes,
  type Figure,
  oneAfterAnother,
} from '../controller/figures.ts';

const FILE = fileURLToPath(new URL('../../docs/failover.md', import.meta.url));
const [BEGIN, END] = ['<!-- figures -->', '<!-- end of figures -->'];

const row = ({ how, calls, refused, changedS, readBackS }: Figure): string => {
  const readBack = readBackS === undefined ? '-' : `${readBackS.toFixed(2)} s`;
  return `| ${[how, String(calls), String(refused), `${changedS.toFixed(2)} s`, readBack].join(' | ')} |`;
};

const figures = [byPreparedTables(), byPrefixLists(), byRoutes(), oneAfterAnother()];
const table = [
  '| how | calls | refused for throttling | until all routes lead to the next owner | until that was read back |',
  '|---|---|---|---|---|',
  ...figures.map(row),
].join('\n');
const before = readFileSync(FILE, 'utf8');
const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)];
if (from < 0 || to < 0)
  throw new Error(`${FILE} has no ${BEGIN} and ${END}; put them where the table is to stand`);
writeFileSync(FILE, `${before.slice(0, from)}${BEGIN}\n${table}\n${before.slice(to)}`);
