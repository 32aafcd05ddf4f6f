/** What the policy of the daemons allows, and that it allows all that they send. */
import { describe, expect, it } from 'vitest';
import type { Call } from '../../controller/ec2/call.ts';
import { toRequest } from '../../controller/ec2/request.ts';
import type { LeaseCall } from '../../controller/lease/call.ts';
import { toLeaseRequest } from '../../controller/lease/request.ts';
import { daemonPolicy } from '../../infra/components/iam.ts';

const arn = (rest: string): string => `arn:aws:ec2:eu-central-1:111122223333:${rest}`;
const [MOVED, SYNCED] = [arn('route-table/rtb-1'), arn('route-table/rtb-2')];
const nothing = { routeTables: [], networkInterfaces: [], instances: [] };

describe('the statement of route sync', () => {
  const { Statement } = daemonPolicy({ ...nothing, routeTables: [MOVED], syncedTables: [SYNCED] });
  /** Whether a call on a table is allowed. */
  const allows = (call: Call, table: string): boolean =>
    Statement.some(
      ({ Action, Resource }) =>
        Action.includes(`ec2:${toRequest(call).action}`) && (Resource === '*' || Resource.includes(table)),
    );

  it('allows every call that it makes, and deletes in its own tables only', () => {
    const route = { table: 'rtb-2', destination: '192.0.2.0/24' };
    const calls: readonly Call[] = [
      { kind: 'create-route', ...route, eni: 'eni-1' },
      { kind: 'replace-route', ...route, eni: 'eni-1' },
      { kind: 'delete-route', ...route },
      { kind: 'describe-route-tables', select: { kind: 'ids', ids: ['rtb-2'] } },
      { kind: 'describe-network-interfaces', vpc: 'vpc-1', addresses: ['10.0.0.10'] },
      { kind: 'describe-subnets', vpc: 'vpc-1' },
    ];
    expect(calls.filter((call) => !allows(call, SYNCED))).toEqual([]);
    expect(allows({ kind: 'delete-route', ...route }, MOVED)).toBe(false);
    expect(allows({ kind: 'replace-route', ...route, eni: 'eni-1' }, MOVED)).toBe(true);
  });

  it('is left out, never widened, where no table is kept in sync', () => {
    const names = daemonPolicy({ ...nothing, routeTables: [MOVED] }).Statement.map(({ Sid }) => Sid);
    expect(names).toEqual(['Describe', 'MoveRoutes']);
    expect(daemonPolicy(nothing).Statement.map(({ Sid }) => Sid)).toEqual(['Describe']);
  });
});

describe('the statements of prepared tables', () => {
  const [TABLE, SUBNET] = [arn('route-table/rtb-3'), arn('subnet/subnet-1')];
  const { Statement } = daemonPolicy({ ...nothing, preparedTables: [TABLE], associated: [SUBNET] });
  const resourcesFor = (call: Call): readonly string[] =>
    Statement.flatMap(({ Action, Resource }) =>
      Action.includes(`ec2:${toRequest(call).action}`) ? [Resource].flat() : [],
    );

  it('allow to keep the tables, and to change what uses them, to nothing else', () => {
    const [association, place, table] = ['rtbassoc-1', 'subnet-1', 'rtb-3'];
    const change: Call = { kind: 'replace-route-table-association', association, place, table };
    expect(resourcesFor(change)).toEqual([TABLE, SUBNET]);
    const route = { table, destination: 'pl-1', eni: 'eni-1' };
    for (const kind of ['create-route', 'replace-route'] as const)
      expect(resourcesFor({ kind, ...route })).toEqual([TABLE]);
    expect(resourcesFor({ kind: 'delete-route', ...route })).toEqual([]);
  });
});

