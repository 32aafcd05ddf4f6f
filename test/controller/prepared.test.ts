/** Tables that were prepared: failover by association, how they are kept, and what is never touched. */
import { describe, expect, it } from 'vitest';
import { die } from './designs.ts';
import { addRoute, api, associate, type PreparedDesign, prefixes, preparedPair } from './prepared.ts';
import { deliver, ec2, run, type Stage, texts } from './stage.ts';

const SWAP = 'replace-route-table-association';
const REPLACE = 'replace-route';
const kinds = ({ writes }: Stage): readonly string[] => writes.map(({ call }) => call.kind);
const routesIn = (stage: Stage, table: string | undefined): Readonly<Record<string, string>> => {
  const found = api(stage, 'DescribeRouteTables', { RouteTableIds: [table] }).RouteTables?.[0];
  const list = found?.Routes as unknown as readonly Readonly<Record<string, string>>[];
  return Object.fromEntries(
    list.flatMap(({ DestinationCidrBlock: block = '', NetworkInterfaceId: eni }) =>
      eni === undefined ? [] : [[block, eni]],
    ),
  );
};
const switchover = (made: ReturnType<typeof preparedPair>, to: 'a' | 'b'): void =>
  deliver(made.stage, made[to], { kind: 'command', id: 7, command: { kind: 'switchover', group: 'g', to } });

/** An ENI of a machine that is no member. */
const STRANGER = { members: ['a', 'b', 'c'] };
const toStranger = ({ enis }: PreparedDesign) => ({ NetworkInterfaceId: enis.c });

describe('a failover by prepared tables', () => {
  it('is one call for each subnet, and one more brings it back', () => {
    const made = preparedPair({ count: 2 });
    const { stage, a, b, uses } = made;
    expect(texts(b, 'decision').at(-1)).toBe('g: a owns it and is healthy.');
    expect(stage.writes).toEqual([]);
    switchover(made, 'b');
    run(stage, 20_000);
    expect(uses()).toEqual(['b', 'b']);
    expect(kinds(stage)).toEqual([SWAP, SWAP]);
    expect(texts(b, 'moved')[0]).toMatch(/^Moved g from a to b in .*: every route leads to eni-/);
    expect(texts(a, 'lost')).toHaveLength(1);
    die(made, 'b');
    run(stage, 30_000);
    expect(uses()).toEqual(['a', 'a']);
    expect(kinds(stage)).toEqual([SWAP, SWAP, SWAP, SWAP]);
  });
  it('is left for ReplaceRoute where that takes fewer calls, and that table stays in use', () => {
    const made = preparedPair({ count: 3, shared: true, perTable: prefixes(2) });
    die(made, 'a');
    run(made.stage, 20_000);
    expect(kinds(made.stage)).toEqual([REPLACE, REPLACE]);
    expect(made.uses()).toEqual(['a', 'a', 'a']);
    expect(new Set(Object.values(routesIn(made.stage, made.prepared.a[0])))).toEqual(new Set([made.enis.b]));
  });
  it('sends the tables with a default route first', () => {
    const made = preparedPair({ count: 2 }, {}, ({ stage, prepared, enis, routes }) => {
      for (const member of ['a', 'b'] as const)
        addRoute(stage, prepared[member][1] ?? '', '0.0.0.0/0', { NetworkInterfaceId: enis[member] });
      routes[1]?.destinations.push('0.0.0.0/0');
    });
    die(made, 'a');
    run(made.stage, 20_000);
    const places = made.stage.writes.map(({ call }) => (call.kind === SWAP ? call.place : ''));
    expect(places).toEqual([made.subnets[1], made.subnets[0]]);
  });
  it('replaces routes where EC2 refuses to change an association', () => {
    const made = preparedPair();
    made.stage.faults.push({ kind: SWAP, times: 9, fault: { kind: 'unauthorised' } });
    die(made, 'a');
    run(made.stage, 20_000);
    expect(kinds(made.stage)).toEqual([SWAP, REPLACE, REPLACE, REPLACE]);
    expect(texts(made.b, 'moved')[0]).toContain('Moved g from a to b');
  });
  it.each(['applied', 'lost', 'throttle'] as const)('ends well where a change is %s', (kind) => {
    const made = preparedPair();
    made.stage.faults.push({ kind: SWAP, times: 1, fault: { kind } });
    die(made, 'a');
    run(made.stage, 20_000);
    expect(made.uses()).toEqual(['b']);
    expect(kinds(made.stage)).toEqual(kind === 'applied' ? [SWAP] : [SWAP, SWAP]);
  });
  it('is not undone by an old call that is applied late: the association has another id by then', () => {
    const made = preparedPair();
    made.stage.faults.push({ kind: SWAP, times: 1, fault: { kind: 'late', afterMs: 20_000 } });
    die(made, 'a');
    run(made.stage, 20_000);
    expect(made.uses()).toEqual(['b']);
    associate(made.stage, made.subnets[0] ?? '', made.prepared.a[0] ?? '');
    made.b.running = false;
    run(made.stage, 60_000);
    expect(made.uses()).toEqual(['a']);
  });
});

