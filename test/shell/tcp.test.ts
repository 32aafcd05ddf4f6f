/** Sockets that the kernel refuses to protect: a clear sentence, and nothing leaves unprotected. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { err, ok, type Result } from '../../controller/base/result.ts';
import type { SpeakerEvent } from '../../controller/bgp/event.ts';
import { createTcp, listenRefusal } from '../../controller/shell/tcp.ts';

/** What the kernel answers to an option: TCP_MD5SIG, TCP_MD5SIG_EXT, IP_MINTTL, IPV6_MINHOPCOUNT. */
const refused = vi.hoisted(() => new Map<number, string>());
const [MD5, MD5_PREFIX, MIN_TTL, MIN_HOPS] = [14, 32, 21, 73];
const noLibrary = vi.hoisted(() => ({ why: '' }));
const used = vi.hoisted(() => ({ closed: 0, bound: 0 }));

vi.mock('../../controller/shell/libc.ts', () => ({
  LEVEL: { socket: 1, ip: 0, tcp: 6, ipv6: 41 },
  openSocket: (): Result<number> => (noLibrary.why === '' ? ok(1_000_000) : err(noLibrary.why)),
  setSocketOption: (_fd: number, _level: number, name: number): Result<number> => {
    const error = refused.get(name);
    return error === undefined ? ok(0) : err(error);
  },
  bindSocket: (): Result<number> => {
    used.bound += 1;
    return err('EADDRNOTAVAIL');
  },
  closeSocket: () => {
    used.closed += 1;
  },
}));

beforeEach(() => {
  refused.clear();
  noLibrary.why = '';
  used.closed = 0;
  used.bound = 0;
});

/** What a speaker hears after it has dialed. */
async function dialed(security: { password?: string; ttl?: number; minTtl?: number }, to = '192.0.2.2') {
  const events: SpeakerEvent[] = [];
  const tcp = createTcp(
    (event) => events.push(event),
    (sentence) => expect.fail(sentence),
  );
  tcp.perform({ kind: 'tcp-connect', connection: 1, to, port: 179, security });
  expect(events).toEqual([]);
  await vi.waitUntil(() => events.length > 0);
  tcp.close();
  return events;
}

const closed = (reason: string) => [{ kind: 'tcp-closed', connection: 1, reason }];

describe('a connection', () => {
  it('that cannot have its password is given up before a packet leaves', async () => {
    refused.set(MD5, 'ENOPROTOOPT');
    expect(await dialed({ password: 'secret' })).toEqual(
      closed('cannot set TCP-MD5 (ENOPROTOOPT); this kernel was built without it'),
    );
    expect(used.closed).toBe(1);
  });

  it('whose password is too long is given up, without repeating it', async () => {
    expect(await dialed({ password: 'x'.repeat(81) })).toEqual(
      closed('a TCP-MD5 password has 81 bytes; 80 at most'),
    );
  });

  it.each([
    ['192.0.2.2', MIN_TTL],
    ['2001:db8::2', MIN_HOPS],
  ])('to %s that cannot have GTSM is given up', async (to, name) => {
    refused.set(name, 'EPERM');
    expect(await dialed({ ttl: 255, minTtl: 255 }, to)).toEqual(
      closed('cannot set the minimal TTL 255 (EPERM); it needs a capability that this process lacks'),
    );
    expect(used.closed).toBe(1);
  });

  it('without a C library, as on another system than Linux, is given up with the reason', async () => {
    noLibrary.why = 'there is no C library that byoa can call on darwin (x); it needs Linux with glibc';
    expect(await dialed({})).toEqual(closed(`cannot open a socket (${noLibrary.why})`));
  });
});

describe('a listener', () => {
  const listen = (keys: readonly { prefix: string; password: string }[], minTtl?: number): string[] => {
    const faults: string[] = [];
    const tcp = createTcp(
      () => undefined,
      (sentence) => faults.push(sentence),
    );
    const at = [{ address: '0.0.0.0', port: 179 }];
    tcp.perform({ kind: 'tcp-listen', at, keys, ...(minTtl === undefined ? {} : { minTtl }) });
    tcp.close();
    return faults;
  };

  it.each<[string, string, number]>([
    ['a neighbor', '192.0.2.2/32', MD5],
    ['a prefix of neighbors', '192.0.2.0/24', MD5_PREFIX],
  ])('that cannot have the password of %s does not listen', (_, prefix, name) => {
    refused.set(name, 'ENOPROTOOPT');
    expect(listen([{ prefix, password: 'secret' }])).toEqual([
      'BGP cannot listen on 0.0.0.0 port 179: cannot set TCP-MD5 (ENOPROTOOPT); this kernel was built without it',
    ]);
    expect(used).toEqual({ closed: 1, bound: 0 });
  });

  it('that cannot have GTSM does not listen', () => {
    refused.set(MIN_TTL, 'ENOPROTOOPT');
    expect(listen([], 255)).toEqual([
      'BGP cannot listen on 0.0.0.0 port 179: cannot set the minimal TTL 255 (ENOPROTOOPT); this kernel was built without it',
    ]);
    expect(used).toEqual({ closed: 1, bound: 0 });
  });

  it('says the same to `byoa check`', () => {
    refused.set(MD5, 'ENOPROTOOPT');
    const here = { address: '127.0.0.1', port: 0 };
    expect(listenRefusal(here, [{ prefix: '127.0.0.2/32', password: 'any' }])).toBe(
      'cannot set TCP-MD5 (ENOPROTOOPT); this kernel was built without it',
    );
    noLibrary.why = 'there is no C library that byoa can call on darwin (x); it needs Linux with glibc';
    expect(listenRefusal(here)).toBe(`cannot open a socket (${noLibrary.why})`);
  });
});
