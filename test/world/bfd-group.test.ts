/** A group whose only evidence is BFD: packets of the heir show that it lives, and we are not cut off. */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import { setKnobs } from '../../sim/world/api.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { addCut } from '../../sim/world/links.ts';
import { type Daemon, logOf, startDaemon } from '../../sim/world/node.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair, type Pair } from './pair.ts';

function configOf(text: string): Config {
  const parsed = parseConfig(`version: 1\naws: { region: eu-central-1 }\n${text}`, 'test.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, undefined, 1));
  return parsed.value;
}

const listed = (name: string, { address, eni }: { address: string; eni: string }, interval: string): string =>
  `  - { name: ${name}, address: ${address}, eni: ${eni}, probes: [ { kind: bfd, interval: ${interval} } ] }`;

const applianceConfig = ({ workload }: Pair, name: 'a' | 'b', interval: string): Config =>
  configOf(`
node: ${name}
appliances:
${listed('w', workload, interval)}
bgp: { as: ${name === 'a' ? 65001 : 65002}, routerId: 192.0.2.${name === 'a' ? 1 : 2} }
`);

interface Scene {
  readonly world: World;
  readonly pair: Pair;
  readonly w: Daemon;
}

/** The observer hears a and b at the given pace. */
function scene(paces: { readonly a: string; readonly b: string }): Scene {
  const world = createWorld({ seed: 1 });
  const pair = deployPair(world, { together: true });
  const { AllocationId } = call<{ AllocationId: string }>(world, 'AllocateAddress', { Domain: 'vpc' });
  call(world, 'AssociateAddress', { AllocationId, NetworkInterfaceId: pair.workload.eni });
  setKnobs(world.api, { latency: { medianMs: 150, spread: 0 }, propagation: { medianMs: 500, spread: 0 } });
  for (const name of ['a', 'b'] as const)
    startDaemon(world, { machine: pair[name].instance, config: applianceConfig(pair, name, paces[name]) });
  const config = configOf(`
node: w
appliances:
${listed('a', pair.a, paces.a)}
${listed('b', pair.b, paces.b)}
groups:
  - { name: egress, members: [a, b], routes: [ { table: ${pair.table}, destinations: [ 0.0.0.0/0 ] } ] }
`);
  const w = startDaemon(world, { machine: pair.workload.instance, config });
  advance(world, world.now + 10_000);
  return { world, pair, w };
}

const writes = ({ w }: Scene) =>
  w.effects.flatMap(({ at, effect }) =>
    effect.kind === 'ec2-call' && effect.call.kind === 'replace-route' ? [{ at, eni: effect.call.eni }] : [],
  );
/** What was told of sessions that were up and went down. */
const downsOf = ({ w }: Scene) =>
  w.events.flatMap(({ at, event }) =>
    event.kind === 'bfd-state' && event.change.state === 'down' && event.change.heard !== undefined
      ? [{ ...event.change, at }]
      : [],
  );

describe('a group whose only evidence is BFD', () => {
  test('moves in the very step in which the owner is Down', () => {
    const one = scene({ a: '50ms', b: '50ms' });
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    advance(one.world, one.world.now + 5000);
    const told = logOf(one.w).map(({ text }) => text);
    expect(writes(one), told.join('\n')).toEqual([{ at: downsOf(one)[0]?.at, eni: one.pair.b.eni }]);
  });

  test('waits for the next packet of an heir that speaks more slowly', () => {
    const one = scene({ a: '10ms', b: '300ms' });
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    advance(one.world, one.world.now + 5000);
    expect(writes(one).map(({ eni }) => eni)).toEqual([one.pair.b.eni]);
    expect((writes(one)[0]?.at ?? 0) - (downsOf(one)[0]?.at ?? 0)).toBeLessThanOrEqual(300);
  });

  // Cut at many moments of the pace, so that in some the heir was heard last, and in some the owner.
  test.each(['50ms', '300ms'])('changes nothing where the observer itself is cut off, heir at %s', (b) => {
    let heirWasLast = 0;
    for (let later = 0; later < 150; later += 10) {
      const one = scene({ a: '50ms', b });
      advance(one.world, one.world.now + later);
      for (const name of ['a', 'b'] as const) {
        const ends = { from: one.pair.workload.instance, to: one.pair[name].instance };
        must(addCut(one.world, { ...ends, direction: 'both', loss: 1 }));
      }
      advance(one.world, one.world.now + 3000);
      const [first] = downsOf(one);
      heirWasLast += (first?.heard?.[one.pair.b.address] ?? 0) > (first?.lastReceivedAt ?? 0) ? 1 : 0;
      expect(writes(one), `cut ${later} ms later`).toEqual([]);
      expect(first).toBeDefined();
    }
    if (b === '300ms') expect(heirWasLast).toBeGreaterThan(0);
  });
});
