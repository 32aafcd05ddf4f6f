/** A report as text for a terminal. Pure. */
import { formatMillis } from '../../controller/base/time.ts';
import { nameOf } from './failure.ts';
import { isMissed, type Judged, type JudgedDrill, type Report, type Verdict, worstOf } from './verdict.ts';

export const titleOf = ({ failures }: Pick<JudgedDrill, 'failures'>): string =>
  failures.length === 0 ? 'nothing fails' : failures.map(nameOf).join(' + ');

/** As `back in 1.4 s`. */
export function outcomeText({ verdict, blackoutMs, lost }: Judged): string {
  const took = formatMillis(Math.round(blackoutMs));
  const texts: Record<Verdict, string> = {
    kept: 'kept',
    back: `back in ${took}`,
    late: `LATE: back in ${took}`,
    lost: `LOST: ${lost ?? ''}`,
    unsavable: lost === undefined ? `back in ${took}` : 'nobody left',
    orphaned: 'an end failed',
  };
  return texts[verdict];
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What became of pairs in one line, and each that missed an objective. */
function pairsText(pairs: readonly JudgedDrill[]): readonly string[] {
  if (pairs.length === 0) return [];
  const worst = pairs.map((pair) => ({ pair, flow: worstOf(pair) }));
  const counted = (...verdicts: readonly Verdict[]): number =>
    worst.filter(({ flow }) => flow === undefined || verdicts.includes(flow.verdict)).length;
  const backs = worst.flatMap(({ flow }) => (flow?.verdict === 'back' ? [flow.blackoutMs] : []));
  const longest =
    backs.length === 0 ? '' : `, the longest after ${formatMillis(Math.round(Math.max(...backs)))}`;
  const missed = worst.filter(({ flow }) => flow !== undefined && isMissed(flow));
  return [
    '',
    `${plural(pairs.length, 'pair')} of failures: in ${counted('kept', 'orphaned')} all flows were kept, in ${counted('back')} all came back${longest}, ` +
      `in ${counted('unsavable')} nobody was left, in ${missed.length} an objective was missed`,
    ...missed.map(({ pair, flow }) => `  ${titleOf(pair)}: ${flow?.flow}: ${flow && outcomeText(flow)}`),
  ];
}

export function reportText(report: Report): string {
  const { title, notes, flows, calm, singles, pairs } = report;
  const objectives = [...new Set(calm.flows.map(({ objectiveMs }) => formatMillis(objectiveMs)))];
  const named = flows.map((name, index) => `  ${index + 1}  ${name}`);
  const rows = [calm, ...singles].map((one) => [titleOf(one), ...one.flows.map(outcomeText)]);
  return [
    `${title}: ${plural(flows.length, 'flow')}, ${plural(singles.length, 'failure')}, objective ${objectives.join(' and ')}`,
    ...named,
    ...notes.map((note) => `  note: ${note}`),
    '',
    ...table([['', ...flows.map((_, index) => String(index + 1))], ...rows]),
    ...pairsText(pairs),
  ].join('\n');
}
