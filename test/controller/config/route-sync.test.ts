/** The configuration of route sync: defaults, what the speaker is asked for, and how mistakes are told. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { formatConfigError, parseConfig } from '../../../controller/config.ts';

const TABLE = 'rtb-00000000000000001';
const file = (sync: string, more = ''): string => `version: 1
node: w
aws: { region: eu-central-1 }
bgp: { as: 65000, routerId: 10.0.0.1 }
routeSync:
  - ${sync}
${more}`;
const read = (text: string) => must(parseConfig(text, 'byoa.yaml'));
const errorsOf = (text: string): readonly string[] => {
  const parsed = parseConfig(text, 'byoa.yaml');
  return parsed.ok ? [] : parsed.error.map(formatConfigError);
};

describe('routeSync', () => {
  it('has defaults, and asks the speaker for all best paths', () => {
    const { routeSync, bgp } = read(file(`{ tables: [ { table: ${TABLE} } ] }`));
    expect(routeSync).toEqual([{ tables: [{ table: TABLE }], aggregate: 'auto', holdMs: 5000, adopt: [] }]);
    expect(bgp?.options.track).toBe(true);
  });
  it('asks the speaker for no more than it and the kernel take', () => {
    const sync = `{ tables: [ { tag: { key: sync, value: "yes" } } ], prefixes: [ { prefix: 10.0.0.0/8, le: 24 } ] }`;
    const kernel = 'kernel: { prefixes: [ { prefix: 192.0.2.0/24 } ] }';
    expect(read(file(sync, kernel)).bgp?.options.track).toEqual([
      { prefix: '192.0.2.0/24' },
      { prefix: '10.0.0.0/8', le: 24 },
    ]);
    expect(read(file(sync, 'kernel: {}')).bgp?.options.track).toBe(true);
  });
  it('persist: true, false, or a time', () => {
    const of = (persist: string) =>
      read(file(`{ tables: [ { table: ${TABLE} } ], persist: ${persist} }`)).routeSync[0]?.persistMs;
    expect([of('true'), of('false'), of('5m')]).toEqual([undefined, 0, 300_000]);
  });

  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ['no bgp', file(`{ tables: [ { table: ${TABLE} } ] }`).replace(/bgp:.*\n/, ''), /no routes without BGP/],
    ['no table', file('{ tables: [] }'), /at least one table/],
    ['neither id nor tag', file('{ tables: [ {} ] }'), /by id or by tag/],
    ['a table twice', file(`{ tables: [ { table: ${TABLE} }, { table: ${TABLE} } ] }`), /there twice/],
    [
      'limits out of order',
      file(`{ tables: [ { table: ${TABLE} } ], prefixes: [ { prefix: 10.0.0.0/8, ge: 4 } ] }`),
      /out of order/,
    ],
  ];
  for (const [what, text, why] of mistakes) {
    it(`${what}: told with its line`, () => {
      const errors = errorsOf(text);
      expect(errors.join('\n')).toMatch(why);
      expect(errors.join('\n')).toMatch(/byoa\.yaml:\d+/);
    });
  }

  const group = `appliances:
  - { name: a, address: 10.0.0.10, eni: eni-00000000000000001, probes: [ { kind: icmp } ] }
  - { name: b, address: 10.0.0.11, eni: eni-00000000000000002, probes: [ { kind: icmp } ] }
groups:
  - { name: egress, members: [a, b], routes: [ { table: ${TABLE}, destinations: [0.0.0.0/0] } ] }
`;
  it('may not take a route that a group moves', () => {
    expect(errorsOf(file(`{ tables: [ { table: ${TABLE} } ] }`, group)).join('\n')).toMatch(
      /group egress moves 0\.0\.0\.0\/0/,
    );
    const apart = `{ tables: [ { table: ${TABLE} } ], prefixes: [ { prefix: 0.0.0.0/0, ge: 1 } ] }`;
    expect(errorsOf(file(apart, group))).toEqual([]);
  });
});
