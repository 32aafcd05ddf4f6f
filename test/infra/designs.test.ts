/** What designs register with Pulumi: types, names, options, rights, configurations. Deploys nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { lastResortsOf } from '../../controller/config/model.ts';
import { parseConfig, routeSetsOf } from '../../controller/config.ts';
import type { DesignArgs } from '../../infra/components/context.ts';
import type { DesignComponent } from '../../infra/components/design.ts';
import { type Design, movesGroups } from '../../infra/design.ts';
import { DESIGNS, type DesignName, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import type { NodeOutput } from '../../infra/outputs.ts';
import { announcedIn, movedBy, subnetsOf, tablesOf, takersOf } from '../../infra/plan.ts';
import { sharedZones } from '../../infra/rules.ts';
import { type Registration, recorded, resolved } from './recorded.ts';

const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];
const SHARED: DesignArgs = {
  cidr: '10.0.0.0/16',
  zones: ZONES,
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: 'a'.repeat(64),
  tags: { team: 'network' },
};

const designOf = (name: DesignName): Design => DESIGNS[name];

/** What takes no tags. */
const UNTAGGED =
  /:(Route|RouteTableAssociation|RouteTablePropagation|VpnGatewayRoutePropagation|EipAssociation|RolePolicy)$/;

/** As few zones as the design takes. */
const argsOf = (name: DesignName, more: Partial<DesignArgs> = {}): DesignArgs => ({
  ...SHARED,
  zones: ZONES.slice(0, designOf(name).zones.min),
  ...more,
});

const make = (name: DesignName, more: Partial<DesignArgs> = {}) =>
  recorded(() => new COMPONENTS[name](name, argsOf(name, more)));

/** Whether routes that are announced keep its flows, instead of groups. */
const isByBgp = (name: DesignName): boolean => !movesGroups(designOf(name));

const of = (seen: readonly Registration[], type: string): readonly Registration[] =>
  seen.filter((one) => one.type.endsWith(`:${type}`));

interface Policy {
  readonly Statement: readonly { Sid: string; Action: string[]; Resource: string | string[] }[];
}
const policyOf = (seen: readonly Registration[]): Policy =>
  JSON.parse(String(of(seen, 'RolePolicy')[0]?.inputs.policy));

const nodesOf = (made: DesignComponent): Promise<readonly NodeOutput[]> =>
  resolved(made.nodes) as Promise<readonly NodeOutput[]>;

const configOf = ({ name, config: text }: NodeOutput) => {
  const config = parseConfig(text, name);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
};

