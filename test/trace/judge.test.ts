/** Every healthy world delivers its packets; in every broken one the trace names the fault. */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import type { Finding } from '../../sim/vpc/explain.ts';
import { type TracedFlow, type TracedPacket, tracePacket } from '../../sim/world/trace.ts';
import { BASES, type Bases } from './bases.ts';
import { FAULTS } from './faults.ts';

const names = Object.keys(BASES) as readonly (keyof Bases)[];

/** What became of the packet and of its answer, and why. */
const fates = (flow: TracedFlow) =>
  [flow, ...(flow.answer ? [flow.answer] : [])].map(({ disposition, findings }) => ({
    disposition,
    findings,
  }));

const findingsOf = (flow: TracedFlow): readonly Finding[] => fates(flow).flatMap(({ findings }) => findings);

describe.each(names)('the healthy world %s', (name) => {
  const { world, probes } = BASES[name]();
  test.each(Object.entries(probes))('delivers: %s', (_, packet) => {
    const healthy = { disposition: 'DELIVERED', findings: [] };
    const flow = must(tracePacket(world, packet));
    expect(fates(flow)).toEqual(packet.both ? [healthy, healthy] : [healthy]);
  });
});

/** A fault with the types of its own world forgotten. */
interface Case {
  readonly name: string;
  readonly code: Finding['code'];
  readonly judge: () => { readonly flow: TracedFlow; readonly object: string };
}

const casesOf = <K extends keyof Bases>(base: K): readonly Case[] =>
  FAULTS[base].map(({ name, code, probe, breaks, sends, object }) => ({
    name,
    code,
    judge: () => {
      const world = BASES[base]();
      const blamed = object(world);
      breaks?.(world);
      const packet = world.probes[probe as keyof typeof world.probes] as TracedPacket;
      return { flow: must(tracePacket(world.world, { ...packet, ...sends?.(world) })), object: blamed };
    },
  }));

const cases = names.flatMap((name) => casesOf(name).map((each) => ({ base: name, ...each })));

describe('the trace names the one fault', () => {
  test.each(cases)('$base: $name: $code', ({ code, judge }) => {
    const { flow, object } = judge();
    const findings = findingsOf(flow);
    expect(findings.length).toBeLessThanOrEqual(4);
    expect(findings.map((each) => ({ code: each.code, object: each.objects[0] }))).toContainEqual({
      code,
      object,
    });
  });
});