describe('prepared tables are kept', () => {
  it('by the daemon of their member, where nothing uses them; then they serve', () => {
    const made = preparedPair({ count: 2, filled: false });
    const { stage, prepared, enis } = made;
    expect(new Set(stage.writes.map(({ from, call }) => `${from} ${call.kind}`))).toEqual(
      new Set(['b create-route']),
    );
    expect(stage.writes).toHaveLength(6);
    for (const table of prepared.b)
      expect(Object.values(routesIn(stage, table))).toEqual(Array(3).fill(enis.b));
    ec2(stage, 'DeleteRoute', { RouteTableId: prepared.b[0], DestinationCidrBlock: prefixes(1)[0] });
    run(stage, 20_000);
    expect(stage.writes).toHaveLength(7);
    die(made, 'a');
    run(stage, 40_000);
    expect(kinds(stage).slice(7)).toEqual([SWAP, SWAP]);
  });
  it('by the holder of the lease alone, where there is one', () => {
    const lease = { kind: 'dynamodb', table: 'leases' } as const;
    const { stage, prepared, enis, a, b } = preparedPair({ filled: false, lease });
    expect(Object.values(routesIn(stage, prepared.b[0]))).toEqual(Array(3).fill(enis.b));
    const holder = [a, b].find((one) => texts(one, 'lease').some((text) => text.startsWith('Has the lease')));
    expect(new Set(stage.writes.map(({ from }) => from))).toEqual(new Set([holder?.name]));
  });
  it('with half of the budget, the other half being for moves', () => {
    const { stage } = preparedPair({ perTable: prefixes(40), filled: false });
    const first = stage.writes[0]?.at ?? 0;
    const within = stage.writes.filter(({ at }) => at < first + 1000);
    expect(within.length).toBeGreaterThanOrEqual(25);
    expect(within.length).toBeLessThanOrEqual(31);
    run(stage, 15_000);
    expect(stage.writes).toHaveLength(40);
  });
  it('not where they are in use: what is missing there is completed by decision', () => {
    const made = preparedPair({ filled: false });
    ec2(made.stage, 'DeleteRoute', {
      RouteTableId: made.prepared.a[0],
      DestinationCidrBlock: prefixes(1)[0],
    });
    const before = made.stage.writes.length;
    run(made.stage, 20_000);
    // A route that is missing where packets go is completed by the owner's daemon, by decision.
    expect(made.stage.writes.slice(before).map(({ from, call }) => `${from} ${call.kind}`)).toEqual([
      'a create-route',
    ]);
    expect(texts(made.a, 'decision').join('\n')).toContain('Moves g to a');
  });
});

describe('what is not ours', () => {
  it('stands in the way of a change: a route of a prepared table that leads to a stranger', () => {
    const made = preparedPair(STRANGER, {}, (design) => {
      const { stage, prepared } = design;
      const route = { RouteTableId: prepared.b[0], DestinationCidrBlock: prefixes(1)[0] };
      ec2(stage, 'ReplaceRoute', { ...route, ...toStranger(design) });
    });
    expect(texts(made.b, 'prepared').join()).toContain(
      `${made.prepared.b[0]} 172.16.0.0/24 leads to ${made.enis.c}`,
    );
    die(made, 'a');
    run(made.stage, 20_000);
    expect(kinds(made.stage)).toEqual([REPLACE, REPLACE, REPLACE]);
    expect(routesIn(made.stage, made.prepared.b[0])['172.16.0.0/24']).toBe(made.enis.c);
  });
  it('stands in the way of a change: routes of no group that only one of the tables has', () => {
    const made = preparedPair(STRANGER, {}, (design) => {
      addRoute(design.stage, design.prepared.a[0] ?? '', '192.168.0.0/16', toStranger(design));
    });
    expect(texts(made.b, 'prepared').join()).toContain('in 192.168.0.0/16, which is no route of the group');
    die(made, 'a');
    run(made.stage, 20_000);
    expect(kinds(made.stage)).toEqual([REPLACE, REPLACE, REPLACE]);
    expect(routesIn(made.stage, made.prepared.a[0])['192.168.0.0/16']).toBe(made.enis.c);
  });
  it('is left alone, even by a switchover: a subnet with a table of somebody else', () => {
    const made = preparedPair({ count: 2 }, {}, ({ stage, subnets, prepared }) => {
      const found = api(stage, 'DescribeRouteTables', { RouteTableIds: [prepared.a[0]] }).RouteTables?.[0];
      const other = api(stage, 'CreateRouteTable', { VpcId: found?.VpcId }).RouteTable?.RouteTableId ?? '';
      associate(stage, subnets[0] ?? '', other);
    });
    const [other] = made.uses();
    expect(other).toMatch(/^rtb-/);
    switchover(made, 'b');
    run(made.stage, 20_000);
    expect(made.uses()).toEqual([other, 'b']);
    expect(kinds(made.stage)).toEqual([SWAP]);
    expect(made.b.replies).toMatchObject([{ ok: true }]);
  });
});
