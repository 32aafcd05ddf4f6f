/** One standby for several groups: it takes as many as it can carry. */
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../controller/config.ts';
import { type Design, design, die } from '../designs.ts';
import { addDaemon, ec2, run, type Stage, texts } from '../stage.ts';

/** Two groups of a table each, owned by a and b; c is the standby of both. */
function nPlusOne(capacity: number): {
  readonly made: Design;
  readonly config: (node: string) => ConfigInput;
} {
  const made = design({ members: ['a', 'b', 'c'], tables: 2 });
  const [first = '', second = ''] = made.tables;
  made.point(second, 'b');
  const group = (name: string, owner: string, table: string) => ({
    name,
    members: [owner, 'c'],
    routes: [{ table, destinations: ['0.0.0.0/0'] }],
  });
  return {
    made,
    config: (node) => {
      const { appliances = [], ...rest } = made.config(node);
      return {
        ...rest,
        appliances: appliances.map((one) => (one.name === 'c' ? { ...one, capacity } : one)),
        groups: [group('g', 'a', first), group('h', 'b', second)],
      };
    },
  };
}

function targets({ tables, enis, stage }: Design): string[] {
  const { RouteTables } = ec2(stage as Stage, 'DescribeRouteTables', {
    RouteTableIds: tables,
  }) as unknown as {
    RouteTables: { Routes: { NetworkInterfaceId?: string }[] }[];
  };
  return RouteTables.map(({ Routes }) => {
    const eni = Routes.find(({ NetworkInterfaceId }) => NetworkInterfaceId !== undefined)?.NetworkInterfaceId;
    return Object.keys(enis).find((name) => enis[name] === eni) ?? 'nobody';
  });
}

describe.each(['c', 'x'])('a standby with a capacity, judged by %s', (node) => {
  it.each([
    [1, ['b', 'c']],
    [2, ['c', 'c']],
  ])('of %i', (capacity, carried) => {
    const { made, config } = nPlusOne(capacity);
    const daemon = addDaemon(made.stage, config(node));
    run(made.stage, 10_000);
    die(made, 'a');
    die(made, 'b');
    run(made.stage, 30_000);
    expect(targets(made).sort()).toEqual(carried);
    const held = texts(daemon, 'decision').filter((text) => text.includes('c is healthy and full'));
    expect(held).toHaveLength(2 - capacity);
  });
});
