/** Route refresh, as a neighbor sees it octet by octet. RFC 2918, RFC 7313. */
import { describe, expect, it } from 'vitest';
import { listRoutes } from '../../controller/bgp/rib-query.ts';
import { encodeRouteRefresh } from '../../controller/wire/message.ts';
import { route } from './settings.ts';
import {
  CAPABILITIES,
  establish,
  type Heard,
  meet,
  messages,
  pass,
  say,
  step,
  type Tester,
  updateOf,
} from './tester.ts';

const ONE = [24, 10, 9, 1];
const TWO = [24, 10, 9, 2];

/** A session with enhanced route refresh, over which both prefixes came. */
function enhanced(): Tester {
  const tester = meet();
  establish(tester, { capabilities: [...CAPABILITIES, { kind: 'enhanced-route-refresh' }] });
  say(tester, updateOf([...ONE, ...TWO]));
  pass(tester, 10);
  return tester;
}

const held = ({ speaker }: Tester): readonly string[] =>
  listRoutes(speaker.rib, { table: 'in', family: 'ipv4', peer: 'b', scan: 100 }).routes.map(
    ({ prefix, stale }) => `${prefix}${stale ? ' stale' : ''}`,
  );

describe('RFC 7313 4: the neighbor sends its routes again', () => {
  it('4: from BoRR on all are stale; EoRR takes those away that were not said again', () => {
    const tester = enhanced();
    say(tester, encodeRouteRefresh(1, 1, 'begin'));
    expect(held(tester)).toEqual(['10.9.1.0/24 stale', '10.9.2.0/24 stale']);
    say(tester, updateOf(TWO));
    say(tester, encodeRouteRefresh(1, 1, 'end'));
    pass(tester, 10);
    expect(held(tester)).toEqual(['10.9.2.0/24']);
  });

  it('4: without EoRR they go after the stale time', () => {
    const tester = enhanced();
    say(tester, encodeRouteRefresh(1, 1, 'begin'));
    say(tester, updateOf(TWO));
    pass(tester, 80_000);
    say(tester, updateOf(TWO));
    expect(held(tester)).toHaveLength(2);
    for (let count = 0; count < 4; count++) {
      pass(tester, 60_000);
      say(tester, updateOf(TWO));
    }
    expect(held(tester)).toEqual(['10.9.2.0/24']);
  });

  it('4: EoRR without BoRR takes nothing away', () => {
    const tester = enhanced();
    say(tester, encodeRouteRefresh(1, 1, 'end'));
    pass(tester, 10);
    expect(held(tester)).toEqual(['10.9.1.0/24', '10.9.2.0/24']);
  });
});

describe('RFC 2918 4: the neighbor asks for ours', () => {
  const shapeOf = ({ type, body }: Heard): string => {
    if (type === 5) return body[2] === 1 ? 'BoRR' : 'EoRR';
    return body.length === 4 ? 'EoR' : 'UPDATE';
  };
  const shapes = (tester: Tester): readonly string[] =>
    messages(tester)
      .filter(({ type }) => type === 2 || type === 5)
      .map(shapeOf);

  it('4: all are sent again, between BoRR and EoRR where both know them', () => {
    const tester = enhanced();
    say(tester, encodeRouteRefresh(1, 1, 'request'));
    pass(tester, 10);
    expect(shapes(tester)).toEqual(['UPDATE', 'EoR', 'BoRR', 'UPDATE', 'EoRR']);
    const plain = meet();
    establish(plain);
    pass(plain, 10);
    say(plain, encodeRouteRefresh(1, 1, 'request'));
    pass(plain, 10);
    expect(shapes(plain)).toEqual(['UPDATE', 'EoR', 'UPDATE']);
  });

  it('RFC 7313 4: before End-of-RIB without BoRR, but with what has left already', () => {
    const originate = Array.from({ length: 3000 }, (_, index) =>
      route(`11.${index >> 8}.${index & 255}.0/24`, { med: index }),
    );
    const tester = meet({}, { originate });
    tester.drains = false;
    establish(tester, { capabilities: [...CAPABILITIES, { kind: 'enhanced-route-refresh' }] });
    const drain = () => step(tester, { kind: 'tcp-drained', connection: tester.connection });
    drain();
    const before = shapes(tester).length;
    expect(before).toBeGreaterThan(100);
    expect(shapes(tester)).not.toContain('EoR');
    say(tester, encodeRouteRefresh(1, 1, 'request'));
    tester.drains = true;
    drain();
    pass(tester, 100);
    const sent = shapes(tester);
    expect(sent.at(-1)).toBe('EoR');
    expect(sent.filter((one) => one === 'UPDATE')).toHaveLength(3000 + before);
    expect(sent).not.toContain('BoRR');
    expect(sent).not.toContain('EoRR');
  });
});
