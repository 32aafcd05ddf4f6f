/** The last resort: on evidence of every member's death alone, and back. Brains against the EC2 service. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { type ConfigInput, checkConfig, formatConfigError } from '../../../controller/config.ts';
import type { Forecast } from '../../../controller/failover/forecast.ts';
import { type Design, design } from '../designs.ts';
import { api, moved, transitOwner } from '../moved.ts';
import { preparedDesign } from '../prepared.ts';
import { addDaemon, type Daemon, deliver, restart, run, texts } from '../stage.ts';

type GroupInput = NonNullable<ConfigInput['groups']>[number];
const LEASE = { kind: 'dynamodb', table: 'leases' } as const;

interface Scene extends Design {
  /** Where the route leads. */
  readonly target: () => string | undefined;
  readonly nat: string;
  readonly add: (node: string) => Daemon;
  /** All are reached again; c is probed, too, and no member. */
  readonly heal: () => void;
}

/** Routes of a and b, with a NAT gateway as their last resort; c is probed, too, and no member. */
function scene(group: Partial<GroupInput> = {}, options: Parameters<typeof design>[0] = {}): Scene {
  const made = design({ members: ['a', 'b', 'c'], ...options });
  const { stage, tables, enis } = made;
  const [table = ''] = tables;
  const SubnetId = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [enis.a] })
    .NetworkInterfaces?.[0]?.SubnetId;
  const nat =
    api(stage, 'CreateNatGateway', { SubnetId, ConnectivityType: 'private' }).NatGateway?.NatGatewayId ?? '';
  stage.now += 600_000;
  const routes = [{ table, destinations: ['0.0.0.0/0'], lastResort: nat }];
  const before = stage.reach;
  return {
    ...made,
    nat,
    add: (node) => addDaemon(stage, made.config(node, { members: ['a', 'b'], routes, ...group })),
    heal: () => {
      stage.reach = before;
    },
    target: () => {
      const found = api(stage, 'DescribeRouteTables', { RouteTableIds: [table] }).RouteTables?.[0]?.Routes;
      const list = (found ?? []) as unknown as readonly Record<string, string>[];
      const route = list.find(({ DestinationCidrBlock }) => DestinationCidrBlock === '0.0.0.0/0');
      const eni = Object.keys(enis).find((name) => enis[name] === route?.NetworkInterfaceId);
      return eni ?? route?.NatGatewayId;
    },
  };
}

/** A machine is gone: nothing answers, and no daemon says anything. */
function die({ stage }: Pick<Design, 'stage'>, name: string): void {
  const before = stage.reach;
  stage.reach = (from, probe) => (probe.appliance === name ? gone(probe) : before(from, probe));
}

const gone = ({ kind }: { readonly kind: string }): false | 'silent' => kind === 'daemon' && 'silent';

const later = ({ stage }: Scene, ms: number, done?: () => boolean): void => run(stage, stage.now + ms, done);
const last = (daemon: Daemon): string => texts(daemon, 'decision').at(-1) ?? '';

/** An observer, ten seconds old. */
function observed(group: Partial<GroupInput> = {}, options: Parameters<typeof design>[0] = {}) {
  const made = scene(group, options);
  const o = made.add('o');
  later(made, 10_000);
  return { ...made, made, o };
}

