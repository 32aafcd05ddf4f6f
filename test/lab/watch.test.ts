/** What is told of frames while somebody captures them. */
import { expect, it } from 'vitest';
import { HEADROOM } from '../../sim/frame/made.ts';
import { createSwitch, plug } from '../../sim/frame/switch.ts';
import type { FromThread } from '../../sim/lab/message.ts';
import { createWatch } from '../../sim/lab/watch.ts';
import { createNetwork } from '../../sim/vpc/network.ts';

it('keeps each frame as it was, though all come into the same memory', () => {
  const said: FromThread[] = [];
  const sw = createSwitch(createNetwork(), () => undefined);
  plug(sw, 0, { kind: 'outside' });
  const watch = createWatch(
    sw,
    (message) => said.push(message),
    () => 0,
  );
  watch.capture('outside');
  const memory = Buffer.alloc(HEADROOM + 4);
  for (const text of ['one.', 'two.']) {
    memory.write(text, HEADROOM);
    watch.captured(0, true, memory, memory.length);
  }
  watch.flush();
  const frames = said.flatMap((message) => (message.kind === 'captured' ? message.frames : []));
  expect(frames.map(({ frame }) => Buffer.from(frame).toString())).toEqual(['one.', 'two.']);
});
