/**
 * Daemons of one simulated subnet that speak BGP with BFD, byte by byte: a workload takes its routes from two
 * appliances and fails over in its own kernel, without EC2. Facts F20 and F24 to F26.
 */

import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import { isRead } from '../../controller/ec2/call.ts';
import { inject, setKnobs } from '../../sim/world/api.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { addCut } from '../../sim/world/links.ts';
import { crash, type Daemon, logOf, startDaemon, stopDaemon } from '../../sim/world/node.ts';
import type { World } from '../../sim/world/state.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { createWorld } from '../../sim/world/world.ts';
import { deployPair, type Pair } from './pair.ts';

const HOST = '203.0.113.10';

function configOf(text: string): Config {
  const parsed = parseConfig(`version: 1\naws: { region: eu-central-1 }\n${text}`, 'test.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, undefined, 1));
  return parsed.value;
}

const policies =
  'policies: [ { name: hosts, rules: [ { match: { prefixes: [ { prefix: 203.0.113.0/24 } ] }, action: accept } ] } ]';

/**
 * An appliance announces the way to the hosts; `b` with a MED, so that `a` is preferred by its length of
 * path.
 */
const applianceConfig = (pair: Pair, name: 'a' | 'b'): Config =>
  configOf(`
node: ${name}
appliances: [ { name: ${name}, address: ${pair[name].address}, eni: ${pair[name].eni} } ]
bgp:
  as: ${name === 'a' ? 65001 : 65002}
  gracefulRestart: { restartTime: 120s }
  originate: [ { prefix: 203.0.113.0/24 } ]
  policies:
    - name: hosts
      rules: [ { set: { ${name === 'b' ? 'prepend: { as: 65002 }' : 'med: 0'} }, action: accept } ]
  dynamic: [ { name: workloads, prefix: 10.0.0.0/24, as: [65000], export: hosts, bfd: true } ]
`);

const workloadConfig = (pair: Pair, extra = ''): Config =>
  configOf(`
node: w
appliances:
  - name: a
    address: ${pair.a.address}
    eni: ${pair.a.eni}
    probes: [ { kind: bfd }, { kind: through, target: { icmp: ${HOST} }, interval: 200ms } ]
  - name: b
    address: ${pair.b.address}
    eni: ${pair.b.eni}
    probes: [ { kind: bfd }, { kind: through, target: { icmp: ${HOST} }, interval: 200ms } ]
bgp:
  as: 65000
  routerId: 10.0.0.20
  ${policies}
  neighbors:
    - { appliance: a, as: 65001, import: hosts, bfd: true }
    - { appliance: b, as: 65002, import: hosts, bfd: true }
${extra}
kernel: {}
`);

interface Scene {
  readonly world: World;
  readonly pair: Pair;
  readonly a: Daemon;
  readonly b: Daemon;
  readonly w: Daemon;
}

function scene(extra?: string): Scene {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world, { together: true });
  setKnobs(world.api, { latency: { medianMs: 150, spread: 0 }, propagation: { medianMs: 500, spread: 0 } });
  const a = startDaemon(world, { machine: pair.a.instance, config: applianceConfig(pair, 'a') });
  const b = startDaemon(world, { machine: pair.b.instance, config: applianceConfig(pair, 'b') });
  const w = startDaemon(world, { machine: pair.workload.instance, config: workloadConfig(pair, extra) });
  advance(world, world.now + 20_000);
  return { world, pair, a, b, w };
}

/** The next hop that the workload's daemon has put into its kernel. */
const via = ({ w }: Scene): string | undefined => w.node.fib.installed?.['203.0.113.0/24'];
const told = (daemon: Daemon): string =>
  logOf(daemon)
    .map(({ at, text }) => `${at} ${text}`)
    .join('\n');
const kinds = (daemon: Daemon): string[] => daemon.events.map(({ event }) => event.kind);