describe('a last resort', () => {
  it('gets the routes when every member is dead, and the node reaches something else', () => {
    const { made, stage, o, nat, target } = observed();
    die(made, 'b');
    later(made, 10_000);
    expect(target()).toBe('a');
    die(made, 'a');
    later(made, 10_000, () => target() === nat);
    expect(target()).toBe(nat);
    later(made, 25_000);
    expect(stage.writes).toHaveLength(1);
    expect(texts(o, 'moved')).toEqual([
      expect.stringMatching(
        /^Moved g from a to the last resort in .*: every route leads to its last resort\.$/,
      ),
    ]);
    expect(last(o)).toBe('g: the last resort has it, until a member is fit.');
  });

  it('gets nothing from a node that reaches nobody: it may be cut off itself', () => {
    const { made, stage, o, target } = observed();
    stage.reach = (_, probe) => gone(probe);
    later(made, 25_000);
    expect(target()).toBe('a');
    expect(last(o)).toMatch(
      /does not go to the last resort, for nothing shows that a and b cannot be reached/,
    );
  });

  it('gets nothing while one member is unknown', () => {
    const { made, stage, o, target } = observed();
    die(made, 'a');
    const before = stage.reach;
    stage.reach = (from, probe) => (probe.appliance === 'b' ? 'silent' : before(from, probe));
    later(made, 25_000);
    expect([target(), stage.writes]).toEqual(['a', []]);
    expect(last(o)).toMatch(/for b is unknown/);
  });

  it('gets nothing where the group has none', () => {
    const made = design({ members: ['a', 'b', 'c'] });
    addDaemon(made.stage, made.config('o', { members: ['a', 'b'] }));
    run(made.stage, 10_000);
    die(made, 'a');
    die(made, 'b');
    run(made.stage, 25_000);
    expect(made.stage.writes).toEqual([]);
  });

  it('gives the routes back at once to a member that is fit, and to the preferred one with a hold-down', () => {
    const back = (group: Partial<GroupInput>): [number, string | undefined] => {
      const { made, heal, nat, target, stage } = observed(group);
      die(made, 'b');
      die(made, 'a');
      later(made, 10_000, () => target() === nat);
      const before = stage.now;
      heal();
      later(made, 200_000, () => target() !== nat);
      later(made, 10_000);
      return [Math.round((stage.now - before - 10_000) / 1000), target()];
    };
    expect(back({})).toEqual([0, 'a']);
    expect(back({ failback: { after: '2m' } })).toEqual([120, 'a']);
  });

  it('is not left for a member that an operator has drained', () => {
    const { made, heal, nat, target, stage, o } = observed();
    die(made, 'b');
    die(made, 'a');
    later(made, 10_000, () => target() === nat);
    deliver(stage, o, { kind: 'command', id: 1, command: { kind: 'drain', appliance: 'a' } });
    heal();
    later(made, 25_000);
    expect(target()).toBe('b');
  });

  it('counts as dead an own appliance whose programs have stopped, and a peer that says so itself', () => {
    const probes = [
      { kind: 'icmp' as const },
      { kind: 'daemon' as const },
      { kind: 'process' as const, program: 'suricata' },
    ];
    const made = scene({}, { members: ['a', 'b'], probes });
    const [a, b] = [made.add('a'), made.add('b')];
    later(made, 10_000);
    // Both machines answer; the programs of both have stopped, and their daemons say so.
    made.stage.reach = (_, { kind }) => kind === 'icmp';
    later(made, 20_000);
    expect(made.target(), `${last(a)}\n${last(b)}`).toBe(made.nat);
  });

  it('is completed when the node that began has died half-way', () => {
    const both = { members: ['a', 'b', 'c'], tables: 2 };
    const made = scene({}, both);
    const [first = '', second = ''] = made.tables;
    const routes = [first, second].map((table) => ({
      table,
      destinations: ['0.0.0.0/0'],
      lastResort: made.nat,
    }));
    const o = addDaemon(made.stage, made.config('o', { members: ['a', 'b'], routes }));
    later(made, 10_000);
    made.stage.faults.push({ kind: 'replace-route', times: 1, fault: { kind: 'late', afterMs: 1 } });
    die(made, 'a');
    die(made, 'b');
    later(made, 10_000, () => made.stage.writes.length > 0);
    restart(made.stage, o);
    later(made, 25_000);
    for (const table of made.tables)
      expect(JSON.stringify(api(made.stage, 'DescribeRouteTables', { RouteTableIds: [table] }))).toContain(
        made.nat,
      );
  });
});

describe('a last resort that is an appliance', () => {
  const start = () => {
    const made = scene();
    const [table = ''] = made.tables;
    const routes = [{ table, destinations: ['0.0.0.0/0'], lastResort: made.enis.c }];
    const o = addDaemon(made.stage, made.config('o', { members: ['a', 'b'], routes }));
    later(made, 10_000);
    die(made, 'a');
    return { made, o };
  };

  it('gets the routes while its own probes pass', () => {
    const { made } = start();
    die(made, 'b');
    later(made, 10_000);
    expect(made.target()).toBe('c');
  });

  it('gets nothing when it is dead as well', () => {
    const { made, o } = start();
    die(made, 'c');
    die(made, 'b');
    later(made, 25_000);
    expect(made.target()).toBe('a');
    expect(last(o)).toMatch(/does not go to the last resort, for c is dead/);
  });
});

