import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuthenticationSection,
  type ControlPacket,
  DIGEST_AT,
  decodeControl,
  digestBytes,
  encodeControl,
} from '../../controller/wire/bfd.ts';
import { packet } from './scene.ts';

const word = fc.nat(0xffffffff);
const octet = fc.nat(255);

const section: fc.Arbitrary<AuthenticationSection> = fc.oneof(
  fc.record({
    kind: fc.constant('simple' as const),
    keyId: octet,
    password: fc.uint8Array({ minLength: 1, maxLength: 16 }),
  }),
  fc.constantFrom(2 as const, 3 as const, 4 as const, 5 as const).chain((type) =>
    fc.record({
      kind: fc.constant('digest' as const),
      type: fc.constant(type),
      keyId: octet,
      sequence: word,
      digest: fc.uint8Array({ minLength: digestBytes(type), maxLength: digestBytes(type) }),
    }),
  ),
);

const controlPacket: fc.Arbitrary<ControlPacket> = fc
  .record({
    diagnostic: fc.nat(31),
    state: fc.nat(3),
    poll: fc.boolean(),
    final: fc.boolean(),
    controlPlaneIndependent: fc.boolean(),
    demand: fc.boolean(),
    detectMult: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: fc.integer({ min: 1, max: 0xffffffff }),
    yourDiscriminator: word,
    desiredMinTxUs: word,
    requiredMinRxUs: word,
    requiredMinEchoRxUs: word,
  })
  .chain((plain) =>
    fc.option(section).map((authentication) => (authentication ? { ...plain, authentication } : plain)),
  );

const error = (data: Uint8Array): string => {
  const decoded = decodeControl(data);
  return decoded.ok ? 'none' : decoded.error;
};

/** A good packet with one octet changed. */
const spoilt = (at: number, value: number): Uint8Array => {
  const data = encodeControl(packet());
  data[at] = value;
  return data;
};

describe('the BFD codec', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(controlPacket, (one) => {
        expect(decodeControl(encodeControl(one))).toEqual({ ok: true, value: one });
      }),
    );
  });

  it('keeps nothing of the bytes that it was given, be they a Buffer or not', () => {
    fc.assert(
      fc.property(controlPacket, (one) => {
        const data = Buffer.from(encodeControl(one));
        const decoded = decodeControl(data);
        data.fill(0xaa);
        expect(decoded).toEqual({ ok: true, value: one });
      }),
    );
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (data) => {
        decodeControl(data);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws on a packet with octets changed or cut off, and never reads beyond the datagram', () => {
    const changes = fc.array(fc.tuple(fc.nat(60), octet), { maxLength: 4 });
    fc.assert(
      fc.property(controlPacket, changes, fc.nat(60), (one, changed, cut) => {
        const data = encodeControl(one);
        for (const [at, value] of changed) data[at % data.length] = value;
        const room = new Uint8Array(200).fill(0xff);
        room.set(data, 100);
        const short = room.subarray(100, 100 + Math.min(cut, data.length));
        expect(decodeControl(short)).toEqual(decodeControl(short.slice()));
      }),
      { numRuns: 1000 },
    );
  });

  it('RFC 5880 4.1: lays the mandatory section out as drawn', () => {
    const bytes = encodeControl(
      packet({
        diagnostic: 7,
        state: 3,
        poll: true,
        controlPlaneIndependent: true,
        myDiscriminator: 0x01020304,
        yourDiscriminator: 0xa0b0c0d0,
      }),
    );
    expect(Buffer.from(bytes).toString('hex')).toBe(`27e80318${'01020304a0b0c0d0'}000f4240000493e000000000`);
  });

  it('RFC 5880 4.1: has final, demand and authentication in their bits', () => {
    const authentication = { kind: 'simple', keyId: 9, password: Buffer.from('secret') } as const;
    const bytes = encodeControl(packet({ state: 1, final: true, demand: true, authentication }));
    expect(bytes[1]).toBe(0x40 | 0x10 | 0x04 | 0x02);
    // RFC 5880 4.2: type 1, length of the section, key ID, password.
    expect(Buffer.from(bytes.subarray(24)).toString('hex')).toBe(
      `010909${Buffer.from('secret').toString('hex')}`,
    );
  });

  it.each([
    [2, 24],
    [3, 24],
    [4, 28],
    [5, 28],
  ] as const)('RFC 5880 4.3, 4.4: a section of type %i has %i octets', (type, length) => {
    const digest = new Uint8Array(digestBytes(type)).fill(0xee);
    const authentication = { kind: 'digest', type, keyId: 5, sequence: 0x01020304, digest } as const;
    const bytes = encodeControl(packet({ authentication }));
    expect(bytes.length).toBe(24 + length);
    expect(bytes[3]).toBe(24 + length);
    expect([...bytes.subarray(24, 32)]).toEqual([type, length, 5, 0, 1, 2, 3, 4]);
    expect(bytes[DIGEST_AT]).toBe(0xee);
  });

  it.each([
    ['version is not 1', spoilt(0, 0x40)],
    ['length field too small', spoilt(3, 23)],
    ['length field beyond the datagram', spoilt(3, 25)],
    ['detect mult is 0', spoilt(2, 0)],
    ['multipoint bit set', spoilt(1, 0x41)],
    ['my discriminator is 0', encodeControl(packet({ myDiscriminator: 0 }))],
    ['too short', encodeControl(packet()).subarray(0, 23)],
    ['length field too small', spoilt(1, 0x44)],
  ])('RFC 5880 6.8.6: throws away a packet where %s', (reason, data) => expect(error(data)).toBe(reason));

  it('RFC 5880 6.8.6: reads no authentication section beyond the length field', () => {
    const authentication = { kind: 'simple', keyId: 9, password: Buffer.from('secret') } as const;
    const data = encodeControl(packet({ authentication }));
    data[3] = data.length - 1;
    expect(error(data)).toBe('authentication section beyond the packet');
  });

  it('RFC 5880 6.8.6: ignores what follows the packet in the datagram', () => {
    const longer = Buffer.concat([encodeControl(packet()), Buffer.alloc(30, 1)]);
    expect(decodeControl(longer)).toEqual({ ok: true, value: packet() });
  });
});
