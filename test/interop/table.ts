/** The table that an interop run ends with: a line for each case, a column for each daemon, and footnotes. */
import { type Row, table } from '../../bench/harness.ts';
import type { Family } from '../../controller/bgp/options.ts';
import type { Case } from './case.ts';
import { KINDS, type Kind } from './daemons.ts';

export type Outcome = 'ok' | 'FAILED';

export interface Entry {
  readonly name: string;
  readonly kind: Kind;
  readonly family: Family;
  readonly outcome: Outcome;
}

export interface InteropTable {
  /** `ok` and `FAILED` stand for both families; `not run`: the daemon is not here; `-` has a footnote. */
  readonly rows: readonly Row[];
  /** Why daemons are left out, as `1: gobgp has no roles`, in the order of the rows. */
  readonly footnotes: readonly string[];
}

/** All cases in their order, with what they came to. */
export function interopTable(entries: readonly Entry[], cases: readonly Case[]): InteropTable {
  const reasons: string[] = [];
  const footnote = (reason: string): number => {
    if (!reasons.includes(reason)) reasons.push(reason);
    return reasons.indexOf(reason) + 1;
  };
  const cell = ({ name, without }: Case, kind: Kind): string => {
    const reason = without?.[kind];
    if (reason !== undefined) return `- (${footnote(`${kind}: ${reason}`)})`;
    const found = entries.filter((entry) => entry.name === name && entry.kind === kind);
    const outcomes = new Set(found.map(({ outcome }) => outcome));
    if (found.length === 0) return 'not run';
    if (outcomes.size === 1 && found.length === 2) return found[0]?.outcome ?? '';
    return found.map(({ family, outcome }) => `${family} ${outcome}`).join(', ');
  };
  const rows = cases.map((one) => ({
    'with IPv4 and IPv6': one.name,
    ...Object.fromEntries(KINDS.map((kind) => [kind, cell(one, kind)])),
  }));
  return { rows, footnotes: reasons.map((reason, index) => `${index + 1}: ${reason}`) };
}

export const printedTable = ({ rows, footnotes }: InteropTable): string =>
  [table(rows), ...footnotes].join('\n');
