import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BfdAuthentication } from '../../controller/bfd/options.ts';
import { DIGEST_AT, encodeControl, STATE } from '../../controller/wire/bfd.ts';
import { bothUp, lone, options, packet, pair } from './scene.ts';

const TYPES = ['simple', 'keyed-md5', 'meticulous-md5', 'keyed-sha1', 'meticulous-sha1'] as const;
const DIGESTS = TYPES.slice(1) as readonly Exclude<(typeof TYPES)[number], 'simple'>[];
const NUMBER = { 'keyed-md5': 2, 'meticulous-md5': 3, 'keyed-sha1': 4, 'meticulous-sha1': 5 } as const;

const secret = (type: BfdAuthentication['type'], key = 'fish', keyId = 7): BfdAuthentication => ({
  type,
  keyId,
  key: Buffer.from(key),
});

interface Forgery {
  readonly type: keyof typeof NUMBER;
  readonly sequence: number;
  readonly key?: string;
  readonly keyId?: number;
  readonly state?: number;
  readonly your?: number;
}

/** A packet signed here, by the words of RFC 5880 6.7.3 and 6.7.4. */
function signed({
  type,
  sequence,
  key = 'fish',
  keyId = 7,
  state = STATE.down,
  your = 0,
}: Forgery): Uint8Array {
  const bytes = type.endsWith('md5') ? 16 : 20;
  const digest = Buffer.alloc(bytes);
  digest.write(key);
  const authentication = { kind: 'digest', type: NUMBER[type], keyId, sequence, digest } as const;
  const data = encodeControl(packet({ state, yourDiscriminator: your, authentication }));
  data.set(
    createHash(bytes === 16 ? 'md5' : 'sha1')
      .update(data)
      .digest(),
    DIGEST_AT,
  );
  return data;
}

const listening = (authentication?: BfdAuthentication) =>
  lone(options(authentication === undefined ? {} : { authentication }));

describe.each(TYPES)('RFC 5880 6.7: authentication by %s', (type) => {
  it('brings a session up where both sides have the key', () => {
    const scene = pair({ authentication: secret(type) });
    scene.until('up', () => bothUp(scene), 3000);
    scene.run(10_000);
    expect([scene.status(scene.a).flaps, scene.status(scene.b).flaps]).toEqual([0, 0]);
  });

  it.each([
    ['another key', secret(type, 'fowl'), type === 'simple' ? 'password wrong' : 'digest wrong'],
    ['another key ID', secret(type, 'fish', 8), 'key ID differs'],
    ['none', undefined, 'missing'],
  ])('takes nothing from a peer with %s', (_, other, reason) => {
    const scene = pair(
      { authentication: secret(type) },
      other === undefined ? {} : { authentication: other },
    );
    scene.run(10_000);
    expect(scene.status(scene.a)).toMatchObject({ state: 'down', received: 0 });
    expect(Object.keys(scene.status(scene.a).discarded)).toEqual([`authentication ${reason}`]);
    expect(scene.status(scene.b).state).toBe('down');
  });

  it('takes nothing from a peer with another type', () => {
    const other = TYPES[(TYPES.indexOf(type) + 1) % TYPES.length] ?? 'simple';
    const scene = pair({ authentication: secret(type) }, { authentication: secret(other) });
    scene.run(5000);
    expect(Object.keys(scene.status(scene.a).discarded)).toEqual(['authentication type differs']);
  });

  it('RFC 5880 6.8.6: is refused where none is configured', () => {
    const scene = pair({}, { authentication: secret(type) });
    scene.run(5000);
    expect(Object.keys(scene.status(scene.a).discarded)).toEqual(['authentication not configured']);
  });

  it('says so once, not with every packet', () => {
    const scene = lone(options({ authentication: secret(type) }));
    for (let count = 0; count < 50; count++) scene.hear();
    expect(scene.logs).toHaveLength(2);
    expect(scene.logs[0]).toContain('authentication missing');
  });
});

