/** A holder whose machine stands still for longer than the term, by packets in virtual time. */

import { expect, test } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { isRead } from '../../controller/ec2/call.ts';
import { egressLease } from '../../sim/chaos/scenes/egress-routes.ts';
import { PLACE } from '../../sim/chaos/scenes/network.ts';
import { handle } from '../../sim/dynamodb/service.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { startDaemon } from '../../sim/world/node.ts';
import { createWorld } from '../../sim/world/world.ts';

test('a holder that wakes after its term writes nothing: another holds its lease, and has moved the group', () => {
  const world = createWorld({ seed: 1 });
  const scene = egressLease.build(world);
  const daemons = Object.entries(scene.daemons).map(([name, config]) => ({
    name,
    daemon: startDaemon(world, { machine: present(scene.machines[name], name).instance, config }),
  }));
  const writesOf = (name: string): number[] =>
    daemons
      .filter((one) => one.name === name)
      .flatMap(({ daemon }) => daemon.effects)
      .flatMap(({ at, effect }) => (effect.kind === 'ec2-call' && !isRead(effect.call.kind) ? [at] : []));
  const holder = (): string => {
    const input = { TableName: 'leases', Key: { group: { S: 'egress' } } };
    const reply = handle(world.api.tables, { ...PLACE, action: 'GetItem', input });
    const { Item } = (reply.kind === 'ok' ? reply.output : {}) as { Item?: { holder?: { S: string } } };
    return Item?.holder?.S.split('/')[0] ?? 'nobody';
  };
  const machine = (name: string): string => present(scene.machines[name], name).instance;
  advance(world, world.now + 20_000);
  const first = holder();
  const other = first === 'observer' ? 'other' : 'observer';
  controlGuest(world, machine(first), 'freeze');
  advance(world, world.now + 200);
  controlGuest(world, machine('a'), 'kill');
  advance(world, world.now + 15_000);
  expect(holder()).toBe(other);
  expect(writesOf(other)).toHaveLength(2);
  controlGuest(world, machine('a'), 'start');
  advance(world, world.now + 10_000);
  // It wakes to a death that both see: only the holder may answer it.
  controlGuest(world, machine(first), 'resume');
  controlGuest(world, machine('b'), 'kill');
  advance(world, world.now + 30_000);
  expect(writesOf(other)).toHaveLength(4);
  expect(writesOf(first)).toEqual([]);
  expect(holder()).toBe(other);
});
