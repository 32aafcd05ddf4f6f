/** When a neighbor is sent what waits for it. */
import { describe, expect, it } from 'vitest';
import { hasInput } from '../../controller/bgp/messages.ts';
import { route } from './settings.ts';
import { establish, meet, messages, pass, say, step, type Tester, updateOf } from './tester.ts';

/** A neighbor of whom more UPDATEs wait than one step reads. */
function busy(): Tester {
  const tester = meet({}, { originate: [] });
  establish(tester);
  pass(tester, 10);
  const updates = Array.from({ length: 400 }, (_, at) => updateOf([24, 20, at >> 8, at & 255]));
  say(tester, Uint8Array.from(updates.flatMap((bytes) => [...bytes])));
  return tester;
}

const sent = (tester: Tester): number => messages(tester).filter(({ type }) => type === 2).length;

const originate = (tester: Tester, at: number): unknown =>
  step(tester, { kind: 'originate', route: route(`11.${at >> 8}.${at & 255}.0/24`) });

describe('while there is more to read', () => {
  it('a few prefixes wait for more to come, and leave with the last message that is read', () => {
    const tester = busy();
    const before = sent(tester);
    for (let at = 0; at < 10; at++) originate(tester, at);
    expect(hasInput(tester.peer.main)).toBe(true);
    expect(sent(tester)).toBe(before);
    pass(tester, 10);
    expect(hasInput(tester.peer.main)).toBe(false);
    expect(sent(tester)).toBe(before + 1);
  });

  it('many do not wait', () => {
    const tester = busy();
    const before = sent(tester);
    for (let at = 0; at < 2000; at++) originate(tester, at);
    expect(hasInput(tester.peer.main)).toBe(true);
    expect(sent(tester)).toBeGreaterThan(before);
  });
});

describe('with nothing to read', () => {
  it('one prefix leaves at once', () => {
    const tester = busy();
    pass(tester, 10);
    const before = sent(tester);
    originate(tester, 0);
    expect(sent(tester)).toBe(before + 1);
  });
});
