/** What `aws ec2 describe-*` prints, imported: the world that it describes, and what is not in it. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { handle } from '../../sim/ec2/service.ts';
import { importDocuments, parseDocuments } from '../../sim/import/import.ts';
import { startSimulator } from '../../sim/index.ts';
import { readFolder } from '../../sim/server/import-source.ts';
import { addHost, controlGuest, setProfile } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { restoreWorld } from '../../sim/world/saved.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { deployScene } from '../server/scene.ts';
import { ACCOUNT, REGION } from '../world/pair.ts';
import { answersOf, deployRich, probesOf } from '../world/rich.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'byoa-import-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = (world: World, action: string, input: object): object => {
  const request = { account: ACCOUNT, region: REGION, service: 'ec2', action, input } as const;
  const reply = handle(world.api.cloud, request, world.now);
  if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}`);
  return reply.output;
};

/** Saves what a world answers, a file for each operation, as a shell loop over the AWS CLI would. */
function saveAll(world: World, name: string): string {
  const place = join(folder, name, ACCOUNT, REGION);
  mkdirSync(place, { recursive: true });
  const save = (file: string, value: unknown): void =>
    writeFileSync(join(place, `${file}.json`), JSON.stringify(value, undefined, 4));
  const answers = answersOf(world) as Record<string, Record<string, readonly Record<string, string>[]>>;
  for (const [action, answer] of Object.entries(answers)) save(action, answer);
  for (const list of answers.DescribeManagedPrefixLists?.PrefixLists ?? []) {
    const id = present(list.PrefixListId, 'an id');
    save(`entries ${id}`, ask(world, 'GetManagedPrefixListEntries', { PrefixListId: id }));
  }
  for (const { LaunchTemplateId } of answers.DescribeLaunchTemplates?.LaunchTemplates ?? []) {
    save(`versions ${LaunchTemplateId}`, ask(world, 'DescribeLaunchTemplateVersions', { LaunchTemplateId }));
  }
  for (const table of answers.DescribeTransitGatewayRouteTables?.TransitGatewayRouteTables ?? []) {
    const named = { TransitGatewayRouteTableId: table.TransitGatewayRouteTableId };
    const Filters = [{ Name: 'type', Values: ['static', 'propagated'] }];
    const routes = ask(world, 'SearchTransitGatewayRoutes', { ...named, Filters });
    save(`routes ${table.TransitGatewayRouteTableId}`, routes);
    const learnt = ask(world, 'GetTransitGatewayRouteTablePropagations', named);
    save(`propagations ${table.TransitGatewayRouteTableId}`, learnt);
  }
  for (const vpc of answers.DescribeVpcs?.Vpcs ?? []) {
    for (const Attribute of ['enableDnsSupport', 'enableDnsHostnames']) {
      const attribute = ask(world, 'DescribeVpcAttribute', { VpcId: vpc.VpcId, Attribute });
      save(`${Attribute} ${vpc.VpcId}`, attribute);
    }
  }
  return join(folder, name);
}

/** A world of the descriptions in a folder. */
function importFolder(place: string) {
  const imported = importDocuments(readFolder(place));
  const world = createWorld({ run: 1 });
  restoreWorld(world, imported.changes);
  advance(world, world.now);
  return { world, ...imported };
}

describe('a world that is described and imported', () => {
  it('answers every Describe and judges every packet as the one that was described', () => {
    const world = createWorld({});
    const pair = deployRich(world);
    const { world: copy, findings } = importFolder(saveAll(world, 'rich'));
    expect(findings).toEqual([]);
    expect(answersOf(copy)).toEqual(answersOf(world));
    // No description tells what is configured inside machines, and what there is outside of AWS.
    for (const at of [world, copy]) {
      for (const { instance } of [pair.a, pair.b]) setProfile(at, instance, { role: 'router', services: [] });
      for (const instance of copy.guests.keys()) must(controlGuest(at, instance, 'reboot'));
    }
    const site = [...world.placed.values()].find((host) => host.behind !== undefined);
    must(addHost(copy, site?.address ?? '', site?.services, site?.behind));
    const probes = probesOf(world).filter(
      (probe) => copy.guests.has(probe.split(' ')[0] ?? '') || /^[1-9]/.test(probe),
    );
    expect(probes.length).toBeGreaterThan(300);
    expect(probesOf(copy)).toEqual(probes);
  });
});

