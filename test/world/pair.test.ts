/**
 * Two appliances in virtual time, without a controller: flows, death, a moved route, equal traces for equal
 * seeds.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { setKnobs } from '../../sim/world/api.ts';
import { flowStats, stopFlow } from '../../sim/world/flows.ts';
import { controlGuest, setProfile } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { addCut, removeCut } from '../../sim/world/links.ts';
import { AWS } from '../../sim/world/settings.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { createWorld } from '../../sim/world/world.ts';
import { deployPair, moveTo } from './pair.ts';

const HOST = '203.0.113.10';

describe('a pair of appliances', () => {
  test('the workload reaches the Internet through the owner, and a trace tells how', () => {
    const world = createWorld();
    const pair = deployPair(world);
    const trace = must(tracePacket(world, { from: pair.workload.instance, to: HOST, protocol: 'udp' }));
    expect(trace.disposition, JSON.stringify(trace, undefined, 1)).toBe('DELIVERED');
    expect(trace.deliveredTo).toBe(HOST);
    expect(trace.packet.source).toBe(pair.a.publicAddress);
    expect(trace.hops.map((hop) => hop.id)).toContain(pair.a.eni);
  });

  test('a flow counts each packet: none lost, then all, then none, with the gap in ms', () => {
    const world = createWorld();
    const pair = deployPair(world);
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    const begun = world.now;
    advance(world, begun + 999.5);
    expect(flowStats(flow)).toMatchObject({ sent: 1000, lost: 0, gaps: [] });
    expect(flowStats(flow).path).toEqual([pair.a.eni, pair.a.eni, expect.stringMatching(/^eni-/)]);
    must(controlGuest(world, pair.a.instance, 'kill'));
    advance(world, begun + 1999.5);
    moveTo(world, pair, pair.b);
    advance(world, begun + 3000.5);
    const stats = flowStats(flow);
    expect(stats.path.slice(0, 2)).toEqual([pair.b.eni, pair.b.eni]);
    expect(stats.sent).toBe(3001);
    expect(stats.answered + stats.lost).toBeGreaterThan(2980);
    expect(stats.gaps).toHaveLength(1);
    const [gap] = stats.gaps;
    expect(gap?.to).toBe(begun + 2000);
    expect((gap?.to ?? 0) - (gap?.from ?? 0)).toBe((gap?.lostPackets ?? 0) + 1);
    expect(gap?.lostPackets).toBe(stats.lost);
    /** Packets on their way when the appliance died are lost too. */
    expect(stats.lost).toBeGreaterThan(1000);
    expect(stats.lost).toBeLessThan(1020);
  });

  test('frozen and dropping appliances lose packets, a hung one does not', () => {
    const world = createWorld();
    const pair = deployPair(world);
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    const lostDuring = (verb: 'hang' | 'freeze' | 'drop', undo: 'resume' | 'nodrop'): number => {
      advance(world, world.now + 50);
      const before = flowStats(flow).lost;
      must(controlGuest(world, pair.a.instance, verb));
      advance(world, world.now + 100);
      must(controlGuest(world, pair.a.instance, undo));
      advance(world, world.now + 50);
      return flowStats(flow).lost - before;
    };
    expect(lostDuring('hang', 'resume')).toBe(0);
    expect(lostDuring('freeze', 'resume')).toBeGreaterThanOrEqual(100);
    expect(lostDuring('drop', 'nodrop')).toBeGreaterThanOrEqual(100);
    expect(lostDuring('drop', 'nodrop')).toBeLessThan(120);
  });

  test('what is under way to a machine that dies is lost, and counted', () => {
    const world = createWorld();
    const pair = deployPair(world);
    const flow = must(beginFlow(world, { from: pair.b.instance, to: pair.a.address, port: 7 }));
    must(setProfile(world, pair.a.instance, { role: 'nat', services: [{ kind: 'udp-echo', port: 7 }] }));
    advance(world, world.now + 100.2);
    must(controlGuest(world, pair.a.instance, 'kill'));
    advance(world, world.now + 50.5);
    stopFlow(world, flow);
    advance(world, world.now + 100);
    const { sent, answered, lost, lastLoss } = flowStats(flow);
    expect(sent).toBe(151);
    expect(answered + lost).toBe(sent);
    expect(lost).toBe(51);
    expect(lastLoss).toContain('dead');
  });

  test('cuts: both ways, one way, from everybody, and healed', () => {
    const world = createWorld();
    const pair = deployPair(world);
    const reaches = (from: string, to: string): string =>
      must(tracePacket(world, { from, to, protocol: 'udp' })).disposition;
    const [a, b] = [pair.a, pair.b];
    const both = (): string[] => [reaches(a.instance, b.address), reaches(b.instance, a.address)];
    const { id } = must(addCut(world, { from: a.instance, to: b.instance, direction: 'both', loss: 1 }));
    expect(both()).toEqual(['LINK_CUT', 'LINK_CUT']);
    expect(reaches(a.instance, HOST)).toBe('DELIVERED');
    removeCut(world, id);
    must(addCut(world, { id: 'one', from: a.instance, to: b.instance, direction: 'one-way', loss: 1 }));
    expect(both()).toEqual(['LINK_CUT', 'DELIVERED']);
    removeCut(world, 'one');
    must(addCut(world, { id: 'all', from: '*', to: b.instance, direction: 'one-way', loss: 1 }));
    expect(both()).toEqual(['LINK_CUT', 'DELIVERED']);
    removeCut(world, 'all');
    expect(both()).toEqual(['DELIVERED', 'DELIVERED']);
  });

  test('a restarted appliance forwards again, by its profile', () => {
    const world = createWorld();
    const pair = deployPair(world);
    must(controlGuest(world, pair.a.instance, 'kill'));
    expect(must(tracePacket(world, { from: pair.workload.instance, to: HOST })).disposition).toBe(
      'GUEST_DOWN',
    );
    must(controlGuest(world, pair.a.instance, 'start'));
    expect(must(tracePacket(world, { from: pair.workload.instance, to: HOST })).disposition).toBe(
      'DELIVERED',
    );
  });
});

describe('determinism', () => {
  const run = (seed: number): { hash: number; stats: unknown } => {
    const world = createWorld({ seed });
    const pair = deployPair(world);
    setKnobs(world.api, AWS);
    world.links.loss = 0.01;
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    advance(world, world.now + 500);
    must(controlGuest(world, pair.a.instance, 'kill'));
    moveTo(world, pair, pair.b);
    advance(world, world.now + 2000);
    return { hash: world.traceHash, stats: flowStats(flow) };
  };

  test('the same seed and inputs give the same trace', () => {
    expect(run(7)).toEqual(run(7));
  });

  test('another seed gives another trace', () => {
    expect(run(7).hash).not.toBe(run(8).hash);
  });
});
