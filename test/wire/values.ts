/** Arbitrary messages and attributes for property tests, and hex. */
import fc from 'fast-check';
import type { AsSegment, NextHop, PathAttributes } from '../../controller/wire/attribute.ts';
import type { Capability } from '../../controller/wire/open.ts';

export const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/[\s:]/g, ''), 'hex'));

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
export const asNumber = fc.oneof(
  fc.integer({ min: 1, max: 0xffff }),
  fc.integer({ min: 1, max: 0xffffffff }),
);
const host = fc.integer({ min: 0x01000000, max: 0x7effffff });
const afi = fc.constantFrom(1, 2, 25);
const safi = fc.constantFrom(1, 2, 128);
const text = fc.string({ maxLength: 20, unit: 'grapheme-ascii' });

export const capability: fc.Arbitrary<Capability> = fc.oneof(
  fc.record({ kind: fc.constant('multiprotocol' as const), afi, safi }),
  fc.record({
    kind: fc.constantFrom('route-refresh', 'enhanced-route-refresh', 'extended-message', 'bfd-strict'),
  }),
  fc.record({ kind: fc.constant('four-octet-as' as const), as: asNumber }),
  fc.record({
    kind: fc.constant('extended-next-hop' as const),
    items: fc.array(fc.record({ afi, safi, nextHopAfi: afi }), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('add-path' as const),
    items: fc.array(fc.record({ afi, safi, send: fc.boolean(), receive: fc.boolean() }), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('graceful-restart' as const),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    timeS: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(fc.record({ afi, safi, forwarding: fc.boolean() }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('role' as const), role: u8 }),
  fc.record({ kind: fc.constant('fqdn' as const), host: text, domain: text }),
  fc.record({ kind: fc.constant('software-version' as const), version: text }),
  fc.record({
    kind: fc.constant('unknown' as const),
    code: fc.integer({ min: 128, max: 255 }),
    value: fc.uint8Array({ maxLength: 40 }),
  }),
) as fc.Arbitrary<Capability>;

const segment: fc.Arbitrary<AsSegment> = fc.record({
  type: fc.constant('sequence' as const),
  as: fc.array(asNumber, { minLength: 1, maxLength: 20 }),
});

export const nextHop4: fc.Arbitrary<NextHop> = host.map((word) => ({
  family: 'ipv4',
  words: [0, 0, 0, word],
}));
const words6 = fc.tuple(fc.integer({ min: 0x20000000, max: 0x3fffffff }), u32, u32, u32);
export const nextHop6: fc.Arbitrary<NextHop> = fc.oneof(
  words6.map((words) => ({ family: 'ipv6' as const, words })),
  fc.tuple(words6, words6).map(([words, linkLocal]) => ({ family: 'ipv6' as const, words, linkLocal })),
);

/** Attributes as an iBGP speaker of 4-octet AS numbers may send them. */
export const attributes = (nextHop: fc.Arbitrary<NextHop>): fc.Arbitrary<PathAttributes> =>
  fc
    .record(
      {
        origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
        // Segments that stand side by side are of one sequence only where the first is full.
        asPath: fc.array(segment, { maxLength: 1 }),
        nextHop,
        med: u32,
        localPref: u32,
        atomicAggregate: fc.boolean(),
        aggregator: fc.record({ as: asNumber, id: u32 }),
        communities: fc.array(u32, { maxLength: 100 }),
        extended: fc.array(fc.tuple(u32, u32), { maxLength: 40 }),
        large: fc.uniqueArray(fc.tuple(u32, u32, u32), { maxLength: 30, selector: String }),
        originatorId: u32,
        clusterList: fc.array(u32, { maxLength: 10 }),
        otc: u32,
        unknown: fc.array(
          fc.record({ type: fc.integer({ min: 200, max: 250 }), value: fc.uint8Array({ maxLength: 300 }) }),
          {
            maxLength: 1,
          },
        ),
      },
      {
        requiredKeys: [
          'origin',
          'asPath',
          'nextHop',
          'localPref',
          'atomicAggregate',
          'communities',
          'extended',
          'large',
          'clusterList',
          'unknown',
        ],
      },
    )
    .map(({ unknown, ...rest }) => ({ ...rest, unknown: unknown.map((one) => ({ ...one, flags: 0xe0 })) }));

export interface Nlri {
  readonly pathId: number;
  readonly length: number;
  readonly words: readonly [number, number, number, number];
}

const cut = (word: number, bits: number): number =>
  bits >= 32 ? word : bits <= 0 ? 0 : (word & (-1 << (32 - bits))) >>> 0;

export const nlri = (family: 'ipv4' | 'ipv6'): fc.Arbitrary<Nlri> =>
  fc
    .tuple(u32, fc.integer({ min: 0, max: family === 'ipv4' ? 32 : 128 }), fc.tuple(u32, u32, u32, u32))
    .map(([pathId, length, [a, b, c, d]]) => ({
      pathId,
      length,
      words:
        family === 'ipv4'
          ? [0, 0, 0, cut(d, length)]
          : [cut(a, length), cut(b, length - 32), cut(c, length - 64), cut(d, length - 96)],
    }));

export { u16 };
