/** The look that a claim of another daemon gives a reason for. */
import { describe, expect, it } from 'vitest';
import { type Claim, lookAtClaim } from '../../../controller/failover/word.ts';

const view = { owner: { kind: 'member', member: 'a', phase: 'settled' }, seen: 5, observedAt: 1000 } as const;
const claim = (member: string, at: number, group = 'g'): Claim => ({ group, member, at });

describe('a claim', () => {
  it('that EC2 has not borne out is looked at, a second after the last look at the soonest', () => {
    expect(lookAtClaim([claim('b', 1200)], view, 'g')).toEqual({ look: { after: 5, at: 2000 } });
    expect(lookAtClaim([claim('b', 4200)], view, 'g')).toEqual({ look: { after: 5, at: 4200 } });
  });

  it('is found behind that of the former owner, who does not know yet', () => {
    expect(lookAtClaim([claim('a', 4200), claim('b', 4300)], view, 'g')).toEqual({
      look: { after: 5, at: 4300 },
    });
  });

  it('that is older than the look, of another group, or that EC2 shows, gives no reason', () => {
    expect(lookAtClaim([claim('b', 900), claim('b', 4200, 'h'), claim('a', 4200)], view, 'g')).toEqual({});
    expect(lookAtClaim([claim('b', 4200)], { owner: view.owner, seen: 5 }, 'g')).toEqual({});
  });
});
