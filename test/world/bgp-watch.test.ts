/** What is said of BGP sessions: where BFD is missing beside one, and what an order does. */
import { expect, test } from 'vitest';
import type { Config } from '../../controller/config.ts';
import { give, logOf, restartDaemon } from '../../sim/world/node.ts';
import { announcer, pass, syncScene, told } from './sync.ts';

/** The same without BFD towards its neighbors. */
function withoutBfd({ bgp, ...config }: Config): Config {
  if (bgp === undefined) throw new Error('it speaks no BGP');
  const dynamic = bgp.options.dynamic.map(({ bfd: _, ...rest }) => rest);
  return { ...config, bgp: { ...bgp, options: { ...bgp.options, dynamic } } };
}

test('BFD that is configured and does not come up beside BGP is told once, and again when it is lost anew', () => {
  const scene = syncScene();
  const { world, pair, w } = scene;
  const warnings = () => logOf(w, 'alarm').filter(({ text }) => text.includes('BFD'));
  const config = announcer(pair, 'a', ['203.0.113.0/24']);
  const quiet = restartDaemon(scene.a, { config: withoutBfd(config) });
  pass(world, 25_000);
  expect(warnings(), told(w)).toEqual([]);
  pass(world, 60_000);
  expect(warnings().map(({ text }) => text)).toEqual([
    'BGP with a is established and BFD with 10.0.0.10 is not up (down, control detection time expired): its death ' +
      'will be noticed after the Hold Time only. Configure BFD at the other side, and let UDP 3784 through ' +
      '(4784 for multihop).',
  ]);
  const mended = restartDaemon(quiet, { config });
  pass(world, 120_000);
  expect(warnings()).toHaveLength(1);
  restartDaemon(mended, { config: withoutBfd(config) });
  pass(world, 120_000);
  expect(warnings(), told(w)).toHaveLength(2);
});

test('an order is answered with what happens', () => {
  const { world, w } = syncScene();
  const id = give(w, { kind: 'bgp', input: { kind: 'shutdown', peer: 'a', text: 'night work' } });
  pass(world, 1000);
  expect(w.replies.get(id)).toMatchObject({
    ok: true,
    body: {
      message: expect.stringMatching(/^The session with a ends, and is told "night work"; it stays down/),
    },
  });
});
