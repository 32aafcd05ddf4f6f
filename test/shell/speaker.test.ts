/** The driver of the BGP speaker, without a socket. */
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_SPEAKER } from '../../controller/bgp/options.ts';
import { now } from '../../controller/shell/clock.ts';
import { type Outward, startSpeaker } from '../../controller/shell/speaker.ts';

const options = { ...DEFAULT_SPEAKER, as: 65000, routerId: '10.0.0.1' };

describe('what is posted while a step runs', () => {
  it('is done in the order in which it came', async () => {
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

describe('an order', () => {
  it('is done before posting it returns, and nothing else is', async () => {
    const said: string[] = [];
    const running = startSpeaker(
      options,
      now,
      (effect) => effect.kind === 'log' && said.push(effect.text),
      (sentence) => said.push(sentence),
    );
    running.post({ kind: 'tcp-accepted', connection: 3, local: '10.0.0.1', remote: '10.0.0.9' });
    running.post({ kind: 'reset', peer: 'nobody', hard: false, text: '' });
    expect(said).toEqual(["reset: there is no neighbor 'nobody'"]);
    await vi.waitUntil(() => said.length >= 2, { timeout: 10_000 });
    running.close();
    expect(said[1]).toMatch(/^10\.0\.0\.9 dialed/);
  });
});
