/**
 * An appliance announces halves of the default route while another one is dead: a VPN gateway, which keeps
 * the routes of the dead until its hold timer ends them, prefers the longer match at once.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { reconfigureDaemon } from '../../sim/world/node.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { propagated } from './site.ts';
import { configOf, pass } from './sync.ts';
import { configText, type EdgeScene, edgeScene, type Name, SERVER } from './vpn-edge.ts';

const usedBy = ({ world, spoke, pair }: EdgeScene): Name | undefined => {
  const { hops } = must(tracePacket(world, { from: spoke.instance, to: SERVER }));
  return (['a', 'b'] as const).find((name) => hops.some(({ id }) => id === pair[name].instance));
};

/** The prefixes that the spoke's table has learnt. */
const learnt = ({ world, table }: EdgeScene): readonly string[] =>
  propagated(world, table).map((text) => text.split(' ')[0] ?? '');

const HALVES = ['0.0.0.0/1', '128.0.0.0/1'];

describe('an appliance that stands in for another', () => {
  test('announces halves while the other is dead, long before the hold timer, and withdraws them afterwards', () => {
    const one = edgeScene({ linger: '10s' });
    const { world, pair } = one;
    expect([usedBy(one), learnt(one)]).toEqual(['a', ['0.0.0.0/0']]);
    must(controlGuest(world, pair.a.instance, 'kill'));
    pass(world, 3000);
    expect(usedBy(one)).toBe('b');
    expect([...learnt(one)].sort()).toEqual(['0.0.0.0/0', ...HALVES]);
    must(controlGuest(world, pair.a.instance, 'start'));
    pass(world, 9000);
    expect(usedBy(one)).toBe('b');
    pass(world, 6000);
    expect(learnt(one)).toEqual(['0.0.0.0/0']);
  });

  test('without them the flow waits for the hold timer', () => {
    const one = edgeScene();
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    pass(one.world, 3000);
    expect(usedBy(one)).toBe('a');
  });

  test('a reload that takes them out withdraws them, one that puts them in announces them', () => {
    const one = edgeScene({ linger: '10s' });
    const { world, pair, daemons } = one;
    must(controlGuest(world, pair.a.instance, 'kill'));
    pass(world, 3000);
    reconfigureDaemon(daemons.b, configOf(configText(pair, 'b')));
    pass(world, 1000);
    expect(learnt(one)).toEqual(['0.0.0.0/0']);
    reconfigureDaemon(daemons.b, configOf(configText(pair, 'b', { linger: '10s' })));
    pass(world, 1000);
    expect([...learnt(one)].sort()).toEqual(['0.0.0.0/0', ...HALVES]);
  });

  test('a reload that turns what is announced always into a stand-in goes on announcing it while that is needed', () => {
    const text = configText(edgeScene().pair, 'b', { linger: '10s' });
    const always = text.replaceAll(', whileDead: [a], linger: 10s', '');
    const one = edgeScene();
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    pass(one.world, 3000);
    for (const each of [always, text]) {
      reconfigureDaemon(one.daemons.b, configOf(each));
      pass(one.world, 1000);
      expect([...learnt(one)].sort()).toEqual(['0.0.0.0/0', ...HALVES]);
    }
  });
});
