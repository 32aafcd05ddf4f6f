/** Worlds with gateways that speak BGP, balance or copy, imported: every packet fares as in the original. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { addHost, controlGuest, setProfile } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import type { World } from '../../sim/world/state.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { chain, stage } from '../trace/bases-tunnels.ts';
import { connectScene } from '../world/connect.ts';
import { answersOf, probesOf } from '../world/rich.ts';
import { routeServerScene } from '../world/route-server.ts';
import { importFolder, saveAll } from './folder.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'byoa-import-gateways-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What no description tells: what machines do and what is configured in them, and the hosts outside. */
function equip(copy: World, world: World): void {
  for (const address of world.hosts.keys()) must(addHost(copy, address));
  for (const [id, profile] of world.profiles) must(setProfile(copy, id, profile));
  for (const at of [copy, world]) {
    for (const id of at.guests.keys()) if (id.startsWith('i-')) must(controlGuest(at, id, 'reboot'));
  }
}

/** Sessions are what is spoken now: nobody speaks to what is imported. */
const withoutSessions = (answers: object): unknown =>
  JSON.parse(
    JSON.stringify(answers, (name, value) =>
      name === 'BgpStatus' || name === 'BfdStatus' ? undefined : value,
    ),
  );

const SHARED =
  /^TransitGatewayConnectPeers tgw-connect-peer-\w+: which routes each of the 2 peers has told is not described/;

const SCENES: readonly (readonly [string, () => World, readonly RegExp[]])[] = [
  ['a route server with endpoints and peers', () => routeServerScene().world, []],
  ['a Gateway Load Balancer with its endpoint service', () => chain().world, []],
  ['Connect peers of a transit gateway', () => connectScene().world, [SHARED, SHARED]],
  ['a multicast domain', () => stage().world, []],
];

test.each(SCENES)('%s', (name, make, expected) => {
  const world = make();
  const { world: copy, findings } = importFolder(saveAll(world, join(folder, name)));
  expect(findings.map(({ list, id, why }) => `${list} ${id}: ${why}`)).toEqual(
    expected.map((each) => expect.stringMatching(each)),
  );
  expect(withoutSessions(answersOf(copy))).toEqual(withoutSessions(answersOf(world)));
  equip(copy, world);
  const probes = probesOf(world);
  expect(probes.length).toBeGreaterThan(20);
  expect(probes.some((each) => each.includes('DELIVERED'))).toBe(true);
  expect(probesOf(copy)).toEqual(probes);
});

test('routes of route servers and Connect peers stay while time passes and nobody speaks BGP', () => {
  const scene = connectScene();
  const { world: copy } = importFolder(saveAll(scene.world, join(folder, 'later')));
  equip(copy, scene.world);
  advance(copy, copy.now + 3_600_000);
  const packet = { from: scene.spoke.instance, to: '203.0.113.10', protocol: 'tcp', port: 443 } as const;
  expect(must(tracePacket(copy, packet)).disposition).toBe('DELIVERED');
});
