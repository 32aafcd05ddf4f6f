/** What `aws ec2 describe-*` prints, imported: the world that it describes, and what is not in it. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { importDocuments, parseDocuments } from '../../sim/import/import.ts';
import { startSimulator } from '../../sim/index.ts';
import { addHost, controlGuest, setProfile } from '../../sim/world/guests.ts';
import { createWorld } from '../../sim/world/world.ts';
import { worldLines } from '../../sim/world/world-file.ts';
import { chain } from '../trace/bases-tunnels.ts';
import { ACCOUNT, REGION } from '../world/pair.ts';
import { answersOf, deployRich, probesOf } from '../world/rich.ts';
import { importFolder, saveAll } from './folder.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'byoa-import-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a world that is described and imported', () => {
  it('answers every Describe and judges every packet as the one that was described', () => {
    const world = createWorld({});
    const pair = deployRich(world);
    const { world: copy, findings } = importFolder(saveAll(world, join(folder, 'rich')));
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
    const { world, act, made, probes } = chain();
    const RouteServerId = made('CreateRouteServer', { AmazonSideAsn: 65_100 }, 'RouteServerId');
    act('AssociateRouteServer', { RouteServerId, VpcId: made('DescribeVpcs', {}, 'VpcId') });
    const state = join(folder, 'before.world');
    writeFileSync(state, [...worldLines(world, 1)].join(''));
    const live = await startSimulator({ state });
    const file = join(folder, 'live.world');
    const { code, out } = await byoa(['--live', '--endpoint', live.url, '-o', file, '--strict']);
    await live.close();
    expect([code, out]).toEqual([0, expect.stringMatching(/2 instance.* 0 findings/)]);
    const copy = await startSimulator({ state: file });
    const { from, to } = probes['client to the Internet'];
    expect(copy.trace({ from, to, protocol: 'tcp', port: 443 }).disposition).toBe('DELIVERED');
    await copy.close();
  }, 60_000);

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
  }, 60_000);
});
