/** Writes the table of figures in docs/failover.md. Run by `npm run docs:failover`; it takes a minute. */
import {
  byPrefixLists,
  byPreparedTables,
  byRoutes,
  type Figure,
  oneAfterAnother,
} from '../controller/figures.ts';
import { writeSection } from './section.ts';

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
writeSection('docs/failover.md', 'figures', table);
