/** The configuration file: what is read, and how each mistake is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { probesOfNode } from '../../../controller/config/model.ts';
import { formatDuration, parseDuration } from '../../../controller/config/units.ts';
import {
  type ConfigInput,
  checkConfig,
  configJsonSchema,
  formatConfig,
  formatConfigError,
  parseConfig,
} from '../../../controller/config.ts';

const good = `version: 1
node: a
aws: { region: eu-central-1 }
appliances:
  - name: a
    address: 10.0.0.10
    eni: eni-00000000000000001
    probes:
      - { kind: icmp, interval: 200ms, timeout: 180ms }
      - { kind: through, target: { icmp: 203.0.113.10 } }
  - name: b
    address: 10.0.0.11
    eni: eni-00000000000000002
    probes:
      - { kind: icmp }
      - { kind: through, target: { icmp: 203.0.113.10 } }
groups:
  - name: egress
    members: [a, b]
    routes:
      - { table: rtb-00000000000000001, destinations: [0.0.0.0/0, "::/0"] }
`;

const errorsOf = (text: string): readonly string[] => {
  const parsed = parseConfig(text, 'byoa.yaml');
  return parsed.ok ? [] : parsed.error.map(formatConfigError);
};

describe('a good file', () => {
  const config = must(parseConfig(good, 'byoa.yaml'));
  it('is read with defaults, and durations in milliseconds', () => {
    expect(config.aws).toEqual({
      region: 'eu-central-1',
      attemptTimeoutMs: 500,
      timeoutMs: 5000,
      addresses: {},
    });
    expect(config.groups[0]).toMatchObject({
      damping: { moves: 3, withinMs: 600_000 },
      takeoverStaggerMs: 500,
    });
    expect(config.groups[0]).not.toHaveProperty('failback');
    expect(config.health).toEqual({ address: '0.0.0.0', port: 8179 });
    expect(config.journal.maxBytes).toBe(64 * 1024 * 1024);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });
  it("gives a node the probes that it runs: its own by its own routes, others' by next hop", () => {
    expect(probesOfNode(config).map((probe) => [probe.id, 'via' in probe ? probe.via : undefined])).toEqual([
      ['a/through:203.0.113.10', undefined],
      ['b/icmp', undefined],
      ['b/through:203.0.113.10', '10.0.0.11'],
    ]);
  });
  it('serves an observer, who has no health address of its own', () => {
    const observer = must(parseConfig(good.replace('node: a', 'node: watch'), 'byoa.yaml'));
    expect(observer.health).toBeUndefined();
    expect(probesOfNode(observer)).toHaveLength(4);
  });
});

describe('prepared tables', () => {
  const ROUTES = '      - { table: rtb-00000000000000001, destinations: [0.0.0.0/0, "::/0"] }';
  const TABLES = 'tables: { a: rtb-0000000000000000a, b: rtb-0000000000000000b }';
  const SUBNETS = 'subnets: [subnet-00000000000000001]';
  const withSet = (set: string): string => good.replace(ROUTES, `      - { ${set} }`);

  it('are read with what uses them; destinations may be prefix lists', () => {
    const list = 'pl-00000000000000001';
    const set = `${SUBNETS}, ${TABLES}, destinations: [0.0.0.0/0, ${list}]`;
    const text = withSet(set).replace('    routes:', '    objective: 3s\n    routes:');
    const [group] = must(parseConfig(text, 'byoa.yaml')).groups;
    expect(group?.objectiveMs).toBe(3000);
    expect(group?.resources).toEqual([
      {
        kind: 'routes',
        sets: [
          {
            prepared: {
              places: ['subnet-00000000000000001'],
              tables: { a: 'rtb-0000000000000000a', b: 'rtb-0000000000000000b' },
            },
            destinations: ['0.0.0.0/0', list],
          },
        ],
      },
    ]);
  });
  it.each([
    [`${SUBNETS}, tables: { a: rtb-0000000000000000a }, destinations: [0.0.0.0/0]`, 'member b has no table'],
    [`${SUBNETS}, ${TABLES.replace('b:', 'c:')}, destinations: [0.0.0.0/0]`, "'c' is no member"],
    [`${TABLES}, destinations: [0.0.0.0/0]`, 'nothing changes between them'],
    [`${SUBNETS}, table: rtb-00000000000000001, destinations: [0.0.0.0/0]`, 'there are none'],
    [
      `${SUBNETS}, ${TABLES}, table: rtb-00000000000000001, destinations: [0.0.0.0/0]`,
      'exactly one of table, tag',
    ],
    [
      `${SUBNETS}, ${TABLES.replace('b }', 'a }')}, destinations: [0.0.0.0/0]`,
      "'rtb-0000000000000000a' is there twice",
    ],
    [
      `gateways: [igw-00000000000000001], ${TABLES}, destinations: [pl-00000000000000001]`,
      "a gateway's table",
    ],
    [`table: rtb-00000000000000001, destinations: [pl-1]`, 'the id of a prefix list looks like'],
  ])('are refused where they cannot be used: %s', (set, why) => {
    expect(errorsOf(withSet(set)).join('\n')).toContain(why);
  });
  it('are of one set alone', () => {
    const set = `      - { ${SUBNETS}, ${TABLES}, destinations: [10.9.0.0/16] }`;
    const plain = '      - { table: rtb-0000000000000000b, destinations: [0.0.0.0/0] }';
    expect(errorsOf(good.replace(ROUTES, `${set}\n${plain}`)).join()).toContain('is a prepared table');
  });
});

describe('a mistake is told with line, field, value, cause and remedy', () => {
  const cases: [string, string, string, string][] = [
    [
      'unknown field',
      'node: a',
      'nodes: a',
      "byoa.yaml:2:1: nodes is 'a': there is no such field; did you mean 'node'?",
    ],
    [
      'missing field',
      '    eni: eni-00000000000000002\n',
      '',
      'byoa.yaml:11:5: appliances[1].eni: it is missing; add it',
    ],
    [
      'unit',
      '200ms',
      '200',
      'byoa.yaml:9:23: appliances[0].probes[0].interval is 200: a duration is text such as 200ms',
    ],
    ['limit', '200ms', '2ms', "is '2ms': it must lie between 20ms and 1h"],
    ['timeout', '180ms', '300ms', 'the timeout (300ms) is longer than the interval (200ms)'],
    ['probe kind', 'kind: icmp, interval', 'kind: ping, interval', "appliances[0].probes[0].kind is 'ping'"],
    ['probe field', 'icmp, interval', 'icmp, intervall', "did you mean 'interval'?"],
    ['prefix', '0.0.0.0/0', '10.0.0.1/8', 'did you mean 10.0.0.0/8?'],
    ['member', '[a, b]', '[a, c]', "byoa.yaml:19:18: groups[0].members[1] is 'c': 'c' is not an appliance; "],
    ['twice a member', '[a, b]', '[a, a]', "the member 'a' is there twice"],
    ['one member', '[a, b]', '[a]', 'a group needs two members to fail over'],
    [
      'primary ENI',
      '    routes:\n      - { table: rtb-00000000000000001, destinations: [0.0.0.0/0, "::/0"] }',
      '    eni: { id: eni-00000000000000001, deviceIndex: 1 }',
      'the primary ENI of appliance a',
    ],
    [
      'device 0',
      '    routes:\n      - { table: rtb-00000000000000001, destinations: [0.0.0.0/0, "::/0"] }',
      '    eni: { id: eni-00000000000000009, deviceIndex: 0 }',
      'the primary ENI, which cannot be moved',
    ],
    [
      'neither',
      '    routes:\n      - { table: rtb-00000000000000001, destinations: [0.0.0.0/0, "::/0"] }',
      '',
      'the group moves nothing',
    ],
    [
      'a primary address',
      '    routes:',
      '    addresses: [10.0.0.10]\n    routes:',
      '10.0.0.10 is the primary address of appliance a',
    ],
    [
      'no attachment',
      '    routes:',
      '    transitRoutes: [{ table: tgw-rtb-00000000000000001, destinations: [0.0.0.0/0] }]\n    routes:',
      'appliance a has no attachment',
    ],
    [
      'an Elastic IP twice',
      '    routes:',
      '    eips: [{ allocation: eipalloc-00000000000000001 }, { allocation: eipalloc-00000000000000001 }]\n    routes:',
      "the moved resource 'eipalloc-00000000000000001' is there twice",
    ],
    [
      'symmetric and return',
      'destinations: [0.0.0.0/0, "::/0"] }',
      'destinations: [0.0.0.0/0, "::/0"], direction: return, symmetric: both }',
      'remove one of direction and symmetric',
    ],
    ['table id', 'rtb-00000000000000001', 'rtb-x', 'looks like rtb-0123456789abcdef0'],
    [
      'probe twice',
      '      - { kind: icmp, interval: 200ms, timeout: 180ms }',
      '      - { kind: icmp }\n      - { kind: icmp }',
      'give one of them a name:',
    ],
    ['target', 'target: { icmp: 203.0.113.10 }', 'target: { }', '0 targets are given; name exactly one'],
    [
      'own next hop',
      'target: { icmp: 203.0.113.10 }',
      'target: { icmp: 203.0.113.10 }, from: self, by: next-hop',
      'its own next hop',
    ],
    ['families', '203.0.113.10', '"2001:db8::1"', 'of different IP versions'],
    ['same table twice', '[0.0.0.0/0, "::/0"]', '[0.0.0.0/0, 0.0.0.0/0]', 'is there twice'],
    ['failback', '    members', '    failback: soon\n    members', 'it is never, or { after: 10m }'],
    ['hook', '    members', '    hooks: { on-own: {} }\n    members', 'a hook is one command or one webhook'],
    ['yaml', 'members: [a, b]', 'members: [a, b', 'this is not YAML'],
    ['duplicate key', 'node: a', 'node: a\nnode: b', 'Map keys must be unique'],
  ];
  it.each(cases)('%s', (_, from, to, message) => {
    expect(good).toContain(from);
    expect(errorsOf(good.replace(from, to)).join('\n')).toContain(message);
  });
  it('refuses a member that nobody could judge, and a node that could not judge itself', () => {
    const probe = '      - { kind: through, target: { icmp: 203.0.113.10 } }\n';
    const deaf = good.replace(probe, '');
    expect(errorsOf(deaf)).toEqual([expect.stringContaining('this node runs on a and has no probe of it')]);
    const blind = good.replace(`      - { kind: icmp }\n${probe}`, '      - { kind: daemon }\n');
    expect(errorsOf(blind)).toEqual([expect.stringContaining('nobody could tell whether b lives')]);
  });
  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => !parseConfig(text, 'x').ok));
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(40), fc.string(), (at, cut, text) => {
        parseConfig(good.slice(0, at) + text + good.slice(at + cut), 'x');
      }),
    );
  });
});

describe('for programs', () => {
  it('a formatted object is read back as the object checked', () => {
    const input: ConfigInput = {
      version: 1,
      node: 'watch',
      aws: { region: 'eu-central-1' },
      appliances: [
        { name: 'a', address: '10.0.0.10', eni: 'eni-00000000000000001', probes: [{ kind: 'icmp' }] },
        { name: 'b', address: '10.0.0.11', eni: 'eni-00000000000000002', probes: [{ kind: 'icmp' }] },
      ],
      groups: [
        {
          name: 'g',
          members: ['a', 'b'],
          eni: { id: 'eni-00000000000000003', deviceIndex: 1 },
          failback: { after: '10m' },
        },
      ],
    };
    expect(parseConfig(formatConfig(input), 'x')).toEqual(checkConfig(input));
    expect(must(checkConfig(input)).groups[0]?.resources[0]).toMatchObject({
      guestTable: 1001,
      forceAfterMs: 5000,
    });
  });
  it('publishes a JSON Schema with defaults in the words of the file', () => {
    const schema = JSON.stringify(configJsonSchema());
    expect(schema).toContain('"default":"64MiB"');
    expect(schema).toContain('"default":"500ms"');
    expect(schema).toContain('"additionalProperties":false');
  });
  it('writes durations as it reads them', () => {
    fc.assert(fc.property(fc.nat(), (ms) => must(parseDuration(formatDuration(ms))) === ms));
  });
});
