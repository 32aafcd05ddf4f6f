/** What is said of BGP sessions: where BFD is missing beside one, and what an order does. */
import { expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import type { Config } from '../../controller/config.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { give, logOf, reconfigureDaemon, restartDaemon } from '../../sim/world/node.ts';
import { announcer, pass, syncScene, told } from './sync.ts';

/** The same without BFD towards its neighbors. */
function withoutBfd({ bgp, ...config }: Config): Config {
  if (bgp === undefined) throw new Error('it speaks no BGP');
  const dynamic = bgp.options.dynamic.map(({ bfd: _, ...rest }) => rest);
  const neighbors = bgp.options.neighbors.map(({ bfd: _, ...rest }) => rest);
  const appliances = config.appliances.map((one) => ({ ...one, probes: [] }));
  return { ...config, appliances, bfd: [], bgp: { ...bgp, options: { ...bgp.options, dynamic, neighbors } } };
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

test('a dynamic neighbor without BFD is told of as one of the list', () => {
  const { world, a, w } = syncScene();
  const warnings = () => logOf(a, 'alarm').map(({ text }) => text);
  restartDaemon(w, { config: withoutBfd(w.options.config) });
  pass(world, 25_000);
  expect(warnings(), told(a)).toEqual([]);
  pass(world, 60_000);
  expect(warnings(), told(a)).toEqual([
    expect.stringContaining('BGP with peers/10.0.0.20 is established and BFD with 10.0.0.20 is not up'),
  ]);
});

test('BFD Down ends the session with a dynamic neighbor at once', () => {
  const { world, pair, a } = syncScene();
  const downs = () => logOf(a, 'bgp').filter(({ text }) => text.includes('is down'));
  expect(downs(), told(a)).toEqual([]);
  must(controlGuest(world, pair.workload.instance, 'hang'));
  pass(world, 2_000);
  expect(downs(), told(a)).toEqual([
    expect.objectContaining({
      text: expect.stringContaining('peers/10.0.0.20 (10.0.0.20) is down: BFD is down'),
    }),
  ]);
});

test('RFC 5882 3.2: AdminDown of a neighbor, dynamic or listed, ends no session', () => {
  const { world, a, w } = syncScene();
  const bfd = (text: string) => logOf(a, 'bfd').filter((one) => one.text.includes(text));
  reconfigureDaemon(w, withoutBfd(w.options.config));
  pass(world, 30_000);
  expect(bfd('neighbor signaled session down'), told(a)).not.toEqual([]);
  const downs = [...logOf(a, 'bgp'), ...logOf(w, 'bgp')].filter(({ text }) => text.includes('is down'));
  expect(downs, told(a)).toEqual([]);
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
