/**
 * How long flows are interrupted, by scenario and fault: each fault alone, at many moments, with the same
 * seeds each time. Pure; who plays the cases, and on which core, is main's.
 */
import { quantile } from '../../controller/base/quantile.ts';
import { present } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { placesIn } from './campaign.ts';
import type { Fault, Trouble } from './fault.ts';
import type { Places, Plan } from './plan.ts';
import { SCENARIOS } from './scenes/all.ts';

/** Runs of each case, where nobody says otherwise: each begins at another moment of the daemons' rounds. */
export const RUNS = 6;
const BEGINS_MS: Millis = 20_000;
const STEP_MS: Millis = 237;
const LASTS_MS: Millis = 30_000;

interface Case {
  readonly name: string;
  /** `owner` is the member that owns the groups at first. */
  readonly troubles: (owner: string, places: Places) => readonly Trouble[];
}

const machine = (how: Extract<Trouble, { kind: 'machine' }>['how'], owner: string): Trouble => ({
  kind: 'machine',
  how,
  machine: owner,
});
const calls = (what: Extract<Trouble, { kind: 'calls' }>['what'], times: number): Trouble => ({
  kind: 'calls',
  what,
  times,
  lateMs: 5000,
});
const api = (how: Extract<Trouble, { kind: 'api' }>['how'], much: number): Trouble => ({
  kind: 'api',
  how,
  much,
});

/** What goes wrong at the same time as the owner dies. */
const WITH_DEATH: readonly (readonly [string, Trouble])[] = [
  ['two calls throttled', calls('throttle', 2)],
  ['two calls failing with 500', calls('error', 2)],
  ['a call applied and not answered', calls('applied-no-answer', 1)],
  ['a call lost', calls('lost', 1)],
  ['a call applied 5 s late', calls('late', 1)],
  ['API slow: 2 s a call', api('slow', 2000)],
  ['API stale by 5 s', api('stale', 5000)],
  ['half of all calls failing', api('errors', 0.5)],
  ['half of all calls not answered', api('unanswered', 0.5)],
  ['writes in effect after 5 s', api('late-effect', 5000)],
  ['detaching takes 20 s', api('detach-hangs', 20_000)],
  ['request buckets emptied by another tool', api('emptied', 1)],
  ['region outage of 30 s', api('outage', 1)],
  ['store of leases silent', { kind: 'store', how: 'silent' }],
  ['daemons upgraded', { kind: 'upgrade', from: 'same' }],
];

const CASES: readonly Case[] = [
  ...(['kill', 'hang', 'freeze', 'drop', 'reboot', 'stop', 'stuck'] as const).map((how) => ({
    name: `owner: ${how}`,
    troubles: (owner: string) => [machine(how, owner)],
  })),
  {
    name: 'zone of the owner without power',
    troubles: (_owner, { zones }) => [{ kind: 'zone', zone: present(zones[0], 'a zone') }],
  },
  ...WITH_DEATH.map(([name, trouble]) => ({
    name: `owner: kill, and ${name}`,
    troubles: (owner: string, { hasLeases }: Places) =>
      trouble.kind === 'store' && !hasLeases ? [] : [machine('kill', owner), trouble],
  })),
  {
    name: 'owner: kill, and pulumi up 1 s later',
    troubles: (owner, { groups }) => [
      machine('kill', owner),
      ...groups.map((group): Trouble => ({ kind: 'pulumi', group, lateMs: 1000 })),
    ],
  },
  {
    name: 'operator takes it from all',
    troubles: (_owner, { groups }) => groups.map((group) => ({ kind: 'operator', group })),
  },
  {
    name: 'operator moves it to the other',
    troubles: (_owner, { groups, appliances }) =>
      groups.map((group) => ({ kind: 'operator', group, to: present(appliances.at(-1), 'another') })),
  },
];

/** One run of one case in one scenario. */
export interface Cell {
  readonly scenario: string;
  readonly fault: string;
  readonly plan: Plan;
}

/** All runs of the table, so many of each case, in its order. */
export const cells = (runs: number): readonly Cell[] =>
  Object.keys(SCENARIOS).flatMap((scenario) => {
    const places = placesIn(scenario);
    const owner = present(places.appliances[0], 'an appliance');
    return CASES.flatMap(({ name, troubles }) => {
      const all = troubles(owner, places);
      return Array.from({ length: all.length === 0 ? 0 : runs }, (_, seed): Cell => {
        const at = BEGINS_MS + seed * STEP_MS;
        const faults = all.map((trouble): Fault => ({ ...trouble, at, forMs: LASTS_MS }));
        return { scenario, fault: name, plan: { seed, scenario, faults } };
      });
    });
  });

/** A cell: the median, the 99th percentile and the longest, in seconds; once where they are one. */
function spread(blackouts: readonly Millis[]): string {
  if (blackouts.length === 0) return '-';
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => (quantile(blackouts, share) / 1000).toFixed(2));
  return p50 === most ? `${most}` : `${p50} / ${p99} / ${most}`;
}

/** The table in Markdown, of the blackouts of each cell in order, ms: a row for each fault. */
export function tableOf(all: readonly Cell[], blackouts: readonly (readonly Millis[])[]): string {
  const scenarios = Object.keys(SCENARIOS);
  const rows = new Map<string, Map<string, Millis[]>>();
  const runs = new Set(all.map(({ plan }) => plan.seed)).size;
  for (const [index, { scenario, fault }] of all.entries()) {
    const row = rows.get(fault) ?? new Map<string, Millis[]>();
    row.set(scenario, [...(row.get(scenario) ?? []), ...(blackouts[index] ?? [])]);
    rows.set(fault, row);
  }
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const cellOf = (values: readonly Millis[] | undefined): string =>
    values === undefined ? '' : spread(values);
  return [
    line(['fault', ...scenarios]),
    line(['---', ...scenarios.map(() => '---')]),
    ...[...rows].map(([fault, row]) => line([fault, ...scenarios.map((name) => cellOf(row.get(name)))])),
    '',
    `Each fault begins ${BEGINS_MS / 1000} s after the daemons have settled and lasts ${LASTS_MS / 1000} s;` +
      ` runs of each: ${runs}, ${STEP_MS} ms apart.`,
  ].join('\n');
}
