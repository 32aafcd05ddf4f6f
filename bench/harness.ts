/**
 * What every benchmark shares: goals, medians, the table, the line about the machine. Measures nothing
 * itself.
 */

import { cpus, totalmem } from 'node:os';
import { quantile } from '../controller/base/quantile.ts';

/** A figure that we promise, as measured. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly op: '<=' | '>=';
  readonly limit: number;
  readonly unit: string;
  readonly met: boolean;
}

export type Row = Readonly<Record<string, string | number>>;

/** What a benchmark came to. `notes` are sentences for people, e.g. why a peer is missing. */
export interface Result {
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  readonly notes?: readonly string[];
  /** Further files that `--record` writes, by their path in the repository. */
  readonly files?: Readonly<Record<string, string>>;
}

/** One file of `bench/`: the question that it answers, and how. `say` shows progress on stderr. */
export interface Benchmark {
  readonly question: string;
  readonly run: (say: (line: string) => void) => Promise<Result>;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** A goal with its value, to four digits; a value that is not a number is never met. */
export function goal(name: string, value: number, op: Goal['op'], limit: number, unit: string): Goal {
  return { name, value: rounded(value), op, limit, unit, met: op === '<=' ? value <= limit : value >= limit };
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Minimum, median and maximum as cells of a table, in `unit`. */
export function spread(values: readonly number[], unit: string): Row {
  const cell = (value: number): string => `${rounded(value)} ${unit}`;
  return {
    runs: values.length,
    min: cell(Math.min(...values)),
    median: cell(median(values)),
    max: cell(Math.max(...values)),
  };
}

/** Lines of a table whose columns are the keys of all rows; numbers stand to the right. */
export function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const numeric = columns.map((column) =>
    rows.every((row) => /^[\d.]+( \S+)?$/.test(String(row[column] ?? '0'))),
  );
  const pad = (cell: string, index: number): string =>
    numeric[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** The machine that measured, in a line. */
export function machine(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} x ${first?.model.trim() ?? 'unknown CPU'}, ${memory}, Node ${process.versions.node}, ${process.platform}`;
}
