/** The rehearsal of a speaker goes through what it is there for. */
import { expect, it } from 'vitest';
import type { Speaker } from '../../controller/bgp/peer.ts';
import { rehearse } from '../../controller/bgp/rehearsal.ts';

function played(sets: number): Speaker {
  const play = rehearse(sets);
  for (;;) {
    const next = play.next();
    if (next.done === true) return next.value;
  }
}

it('takes the table from two, tells a third of it, of a new choice, and that it is gone', () => {
  const { peers } = played(64);
  const countsOf = (name: string) => peers.get(name)?.counters;
  expect(['11', '12'].map((name) => countsOf(name)?.received.update)).toEqual([64, 128]);
  expect(['11', '12'].map((name) => countsOf(name)?.treatedAsWithdraw)).toEqual([0, 0]);
  // The first comes, is preferred, is lost, and what is left is withdrawn.
  expect(countsOf('13')?.sent.update).toBeGreaterThan(3 * 64);
  expect(peers.get('13')?.rib?.out.ipv4.count).toBe(0);
});
