/** The driver of the BGP speaker, without a socket. */
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_SPEAKER } from '../../controller/bgp/options.ts';
import { now } from '../../controller/shell/clock.ts';
import { type Outward, startSpeaker } from '../../controller/shell/speaker.ts';

describe('what is posted while a step runs', () => {
  it('is done in the order in which it came', async () => {
    const options = { ...DEFAULT_SPEAKER, as: 65000, routerId: '10.0.0.1' };
    const said: string[] = [];
    const reset = (peer: string): void => running.post({ kind: 'reset', peer, hard: false, text: '' });
    const perform = (effect: Outward): void => {
      if (effect.kind !== 'log') return;
      said.push(effect.text);
      if (said.length === 1) for (const peer of ['second', 'third', 'fourth']) reset(peer);
    };
    const running = startSpeaker(options, now, perform, (sentence) => said.push(sentence));
    reset('first');
    await vi.waitUntil(() => said.length >= 4, { timeout: 10_000 });
    running.close();
    expect(said.map((text) => /'(.*)'/.exec(text)?.[1])).toEqual(['first', 'second', 'third', 'fourth']);
  });
});