describe('a last resort and a lease', () => {
  const start = (nodes: readonly string[]) => {
    const made = scene({}, { lease: LEASE });
    const daemons = nodes.map(made.add);
    later(made, 20_000);
    return { made, daemons };
  };

  it('goes by the lease where only silence speaks, after two terms', () => {
    const { made } = start(['o']);
    const { stage, nat, target } = made;
    const died = stage.now;
    stage.reach = (_, probe) => gone(probe);
    later(made, 30_000, () => target() === nat);
    expect(target()).toBe(nat);
    expect(stage.now - died).toBeGreaterThan(8_000);
  });

  it.each([['o'], ['b']])('stays away while the owner lives, from which the holder %s is cut off', (node) => {
    const { made, daemons } = start(['a', node]);
    const { stage, target } = made;
    const before = stage.reach;
    stage.reach = (from, probe) =>
      from === node || probe.appliance === node ? gone(probe) : before(from, probe);
    later(made, 25_000);
    expect([target(), stage.writes]).toEqual(['a', []]);
    expect(texts(daemons[1] as Daemon, 'lease').at(-1)).toMatch(/Has not the lease of g any more/);
  });
});

describe('the last resort of other paths', () => {
  it('is another table, for what changes between prepared tables', () => {
    const made = preparedDesign({ members: ['a', 'b', 'c'], count: 2 });
    const { stage, enis, subnets } = made;
    const VpcId = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [enis.a] })
      .NetworkInterfaces?.[0]?.VpcId;
    const bare = api(stage, 'CreateRouteTable', { VpcId }).RouteTable?.RouteTableId ?? '';
    const routes = made.routes.map((set) => ({ ...set, lastResort: bare }));
    const o = addDaemon(stage, made.config('o', { members: ['a', 'b'], routes }));
    run(stage, 10_000);
    const healthy = stage.reach;
    die(made, 'a');
    die(made, 'b');
    run(stage, 30_000);
    expect(made.uses(), last(o)).toEqual(subnets.map(() => bare));
    expect(stage.writes.map(({ call }) => call.kind)).toEqual(
      subnets.map(() => 'replace-route-table-association'),
    );
    stage.reach = (from, probe) => probe.appliance !== 'a' && healthy(from, probe);
    run(stage, 60_000);
    expect(made.uses()).toEqual(['b', 'b']);
  });

  it('is another attachment, for routes of a transit gateway', () => {
    const made = moved({ members: ['a', 'b', 'c'] });
    const { stage, transitTable, attachments } = made;
    const VpcId = api(stage, 'CreateVpc', { CidrBlock: '10.9.0.0/16' }).Vpc?.VpcId;
    const block = { VpcId, CidrBlock: '10.9.0.0/24', AvailabilityZone: 'eu-central-1a' };
    const SubnetIds = [api(stage, 'CreateSubnet', block).Subnet?.SubnetId];
    const TransitGatewayId = api(stage, 'DescribeTransitGateways', {}).TransitGateways?.[0]?.TransitGatewayId;
    const lastResort =
      api(stage, 'CreateTransitGatewayVpcAttachment', { TransitGatewayId, VpcId, SubnetIds })
        .TransitGatewayVpcAttachment?.TransitGatewayAttachmentId ?? '';
    stage.now += 600_000;
    const config = made.owning('o', {
      transitRoutes: [{ table: transitTable, destinations: ['0.0.0.0/0'], lastResort }],
    });
    addDaemon(stage, config);
    run(stage, stage.now + 10_000);
    expect(transitOwner(made)).toBe('a');
    die(made, 'a');
    die(made, 'b');
    run(stage, stage.now + 20_000);
    expect([transitOwner(made), Object.values(attachments).includes(lastResort)]).toEqual([undefined, false]);
    const asked = {
      TransitGatewayRouteTableId: transitTable,
      Filters: [{ Name: 'type', Values: ['static'] }],
    };
    expect(JSON.stringify(api(stage, 'SearchTransitGatewayRoutes', asked))).toContain(lastResort);
  });
});

