/**
 * Echoes to BGP neighbors that have no BFD: of a tunnel that goes down silently the appliance knows long
 * before the hold timer, and its packets take the other one; the session stands, and is of use again when
 * the tunnel is.
 */
import { describe, expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { summary } from '../../controller/bgp/query.ts';
import { setTunnel } from '../../sim/world/gateways.ts';
import { reconfigureDaemon } from '../../sim/world/node.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { outside } from './site.ts';
import { configOf, pass } from './sync.ts';
import { configText, type EdgeScene, edgeScene, SERVER } from './vpn-edge.ts';

/** Which tunnel of a the answers to the spoke take; undefined where they are lost. */
function answersBy({ world, vpns, spoke }: EdgeScene): number | undefined {
  const packet = { from: spoke.instance, to: SERVER, protocol: 'tcp', port: 443, both: true } as const;
  const { answer } = must(tracePacket(world, packet));
  if (answer?.deliveredTo !== spoke.instance) return undefined;
  const used = outside(world, vpns.a).findIndex((each) =>
    answer.hops.some(({ packet: carried }) => carried.includes(`> ${each}:`)),
  );
  return used < 0 ? undefined : used;
}

function setUsed(one: EdgeScene, used: number, state: 'up' | 'down'): void {
  const address = present(outside(one.world, one.vpns.a)[used], 'a tunnel');
  must(setTunnel(one.world, one.vpns.a, address, state));
}

const peersOf = ({ world, daemons }: EdgeScene) =>
  summary(present(daemons.a.machines.speaker, 'a speaker'), world.now).peers;
const unfitOf = (one: EdgeScene): readonly string[] =>
  peersOf(one).flatMap(({ name, unfit }) => (unfit ? [name] : []));
const flapsOf = (one: EdgeScene): number => peersOf(one).reduce((sum, { flaps }) => sum + flaps, 0);

describe('echoes to BGP neighbors', () => {
  test('a tunnel that goes down is left within rounds, and used again when it is back, by the same session', () => {
    const one = edgeScene({ echo: 'true' });
    const used = present(answersBy(one), 'a tunnel that carries');
    setUsed(one, used, 'down');
    expect(answersBy(one)).toBeUndefined();
    pass(one.world, 1300);
    expect(answersBy(one)).toBe(1 - used);
    expect(unfitOf(one)).toHaveLength(1);
    setUsed(one, used, 'up');
    pass(one.world, 1300);
    expect([answersBy(one), unfitOf(one), flapsOf(one)]).toEqual([used, [], 0]);
  });

  test('without them the answers are lost until the hold timer', () => {
    const one = edgeScene();
    const used = present(answersBy(one), 'a tunnel that carries');
    setUsed(one, used, 'down');
    pass(one.world, 15_000);
    expect([answersBy(one), unfitOf(one)]).toEqual([undefined, []]);
    pass(one.world, 16_000);
    expect(answersBy(one)).toBe(1 - used);
  });

  test('a session that ended meanwhile comes back unfit, until echoes are answered again', () => {
    const one = edgeScene({ echo: '{ interval: 2s, rise: 10 }' });
    const used = present(answersBy(one), 'a tunnel that carries');
    setUsed(one, used, 'down');
    pass(one.world, 32_000);
    expect(flapsOf(one)).toBe(1);
    setUsed(one, used, 'up');
    pass(one.world, 15_000);
    expect(peersOf(one).every(({ state }) => state === 'Established')).toBe(true);
    expect([answersBy(one), unfitOf(one).length]).toEqual([1 - used, 1]);
    pass(one.world, 10_000);
    expect([answersBy(one), unfitOf(one)]).toEqual([used, []]);
  });

  test('where all are silent, routes are used as before: worse is not better than last', () => {
    const one = edgeScene({ echo: 'true' });
    for (const each of [0, 1]) setUsed(one, each, 'down');
    pass(one.world, 2000);
    expect(unfitOf(one)).toHaveLength(2);
    for (const each of [0, 1]) setUsed(one, each, 'up');
    expect(answersBy(one)).toBeDefined();
  });

  test('a neighbor that answers none from the start is not held against it', () => {
    const one = edgeScene({ echo: '{ interval: 20ms, timeout: 5ms }' });
    pass(one.world, 2000);
    expect([unfitOf(one), answersBy(one) === undefined]).toEqual([[], false]);
  });

  test('a reload without echoes forgets what they have shown', () => {
    const one = edgeScene({ echo: 'true' });
    setUsed(one, present(answersBy(one), 'a tunnel that carries'), 'down');
    pass(one.world, 2000);
    expect(unfitOf(one)).toHaveLength(1);
    reconfigureDaemon(one.daemons.a, configOf(configText(one.pair, 'a')));
    pass(one.world, 1000);
    expect(unfitOf(one)).toEqual([]);
  });
});