describe('what is not in the world as it was described', () => {
  const vpc = { VpcId: 'vpc-1', CidrBlockAssociationSet: [{ AssociationId: 'a', CidrBlock: '10.0.0.0/16' }] };
  const found = (value: object, name = 'x.json') => {
    const place = { account: ACCOUNT, region: REGION };
    const attribute = (member: string) => ({
      ...place,
      name: 'a',
      value: { VpcId: 'vpc-1', [member]: { Value: true } },
    });
    const { findings, counts } = importDocuments([
      { ...place, name, value: { Vpcs: [vpc], ...value } },
      attribute('EnableDnsSupport'),
      attribute('EnableDnsHostnames'),
    ]);
    return {
      words: findings.map(({ list, id, field = '', why }) => `${list} ${id} ${field}: ${why}`),
      counts,
    };
  };

  it('is listed: a list, a member, a target, a value that cannot be, and what hangs on something absent', () => {
    expect(found({ NextToken: null }).words).toEqual([]);
    expect(found({ FlowLogs: [{ FlowLogId: 'fl-1' }], Hosts: [] }).words).toEqual([
      'FlowLogs fl-1 : byoa imports no such list',
    ]);
    expect(found({ Vpcs: [{ ...vpc, Encryption: { Mode: 'monitor' }, Other: [] }] }).words).toEqual([
      'Vpcs vpc-1 Encryption: it is not modelled',
    ]);
    const subnet = { SubnetId: 'subnet-1', VpcId: 'vpc-1', AvailabilityZone: 'eu-central-1a' };
    expect(found({ Subnets: [{ ...subnet, CidrBlock: '10.0.0.1/24' }] }).words).toEqual([
      'subnet subnet-1 cidr: it cannot be made: is not a CIDR block; left out',
    ]);
    expect(found({ Subnets: [{ ...subnet, VpcId: 'vpc-2', CidrBlock: '10.0.0.0/24' }] }).words).toEqual([
      'subnet subnet-1 : vpc-2, to which it belongs, is not there: left out',
    ]);
    const route = { DestinationCidrBlock: '0.0.0.0/0', CarrierGatewayId: 'cagw-1', Origin: 'CreateRoute' };
    expect(found({ RouteTables: [{ RouteTableId: 'rtb-1', VpcId: 'vpc-1', Routes: [route] }] })).toEqual({
      words: [expect.stringMatching(/^RouteTables rtb-1 Routes: the route to 0.0.0.0\/0 .*CarrierGatewayId/)],
      counts: { vpc: 1, 'route-table': 1 },
    });
    const rule = { IpProtocol: 'tcp', FromPort: 1, ToPort: 2, Colour: ['red'] };
    expect(
      found({ SecurityGroups: [{ GroupId: 'sg-1', VpcId: 'vpc-1', IpPermissions: [rule] }] }).words,
    ).toEqual(['SecurityGroups sg-1 IpPermissions.0.Colour: it is not modelled']);
  });

  it('pages that were saved to one file are read one after the other; half a page is an error', () => {
    expect(parseDocuments('{"Vpcs": ["}"]}\n{"Vpcs": []} {}')).toMatchObject({
      value: [{}, { Vpcs: [] }, {}],
    });
    expect(parseDocuments('{"Vpcs": [')).toMatchObject({ ok: false });
    expect(parseDocuments('{"a": x}')).toMatchObject({ ok: false });
    expect(parseDocuments('no json')).toMatchObject({ ok: false });
  });
});

describe('byoa import', () => {
  const program = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
  const byoa = (args: readonly string[]) =>
    new Promise<{ code: number | null; out: string }>((resolve) => {
      const env = {
        ...process.env,
        AWS_ACCESS_KEY_ID: ACCOUNT,
        AWS_SECRET_ACCESS_KEY: 'x',
        AWS_REGION: REGION,
      };
      const child = spawn(process.execPath, [program, 'import', ...args], { env });
      let out = '';
      child.stdout.on('data', (part) => {
        out += part;
      });
      child.stderr.on('data', (part) => {
        out += part;
      });
      child.on('close', (code) => resolve({ code, out }));
    });

  it('reads a live account, and writes a world that byoa sim goes on with', async () => {
    const live = await startSimulator();
    const scene = await deployScene(live);
    const file = join(folder, 'live.world');
    const { code, out } = await byoa(['--live', '--endpoint', live.url, '-o', file, '--strict']);
    await live.close();
    expect([code, out]).toEqual([0, expect.stringMatching(/2 instance.* 0 findings/)]);
    const copy = await startSimulator({ state: file });
    expect(copy.trace({ from: scene.one, to: scene.twoAddress }).disposition).toBe('DELIVERED');
    await copy.close();
  });

  it('says what it was not told, and ends with 1 where that must not be, with 2 where it was asked wrongly', async () => {
    const place = join(folder, 'odd');
    mkdirSync(place);
    writeFileSync(join(place, 'logs.json'), '{"FlowLogs": [{"FlowLogId": "fl-1"}]}');
    const file = join(folder, 'odd.world');
    expect(await byoa([place, '-o', file])).toMatchObject({
      code: 0,
      out: expect.stringContaining('FlowLogs fl-1'),
    });
    expect(await byoa([place, '-o', file, '--strict'])).toMatchObject({ code: 1 });
    expect(await byoa(['-o', file])).toMatchObject({ code: 2 });
    writeFileSync(join(place, 'logs.json'), '{"FlowLogs": [');
    expect(await byoa([place, '-o', file])).toMatchObject({
      code: 1,
      out: expect.stringContaining('logs.json'),
    });
  });
});