describe.each(NAMES)('%s', (name) => {
  let seen: readonly Registration[] = [];
  let made: DesignComponent;
  beforeAll(async () => {
    ({ made, seen } = await make(name, { workload: true }));
  });

  it('is one component, and all its resources are its descendants', () => {
    const roots = seen.filter((one) => !one.parent.includes('byoa:index:'));
    expect(roots.map((one) => one.name)).toEqual([name]);
    const type = name.replace(/(^|-)(.)/g, (_, _dash, letter: string) => letter.toUpperCase());
    expect(roots[0]?.type).toBe(`byoa:index:${type}`);
  });

  it('leaves the target of what moves to the daemons, and of nothing else', () => {
    const ignoring = of(seen, 'Route').filter((one) => one.ignoreChanges.includes('networkInterfaceId'));
    const moved = tablesOf(made.plan).flatMap((table) =>
      made.plan.groups.flatMap((group) =>
        movedBy(table, group.name).map(({ destination }) => `${name}-${table.name}-${destination}`),
      ),
    );
    expect(ignoring.map((one) => one.name).sort()).toEqual(moved.sort());
  });

  it('makes no route inline, no attachment of an ENI, and no association of an Elastic IP that moves', () => {
    expect(of(seen, 'RouteTable').filter((table) => 'routes' in table.inputs)).toEqual([]);
    expect(seen.filter((one) => one.type.includes('InterfaceAttachment'))).toEqual([]);
    const moving = made.plan.groups.map((group) => `${name}-${group.name}`);
    expect(of(seen, 'EipAssociation').filter((one) => moving.includes(one.name))).toEqual([]);
  });

  it('turns the source/dest check off where packets of others pass, and nowhere else', () => {
    const open = of(seen, 'NetworkInterface').filter((one) => one.inputs.sourceDestCheck === false);
    const passed = [
      ...made.plan.appliances.map((one) => `${name}-${one.name}`),
      ...made.plan.groups.filter((one) => one.floating !== undefined).map((one) => `${name}-${one.name}`),
    ];
    expect(open.map((one) => one.name).sort()).toEqual(passed.sort());
  });

  it('gives each appliance an own way to EC2, which it waits for and no group moves', () => {
    for (const appliance of made.plan.appliances) {
      const eip = of(seen, 'EipAssociation').find((one) => one.name === `${name}-${appliance.name}`);
      expect(eip?.dependencies.some((urn) => urn.endsWith(`${name}-${appliance.subnet}-0.0.0.0/0`))).toBe(
        true,
      );
      const own = subnetsOf(made.plan).find((one) => one.name === appliance.subnet);
      expect(own?.routes).toContainEqual({ destination: '0.0.0.0/0', to: { kind: 'internet' } });
    }
  });

  it('allows the daemons to look, and to write what their groups name', async () => {
    const { Statement } = policyOf(seen);
    const wide = Statement.filter((one) => one.Resource === '*').flatMap((one) => one.Action);
    expect(wide.filter((action) => !action.startsWith('ec2:Describe'))).toEqual([]);
    const [node] = await nodesOf(made);
    const { groups } = configOf(node as NodeOutput);
    const tables = groups.flatMap(routeSetsOf).flatMap(({ table }) => table ?? []);
    const moves = Statement.find(({ Sid }) => Sid === 'MoveRoutes')?.Resource ?? [];
    expect([...moves].map((arn) => arn.split('/')[1]).sort()).toEqual([...new Set(tables)].sort());
    const synced = Statement.find(({ Sid }) => Sid === 'SyncRoutes')?.Resource ?? [];
    expect(synced).toHaveLength(tablesOf(made.plan).filter((one) => announcedIn(one).length > 0).length);
  });

  it('boots instances with IMDSv2, an encrypted disk and no pause between old and new on one ENI', () => {
    for (const one of of(seen, 'Instance')) {
      expect(one.inputs.metadataOptions).toMatchObject({ httpTokens: 'required' });
      expect(one.inputs.rootBlockDevice).toEqual({ encrypted: true });
      expect(one.deleteBeforeReplace).toBe(true);
    }
  });

  it('keeps appliances of one zone on racks of their own', () => {
    const groups = of(seen, 'PlacementGroup').map((one) => [one.name, one.inputs.strategy]);
    expect(groups).toEqual(sharedZones(made.plan).map((zone) => [`${name}-${zone}`, 'spread']));
    for (const { name: appliance, subnet } of made.plan.appliances) {
      const { zone = '' } = subnetsOf(made.plan).find((one) => one.name === subnet) ?? {};
      const instance = of(seen, 'Instance').find((one) => one.name === `${name}-${appliance}`);
      expect(instance?.inputs.placementGroup !== undefined).toBe(sharedZones(made.plan).includes(zone));
    }
  });

  it('replaces one appliance after the other', () => {
    const instances = made.plan.appliances.map((one) =>
      of(seen, 'Instance').find((other) => other.name === `${name}-${one.name}`),
    );
    for (const [index, instance] of instances.entries()) {
      if (index === 0) continue;
      const before = `::${instances[index - 1]?.name}`;
      expect(instance?.dependencies.some((urn) => urn.endsWith(before))).toBe(true);
    }
  });

  it('tags everything that takes tags with the design and the stack', () => {
    const untagged = seen
      .filter((one) => one.custom && !UNTAGGED.test(one.type))
      .filter((one) => {
        const tags = (one.inputs.tags ?? {}) as Record<string, string>;
        return tags['byoa:design'] !== name || tags.team !== 'network' || tags.Name === undefined;
      });
    expect(untagged.map((one) => `${one.type} ${one.name}`)).toEqual([]);
  });

  it('puts out configurations that name what was made, one for each daemon', async () => {
    const nodes = await nodesOf(made);
    const { plan } = made;
    const daemons = [...plan.appliances, ...plan.observers, ...takersOf(plan)].map((one) => one.name);
    expect(nodes.map((one) => one.name)).toEqual(daemons);
    const enis = plan.appliances.map((one) => nodes.find((node) => node.name === one.name));
    for (const node of nodes) {
      const config = configOf(node);
      expect(config.node).toBe(node.name);
      expect(config.appliances.map(({ eni }) => eni)).toEqual(enis.map((one) => one?.networkInterfaceId));
      expect(config.groups.map((group) => group.name)).toEqual(made.plan.groups.map((group) => group.name));
      const script = of(seen, 'Instance').find((one) => one.name === `${name}-${node.name}`)?.inputs.userData;
      expect(script).toContain(`\nnode: ${node.name}\n`);
      expect(script).toContain(`DAEMON_SHA256='${'a'.repeat(64)}'`);
    }
  });

  it('promises something for every group', async () => {
    const flows = (await resolved(made.flows)) as readonly { group?: string; objectiveMs: number }[];
    expect(flows.length).toBeGreaterThan(0);
    const all = made.plan.groups.map((one) => one.name);
    // What names no group may depend on any of them.
    expect(new Set(flows.flatMap((flow) => flow.group ?? all))).toEqual(new Set(all));
  });

  it('gives the daemons leases, and the right to stop each other, where they are asked for', async () => {
    if (isByBgp(name)) {
      await expect(make(name, { leaseTable: 'byoa-leases' })).rejects.toThrow('moves no group');
      return;
    }
    const leased = await make(name, { leaseTable: 'byoa-leases', fence: 'stop-instance' });
    const config = configOf((await nodesOf(leased.made))[0] as NodeOutput);
    expect(config.leaseStore).toMatchObject({ table: 'byoa-leases' });
    expect(config.groups[0]?.fence?.kind).toBe('stop-instance');
    const { Statement } = policyOf(leased.seen);
    const resources = (sid: string) => Statement.find(({ Sid }) => Sid === sid)?.Resource;
    expect(resources('KeepLeases')).toEqual([
      expect.stringMatching(/^arn:aws:dynamodb:[^:]*:[^:]*:table\/byoa-leases$/),
    ]);
    expect(resources('StopOwners')).toHaveLength(made.plan.appliances.length);
  });

  it('has observers run the daemons instead of the appliances, where they are asked for', async () => {
    if (isByBgp(name)) {
      await expect(make(name, { observers: true })).rejects.toThrow('moves no group');
      return;
    }
    const observed = await make(name, { observers: true });
    const nodes = await nodesOf(observed.made);
    expect(nodes.map((one) => one.name)).toEqual(['observer-a', 'observer-b']);
    for (const node of nodes) {
      const { appliances } = configOf(node);
      // They probe each appliance, and through it by a route of their own subnet.
      for (const { probes } of appliances)
        expect(probes.map(({ kind }) => kind).sort()).toEqual(['icmp', 'through']);
    }
    for (const { name: one } of observed.made.plan.appliances) {
      const instance = of(observed.seen, 'Instance').find((other) => other.name === `${name}-${one}`);
      expect(instance?.inputs.iamInstanceProfile).toBeUndefined();
      expect(instance?.inputs.userData).not.toContain('byoa.yaml');
    }
  });

  it("leaves an appliance of the user's own to the user", async () => {
    const own = { kind: 'own', userData: '#!/bin/sh\necho mine\n' } as const;
    const observers = isByBgp(name) ? {} : { observers: true };
    const { seen: all } = await make(name, { ...observers, appliance: own, debianAmi: 'ami-0debian0' });
    const scripts = of(all, 'Instance').map((one) => [one.inputs.ami, one.inputs.userData]);
    const mine = scripts.filter(([, script]) => script === own.userData);
    expect(mine.map(([ami]) => ami)).toEqual(made.plan.appliances.map(() => SHARED.ami));
    const beside = isByBgp(name) ? made.plan.observers.length : 2;
    expect(scripts.filter(([ami]) => ami === 'ami-0debian0')).toHaveLength(beside);
  });

  it('has a README with a diagram, reasons for and against, costs and failure modes', () => {
    const file = new URL(`../../infra/designs/${name}/README.md`, import.meta.url);
    expect(existsSync(file)).toBe(true);
    const headings = readFileSync(file, 'utf8').match(/^## .*$/gm);
    expect(headings).toEqual(['## When to use it', '## When not', '## What it costs', '## Failure modes']);
  });

  it('adds a zone or an appliance and replaces nothing', async () => {
    const { zones, keys } = designOf(name);
    const counts = keys.includes('appliances');
    if (zones.max === zones.min && !counts) return;
    const more = zones.max > zones.min ? { zones: ZONES.slice(0, zones.min + 1) } : { appliances: 4 };
    const grown = await make(name, { ...more, workload: true });
    // What forces a replacement: everything but what moves, tables, tags, and instances' user data.
    const fixed = (all: readonly Registration[]) =>
      all
        .filter((one) => one.custom && !/:(RolePolicy|Instance)$/.test(one.type))
        .map(({ type, name: own, inputs }) => {
          const { cidrBlock, availabilityZone, privateIps, destinationCidrBlock } = inputs;
          return JSON.stringify([type, own, cidrBlock, availabilityZone, privateIps, destinationCidrBlock]);
        });
    expect(fixed(grown.seen)).toEqual(expect.arrayContaining(fixed(seen)));
    expect(grown.seen.length).toBeGreaterThan(seen.length);
  });
});

it('route-sync has two observers keep in all tables of workloads what the appliances announce', async () => {
  const { made, seen } = await make('route-sync', { zones: ZONES });
  const nodes = await nodesOf(made);
  const [a, , first, second] = nodes.map((node) => configOf(node));
  expect(nodes.map(({ name: node }) => node)).toEqual(['a', 'b', 'observer-a', 'observer-b']);
  expect(a?.routeSync).toEqual([]);
  expect(first?.routeSync).toHaveLength(1);
  expect(first?.routeSync[0]?.tables).toHaveLength(ZONES.length);
  expect(second?.routeSync).toEqual(first?.routeSync);
  expect(first?.bgp?.options.neighbors.map(({ address, bfd }) => [address, bfd !== undefined])).toEqual(
    made.plan.appliances.map(({ address }) => [address, true]),
  );
  // What follows announcements is no route of the deployment's.
  const workloads = of(seen, 'Route').filter(({ name }) => name.includes('workload'));
  expect(workloads).toEqual([]);
  expect(policyOf(seen).Statement.map(({ Sid }) => Sid)).toEqual(['Describe', 'SyncRoutes']);
});

describe.each(['egress-pair', 'egress-per-zone'] as const)('%s with a last resort', (design) => {
  const stand = { observers: true, lastResort: true };

  it('has a NAT gateway that nothing leads to, and daemons that know of it and of each other', async () => {
    const { made, seen } = await make(design, stand);
    expect(of(seen, 'NatGateway').map(({ name }) => name)).toEqual([expect.stringMatching(/-nat$/)]);
    const moved = of(seen, 'Route').filter((one) => one.ignoreChanges.includes('networkInterfaceId'));
    expect(moved.length).toBeGreaterThan(1);
    for (const { inputs, ignoreChanges } of moved)
      expect([inputs.natGatewayId, ignoreChanges]).toEqual([
        undefined,
        ['networkInterfaceId', 'natGatewayId'],
      ]);
    for (const node of await nodesOf(made)) {
      const config = configOf(node);
      expect(config.groups.flatMap(({ resources }) => lastResortsOf(resources))).toEqual(
        moved.map(() => expect.stringMatching(/nat/)),
      );
      const others = made.plan.observers.filter(({ name }) => name !== node.name).map(({ name }) => name);
      expect(config.appliances.map(({ name }) => name)).toEqual(['a', 'b', ...others]);
    }
  });

  it.each([
    ['without observers', { lastResort: true }, 'set observers'],
    ['with IPv6', { ...stand, ipv6: true }, 'leave out ipv6 or lastResort'],
  ])('is refused %s', async (_, args, remedy) => {
    await expect(make(design, args)).rejects.toThrow(remedy);
  });
});

it.each(['route-sync', 'same-subnet-bgp'] as const)(
  '%s gives all sessions the secrets of parameters, which daemons alone may read',
  async (design) => {
    const [bgpPasswordParameter, bfdKeyParameter] = ['/byoa/egress/bgp', '/byoa/egress/bfd'];
    const { made, seen } = await make(design, { bgpPasswordParameter, bfdKeyParameter, workload: true });
    const nodes = (await nodesOf(made)).map((node) => configOf(node).bgp);
    expect(nodes.length).toBeGreaterThan(2);
    for (const bgp of nodes) {
      const sessions = [...(bgp?.options.neighbors ?? []), ...(bgp?.options.dynamic ?? [])];
      const secrets = Object.fromEntries(sessions.map(({ name }) => [name, { ssm: bgpPasswordParameter }]));
      expect([sessions.length > 0, bgp?.passwords]).toEqual([true, secrets]);
      const key = { type: 'meticulous-sha1', keyId: 1, key: { ssm: bfdKeyParameter } };
      expect(bgp?.bfdKeys).toEqual(Object.fromEntries(sessions.map(({ name }) => [name, key])));
      for (const { bfd } of sessions) expect(bfd).toMatchObject({ intervalMs: 300, multiplier: 3 });
    }
    const rights = of(seen, 'RolePolicy').map(({ inputs }) =>
      JSON.parse(String(inputs.policy)).Statement.find(({ Sid }: { Sid: string }) => Sid === 'ReadSecrets'),
    );
    expect(rights).toHaveLength(design === 'route-sync' ? 1 : 2);
    for (const right of rights)
      expect(right).toMatchObject({
        Action: ['ssm:GetParameter'],
        Resource: ['bgp', 'bfd'].map((name) =>
          expect.stringMatching(new RegExp(`^arn:aws:ssm:[a-z0-9-]*:\\d*:parameter/byoa/egress/${name}$`)),
        ),
      });
  },
);

describe.each(['route-sync', 'same-subnet-bgp'] as const)('%s with another BGP speaker', (design) => {
  const secrets = { bgpPasswordParameter: '/byoa/egress/bgp', bfdKeyParameter: '/byoa/egress/bfd' };

  it('has BIRD announce what the daemon would, and the daemon judge health alone', async () => {
    const bare = await make(design, { ...secrets, workload: true });
    const { made, seen } = await make(design, { ...secrets, workload: true, speaker: 'bird' });
    const [before, nodes] = await Promise.all([nodesOf(bare.made), nodesOf(made)]);
    for (const [at, node] of nodes.entries()) {
      const config = configOf(node);
      const instance = of(seen, 'Instance').find((one) => one.name === `${design}-${node.name}`);
      const script = String(instance?.inputs.userData);
      if (!made.plan.appliances.some(({ name }) => name === node.name)) {
        expect([config, script.includes('bird')]).toEqual([configOf(before[at] as NodeOutput), false]);
        continue;
      }
      expect([config.bgp, config.health?.port]).toEqual([undefined, 8179]);
      const [own] = configOf(before[at] as NodeOutput).bgp?.options.dynamic ?? [];
      expect(script).toContain(`neighbor range ${own?.prefix} as 65000;`);
      for (const name of Object.values(secrets)) expect(script).toContain(`secret '${name}'`);
    }
  });

  it.each([
    [{ ...secrets, speaker: 'frr' }, 'FRR does not authenticate BFD'],
    [{ speaker: 'bird', appliance: { kind: 'own', userData: '' } }, 'leave out speaker'],
  ] as const)('is refused %j', async (args, why) => {
    await expect(make(design, args)).rejects.toThrow(why);
  });
});

it('a speaker is refused where appliances announce nothing to others', async () => {
  await expect(make('egress-pair', { speaker: 'bird' })).rejects.toThrow('leave out speaker');
});

it('egress-pair with IPv6 moves ::/0 too', async () => {
  const { seen } = await make('egress-pair', { ipv6: true });
  const moved = of(seen, 'Route').filter((one) => one.ignoreChanges.includes('networkInterfaceId'));
  const six = moved.filter((one) => one.inputs.destinationIpv6CidrBlock === '::/0');
  expect([moved.length, six.length]).toEqual([4, 2]);
  const blocks = of(seen, 'Subnet').map((one) => one.inputs.ipv6CidrBlock);
  expect(new Set(blocks).size).toBe(4);
});

it('egress-pair leads by each appliance to a target of its own, but not from its own subnet', async () => {
  const { made } = await make('egress-pair', { zones: ZONES });
  const config = configOf((await nodesOf(made))[0] as NodeOutput);
  const targets = new Map(
    config.appliances.map(({ name, probes }) => {
      const through = probes.find(({ kind }) => kind === 'through');
      expect(through).toMatchObject({ by: 'route', from: 'all' });
      return [
        name,
        through?.kind === 'through' && through.target.kind === 'icmp' ? through.target.address : '',
      ];
    }),
  );
  expect(new Set(targets.values()).size).toBe(3);
  for (const appliance of made.plan.appliances) {
    const { routes } = subnetsOf(made.plan).find(({ name }) => name === appliance.subnet) ?? { routes: [] };
    const led = routes.flatMap(({ destination, to }) =>
      to.kind === 'appliance' ? [[to.appliance, destination.replace('/32', '')]] : [],
    );
    expect(led).toEqual([...targets].filter(([name]) => name !== appliance.name));
  }
});

it('an AMI that was looked up does not replace instances when a newer one appears', async () => {
  const { seen } = await make('egress-pair', { amiPinned: false });
  for (const one of of(seen, 'Instance')) expect(one.ignoreChanges).toEqual(['ami']);
});

it('floating-eni lets the peers probe through each other, since they share a subnet', async () => {
  const { made, seen } = await make('floating-eni');
  const nodes = await nodesOf(made);
  const config = configOf(nodes[0] as NodeOutput);
  const through = config.appliances.map((one) => one.probes.find((probe) => probe.kind === 'through'));
  expect(through).toMatchObject([
    { by: 'next-hop', via: nodes[0]?.privateIp, from: 'all' },
    { by: 'next-hop', via: nodes[1]?.privateIp, from: 'all' },
  ]);
  expect(config.groups[0]?.resources).toMatchObject([{ kind: 'eni', deviceIndex: 1 }]);
  const eni = of(seen, 'NetworkInterface').find((one) => one.name === 'floating-eni-floating');
  expect(eni?.inputs.privateIps).toEqual(['10.0.0.12']);
});

it('same-subnet-bgp has workloads take default routes from appliances, and prefer the first', async () => {
  const { made, seen } = await make('same-subnet-bgp', { workload: true, ipv6: true });
  const nodes = await nodesOf(made);
  const [a, b, taker] = nodes.map((node) => configOf(node));
  const meds = [a, b].map((one) => one?.bgp?.options.originate.map(({ prefix, med }) => [prefix, med]));
  expect(meds).toEqual([
    [
      ['0.0.0.0/0', 0],
      ['::/0', 0],
    ],
    [
      ['0.0.0.0/0', 10],
      ['::/0', 10],
    ],
  ]);
  expect(taker?.kernel).toBeDefined();
  expect(taker?.bgp?.options.neighbors.map(({ address }) => address)).toEqual(
    made.plan.appliances.map(({ address }) => address),
  );
  // Nobody may write anything: no API is called.
  expect(policyOf(seen).Statement.map(({ Sid }) => Sid)).toEqual(['Describe']);
  const client = of(seen, 'Instance').find((one) => one.name === 'same-subnet-bgp-workload-eu-central-1a');
  expect(client?.inputs.iamInstanceProfile).toBeUndefined();
});
