/** `bgp`, `kernel` and `drain` in the configuration: their defaults, and how each mistake is told. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { formatConfigError, parseConfig } from '../../../controller/config.ts';

const good = `version: 1
node: a
aws: { region: eu-central-1 }
appliances:
  - { name: a, address: 10.0.0.10, eni: eni-00000000000000001 }
  - { name: b, address: 10.0.0.11, eni: eni-00000000000000002 }
bgp:
  as: 65000
  neighbors:
    - { appliance: b, as: 65001 }
    - { name: far, address: "2001:db8::1", as: 65000, bfd: true, gtsm: true }
  dynamic:
    - { name: spokes, prefix: 10.1.0.0/16, as: [65100, "65200-65299"] }
  prefixLists:
    ours: [{ prefix: 10.0.0.0/8, ge: 16, le: 24 }]
  policies:
    - name: tidy
      rules: [{ match: { prefixList: ours }, action: accept }]
kernel: {}
drain: {}
`;

const errorsOf = (text: string): readonly string[] => {
  const parsed = parseConfig(text, 'byoa.yaml');
  return parsed.ok ? [] : parsed.error.map(formatConfigError);
};

describe('a good file', () => {
  const config = must(parseConfig(good, 'byoa.yaml'));
  const options = must(
    config.bgp === undefined ? { ok: false, error: 'no bgp' } : { ok: true, value: config.bgp },
  ).options;
  const [near, far] = options.neighbors;
  it('has the defaults of a speaker', () => {
    expect(options).toMatchObject({
      routerId: '10.0.0.10',
      listen: [{ address: '0.0.0.0', port: 179 }],
      multipath: 1,
      originate: [],
    });
  });
  it('has the defaults of a neighbor, named and addressed as its appliance', () => {
    expect(near).toMatchObject({
      name: 'b',
      address: '10.0.0.11',
      port: 179,
      passive: false,
      shutdown: false,
      holdTimeS: 90,
      connectRetryMs: 5000,
      ttl: 1,
      families: ['ipv4'],
      addPath: { receive: false, send: 0 },
      extendedMessages: true,
      gracefulRestart: { restartTimeS: 120, staleTimeMs: 300_000, forwardingKept: true, notification: true },
      allowOwnAs: 0,
      onLoss: 'ask',
    });
    for (const key of ['bfd', 'gtsmHops', 'importPolicy', 'exportPolicy', 'localAs'])
      expect(near).not.toHaveProperty(key);
  });
  it('takes the family from the address, BFD and GTSM from true, and no TTL for iBGP', () => {
    expect(far).toMatchObject({
      families: ['ipv6'],
      gtsmHops: 1,
      bfd: { intervalMs: 300, multiplier: 3, multihop: false, passive: false, strict: false },
      onLoss: 'rfc',
    });
    expect(far).not.toHaveProperty('ttl');
  });
  it('checks next hops by default, but for routeSync without kernel, and always as a neighbor says', () => {
    const sync = 'routeSync: [ { tables: [ { table: rtb-00000000000000001 } ] } ]\n';
    const checks = (text: string) => {
      const { bgp } = must(parseConfig(text, 'byoa.yaml'));
      return [...(bgp?.options.neighbors ?? []), ...(bgp?.options.dynamic ?? [])].map(
        ({ checkNextHops }) => checkNextHops,
      );
    };
    const asked = (word: string) => good.replace('as: 65001 }', `as: 65001, checkNextHops: ${word} }`);
    expect(checks(good)).toEqual([true, true, true]);
    expect(checks(good + sync)).toEqual([true, true, true]);
    expect(checks(good.replace('kernel: {}\n', sync))).toEqual([false, false, false]);
    expect(checks(asked('true').replace('kernel: {}\n', sync))).toEqual([true, false, false]);
    expect(checks(asked('false'))).toEqual([false, true, true]);
  });
  it('makes probes of echoes, which decide nothing of appliances', () => {
    const echoes = (echo: string) => {
      const text = good.replace('as: 65001 }', `as: 65001, echo: ${echo} }`);
      return must(parseConfig(text, 'byoa.yaml')).echoes;
    };
    const base = {
      id: 'bgp/b',
      appliance: 'b',
      advisory: true,
      from: 'all',
      kind: 'icmp',
      address: '10.0.0.11',
    };
    expect(echoes('true')).toEqual([{ ...base, intervalMs: 300, timeoutMs: 270, rise: 3, fall: 3 }]);
    expect(echoes('{ interval: 1s, timeout: 200ms, fall: 5 }')).toEqual([
      { ...base, intervalMs: 1000, timeoutMs: 200, rise: 3, fall: 5 },
    ]);
    expect([echoes('false'), config.echoes]).toEqual([[], []]);
  });
  it('has the defaults of dynamic neighbors, policies, kernel and drain', () => {
    expect(options.dynamic[0]).toMatchObject({
      passive: true,
      limit: 100,
      as: [
        { from: 65_100, to: 65_100 },
        { from: 65_200, to: 65_299 },
      ],
    });
    expect(options.policies).toEqual([
      {
        name: 'tidy',
        rules: [
          { match: { prefixes: [{ prefix: '10.0.0.0/8', ge: 16, le: 24 }] }, set: {}, action: 'accept' },
        ],
        otherwise: 'reject',
      },
    ]);
    expect(config.kernel).toEqual({ table: 254, metric: 20, protocol: 98, ecmp: true, keepOnStop: false });
    expect(config.drain).toEqual({ how: 'graceful-shutdown' });
  });
});

describe('a mistake is told with line, field, value, cause and remedy', () => {
  const near = '{ appliance: b, as: 65001 }';
  const cases: readonly (readonly [name: string, from: string, to: string, told: string])[] = [
    ['AS 0', 'as: 65000\n', 'as: 0\n', 'byoa.yaml:8:3: bgp.as is 0: AS 0 may not be used (RFC 7607)'],
    ['AS as text', near, '{ appliance: b, as: x }', "bgp.neighbors[0].as is 'x': an AS number is a number"],
    [
      'GTSM and multihop',
      near,
      '{ appliance: b, as: 65001, gtsm: true, multihop: 3 }',
      'byoa.yaml:10:34: bgp.neighbors[0].gtsm is true: gtsm and multihop exclude each other; write gtsm: { hops: N } alone',
    ],
    [
      'policy',
      near,
      '{ appliance: b, as: 65001, import: tidi }',
      "bgp.neighbors[0].import is 'tidi': there is no policy 'tidi'; did you mean 'tidy'? the policies are all, none, tidy",
    ],
    [
      'prefix list',
      'prefixList: ours',
      'prefixList: our',
      "bgp.policies[0].rules[0].match.prefixList is 'our': there is no prefix list 'our'; did you mean 'ours'? the prefix lists are ours",
    ],
    [
      'appliance',
      near,
      '{ appliance: c, address: 10.0.0.12, as: 65001 }',
      "byoa.yaml:10:9: bgp.neighbors[0].appliance is 'c': 'c' is not an appliance; did you mean 'a'? the appliances are a, b",
    ],
    ['no address', near, '{ as: 65001 }', 'the neighbor has no address; give address, or appliance'],
    [
      'reflector client',
      near,
      '{ appliance: b, as: 65001, reflectorClient: true }',
      'bgp.neighbors[0].reflectorClient is true: AS 65001 is another AS; only iBGP neighbors can be clients',
    ],
    [
      'hold time',
      near,
      '{ appliance: b, as: 65001, holdTime: 2s }',
      "bgp.neighbors[0].holdTime is '2s': the hold time is 0s (never) or whole seconds from 3s (RFC 4271 4.2)",
    ],
    [
      'range of AS',
      '65200-65299',
      '65299-65200',
      '65299-65200 is no range of AS numbers; write the smaller first',
    ],
    [
      'prefix list order',
      'ge: 16, le: 24',
      'ge: 24, le: 16',
      'ge and le of 10.0.0.0/8 are out of order; choose them in order between 8 and 32',
    ],
    ['secret as text', near, '{ appliance: b, as: 65001, password: hunter2 }', 'bgp.neighbors[0].password'],
    [
      'secret in two places',
      near,
      '{ appliance: b, as: 65001, password: { file: /x, env: X } }',
      'name exactly one of file, env and ssm; the secret itself does not belong into this file',
    ],
    [
      'one address twice',
      near,
      `${near}\n    - { name: c, address: 10.0.0.11, as: 65001 }`,
      "the neighbor address '10.0.0.11' is there twice",
    ],
    [
      'one name twice',
      near,
      `${near}\n    - { name: b, address: 10.0.0.12, as: 65001 }`,
      "the neighbor 'b' is there twice",
    ],
    ['policy called all', 'name: tidy', 'name: all', 'all has a meaning of its own; choose another name'],
    [
      'listen',
      'as: 65000\n',
      'as: 65000\n  listen: ["179"]\n',
      "bgp.listen[0] is '179': it looks like 0.0.0.0:179 or [::]:179",
    ],
    ['drain', 'drain: {}', 'drain: { how: fast }', "drain.how is 'fast'"],
    ['bfd', 'bfd: true', 'bfd: { interval: 5ms }', 'bgp.neighbors[1].bfd'],
    [
      'echo',
      near,
      '{ appliance: b, as: 65001, echo: { timeout: 400ms } }',
      "bgp.neighbors[0].echo.timeout is '400ms': the timeout (400ms) is longer than the interval (300ms)",
    ],
  ];
  it.each(cases)('%s', (_name, from, to, told) => {
    expect(good).toContain(from);
    expect(errorsOf(good.replace(from, to)).join('\n')).toContain(told);
  });
  it('kernel without bgp', () => {
    const without = `${good.slice(0, good.indexOf('bgp:'))}kernel: {}\n`;
    expect(errorsOf(without).join('\n')).toContain(
      'there are no routes without BGP; configure bgp, or remove kernel',
    );
  });
  it.each([
    'password: hunter2',
    'password: { text: hunter2 }',
    'passwort: hunter2',
    'bfd: { auth: { type: keyed-sha1, key: hunter2 } }',
    'bfd: { interval: 1ms, auth: { type: keyed-sha1, key: hunter2 } }',
  ])('never repeats a secret that was written as text: %s', (field) => {
    const errors = errorsOf(good.replace(near, `{ appliance: b, as: 65001, ${field} }`)).join('\n');
    expect(errors).toContain('bgp.neighbors[0].');
    expect(errors).not.toContain('hunter2');
  });
});

describe('an heir whose only evidence is its BGP session', () => {
  const observer = (bfd: string, probes = '{ kind: bgp }', node = 'w'): string => `version: 1
node: ${node}
aws: { region: eu-central-1 }
appliances:
  - { name: a, address: 10.0.0.10, eni: eni-00000000000000001, probes: [ { kind: icmp, from: all } ] }
  - { name: b, address: 10.0.0.11, eni: eni-00000000000000002, probes: [ ${probes} ] }
bgp:
  as: 65000
  routerId: 10.0.0.1
  neighbors: [ { appliance: b, as: 65001 ${bfd} } ]
groups:
  - { name: egress, members: [a, b], routes: [ { table: rtb-00000000000000001, destinations: [0.0.0.0/0] } ] }
`;

  it('is refused, with what to add and where', () => {
    const [error, ...others] = errorsOf(observer(''));
    expect(others).toEqual([]);
    expect(error).toContain('appliances[1].probes');
    expect(error).toContain('the only evidence on b is a BGP session without BFD');
    expect(error).toContain('add a probe, such as { kind: icmp }, or write bfd: true at its BGP neighbor');
  });

  it.each([
    ['with BFD at its neighbor', observer(', bfd: true')],
    ['beside a probe', observer('', '{ kind: bgp }, { kind: icmp }')],
    ['where the node is a member itself and takes over itself', observer('', '{ kind: bgp }', 'a')],
  ])('is taken %s', (_, text) => expect(errorsOf(text)).toEqual([]));

  it.each([
    ['a probe that only advises', '{ kind: bgp }, { kind: icmp, advisory: true }'],
    ['a probe of its own daemon', '{ kind: bgp }, { kind: icmp, from: self }'],
    ['the word of its daemon', '{ kind: bgp }, { kind: daemon }'],
  ])('is refused beside %s', (_, probes) => expect(errorsOf(observer('', probes))).toHaveLength(1));
});

describe('what is announced while others are dead', () => {
  const withOrigins = (...items: readonly string[]): string =>
    good.replace('bgp:\n', `bgp:\n  originate: [ ${items.join(', ')} ]\n`);
  it('is no part of what the speaker announces from its start', () => {
    const text = withOrigins(
      '{ prefix: 0.0.0.0/0, med: 10 }',
      '{ prefix: 0.0.0.0/1, whileDead: [b], linger: 1m }',
    );
    const { bgp } = must(parseConfig(text, 'byoa.yaml'));
    expect(bgp?.options.originate.map(({ prefix }) => prefix)).toEqual(['0.0.0.0/0']);
    expect(bgp?.standIns).toEqual([
      {
        route: { prefix: '0.0.0.0/1', nextHop: 'self', communities: [] },
        whileDead: ['b'],
        lingerMs: 60_000,
      },
    ]);
  });
  it.each([
    [
      '{ prefix: 0.0.0.0/1, whileDead: [a] }',
      'the dead announce nothing; name other appliances than the own',
    ],
    ['{ prefix: 0.0.0.0/1, whileDead: [c] }', "'c' is not an appliance"],
    ['{ prefix: 0.0.0.0/1, linger: 1m }', '0.0.0.0/1 is announced always; give whileDead, too'],
    ['{ prefix: 0.0.0.0/1 }, { prefix: 0.0.0.0/1, whileDead: [b] }', '0.0.0.0/1 is announced twice'],
  ])('%s is refused', (item, told) => {
    expect(errorsOf(withOrigins(item)).join('\n')).toContain(told);
  });
});