describe.each(DIGESTS)('RFC 5880 6.7.3, 6.7.4: sequence numbers of %s', (type) => {
  const meticulous = type.startsWith('meticulous');

  it('signs as the RFC says', () => {
    const scene = listening(secret(type));
    const sent = scene.sent[0];
    const section = sent?.packet.authentication;
    if (sent === undefined || section?.kind !== 'digest') throw new Error('no digest');
    const plain = Uint8Array.from(sent.data);
    plain.fill(0, DIGEST_AT);
    plain.set(Buffer.from('fish'), DIGEST_AT);
    const expected = createHash(type.endsWith('md5') ? 'md5' : 'sha1')
      .update(plain)
      .digest();
    expect(Buffer.from(section.digest).equals(expected)).toBe(true);
    expect(section.type).toBe(NUMBER[type]);
  });

  it('leaves the bytes that it was given alone, be they a Buffer or not', () => {
    const scene = listening(secret(type));
    const data = Buffer.from(signed({ type, sequence: 1 }));
    const before = Buffer.from(data);
    scene.hearBytes(data);
    expect(scene.status().received).toBe(1);
    expect(data.equals(before)).toBe(true);
  });

  it('counts every packet', () => {
    const scene = listening(secret(type));
    scene.run(10_000);
    const numbers = scene.sent.map(({ packet: { authentication } }) =>
      authentication?.kind === 'digest' ? authentication.sequence : -1,
    );
    expect(numbers.length).toBeGreaterThan(9);
    expect(numbers).toEqual(numbers.map((_, index) => ((numbers[0] ?? 0) + index) >>> 0));
  });

  it(`${meticulous ? 'refuses' : 'accepts'} the last number again, and refuses older ones`, () => {
    const scene = listening(secret(type));
    scene.hearBytes(signed({ type, sequence: 1000 }));
    scene.hearBytes(signed({ type, sequence: 1000 }));
    expect(scene.status().received).toBe(meticulous ? 1 : 2);
    scene.hearBytes(signed({ type, sequence: 999 }));
    expect(scene.status().received).toBe(meticulous ? 1 : 2);
    expect(scene.status().discarded['authentication sequence number outside the window']).toBe(
      meticulous ? 2 : 1,
    );
  });

  it('accepts a step of 3 * Detect Mult, and no more', () => {
    const scene = listening(secret(type));
    scene.hearBytes(signed({ type, sequence: 1000 }));
    scene.hearBytes(signed({ type, sequence: 1010 }));
    expect(scene.status().received).toBe(1);
    scene.hearBytes(signed({ type, sequence: 1009 }));
    expect(scene.status().received).toBe(2);
  });

  it('counts round the end of 32 bits', () => {
    const scene = listening(secret(type));
    scene.hearBytes(signed({ type, sequence: 0xffffffff }));
    scene.hearBytes(signed({ type, sequence: 1 }));
    expect(scene.status().received).toBe(2);
  });

  it('learns no number from a packet with a wrong digest', () => {
    const scene = listening(secret(type));
    scene.hearBytes(signed({ type, sequence: 5, key: 'fowl' }));
    scene.hearBytes(signed({ type, sequence: 1_000_000 }));
    expect(scene.status().received).toBe(1);
  });

  it('RFC 5880 6.8.1: forgets the number after twice the Detection Time, so that a restarted peer is heard', () => {
    const scene = listening(secret(type));
    scene.hearBytes(signed({ type, sequence: 1000 }));
    scene.run(5999);
    scene.hearBytes(signed({ type, sequence: 500 }));
    expect(scene.status().received).toBe(1);
    scene.run(2);
    scene.hearBytes(signed({ type, sequence: 500 }));
    expect(scene.status().received).toBe(2);
  });

  it('does not let a recorded packet hold a dead peer up', () => {
    const scene = pair({ intervalMs: 50, authentication: secret(type) });
    scene.until('up', () => bothUp(scene), 3000);
    scene.run(1000);
    const recorded = scene.b.sent.slice(-20).map(({ data }) => data);
    scene.run(1000);
    scene.link = () => undefined;
    for (let count = 0; count < 40; count++) {
      const data = recorded[count % recorded.length] ?? new Uint8Array();
      scene.step(scene.a, { kind: 'datagram', from: '192.0.2.2', multihop: false, data });
      scene.run(10);
    }
    expect(scene.status(scene.a).state).toBe('down');
  });
});

