/** Drills in a lab as text. Pure. */
import type { Millis } from '../../../controller/base/time.ts';
import type { FlowSeen, LabDrill } from './run.ts';

/** Headings of the columns of `cellsOf`. */
export const COLUMNS: readonly string[] = [
  'failure',
  'blackout',
  'lost',
  'detect',
  'decide',
  'call',
  'propagate',
  'until answered',
  'TCP broken',
  'HTTP failed',
];

const ms = (value: Millis | undefined): string => (value === undefined ? '-' : `${Math.round(value)} ms`);

/** The flow that fared worst: one that never came back, else the longest silence. */
export function worstOf(flows: readonly FlowSeen[]): FlowSeen | undefined {
  const rank = ({ blackoutMs = Number.POSITIVE_INFINITY }: FlowSeen): number => blackoutMs;
  return flows.toSorted((one, other) => rank(other) - rank(one))[0];
}

function blackoutText(worst: FlowSeen | undefined): string {
  if (worst === undefined) return 'both ends failed';
  if (worst.blackoutMs === undefined) return 'LOST';
  return worst.blackoutMs === 0 ? 'none' : ms(worst.blackoutMs);
}

/** A drill by `COLUMNS`: its worst flow, and of all flows how many lost a connection or a request. */
export function cellsOf({ failure, spared, flows, split }: LabDrill): readonly string[] {
  if (spared !== undefined) return [failure, spared, ...COLUMNS.slice(2).map(() => '')];
  const worst = worstOf(flows);
  const sum = (of: (flow: FlowSeen) => number): string =>
    String(flows.reduce((total, flow) => total + of(flow), 0));
  const { detectMs, decideMs, callMs, propagateMs, restMs } = split;
  return [
    failure,
    blackoutText(worst),
    String(worst?.lost ?? ''),
    ...[detectMs, decideMs, callMs, propagateMs, restMs].map(ms),
    `${flows.filter(({ broken }) => broken > 0).length} of ${flows.length}`,
    sum(({ failed }) => failed),
  ];
}

/** A line of a terminal. */
export function lineOf(design: string, drill: LabDrill): string {
  const cells = cellsOf(drill);
  const told = COLUMNS.map((name, index) => `${name} ${cells[index]}`).slice(1);
  return drill.spared === undefined
    ? `${design}, ${drill.failure}: ${told.join(', ')}`
    : `${design}, ${drill.failure}: not done, ${drill.spared}`;
}

/** A table in Markdown. */
export function tableOf(drills: readonly LabDrill[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [row(COLUMNS), row(COLUMNS.map(() => '---')), ...drills.map((drill) => row(cellsOf(drill)))].join(
    '\n',
  );
}