describe('beforehand', () => {
  it('a plan shows what happens when all fail, and readiness tries it', () => {
    const { made, o, stage, nat, tables } = observed(
      {},
      { members: ['a', 'b', 'c'], readiness: { every: '30s' } },
    );
    for (const fail of ['a,b', 'all']) {
      deliver(stage, o, { kind: 'command', id: 9, command: { kind: 'plan', group: 'g', fail } });
      const { ok, body } = o.replies.at(-1) as { ok: boolean; body: Forecast };
      expect(ok).toBe(true);
      expect([body.to, body.calls.map(({ input }) => input)]).toEqual([
        'the last resort',
        [{ RouteTableId: tables[0], DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: nat }],
      ]);
    }
    later(made, 40_000);
    const tried = o.journal.flatMap(({ effects }) =>
      effects.flatMap((one) => (one.kind === 'ec2-call' && one.call.kind === 'dry-run' ? [one.call.of] : [])),
    );
    expect(tried).toContainEqual(expect.objectContaining({ kind: 'replace-route', target: nat }));
  });

  it('a plan for all says that nothing moves where there is none', () => {
    const made = design();
    const a = addDaemon(made.stage, made.config('a'));
    run(made.stage, 10_000);
    deliver(made.stage, a, { kind: 'command', id: 9, command: { kind: 'plan', group: 'g', fail: 'a,b' } });
    expect(a.replies.at(-1)).toMatchObject({
      ok: false,
      body: { message: 'Nothing is moved when all of a, b fail: g has no last resort.' },
    });
  });

  const errorsOf = (group: Partial<GroupInput>): string => {
    const checked = checkConfig(design().config('o', group));
    return checked.ok ? '' : checked.error.map(formatConfigError).join('\n');
  };
  const set = {
    table: 'rtb-0123456789abcdef0',
    destinations: ['0.0.0.0/0'],
    lastResort: 'nat-0123456789abcdef0',
  };
  const { table, lastResort, destinations } = set;
  const tables = { a: 'rtb-0000000000000000a', b: 'rtb-0000000000000000b' };
  const prepared = { subnets: ['subnet-0123456789abcdef0'], tables, destinations };

  it.each([
    [{ addresses: ['10.0.0.100'] }, 'groups[0].addresses'],
    [{ eips: [{ allocation: 'eipalloc-0123456789abcdef0' }] }, 'groups[0].eips'],
    [{ eni: { id: 'eni-0123456789abcdef0', deviceIndex: 1 } }, 'groups[0].eni'],
  ])('%j beside a last resort is refused', (owned, at) => {
    expect(errorsOf({ routes: [set], ...owned })).toContain(`${at}`);
    expect(errorsOf({ routes: [set], ...owned })).toContain(
      'it has no last resort, and routes of the group have',
    );
  });

  it.each([
    [[set, { table: 'rtb-0123456789abcdef1', destinations }], 'rtb-0123456789abcdef1 has no last resort'],
    [[{ table, destinations, lastResort: tables.a }], 'a table takes the place of prepared tables only'],
    [[{ ...prepared, lastResort }], 'subnets and gateways change between tables'],
    [[{ ...prepared, lastResort: tables.a }], 'it is the table of a member'],
    [[{ ...set, lastResort: 'sg-0123456789abcdef0' }], 'it is local, or the id of a NAT gateway'],
  ])('%j is refused', (routes, why) => expect(errorsOf({ routes })).toContain(why));

  it('the ENI of a member is refused, and what is right is not', () => {
    const made = design();
    const routes = [{ ...set, lastResort: made.enis.b }];
    const checked = checkConfig(made.config('o', { routes }));
    expect(checked.ok ? '' : checked.error.map(formatConfigError).join()).toContain('it leads to member b');
    must(
      checkConfig(made.config('o', { routes: [set, { ...prepared, lastResort: 'rtb-0000000000000000c' }] })),
    );
  });
});