describe.each(TYPES)('a key of %s that changes while Up', (type) => {
  const FISH = secret(type);
  const CARP = secret(type, 'carp', 8);

  /** Two sessions that are Up, with a way to change the key of one and to count what went wrong. */
  function rollover(first?: BfdAuthentication) {
    const common = { intervalMs: 50 };
    const scene = pair({ ...common, ...(first === undefined ? {} : { authentication: first }) });
    scene.until('up', () => bothUp(scene), 3000);
    const change = (side: 'a' | 'b', authentication: BfdAuthentication | undefined): void => {
      const peer = side === 'a' ? '192.0.2.2' : '192.0.2.1';
      const keys = authentication === undefined ? {} : { authentication };
      scene.step(scene[side], { kind: 'open', session: 's', options: options({ peer, ...common, ...keys }) });
      scene.run(5000);
    };
    const flaps = () => [scene.status(scene.a).flaps, scene.status(scene.b).flaps];
    const perSecond = (side: 'a' | 'b'): number => {
      const before = scene.status(scene[side]).sent;
      scene.run(1000);
      return scene.status(scene[side]).sent - before;
    };
    return { scene, change, flaps, perSecond };
  }

  it('ends no session, whichever side is first and however late the other', () => {
    const { scene, change, flaps, perSecond } = rollover(FISH);
    const alone = perSecond('a');
    change('a', CARP);
    expect(perSecond('a')).toBeGreaterThan(1.5 * alone);
    change('b', CARP);
    expect([bothUp(scene), flaps()]).toEqual([true, [0, 0]]);
    expect(perSecond('a')).toBeLessThan(1.5 * alone);
    expect(perSecond('b')).toBeLessThan(1.5 * alone);
  });

  it('is the only one once the peer has it', () => {
    const { scene, change } = rollover(FISH);
    change('a', CARP);
    change('b', CARP);
    // What has only the old one now is nobody.
    scene.step(scene.b, { kind: 'close', session: 's' });
    const late = options({ peer: '192.0.2.1', intervalMs: 50, authentication: FISH });
    scene.step(scene.b, { kind: 'open', session: 's', options: late });
    scene.run(5000);
    expect(scene.status(scene.a).state).toBe('down');
  });

  it('may be taken back, and changed twice, before the peer has it', () => {
    const { scene, change, flaps, perSecond } = rollover(FISH);
    const alone = perSecond('a');
    change('a', CARP);
    change('a', FISH);
    expect(perSecond('a')).toBeLessThan(1.5 * alone);
    change('a', CARP);
    change('a', secret(type, 'dace', 9));
    change('b', secret(type, 'dace', 9));
    expect([bothUp(scene), flaps()]).toEqual([true, [0, 0]]);
  });

  it('opens the session to nobody who has neither', () => {
    const { scene, change } = rollover(FISH);
    change('a', CARP);
    scene.step(scene.b, { kind: 'close', session: 's' });
    const stranger = options({
      peer: '192.0.2.1',
      intervalMs: 50,
      authentication: secret(type, 'dace', 9),
    });
    scene.step(scene.b, { kind: 'open', session: 's', options: stranger });
    scene.run(5000);
    expect(scene.status(scene.a).state).toBe('down');
  });

  it('may begin and end with none', () => {
    const { scene, change, flaps } = rollover();
    change('a', FISH);
    change('b', FISH);
    change('b', undefined);
    change('a', undefined);
    expect([bothUp(scene), flaps()]).toEqual([true, [0, 0]]);
  });
});
