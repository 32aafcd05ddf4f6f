/** A world written to its file and read back is the same world. */
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { type WorldChange, worldChanges } from '../../sim/world/saved.ts';
import type { WorldOptions } from '../../sim/world/settings.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import {
  changesLine,
  headerLine,
  openWorld,
  parseWorldFile,
  worldLines,
} from '../../sim/world/world-file.ts';
import { call, callRaw } from './pair.ts';
import { answersOf, deployRich, probesOf } from './rich.ts';

function reload(text: string, options: WorldOptions = {}): World {
  const world = openWorld(must(parseWorldFile(text, 'world.json')), options);
  advance(world, world.now);
  return world;
}

const fileOf = (world: World): string => [...worldLines(world, 1)].join('');

/** The lines but those of hosts, whose services are written out with their defaults once they were read. */
const linesOf = (world: World): unknown[] =>
  [...worldLines(world, 1)].map((line) => JSON.parse(line)).filter(({ kind }) => kind !== 'host');

describe('a world that is read back', () => {
  it('answers every Describe and judges every packet as before, and is written the same', () => {
    const world = createWorld({});
    const pair = deployRich(world);
    const s3 = { VpcId: pair.vpc, ServiceName: 'com.amazonaws.eu-central-1.s3', RouteTableIds: [pair.table] };
    call(world, 'CreateVpcEndpoint', s3);
    must(controlGuest(world, pair.b.instance, 'freeze'));
    const copy = reload(fileOf(world));
    expect(answersOf(copy)).toEqual(answersOf(world));
    expect(linesOf(copy)).toEqual(linesOf(world));
    const probes = probesOf(world);
    expect(probesOf(copy)).toEqual(probes);
    const fates = probes.map((probe) => /: ([A-Z_]+)/.exec(probe)?.[1]);
    expect(fates.filter((fate) => fate === 'DELIVERED').length).toBeGreaterThan(80);
    expect(new Set(fates).size).toBeGreaterThan(8);
  });

  it('keeps what each commit changed: a file of changes makes the same world as one of its end', () => {
    const world = createWorld({});
    let text = headerLine(0, 1);
    world.api.cloud.committed = (changes) => {
      text += changesLine(changes);
    };
    deployRich(world);
    const machines = [...worldChanges(world)].filter(({ kind }) => kind === 'guest' || kind === 'host');
    const copy = reload(text + machines.map((each) => changesLine([each])).join(''));
    expect(answersOf(copy)).toEqual(answersOf(world));
    expect(probesOf(copy)).toEqual(probesOf(world));
  });

  it('goes on with what was under way, remembers its tokens, and gives out new ids', () => {
    const world = createWorld({ knobs: { startMs: 5000 } });
    const image = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro' };
    const launch = { ...image, MinCount: 1, MaxCount: 1, ClientToken: 'once' };
    call(world, 'CreateDefaultVpc', {});
    const first = callRaw(world, 'RunInstances', launch);
    expect(first?.kind).toBe('ok');
    const copy = reload(fileOf(world), { knobs: { startMs: 5000 } });
    expect(callRaw(copy, 'RunInstances', launch)).toEqual(first);
    const states = (): unknown[] =>
      call<{ Reservations: { Instances: { State: { Name: string } }[] }[] }>(copy, 'DescribeInstances', {})
        .Reservations.flatMap((each) => each.Instances)
        .map((each) => each.State.Name);
    expect(states()).toEqual(['pending']);
    advance(copy, copy.now + 5000);
    expect(states()).toEqual(['running']);
    expect([...copy.guests.keys()]).toHaveLength(1);
    const vpc = (at: World) =>
      call<{ Vpc: { VpcId: string } }>(at, 'CreateVpc', { CidrBlock: '10.9.0.0/16' });
    expect(vpc(copy).Vpc.VpcId).not.toBe(vpc(world).Vpc.VpcId);
  });
});

describe('a world file that cannot be read', () => {
  const change = (more: object): string =>
    JSON.stringify({ kind: 'put', table: 'internet-gateway', scope: 's', ...more });
  const record = { id: 'igw-1', tags: {}, account: '111122223333' };
  const read = (...lines: string[]): string => {
    const parsed = parseWorldFile(headerLine(0, 1) + lines.map((line) => `${line}\n`).join(''), 'w.json');
    return parsed.ok ? 'read' : parsed.error;
  };

  it('names the file, the line and the field', () => {
    expect(read(change({ record }))).toBe('read');
    expect(read(change({ record: { ...record, account: 'me' } }))).toMatch(
      /^w.json:2: record.account: is not an account/,
    );
    expect(read(change({ record }), change({ record: { ...record, vpcs: 1 } }))).toMatch(
      /^w.json:3: record: .*vpcs/,
    );
    expect(read(`[${change({ record })},${change({ record: { ...record, tags: 1 } })}]`)).toMatch(
      /^w.json:2: 1.record.tags/,
    );
    expect(read('{"kind":"put","table":"vpcs"}')).toMatch(/^w.json:2: table/);
    expect(read('{"kind":', '{}')).toMatch(/^w.json:2: it is not JSON/);
    expect(parseWorldFile('{}\n', 'w.json')).toMatchObject({
      error: expect.stringMatching(/^w.json:1: format/),
    });
    expect(parseWorldFile(headerLine(0, 1).replace('"version":1', '"version":9'), 'w.json')).toMatchObject({
      error: expect.stringContaining('version'),
    });
  });

  it('is read up to a last line that was cut off at any byte', () => {
    const changes: WorldChange[] = ['a', 'b'].map((name) => ({ kind: 'region', name }));
    const whole = headerLine(0, 1) + changes.map((each) => changesLine([each])).join('');
    const last = changesLine(changes.slice(1)).length;
    for (let cut = 2; cut < last; cut++) {
      expect(parseWorldFile(whole.slice(0, -cut), 'w.json')).toMatchObject({
        value: { changes: [changes[0]] },
      });
    }
    expect(parseWorldFile(whole.slice(0, -1), 'w.json')).toMatchObject({ value: { changes } });
  });
});
