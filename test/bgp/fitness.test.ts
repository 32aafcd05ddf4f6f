/** A neighbor that keeps its session and does not forward: its routes are used last, and not lost. */
import { describe, expect, it } from 'vitest';
import { peerDown, setUnfit, takeChanges } from '../../controller/bgp/rib.ts';
import { explain } from '../../controller/bgp/rib-query.ts';
import type { Rib } from '../../controller/bgp/rib-state.ts';
import { announce, join, newRib, settle } from './rib-scene.ts';

const BOTH = ['198.51.100.0/24', '203.0.113.0/24'];
const ALONE = '192.0.2.0/24';

function bestOf(rib: Rib): readonly (string | undefined)[] {
  settle(rib);
  return [...BOTH, ALONE].map((prefix) => explain(rib, prefix)?.paths.find(({ best }) => best)?.peer);
}

describe('a neighbor that does not forward', () => {
  const scene = () => {
    const rib = newRib();
    const [first, second] = [join(rib, 2), join(rib, 3)];
    announce(rib, first, [...BOTH, ALONE]);
    announce(rib, second, BOTH, { asPath: [{ type: 'sequence', as: [65003, 64999] }] });
    settle(rib);
    takeChanges(rib);
    return { rib, first, second };
  };

  it('loses all that others have too, keeps what it alone has, and gets all back', () => {
    const { rib, first } = scene();
    expect(bestOf(rib)).toEqual(['peer-2', 'peer-2', 'peer-2']);
    setUnfit(rib, first, true);
    expect(bestOf(rib)).toEqual(['peer-3', 'peer-3', 'peer-2']);
    const told = takeChanges(rib).map(({ prefix, nextHops }) => [
      prefix,
      nextHops.map(({ address }) => address),
    ]);
    expect(told.sort()).toEqual(BOTH.map((prefix) => [prefix, ['10.0.0.3']]));
    setUnfit(rib, first, false);
    expect(bestOf(rib)).toEqual(['peer-2', 'peer-2', 'peer-2']);
  });

  it('is as good as another of its kind', () => {
    const { rib, first, second } = scene();
    setUnfit(rib, first, true);
    setUnfit(rib, second, true);
    expect(bestOf(rib)).toEqual(['peer-2', 'peer-2', 'peer-2']);
  });

  it('remains so over a new session, and for what it announces then', () => {
    const { rib, first } = scene();
    setUnfit(rib, first, true);
    peerDown(rib, first, []);
    settle(rib);
    announce(rib, join(rib, 2), [...BOTH, ALONE]);
    expect(bestOf(rib)).toEqual(['peer-3', 'peer-3', 'peer-2']);
  });
});
