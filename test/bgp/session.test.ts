/** A session between two speakers, from the first SYN to its end. */
import { describe, expect, it } from 'vitest';
import { isUp } from './looks.ts';
import { until, wait } from './net.ts';
import { pairOf, startAll } from './settings.ts';

describe('a session', () => {
  it('comes up and carries routes both ways', () => {
    const pair = pairOf();
    startAll(pair);
    expect(until(pair.net, 20_000, () => isUp(pair.a, 'b') && isUp(pair.b, 'a'))).toBe(true);
    wait(pair.net, 1000);
    expect([...pair.a.routes.keys()].sort()).toEqual(['10.2.0.0/16']);
    expect(pair.a.routes.get('10.2.0.0/16')?.nextHops).toEqual([
      { address: '10.0.0.2', peer: 'b', weight: 1, stale: false },
    ]);
    expect(pair.b.routes.get('10.1.0.0/16')?.nextHops[0]?.address).toBe('10.0.0.1');
  });
});
