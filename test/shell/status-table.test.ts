/** `byoa status` as people see it, where best paths go into route tables. */
import { describe, expect, it } from 'vitest';
import { type DaemonStatus, formatStatus } from '../../controller/shell/status-table.ts';
import type { TableStatus } from '../../controller/sync/status.ts';

const status = (routeSync?: readonly TableStatus[]): DaemonStatus => ({
  ...{
    node: 'w',
    version: '0.1.0',
    observeOnly: false,
    uptimeMs: 90_000,
    groups: [],
    appliances: [],
    orders: [],
    relieved: true,
    readiness: { degraded: [] },
  },
  api: { problems: [], pending: 0 } as unknown as DaemonStatus['api'],
  daemon: {
    journal: { file: 'j', failure: undefined, lost: 0 },
    aws: { failures: [] } as unknown as DaemonStatus['daemon']['aws'],
    attached: null,
  },
  ...(routeSync === undefined ? {} : { routeSync }),
});

const plain: TableStatus = {
  ...{ table: 'rtb-1', wanted: 3, planned: 3, installed: 2, ours: 2, foreign: 0, leftOut: 0 },
  ...{ aggregated: false, problems: [] },
};

describe('the tables of route sync', () => {
  it('stand in a table of their own, with what was written last', () => {
    const lastWrite = { text: 'create-route 203.0.113.0/24', agoMs: 1500 };
    const full: TableStatus = {
      ...{ table: 'rtb-22', wanted: 10_000, planned: 83, installed: 83, ours: 83, foreign: 1, leftOut: 12 },
      ...{ aggregated: true, problems: ['203.0.113.0/24 occupied by routes of others'], lastWrite },
    };
    const text = formatStatus(status([plain, full]));
    expect(text.slice(text.indexOf('ROUTE TABLE'))).toBe(
      `ROUTE TABLE  WANTED  INSTALLED         OURS  FOREIGN  LEFT OUT  LAST WRITE
rtb-1        3       2/3               2     0        0         -
rtb-22       10000   83/83 aggregated  83    1        12        create-route 203.0.113.0/24, 1.5 s ago

! rtb-22: 203.0.113.0/24 occupied by routes of others
`,
    );
  });

  it('are not there without route sync', () => {
    expect(formatStatus(status())).not.toContain('ROUTE TABLE');
    expect(formatStatus(status([plain]))).toMatch(/\n\nROUTE TABLE .*\nrtb-1 +3 +2\/3 .*\n$/);
  });
});

describe('leases', () => {
  const plain = { owner: 'a', observedAgeMs: 1000, members: ['a', 'b'], decidedAgeMs: 1, moves: [] };
  const lease = { holder: 'b/0badcafe', token: 7, ageMs: 1200, right: 'shut', problem: 'no answer' } as const;

  it('stand beside the owner, with holder, token and age; a store in trouble is a warning', () => {
    const groups = [
      { ...plain, name: 'g', decision: 'It is so.', lease },
      { ...plain, name: 'h', decision: 'So be it.' },
    ];
    expect(formatStatus({ ...status(), groups })).toContain(
      `GROUP  OWNER  SEEN  LEASE                               LAST DECISION
g      a      1 s   b/0badcafe #7, 1.2 s ago, not ours  It is so.
h      a      1 s   -                                   So be it.
`,
    );
    expect(formatStatus({ ...status(), groups })).toContain('! lease of g: no answer');
  });

  it('have no column where no group has one', () => {
    const groups = [{ ...plain, name: 'h', decision: 'So be it.' }];
    expect(formatStatus({ ...status(), groups })).not.toContain('LEASE');
  });
});
