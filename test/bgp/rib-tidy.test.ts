/** What is collected of a RIB, and what must not be. */
import { describe, expect, it } from 'vitest';
import { tidy } from '../../controller/bgp/rib-tidy.ts';
import { announce, join, lostSets, newRib, preferring, settle, withdraw } from './rib-scene.ts';

const P = '198.51.100.0/24';

describe('attribute sets that are collected', () => {
  const scene = () => {
    const rib = newRib();
    const from = join(rib, 2, {}, preferring);
    announce(rib, from, [P], { med: 1 });
    settle(rib);
    rib.collectAbove = 0;
    return { rib, from };
  };
  it('are not those of a route that comes back while the search goes on', () => {
    const { rib, from } = scene();
    announce(rib, from, [P], { med: 2 });
    settle(rib);
    // The path has been looked at, the sets have not.
    for (let portion = 0; portion < 2; portion++) tidy(rib, 1);
    announce(rib, from, [P], { med: 1 });
    settle(rib);
    while (tidy(rib, 1));
    expect(lostSets(rib)).toEqual([]);
  });
  it('are not those of a best path that is withdrawn and waits to be decided', () => {
    const { rib, from } = scene();
    withdraw(rib, from, [P]);
    while (tidy(rib, 1));
    expect(lostSets(rib)).toEqual([]);
  });
});
