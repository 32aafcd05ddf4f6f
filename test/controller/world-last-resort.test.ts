/** The last resort with real packets: two appliances die, and a NAT gateway carries their traffic. */
import { expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { checkConfig } from '../../controller/config.ts';
import { ask } from '../../sim/chaos/scenes/network.ts';
import { setKnobs } from '../../sim/world/api.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { logOf, startDaemon } from '../../sim/world/node.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { createWorld } from '../../sim/world/world.ts';
import { deployPair, launch, makePublic } from '../world/pair.ts';

const ICMP = [{ kind: 'icmp' as const, interval: '200ms', timeout: '180ms' }];

function scene() {
  const world = createWorld({ seed: 5 });
  setKnobs(world.api, { latency: { medianMs: 50, spread: 0 }, propagation: { medianMs: 100, spread: 0 } });
  const pair = deployPair(world);
  const { Subnets } = ask<{ Subnets: { SubnetId: string; CidrBlock: string }[] }>(
    world,
    'DescribeSubnets',
    {},
  );
  const SubnetId = Subnets.find(({ CidrBlock }) => CidrBlock === '10.0.0.0/24')?.SubnetId ?? '';
  const { AllocationId } = ask<{ AllocationId: string }>(world, 'AllocateAddress', {});
  const made = ask<{ NatGateway: { NatGatewayId: string } }>(world, 'CreateNatGateway', {
    SubnetId,
    AllocationId,
  });
  const nat = made.NatGateway.NatGatewayId;
  // The observer, beside the appliances; the workload is probed, too, and no member.
  const watcher = launch(world, { SubnetId, PrivateIpAddress: '10.0.0.20', group: pair.group });
  makePublic(world, watcher.eni);
  advance(world, world.now + 300_000);
  const appliance = (name: string, address: string, eni: string) => ({ name, address, eni, probes: ICMP });
  const config = must(
    checkConfig({
      version: 1,
      node: 'watch',
      aws: { region: 'eu-central-1' },
      appliances: [
        appliance('a', pair.a.address, pair.a.eni),
        appliance('b', pair.b.address, pair.b.eni),
        appliance('other', pair.workload.address, pair.workload.eni),
      ],
      groups: [
        {
          name: 'egress',
          members: ['a', 'b'],
          routes: [{ table: pair.table, destinations: ['0.0.0.0/0'], lastResort: nat }],
        },
      ],
    }),
  );
  const watch = startDaemon(world, { machine: watcher.instance, config });
  const wait = (ms: number): void => advance(world, world.now + ms);
  wait(5000);
  const kill = (name: 'a' | 'b'): void => void must(controlGuest(world, pair[name].instance, 'kill'));
  const told = (): string =>
    logOf(watch)
      .map(({ at, text }) => `${at} ${text}`)
      .join('\n');
  return { world, pair, nat, wait, kill, told };
}

test('a NAT gateway carries the traffic of two dead appliances, and gives it back', () => {
  const { world, pair, nat, wait, kill, told } = scene();
  const flow = must(beginFlow(world, { from: pair.workload.instance, to: '203.0.113.10' }));
  const route = () =>
    world.records['route-table']
      .get(pair.table)
      ?.routes.find(({ destination }) => destination === '0.0.0.0/0')?.target;
  wait(2000);
  expect(flowStats(flow).lost, told()).toBe(0);
  kill('b');
  wait(2000);
  const diedAt = world.now;
  kill('a');
  wait(10_000);
  expect(route(), told()).toEqual({ kind: 'nat-gateway', gateway: nat });
  const [gap] = flowStats(flow).gaps;
  expect(flowStats(flow).gaps, told()).toHaveLength(1);
  expect((gap?.to ?? Number.POSITIVE_INFINITY) - diedAt).toBeLessThan(2500);
  must(controlGuest(world, pair.b.instance, 'start'));
  wait(60_000);
  expect(route(), told()).toMatchObject({ kind: 'eni', eni: pair.b.eni });
});