describe('BGP and BFD across a simulated subnet', () => {
  test('F26: the workload takes its route from the better appliance, and packets follow it', () => {
    const one = scene();
    expect(via(one), told(one.w)).toBe('10.0.0.10*1');
    const flow = must(beginFlow(one.world, { from: one.pair.workload.instance, to: HOST }));
    advance(one.world, one.world.now + 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    expect(flowStats(flow).delivered).toBeGreaterThan(10);
    expect(kinds(one.w)).toContain('bfd-state');
    expect(kinds(one.w)).not.toContain('bgp-data');
  });

  test('F24: an appliance dies while EC2 answers nothing: the kernel fails over on BFD Down, by no call', () => {
    const one = scene();
    const { world, pair, w } = one;
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    advance(world, world.now + 1000);
    inject(world.api, { fault: { kind: 'lost' }, times: 1000 });
    const killedAt = world.now;
    must(controlGuest(world, pair.a.instance, 'kill'));
    advance(world, world.now + 5000);
    expect(via(one), told(w)).toBe('10.0.0.11*1');
    const { gaps } = flowStats(flow);
    expect(gaps).toHaveLength(1);
    expect((gaps[0]?.to ?? Number.POSITIVE_INFINITY) - killedAt).toBeLessThan(1000);
    const writes = w.effects.filter(({ effect }) => effect.kind === 'ec2-call' && !isRead(effect.call.kind));
    expect(writes).toEqual([]);
  });

  test('the death of a daemon is not the death of its appliance: nothing moves, and an alarm is raised', () => {
    const one = scene();
    const { world, pair, w, a } = one;
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    crash(a);
    advance(world, world.now + 5000);
    expect(via(one), told(w)).toBe('10.0.0.10*1');
    expect(flowStats(flow).gaps).toEqual([]);
    expect(logOf(w, 'alarm').map(({ text }) => text)).toEqual([
      expect.stringContaining('The control plane of a is lost'),
    ]);
    const again = startDaemon(world, { machine: pair.a.instance, config: applianceConfig(pair, 'a') });
    advance(world, world.now + 20_000);
    expect(again.running).toBe(true);
    expect(via(one), told(w)).toBe('10.0.0.10*1');
    expect(flowStats(flow).gaps).toEqual([]);
  });

  test('the daemon dead and then the appliance: its routes go when the through probe has failed', () => {
    const one = scene();
    crash(one.a);
    advance(one.world, one.world.now + 3000);
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    advance(one.world, one.world.now + 5000);
    expect(via(one), told(one.w)).toBe('10.0.0.11*1');
  });

  test('a cut between workload and appliance is found by BFD within its detection time', () => {
    const one = scene();
    const { world, pair, w } = one;
    const cutAt = world.now;
    must(addCut(world, { from: pair.workload.instance, to: pair.a.instance, direction: 'both', loss: 1 }));
    advance(world, world.now + 2000);
    const down = w.events.find(
      ({ at, event }) => at > cutAt && event.kind === 'bfd-state' && event.change.state === 'down',
    );
    expect((down?.at ?? Number.POSITIVE_INFINITY) - cutAt).toBeLessThan(950);
    expect(via(one)).toBe('10.0.0.11*1');
  });

  test('a clean exit takes its routes out of the kernel', () => {
    const one = scene();
    stopDaemon(one.w);
    advance(one.world, one.world.now + 1000);
    const flow = must(beginFlow(one.world, { from: one.pair.workload.instance, to: HOST }));
    advance(one.world, one.world.now + 1000);
    expect(flowStats(flow).delivered).toBe(0);
  });

  test('F20: the VPC router speaks no BGP, and F25: nor does one across subnets change the way', () => {
    const one = scene('    - { name: router, address: 10.0.0.1, as: 64512, import: all, bfd: true }\n');
    const sessions = one.w.node.sessions.bgp;
    expect(sessions.a).toMatchObject({ state: 'established' });
    expect(sessions.router?.state).not.toBe('established');
    expect(one.w.node.sessions.bfd['10.0.0.1']?.state ?? 'down').not.toBe('up');
  });
});
