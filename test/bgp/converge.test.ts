/**
 * Whatever happens to two speakers and the path between them, they end with a session and equal routes
 * once it is quiet. After every step the invariants of `legal.ts` hold.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpeakerInput } from '../../controller/bgp/event.ts';
import type { NeighborOptions, SpeakerOptions } from '../../controller/bgp/options.ts';
import { listRoutes } from '../../controller/bgp/rib-query.ts';
import { isUp } from './looks.ts';
import { breakConnections, cut, freeze, type Host, heal, input, reboot, thaw, until, wait } from './net.ts';
import { GRACEFUL, optionsOfA, optionsOfB, type Pair, pairOf, route, startAll } from './settings.ts';

const BFD = { intervalMs: 300, multiplier: 3, multihop: false, passive: false, strict: false };

type Happening =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'cut' | 'heal' | 'break' }
  | { readonly kind: 'freeze' | 'thaw'; readonly who: 'a' | 'b' }
  | { readonly kind: 'reboot'; readonly who: 'a' | 'b'; readonly restarted: boolean }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'input'; readonly who: 'a' | 'b'; readonly input: SpeakerInput };

const who = fc.constantFrom('a', 'b');
const prefix = fc.integer({ min: 0, max: 12 }).map((one) => `10.50.${one}.0/24`);

/** Inputs for either speaker; `PEER` stands for the name of the other. */
const inputs: fc.Arbitrary<SpeakerInput> = fc.oneof(
  prefix.map((one) => ({ kind: 'originate', route: route(one) }) as const),
  fc
    .tuple(prefix, fc.integer({ min: 0, max: 3 }))
    .map(([one, med]) => ({ kind: 'originate', route: route(one, { med }) }) as const),
  prefix.map((one) => ({ kind: 'withdraw', prefix: one }) as const),
  fc.boolean().map((hard) => ({ kind: 'reset', peer: 'PEER', hard, text: 'x' }) as const),
  fc.constantFrom<SpeakerInput>(
    { kind: 'shutdown', peer: 'PEER', text: 'off' },
    { kind: 'enable', peer: 'PEER' },
    { kind: 'flush', peer: 'PEER', reason: 'x' },
    { kind: 'soft-reset', peer: 'PEER', direction: 'in' },
    { kind: 'soft-reset', peer: 'PEER', direction: 'out' },
    { kind: 'route-refresh', peer: 'PEER', family: 'ipv4' },
    { kind: 'drain', how: 'graceful-shutdown', reason: 'x' },
    { kind: 'drain', how: 'withdraw', reason: 'x' },
    { kind: 'drain', how: 'none', reason: 'x' },
    { kind: 'bfd', address: 'PEER', state: 'up', controlPlaneIndependent: false },
    { kind: 'bfd', address: 'PEER', state: 'down', controlPlaneIndependent: true },
    { kind: 'bfd', address: 'PEER', state: 'admin-down', controlPlaneIndependent: false },
  ),
);

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 30_000 }).map((ms) => ({ kind: 'wait', ms }) as const) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }).map((ms) => ({ kind: 'wait', ms }) as const) },
  { weight: 3, arbitrary: fc.constantFrom('cut', 'heal', 'break').map((kind) => ({ kind }) as const) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('freeze', 'thaw'), who)
      .map(([kind, one]) => ({ kind, who: one }) as const),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(who, fc.boolean())
      .map(([one, restarted]) => ({ kind: 'reboot', who: one, restarted }) as const),
  },
  { weight: 1, arbitrary: fc.constantFrom(1, 50, 500).map((ms) => ({ kind: 'delay', ms }) as const) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(who, inputs)
      .map(([one, given]) => ({ kind: 'input', who: one, input: given }) as const),
  },
);

/** How the two are set up: each a way in which sessions behave differently. */
const VARIANTS: Readonly<Record<string, Partial<NeighborOptions>>> = {
  plain: { holdTimeS: 9 },
  graceful: { holdTimeS: 9, gracefulRestart: GRACEFUL },
  asked: { holdTimeS: 9, onLoss: 'ask', bfd: BFD },
  'graceful and asked': { holdTimeS: 30, gracefulRestart: GRACEFUL, onLoss: 'ask', bfd: BFD },
  delayed: { holdTimeS: 9, delayOpenMs: 700 },
  'add-path': { holdTimeS: 9, addPath: { receive: true, send: 2 } },
};

