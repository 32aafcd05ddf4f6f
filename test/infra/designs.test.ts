/** What both designs register with Pulumi: types, names, options, rights, configurations. Deploys nothing. */
import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../controller/config.ts';
import { EgressPair } from '../../infra/designs/egress-pair.ts';
import { FloatingEni } from '../../infra/designs/floating-eni.ts';
import { type Registration, recorded, resolved } from './recorded.ts';

const SHARED = {
  cidr: '10.0.0.0/16',
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: 'a'.repeat(64),
  probeTarget: '203.0.113.10',
  tags: { team: 'network' },
};
const ZONES = ['eu-central-1a', 'eu-central-1b'];

const of = (seen: readonly Registration[], type: string): readonly Registration[] =>
  seen.filter((one) => one.type.endsWith(`:${type}`));
const named = (seen: readonly Registration[], type: string, name: string): Registration => {
  const found = of(seen, type).find((one) => one.name === name);
  if (found === undefined)
    throw new Error(`no ${type} named ${name} among ${seen.map((one) => one.name).join(', ')}`);
  return found;
};
const policyOf = (seen: readonly Registration[]): unknown =>
  JSON.parse(String(of(seen, 'RolePolicy')[0]?.inputs.policy));

describe('egress-pair', () => {
  let seen: readonly Registration[] = [];
  let made: EgressPair;
  beforeAll(async () => {
    ({ made, seen } = await recorded(
      () => new EgressPair('egress', { ...SHARED, zones: ZONES, workload: true }),
    ));
  });

  it('is one component, and all its resources are its descendants', () => {
    const roots = seen.filter((one) => !one.parent.includes('byoa:index:'));
    expect(roots.map((one) => one.type)).toEqual(['byoa:index:EgressPair']);
  });

  it('leaves the targets of both workload default routes to the daemons', () => {
    const moved = of(seen, 'Route').filter((one) => one.inputs.networkInterfaceId !== undefined);
    expect(moved.map((one) => one.name).sort()).toEqual([
      'egress-workload-eu-central-1a-0.0.0.0/0',
      'egress-workload-eu-central-1b-0.0.0.0/0',
    ]);
    for (const route of moved) expect(route.ignoreChanges).toEqual(['networkInterfaceId']);
  });

  it('sends both workload tables to the first appliance at first', async () => {
    const nodes = await resolved(made.nodes);
    const targets = of(seen, 'Route').map((one) => one.inputs.networkInterfaceId);
    expect(targets.filter((target) => target !== undefined)).toEqual([
      nodes[0]?.networkInterfaceId,
      nodes[0]?.networkInterfaceId,
    ]);
  });

  it('makes no route inline, and no attachment', () => {
    expect(of(seen, 'RouteTable').filter((table) => 'routes' in table.inputs)).toEqual([]);
    expect(seen.filter((one) => one.type.includes('Attachment'))).toEqual([]);
  });

  it('turns the source/dest check off on the appliances only', () => {
    const checks = of(seen, 'NetworkInterface').map((one) => [one.name, one.inputs.sourceDestCheck]);
    expect(Object.fromEntries(checks)).toEqual({
      'egress-a': false,
      'egress-b': false,
      'egress-workload': undefined,
    });
  });

  it('gives each appliance an own way to EC2: an EIP, and a table that leads to the Internet gateway', () => {
    expect(of(seen, 'EipAssociation').map((one) => one.name)).toEqual(['egress-a', 'egress-b']);
    const gateway = named(seen, 'Route', 'egress-appliance-eu-central-1b-0.0.0.0/0').inputs;
    expect(gateway.gatewayId).toMatch(/^internetgateway-/);
    const address = named(seen, 'EipAssociation', 'egress-b');
    expect(address.dependencies.some((urn) => urn.endsWith('egress-appliance-eu-central-1b-0.0.0.0/0'))).toBe(
      true,
    );
  });

  it('allows the daemons to rewrite the two tables and nothing else', async () => {
    const tables = await resolved(made.routeTableIds);
    expect(policyOf(seen)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Describe',
          Effect: 'Allow',
          Action: expect.any(Array),
          Resource: '*',
          Condition: expect.any(Object),
        },
        {
          Sid: 'MoveRoutes',
          Effect: 'Allow',
          Action: ['ec2:CreateRoute', 'ec2:ReplaceRoute'],
          Resource: tables.map((id) => `arn:aws:ec2:eu-central-1:000000000000:RouteTable/${id}`),
        },
      ],
    });
  });

  it('grants only Describe actions on everything', () => {
    const statements = (policyOf(seen) as { Statement: { Action: string[]; Resource: unknown }[] }).Statement;
    const wide = statements.filter((one) => one.Resource === '*').flatMap((one) => one.Action);
    expect(wide.filter((action) => !action.startsWith('ec2:Describe'))).toEqual([]);
  });

  it('boots instances with IMDSv2, an encrypted disk and no pause between old and new on one ENI', () => {
    for (const one of of(seen, 'Instance')) {
      expect(one.inputs.metadataOptions).toMatchObject({ httpTokens: 'required' });
      expect(one.inputs.rootBlockDevice).toEqual({ encrypted: true });
      expect(one.deleteBeforeReplace).toBe(true);
    }
  });

  it('replaces one appliance after the other', () => {
    const second = named(seen, 'Instance', 'egress-b');
    expect(second.dependencies.some((urn) => urn.endsWith('::egress-a'))).toBe(true);
  });

  it('tags everything that takes tags with the group and the stack', () => {
    const untagged = seen
      .filter(
        (one) => one.custom && !/:(Route|RouteTableAssociation|EipAssociation|RolePolicy)$/.test(one.type),
      )
      .filter((one) => {
        const tags = (one.inputs.tags ?? {}) as Record<string, string>;
        return tags['byoa:group'] !== 'egress' || tags.team !== 'network' || tags.Name === undefined;
      });
    expect(untagged.map((one) => `${one.type} ${one.name}`)).toEqual([]);
  });

  it("puts out configurations that the daemon's parser accepts", async () => {
    const nodes = await resolved(made.nodes);
    expect(nodes.map((one) => one.name)).toEqual(['a', 'b']);
    for (const one of nodes) {
      const config = parseConfig(one.config, one.name);
      if (!config.ok) throw new Error(JSON.stringify(config.error));
      expect(config.value.node).toBe(one.name);
      expect(config.value.appliances.map((appliance) => appliance.eni)).toEqual(
        nodes.map((n) => n.networkInterfaceId),
      );
      const sets = (await resolved(made.routeTableIds)).map((table) => ({
        table,
        destinations: ['0.0.0.0/0'],
      }));
      expect(config.value.groups[0]?.resources).toEqual([{ kind: 'routes', sets }]);
    }
  });

  it('gives each instance the configuration of its own node', () => {
    const script = String(named(seen, 'Instance', 'egress-b').inputs.userData);
    expect(script).toContain('\nnode: b\n');
    expect(script).toContain(`DAEMON_SHA256='${'a'.repeat(64)}'`);
  });
});