describe('the statements of fences', () => {
  const instance = arn('instance/i-1');

  it('allow to stop the named instances, or to detach the named ENIs', () => {
    const { Statement } = daemonPolicy({
      ...nothing,
      fencedInstances: [instance],
      fencedInterfaces: [arn('network-interface/eni-1'), instance],
    });
    const allowed = Statement.map(({ Action, Resource }) => [Action, Resource]);
    expect(allowed.slice(1)).toEqual([
      [['ec2:StopInstances'], [instance]],
      [['ec2:DetachNetworkInterface'], [arn('network-interface/eni-1'), instance]],
    ]);
    const look = toRequest({ kind: 'describe-instances', instances: ['i-1'] }).action;
    expect(Statement[0]?.Action).toContain(`ec2:${look}`);
  });
});

describe('the statements of addresses, Elastic IPs and transit gateway routes', () => {
  const named = {
    addressedInterfaces: [arn('network-interface/eni-1')],
    elasticIps: [arn('elastic-ip/eipalloc-1')],
    transitTables: [arn('transit-gateway-route-table/tgw-rtb-1')],
    transitAttachments: [arn('transit-gateway-attachment/tgw-attach-1')],
  };
  const resourcesOf = (scope: object, call: Call): readonly string[] =>
    daemonPolicy({ ...nothing, ...scope })
      .Statement.filter(({ Action }) => Action.includes(`ec2:${toRequest(call).action}`))
      .flatMap(({ Resource }) => Resource);
  const route = { table: 'tgw-rtb-1', destination: '0.0.0.0/0', attachment: 'tgw-attach-1' };
  const at = { eni: 'eni-1', address: '10.0.0.100' };
  const at6 = { eni: 'eni-1', address: '2001:db8::1' };
  const cases: readonly (readonly [Call, readonly (keyof typeof named)[]])[] = [
    [{ kind: 'assign-private-ip-addresses', ...at }, ['addressedInterfaces']],
    [{ kind: 'assign-ipv6-addresses', ...at6 }, ['addressedInterfaces']],
    [{ kind: 'unassign-ipv6-addresses', ...at6 }, ['addressedInterfaces']],
    [
      { kind: 'associate-address', allocation: 'eipalloc-1', eni: 'eni-1' },
      ['elasticIps', 'addressedInterfaces'],
    ],
    [{ kind: 'replace-transit-gateway-route', ...route }, ['transitTables', 'transitAttachments']],
    [{ kind: 'create-transit-gateway-route', ...route }, ['transitTables', 'transitAttachments']],
    [
      { kind: 'search-transit-gateway-routes', table: 'tgw-rtb-1', destinations: ['0.0.0.0/0'] },
      ['transitTables'],
    ],
  ];

  it.each(cases)('allow %o on what it names, and on nothing else', (call, keys) => {
    expect(resourcesOf(named, call)).toEqual(keys.flatMap((key) => named[key]));
    expect(resourcesOf({}, call)).toEqual([]);
  });

  it('let Elastic IPs be seen where there are some', () => {
    const call: Call = { kind: 'describe-addresses', allocations: ['eipalloc-1'] };
    expect(resourcesOf(named, call)).toEqual(['*']);
    expect(resourcesOf({}, call)).toEqual([]);
  });
});

describe('the statement of leases', () => {
  const table = 'arn:aws:dynamodb:eu-central-1:111122223333:table/leases';

  it('allows every request about a lease, on its table only', () => {
    const { Statement } = daemonPolicy({ ...nothing, leaseTables: [table] });
    const statement = Statement.find(({ Sid }) => Sid === 'KeepLeases');
    const next = { holder: 'a/1', token: 1, beat: 1, fitness: 1 };
    const calls: readonly LeaseCall[] = [
      { kind: 'read', group: 'g' },
      { kind: 'write', group: 'g', expect: 'absent', next },
      { kind: 'wish', group: 'g', token: 1, wish: { by: 'b/2', fitness: 3 } },
    ];
    const actions = calls.map((call) => `dynamodb:${toLeaseRequest(call, 'leases').action}`);
    expect(statement?.Resource).toEqual([table]);
    expect(new Set(statement?.Action)).toEqual(new Set(actions));
  });
});