const other = (name: 'a' | 'b'): { readonly name: string; readonly address: string } =>
  name === 'a' ? { name: 'b', address: '10.0.0.2' } : { name: 'a', address: '10.0.0.1' };

/** With the other side's name or address in the place of `PEER`. */
function aimed(name: 'a' | 'b', one: SpeakerInput): SpeakerInput {
  if ('peer' in one) return { ...one, peer: other(name).name };
  return one.kind === 'bfd' ? { ...one, address: other(name).address } : one;
}

const optionsFor = (name: 'a' | 'b', variant: Partial<NeighborOptions>): SpeakerOptions =>
  name === 'a' ? optionsOfA({ ab: variant }) : optionsOfB({ ba: variant });

function happen(pair: Pair, variant: Partial<NeighborOptions>, one: Happening): void {
  const { net, a, b } = pair;
  const hostOf = (name: 'a' | 'b'): Host => (name === 'a' ? a : b);
  switch (one.kind) {
    case 'wait':
      wait(net, one.ms);
      return;
    case 'cut':
      cut(net, a, b);
      return;
    case 'heal':
      heal(net, a, b);
      return;
    case 'break':
      breakConnections(net, a, b);
      return;
    case 'freeze':
      freeze(hostOf(one.who));
      return;
    case 'thaw':
      thaw(net, hostOf(one.who));
      return;
    case 'reboot':
      reboot(net, hostOf(one.who), optionsFor(one.who, variant), one.restarted);
      return;
    case 'delay':
      net.delayMs = one.ms;
      return;
    case 'input':
      input(net, hostOf(one.who), aimed(one.who, one.input));
      return;
  }
}

/** All is mended, everybody enabled; then nothing happens for a while. */
function quiet(pair: Pair): void {
  const { net, a, b } = pair;
  net.delayMs = 1;
  for (const host of [a, b]) thaw(net, host);
  heal(net, a, b);
  for (const name of ['a', 'b'] as const) {
    const host = name === 'a' ? a : b;
    input(net, host, { kind: 'drain', how: 'none', reason: 'quiet' });
    const peer = host.speaker.peers.get(other(name).name);
    if (peer?.blocked !== undefined) input(net, host, { kind: 'enable', peer: other(name).name });
  }
  expect(
    until(net, 400_000, () => isUp(a, 'b') && isUp(b, 'a')),
    'a session',
  ).toBe(true);
  // Longer than any stale time, and than damping.
  wait(net, 400_000);
}

/** What a host announces, and what the other holds of it. */
function announced(host: Host): readonly string[] {
  return [...host.speaker.rib.originated].map(
    ([text, { attributes }]) => `${text} med ${attributes.med ?? 'none'}`,
  );
}

function held(host: Host, peer: string): readonly string[] {
  const { routes } = listRoutes(host.speaker.rib, { table: 'in', family: 'ipv4', peer, scan: 10_000 });
  expect(routes.filter(({ stale }) => stale)).toEqual([]);
  return routes.map(({ prefix: text, med }) => `${text} med ${med ?? 'none'}`);
}

describe('two speakers', () => {
  for (const [name, variant] of Object.entries(VARIANTS)) {
    it(`converge whatever happens: ${name}`, () => {
      fc.assert(
        fc.property(fc.array(happenings, { minLength: 1, maxLength: 40 }), (list) => {
          const pair = pairOf({ ab: variant, ba: variant });
          startAll(pair);
          for (const one of list) happen(pair, variant, one);
          quiet(pair);
          expect([isUp(pair.a, 'b'), isUp(pair.b, 'a')]).toEqual([true, true]);
          expect([...held(pair.a, 'b')].sort()).toEqual([...announced(pair.b)].sort());
          expect([...held(pair.b, 'a')].sort()).toEqual([...announced(pair.a)].sort());
          // What the owner was told is what there is.
          expect([...pair.a.routes.keys()].sort()).toEqual([...best(pair.a)].sort());
        }),
        { numRuns: 15 },
      );
    });
  }
});

/** Prefixes whose best path came from a peer. */
const best = (host: Host): readonly string[] =>
  listRoutes(host.speaker.rib, { table: 'loc', family: 'ipv4', scan: 10_000 })
    .routes.filter(({ peer }) => peer !== 'local')
    .map(({ prefix: text }) => text);