it('egress-pair names resources by zone, so that a further zone renames none', async () => {
  const two = await recorded(() => new EgressPair('egress', { ...SHARED, zones: ZONES }));
  const three = await recorded(
    () => new EgressPair('egress', { ...SHARED, zones: ['eu-central-1c', ...ZONES] }),
  );
  const keys = (seen: readonly Registration[]) =>
    of(seen, 'Subnet').map((one) => `${one.name} ${one.inputs.availabilityZone} ${one.inputs.cidrBlock}`);
  expect(keys(three.seen)).toEqual(expect.arrayContaining(keys(two.seen)));
});

it('egress-pair with IPv6 moves ::/0 too', async () => {
  const { seen } = await recorded(() => new EgressPair('egress', { ...SHARED, zones: ZONES, ipv6: true }));
  const moved = of(seen, 'Route').filter((one) => one.ignoreChanges.includes('networkInterfaceId'));
  const six = moved.filter((one) => one.inputs.destinationIpv6CidrBlock === '::/0');
  expect([moved.length, six.length]).toEqual([4, 2]);
  const blocks = of(seen, 'Subnet').map((one) => one.inputs.ipv6CidrBlock);
  expect(new Set(blocks).size).toBe(4);
});

it('an AMI that was looked up does not replace instances when a newer one appears', async () => {
  const { seen } = await recorded(
    () => new EgressPair('egress', { ...SHARED, zones: ZONES, amiPinned: false }),
  );
  for (const one of of(seen, 'Instance')) expect(one.ignoreChanges).toEqual(['ami']);
});

