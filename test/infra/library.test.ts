/**
 * Every design, deployed into one simulator: what it promises is traced there and back, and the loss of the
 * first appliance is drilled.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { must, present, unreachable } from '../../controller/base/result.ts';
import { NAMES } from '../../infra/designs/catalog.ts';
import { startCast } from '../../sim/chaos/cast.ts';
import { type Failure, failuresOf, nameOf } from '../../sim/drill/failure.ts';
import { stageOf } from '../../sim/drill/subject.ts';
import { outcomeText, titleOf } from '../../sim/drill/text.ts';
import { isMissed } from '../../sim/drill/verdict.ts';
import { addHost, setProfile } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { deployLibrary, play, type Shelved } from './library.ts';

// Operations start a process each, which takes seconds where other tests run beside it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const directory = mkdtempSync(join(tmpdir(), 'byoa-library-'));
let library: ReadonlyMap<string, Shelved> = new Map();
const shelved = (name: string): Shelved => present(library.get(name), name);

beforeAll(async () => {
  library = await deployLibrary(directory);
});

describe.each(NAMES)('%s', (name) => {
  it('carries every flow that it promises, there and back', () => {
    const { flows } = play(shelved(name), []);
    expect(flows.map(({ flow, verdict, lost }) => [flow, verdict, lost])).toEqual(
      shelved(name).deployed.flows.map((flow) => [flow.name, 'kept', undefined]),
    );
  });

  it('has every flow back in time from what can befall the appliance that works at first', () => {
    const missed = failuresOf(stageOf(shelved(name).subject, 1))
      .filter(befallsFirst)
      .map((failure) => play(shelved(name), [failure]))
      .flatMap((one) =>
        one.flows.filter(isMissed).map((flow) => `${titleOf(one)}: ${flow.flow}: ${outcomeText(flow)}`),
      );
    expect(missed).toEqual([]);
  });
});

it('same-subnet-bgp sends by the first appliance; only what is translated comes back by it', () => {
  const { subject } = shelved('same-subnet-bgp');
  const stage = stageOf(subject, 1);
  const { world, machines } = stage;
  must(addHost(world, '2001:db8:ffff::10'));
  startCast(world, stage, 1, { onStep: () => {} });
  advance(world, world.now + 15_000);
  const from = present(machines['workload-eu-central-1a'], 'the workload').instance;
  const passed = (to: string) => {
    const there = must(tracePacket(world, { from, to, both: true }));
    const byFirst = (hops: typeof there.hops) => hops.some(({ id }) => id === machines.a?.instance);
    return [
      there.disposition,
      byFirst(there.hops),
      there.answer?.disposition,
      byFirst(there.answer?.hops ?? []),
    ];
  };
  expect(passed('203.0.113.10')).toEqual(['DELIVERED', true, 'DELIVERED', true]);
  // Without NAT, as an appliance forwards IPv6; what the simulator calls `nat` translates it, too.
  for (const name of ['a', 'b'])
    must(setProfile(world, present(machines[name], name).instance, { role: 'router', services: [] }));
  expect(passed('2001:db8:ffff::10')).toEqual(['DELIVERED', true, 'DELIVERED', false]);
});

it('transit-hub sends both ways of a flow by one appliance, and translates only what leaves', () => {
  const { subject } = shelved('transit-hub');
  const { world, machines, flows } = stageOf(subject, 1);
  const named = (from: string, to: string) =>
    present(
      flows.find(({ name }) => name === `${from} -> ${to}`),
      to,
    );
  const [near, far] = ['workload-10.1.0.0-eu-central-1a', 'workload-10.2.0.0-eu-central-1b'] as const;
  const { from, to } = named(near, far);
  const { to: own } = named(far, near);
  const carriers = Array.from({ length: 32 }, (_, index) => {
    const packet = { from, to, protocol: 'udp', port: 53, sourcePort: 40_000 + index } as const;
    const there = must(tracePacket(world, { ...packet, both: true }));
    const answer = present(there.answer, 'an answer');
    const by = (hops: typeof there.hops): readonly string[] =>
      ['a', 'b'].filter((name) => hops.some(({ id }) => id === machines[name]?.instance));
    expect([there.disposition, there.packet.source, answer.disposition]).toEqual([
      'DELIVERED',
      own,
      'DELIVERED',
    ]);
    expect(by(answer.hops)).toEqual(by(there.hops));
    return by(there.hops).join();
  });
  // A hash of the flow chooses the zone: with 32 ports both appliances have some, never one flow both.
  expect([...new Set(carriers)].sort()).toEqual(['a', 'b']);
  const out = must(tracePacket(world, { from, to: '203.0.113.10' }));
  expect(out.packet.source).not.toBe(own);
});

it('vpn-edge is drilled with each tunnel of each appliance down', () => {
  const all = failuresOf(stageOf(shelved('vpn-edge').subject, 1)).filter(({ kind }) => kind === 'tunnel');
  const names = ['a', 'b'].flatMap((name) =>
    ['10.1.0.0/16', '10.2.0.0/16'].flatMap((to) =>
      [1, 2].map((at) => `tunnel ${at} of ${name} to ${to} down`),
    ),
  );
  expect(all.map(nameOf).sort()).toEqual(names.sort());
});

/** A few of all, which take something away; `npm run docs:designs` plays every single one. */
function befallsFirst(failure: Failure): boolean {
  switch (failure.kind) {
    case 'machine':
      return failure.machine === 'a' && failure.how === 'kill';
    case 'zone':
      return false;
    case 'cut':
      return failure.from === 'a' && failure.to === 'b';
    case 'daemon':
      return false;
    case 'tunnel':
      return failure.machine === 'a';
    default:
      return unreachable(failure);
  }
}
