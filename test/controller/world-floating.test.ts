/**
 * The floating ENI with real packets: probes by next hop and by route, guests that get and lose the ENI,
 * flows.
 */
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { setKnobs } from '../../sim/world/api.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest, endpointOf } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { addCut } from '../../sim/world/links.ts';
import { logOf, startDaemon } from '../../sim/world/node.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { createWorld } from '../../sim/world/world.ts';
import { deployFloating, INTERNET_HOST } from './floating.ts';

function scene(nodes: readonly ('a' | 'b' | 'watch')[] = ['a', 'b']) {
  const world = createWorld({ seed: 3 });
  const made = deployFloating(world);
  setKnobs(world.api, {
    latency: { medianMs: 50, spread: 0 },
    propagation: { medianMs: 100, spread: 0 },
    attachMs: 500,
    detachMs: 500,
  });
  const daemons = nodes.map((node) =>
    startDaemon(world, {
      machine: made.instances[node === 'watch' ? 'workload' : node],
      config: made.config(node),
    }),
  );
  const wait = (ms: number): void => advance(world, world.now + ms);
  wait(8000);
  const told = (): string =>
    daemons
      .map((daemon) =>
        logOf(daemon)
          .map(({ at, text }) => `${at} ${text}`)
          .join('\n'),
      )
      .join('\n--\n');
  const writes = (): readonly string[] =>
    world.log.flatMap((each) =>
      each.kind === 'api' && /^(Attach|Detach)NetworkInterface/.test(each.action) ? [each.action] : [],
    );
  return { world, ...made, daemons, wait, told, writes };
}

describe('a floating ENI in a world of packets', () => {
  it('is attached to the preferred member at first, whose guest is set up: traffic flows', () => {
    const { world, owner, instances, told, wait } = scene();
    expect(owner(), told()).toBe('a');
    const flow = must(beginFlow(world, { from: instances.workload, to: INTERNET_HOST }));
    wait(1000);
    expect(flowStats(flow), told()).toMatchObject({ lost: 0, gaps: [] });
  });

  it('comes to the survivor, and the traffic comes back', () => {
    const { world, owner, instances, told, wait } = scene();
    const flow = must(beginFlow(world, { from: instances.workload, to: INTERNET_HOST }));
    wait(1000);
    must(controlGuest(world, instances.a, 'kill'));
    wait(10_000);
    expect(owner(), told()).toBe('b');
    const { gaps } = flowStats(flow);
    expect(gaps, told()).toHaveLength(1);
    expect((gaps[0]?.to ?? Number.POSITIVE_INFINITY) - (gaps[0]?.from ?? 0)).toBeLessThan(4000);
  });

  it('stays although the Internet host fails: its fault, seen through both', () => {
    const { world, owner, told, wait, writes } = scene();
    const before = writes().length;
    const host = endpointOf(world, INTERNET_HOST);
    expect(host).toBeDefined();
    must(addCut(world, { from: INTERNET_HOST, to: '*', direction: 'both', loss: 1 }));
    wait(30_000);
    expect(owner()).toBe('a');
    expect(writes().length, told()).toBe(before);
    expect(told()).not.toMatch(/is dead/);
  });

  it('leaves an appliance that forwards nothing although it answers', () => {
    const { world, owner, instances, told, wait } = scene();
    must(controlGuest(world, instances.a, 'drop'));
    wait(15_000);
    expect(owner(), told()).toBe('b');
  });

  it('moves at most once while the two are cut off from each other', () => {
    const { world, owner, instances, wait, writes } = scene();
    const before = writes().length;
    must(addCut(world, { from: instances.a, to: instances.b, direction: 'both', loss: 1 }));
    wait(60_000);
    expect(writes().length - before).toBeLessThanOrEqual(2);
    expect(['a', 'b']).toContain(owner());
  });

  it('is moved by an observer, who sees the route in effect', () => {
    const { world, owner, instances, told, wait, daemons } = scene(['watch', 'a', 'b']);
    expect(owner(), told()).toBe('a');
    must(controlGuest(world, instances.a, 'kill'));
    wait(15_000);
    expect(owner(), told()).toBe('b');
    const inEffect = daemons.flatMap((daemon) => logOf(daemon, 'route-in-effect')).at(-1);
    expect(inEffect?.text, told()).toContain('by way of b');
  });
});
