/** `byoa status` as a table for people. Pure text. */
import { formatMillis } from '../base/time.ts';
import type { GroupStatus, Status } from '../failover/status.ts';
import type { SyncStatus, TableStatus } from '../sync/status.ts';
import type { AwsState } from './aws.ts';
import type { JournalState } from './journal.ts';

/** What the socket answers: the node's status and the shell's own. */
export interface DaemonStatus extends Status, SyncStatus {
  readonly daemon: {
    readonly journal: JournalState;
    readonly aws: AwsState;
    readonly attached: string | null;
  };
}

/** Columns padded to their widest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const age = (ms: number | undefined): string => (ms === undefined ? '-' : formatMillis(Math.max(0, ms)));

/** The tables that follow best paths, with a line of its own before. */
function syncTable(tables: readonly TableStatus[] | undefined): string {
  if (tables === undefined) return '';
  const rows = tables.map((one) => [
    one.table,
    String(one.wanted),
    `${one.installed}/${one.planned}${one.aggregated ? ' aggregated' : ''}`,
    String(one.ours),
    String(one.foreign),
    String(one.leftOut),
    one.lastWrite === undefined ? '-' : `${one.lastWrite.text}, ${age(one.lastWrite.agoMs)} ago`,
  ]);
  return `\n${table([['ROUTE TABLE', 'WANTED', 'INSTALLED', 'OURS', 'FOREIGN', 'LEFT OUT', 'LAST WRITE'], ...rows])}\n`;
}

const RIGHT = { held: 'ours', open: 'precedence decides', shut: 'not ours' } as const;

/** Who holds a group's lease, its token, and the age of its last renewal. */
function leaseCell({ lease }: GroupStatus): string {
  if (lease === undefined) return '-';
  const { holder, token, ageMs, right } = lease;
  return `${holder ?? 'nobody'} #${token}, ${age(ageMs)} ago, ${RIGHT[right]}`;
}

/** The whole answer, ending in a line break. */
export function formatStatus(status: DaemonStatus): string {
  const { journal, aws } = status.daemon;
  const mode = status.observeOnly ? ', observes only' : '';
  const head = `node ${status.node}, byoa ${status.version}, up ${formatMillis(status.uptimeMs)}${mode}`;
  const hasLease = status.groups.some(({ lease }) => lease !== undefined);
  const groups = table([
    ['GROUP', 'OWNER', 'SEEN', ...(hasLease ? ['LEASE'] : []), 'LAST DECISION'],
    ...status.groups.map((group) => [
      group.name,
      group.owner,
      age(group.observedAgeMs),
      ...(hasLease ? [leaseCell(group)] : []),
      group.decision,
    ]),
  ]);
  const appliances = table([
    ['APPLIANCE', 'VERDICT', 'FOR', 'EVIDENCE', 'REASON'],
    ...status.appliances.map((appliance) => [
      appliance.own ? `${appliance.name} (own)` : appliance.name,
      appliance.verdict,
      age(appliance.forMs),
      age(appliance.evidenceAgeMs),
      appliance.reason,
    ]),
  ]);
  const problems = [
    ...status.orders,
    ...status.readiness.degraded.map((problem) => `degraded: ${problem}`),
    ...status.api.problems,
    ...aws.failures,
    ...status.groups.flatMap(({ name, lease }) =>
      lease?.problem === undefined ? [] : `lease of ${name}: ${lease.problem}`,
    ),
    ...status.groups.flatMap(({ name, flaw }) => (flaw === undefined ? [] : `${name}: ${flaw}`)),
    ...(status.routeSync ?? []).flatMap((one) => one.problems.map((problem) => `${one.table}: ${problem}`)),
    ...(journal.failure === undefined ? [] : [`journal: ${journal.failure} (${journal.lost} records lost)`]),
  ];
  const warnings = problems.map((problem) => `! ${problem}\n`).join('');
  return `${head}\n\n${groups}\n\n${appliances}\n${syncTable(status.routeSync)}${warnings === '' ? '' : `\n${warnings}`}`;
}
