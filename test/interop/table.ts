/** The table that an interop run ends with: a line for each case, a column for each daemon. */
import { table } from '../../bench/harness.ts';
import type { Family } from '../../controller/bgp/options.ts';
import { KINDS, type Kind } from './daemons.ts';

export type Outcome = 'ok' | 'FAILED' | 'skipped';

interface Entry {
  readonly name: string;
  readonly kind: Kind;
  readonly family: Family;
  readonly outcome: Outcome;
}

/** `entries` in words: both families of a cell as one word where they agree; `-`: not supported there. */
export function interopTable(entries: readonly Entry[], names: readonly string[]): string {
  const cell = (name: string, kind: Kind): string => {
    const found = entries.filter((entry) => entry.name === name && entry.kind === kind);
    const outcomes = new Set(found.map(({ outcome }) => outcome));
    if (found.length === 0) return '-';
    const only = found.length === 1 ? ` (${found[0]?.family})` : '';
    if (outcomes.size === 1) return `${found[0]?.outcome}${only}`;
    return found.map(({ family, outcome }) => `${family} ${outcome}`).join(', ');
  };
  return table(
    names.map((name) => ({
      'with IPv4 and IPv6': name,
      ...Object.fromEntries(KINDS.map((kind) => [kind, cell(name, kind)])),
    })),
  );
}
