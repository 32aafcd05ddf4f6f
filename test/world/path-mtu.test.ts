/** Machines that learn the MTU of a path by ICMP, and forget it. */
import { expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { controlGuest, endpointOf } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { bindUdp, sendUdp } from '../../sim/world/sockets.ts';
import { createWorld } from '../../sim/world/world.ts';
import { deployPair } from './pair.ts';

const HOST = '203.0.113.10';

/** A workload behind a masquerading appliance; `send` says how many bytes the host got of a datagram. */
function scene() {
  const world = createWorld();
  const { workload } = deployPair(world);
  const from = present(endpointOf(world, workload.instance), 'the workload');
  const got: number[] = [];
  const host = present(endpointOf(world, HOST), 'the host');
  must(bindUdp(host, 9, (_, data) => got.push(data.length)));
  const send = (bytes: number): number | undefined => {
    must(sendUdp(from, { to: HOST, port: 9, fromPort: 5000, data: new Uint8Array(bytes) }));
    advance(world, world.now + 100);
    return got.pop();
  };
  return { world, workload, send };
}

test('a datagram that is too long for the Internet is lost, and the next goes in fragments', () => {
  const { send } = scene();
  expect(send(1472)).toBe(1472);
  expect(send(1473)).toBeUndefined();
  expect(send(1473)).toBe(1473);
});

test('what a machine learned of a path it forgets after 600 s, and when it starts anew', () => {
  const { world, workload, send } = scene();
  send(3000);
  expect(send(3000)).toBe(3000);
  advance(world, world.now + 600_000);
  expect([send(3000), send(3000)]).toEqual([undefined, 3000]);
  must(controlGuest(world, workload.instance, 'reboot'));
  advance(world, world.now + 60_000);
  expect([send(3000), send(3000)]).toEqual([undefined, 3000]);
});