describe('floating-eni', () => {
  let seen: readonly Registration[] = [];
  let made: FloatingEni;
  beforeAll(async () => {
    ({ made, seen } = await recorded(
      () => new FloatingEni('floating', { ...SHARED, zones: ['eu-central-1a'] }),
    ));
  });

  it('makes the floating ENI without source/dest check, and leaves its attachment to the daemons', () => {
    expect(named(seen, 'NetworkInterface', 'floating-floating').inputs.sourceDestCheck).toBe(false);
    expect(seen.filter((one) => one.type.includes('Attachment'))).toEqual([]);
    expect(of(seen, 'NetworkInterface').filter((one) => 'attachments' in one.inputs)).toEqual([]);
  });

  it('allows the daemons to move that one ENI between the two instances', async () => {
    const nodes = await resolved(made.nodes);
    const eni = await resolved(made.floatingInterfaceId);
    const arn = (kind: string, id: string) => `arn:aws:ec2:eu-central-1:000000000000:${kind}/${id}`;
    expect(policyOf(seen)).toMatchObject({
      Statement: [
        { Sid: 'Describe' },
        {
          Sid: 'MoveInterfaces',
          Action: ['ec2:AttachNetworkInterface', 'ec2:DetachNetworkInterface'],
          Resource: [arn('NetworkInterface', eni), ...nodes.map((one) => arn('Instance', one.instanceId))],
        },
      ],
    });
  });

  it('lets the peers probe through each other, since they share a subnet', async () => {
    const nodes = await resolved(made.nodes);
    const config = parseConfig(nodes[0]?.config ?? '', 'a');
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    const through = config.value.appliances.map((one) =>
      one.probes.find((probe) => probe.kind === 'through'),
    );
    expect(through).toMatchObject([
      { by: 'next-hop', via: nodes[0]?.privateIp, from: 'all' },
      { by: 'next-hop', via: nodes[1]?.privateIp, from: 'all' },
    ]);
    expect(config.value.groups[0]?.resources).toMatchObject([{ kind: 'eni', deviceIndex: 1 }]);
  });
});

describe.each([
  ['egress-pair', (args: object) => new EgressPair('egress', { ...SHARED, zones: ZONES, ...args })],
  [
    'floating-eni',
    (args: object) => new FloatingEni('floating', { ...SHARED, zones: ['eu-central-1a'], ...args }),
  ],
] as const)('%s with a lease table and a fence', (_, make) => {
  it('gives the daemons the table, and the right to stop each other', async () => {
    const { made, seen } = await recorded(() => make({ leaseTable: 'byoa-leases', fence: 'stop-instance' }));
    const [node] = await resolved(made.nodes);
    const config = parseConfig(node?.config ?? '', 'node');
    expect(config.ok && config.value.leaseStore).toMatchObject({ table: 'byoa-leases' });
    expect(config.ok && config.value.groups[0]?.fence?.kind).toBe('stop-instance');
    const { Statement } = policyOf(seen) as { Statement: { Sid: string; Resource: string[] }[] };
    const of = (sid: string) => Statement.find(({ Sid }) => Sid === sid)?.Resource;
    expect(of('KeepLeases')).toEqual([
      expect.stringMatching(/^arn:aws:dynamodb:[^:]*:[^:]*:table\/byoa-leases$/),
    ]);
    expect(of('StopOwners')).toHaveLength(2);
  });
});
