/** The design vpn-edge: who announces what to VPN gateways, where keys are, and what it refuses to plan. */
import { expect, it } from 'vitest';
import { type Config, parseConfig } from '../../controller/config.ts';
import type { DesignArgs } from '../../infra/components/context.ts';
import { VpnEdge } from '../../infra/designs/vpn-edge/component.ts';
import { vpnEdge } from '../../infra/designs/vpn-edge/plan.ts';
import { tunnelBlocks } from '../../infra/layout.ts';
import type { NodeOutput } from '../../infra/outputs.ts';
import { type Registration, recorded, resolved } from './recorded.ts';

const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];
const ARGS: DesignArgs<'spokes'> = {
  cidr: '10.0.0.0/16',
  zones: ZONES.slice(0, 2),
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: 'a'.repeat(64),
};

const make = (more: Partial<typeof ARGS & { bgpPasswordParameter: string }> = {}) =>
  recorded(() => new VpnEdge('edge', { ...ARGS, ...more }));
const of = (seen: readonly Registration[], type: string): readonly Registration[] =>
  seen.filter((one) => one.type.endsWith(type));

async function configs(zones: readonly string[]): Promise<readonly Config[]> {
  const { made } = await make({ zones });
  const nodes = (await resolved(made.nodes)) as readonly NodeOutput[];
  return nodes.map(({ name, config }) => {
    const parsed = parseConfig(config, name);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  });
}

it('connects the VPN gateway of each spoke with each appliance, which are customer gateways', async () => {
  const { seen } = await make();
  const eips = of(seen, ':Eip').map(({ outputs }) => outputs.publicIp);
  expect(of(seen, ':CustomerGateway').map(({ inputs }) => inputs.ipAddress)).toEqual(eips);
  expect(of(seen, ':VpnGateway').map(({ name }) => name)).toEqual([
    'edge-spoke-10.1.0.0',
    'edge-spoke-10.2.0.0',
  ]);
  const connections = of(seen, ':VpnConnection');
  expect(connections.map(({ name }) => name).sort()).toEqual([
    'edge-10.1.0.0-a',
    'edge-10.1.0.0-b',
    'edge-10.2.0.0-a',
    'edge-10.2.0.0-b',
  ]);
  const inside = connections.flatMap(({ inputs }) => [inputs.tunnel1InsideCidr, inputs.tunnel2InsideCidr]);
  expect(new Set(inside).size).toBe(8);
  expect(of(seen, ':VpnGatewayRoutePropagation')).toHaveLength(4);
});

it('lets in what the ends of its tunnels send, and nobody else from outside', async () => {
  const { seen } = await make();
  const outside = of(seen, ':VpnConnection').flatMap(({ outputs }) => [
    `${outputs.tunnel1Address}/32`,
    `${outputs.tunnel2Address}/32`,
  ]);
  const rules = of(seen, ':SecurityGroupIngressRule').map(({ inputs }) => inputs);
  const udp = rules.filter(({ ipProtocol }) => ipProtocol === 'udp');
  expect(udp.map(({ cidrIpv4 }) => cidrIpv4).sort()).toEqual(outside.sort());
  expect(rules.map(({ cidrIpv4 }) => cidrIpv4)).not.toContain('0.0.0.0/0');
});

it('has keys in no user data, but in a parameter of each appliance that the role may read', async () => {
  const { seen } = await make();
  const keys = of(seen, ':VpnConnection').flatMap(({ outputs }) => [
    outputs.tunnel1PresharedKey ?? '',
    outputs.tunnel2PresharedKey ?? '',
  ]);
  const parameters = of(seen, 'ssm/parameter:Parameter');
  expect(parameters.map(({ name, inputs }) => [name, inputs.type])).toEqual([
    ['edge-a', 'SecureString'],
    ['edge-b', 'SecureString'],
  ]);
  const stored = parameters.map(({ inputs }) => String(inputs.value)).join('');
  const scripts = of(seen, 'ec2/instance:Instance').map(({ inputs }) => String(inputs.userData));
  for (const key of keys) {
    expect(stored).toContain(key);
    for (const script of scripts) expect(script).not.toContain(key);
  }
  for (const [at, script] of scripts.entries())
    expect(script).toContain(`byoa parameter '${parameters[at]?.outputs.name}'`);
  const [policy] = of(seen, ':RolePolicy').map(({ inputs }) => JSON.parse(String(inputs.policy)));
  const read = policy.Statement.find(({ Sid }: { Sid: string }) => Sid === 'ReadSecrets');
  expect(read.Resource).toEqual(parameters.map(({ outputs }) => outputs.arn));
});

it('has each appliance stand in for all before it, by longer prefixes the further back it is', async () => {
  const [a, b, c] = await configs(ZONES);
  const plain = (config: Config | undefined) =>
    config?.bgp?.options.originate.map(({ prefix, med }) => `${prefix} ${med}`);
  expect([a, b, c].map(plain)).toEqual([['0.0.0.0/0 0'], ['0.0.0.0/0 10'], ['0.0.0.0/0 20']]);
  const standIns = (config: Config | undefined) =>
    config?.bgp?.standIns.map(({ route, whileDead }) => `${route.prefix} ${whileDead.join()}`);
  expect(standIns(a)).toEqual([]);
  expect(standIns(b)).toEqual(['0.0.0.0/1 a', '128.0.0.0/1 a']);
  expect(standIns(c)).toEqual(['0.0.0.0/2 a,b', '64.0.0.0/2 a,b', '128.0.0.0/2 a,b', '192.0.0.0/2 a,b']);
});

it('has an appliance speak with both ends of each of its connections, and take nothing but spokes', async () => {
  const [a] = await configs(ARGS.zones);
  expect(a?.echoes.map(({ address }) => address)).toEqual(
    a?.bgp?.options.neighbors.map(({ address }) => address),
  );
  const { neighbors = [], policies = [] } = a?.bgp?.options ?? {};
  expect(neighbors.map(({ name }) => name)).toEqual([
    '10-1-0-0-a-1',
    '10-1-0-0-a-2',
    '10-2-0-0-a-1',
    '10-2-0-0-a-2',
  ]);
  for (const { as, holdTimeS, bfd } of neighbors)
    expect([as, holdTimeS, bfd]).toEqual([64_512, 30, undefined]);
  expect(policies[0]?.rules[0]?.match.prefixes?.map(({ prefix }) => prefix)).toEqual([
    '10.1.0.0/16',
    '10.2.0.0/16',
  ]);
});

it('takes no password for sessions with VPN gateways, and nothing of groups', async () => {
  await expect(make({ bgpPasswordParameter: '/byoa/bgp' })).rejects.toThrow(
    'VPN gateways know no BGP passwords',
  );
  await expect(recorded(() => new VpnEdge('edge', { ...ARGS, observers: true }))).rejects.toThrow(
    'moves no group',
  );
});

it('refuses spokes that cannot be told apart', () => {
  expect(() => vpnEdge.plan({ ...ARGS, spokes: ['10.1.0.0/16', '10.1.128.0/17'] })).toThrow('overlap');
});

it('gives each tunnel a block of its own, which no tunnel that comes later takes', () => {
  const names = Array.from({ length: 400 }, (_, at) => `10.${at}.0.0-a-1`);
  const blocks = tunnelBlocks(names);
  expect(new Set(blocks).size).toBe(names.length);
  expect(tunnelBlocks(names.slice(0, 100))).toEqual(blocks.slice(0, 100));
  for (const block of blocks) expect(block).toMatch(/^169\.254\.([89]|\d\d|1[0-5]\d)\.\d+\/30$/);
});
