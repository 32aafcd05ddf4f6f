/** RFC 5882, RFC 9384 and strict mode: what the state of BFD does to a session. */
import { describe, expect, it } from 'vitest';
import { encodeKeepalive } from '../../controller/wire/message.ts';
import { B } from './settings.ts';
import {
  CAPABILITIES,
  dial,
  establish,
  heard,
  meet,
  messages,
  openOf,
  pass,
  say,
  step,
  type Tester,
} from './tester.ts';

const BFD = { intervalMs: 300, multiplier: 3, multihop: false, passive: false, strict: false };
const STRICT = { ...BFD, strict: true };

const bfd = (tester: Tester, state: 'up' | 'down' | 'admin-down'): void => {
  step(tester, { kind: 'bfd', address: B, state, controlPlaneIndependent: false });
};

const ofKind = (tester: Tester, kind: 'bfd-open' | 'bfd-close') =>
  tester.effects.filter((one) => one.kind === kind);

describe('RFC 5882', () => {
  it('3.2, RFC 9384 3: Down ends the session at once with Cease, BFD Down', () => {
    const tester = meet({ bfd: BFD });
    establish(tester);
    bfd(tester, 'up');
    bfd(tester, 'down');
    expect(tester.peer.main.state).not.toBe('Established');
    expect(heard(tester)).toEqual(['Cease / BFD Down (6/10)']);
    expect(tester.peer.lastChange).toMatchObject({ state: 'down', reason: 'BFD is down', retained: false });
    expect(tester.peer.lastChange?.administrative).toBeUndefined();
  });

  it('3.2: AdminDown ends nothing, nor does the Down that follows it', () => {
    const tester = meet({ bfd: BFD });
    establish(tester);
    bfd(tester, 'up');
    bfd(tester, 'admin-down');
    bfd(tester, 'down');
    expect(tester.peer.main.state).toBe('Established');
  });

  it('4.1: a session that was never Up ends nothing', () => {
    const tester = meet({ bfd: BFD });
    establish(tester);
    bfd(tester, 'down');
    expect(tester.peer.main.state).toBe('Established');
  });

  it('10.2: BFD runs while the neighbor is configured, and ends when it is shut down', () => {
    const tester = meet({ bfd: STRICT, localAddress: '10.0.0.1' });
    expect(ofKind(tester, 'bfd-open')).toEqual([
      {
        kind: 'bfd-open',
        session: B,
        options: {
          intervalMs: 300,
          multiplier: 3,
          multihop: false,
          passive: false,
          peer: B,
          local: '10.0.0.1',
        },
      },
    ]);
    step(tester, { kind: 'shutdown', peer: 'b', text: '' });
    expect(ofKind(tester, 'bfd-close')).toHaveLength(1);
    step(tester, { kind: 'enable', peer: 'b' });
    expect(ofKind(tester, 'bfd-open')).toHaveLength(2);
  });
});

describe('strict mode (draft-ietf-idr-bgp-bfd-strict-mode)', () => {
  const open = openOf({ capabilities: [...CAPABILITIES, { kind: 'bfd-strict' }] });

  const types = (tester: Tester): readonly number[] => messages(tester).map(({ type }) => type);

  it('holds BGP back until BFD is Up', () => {
    const tester = meet({ bfd: STRICT });
    dial(tester);
    say(tester, open);
    say(tester, encodeKeepalive());
    pass(tester, 5000);
    expect(types(tester)).toEqual([1]);
    bfd(tester, 'up');
    expect(tester.peer.main.state).toBe('Established');
  });

  it('goes on at once where BFD is Up already', () => {
    const tester = meet({ bfd: STRICT });
    bfd(tester, 'up');
    dial(tester);
    say(tester, open);
    expect(tester.peer.main.state).toBe('OpenConfirm');
  });

  it('gives up after the Hold Time with Cease, BFD Down', () => {
    const tester = meet({ bfd: STRICT });
    dial(tester);
    say(tester, open);
    pass(tester, 89_000);
    expect(heard(tester)).toEqual([]);
    pass(tester, 2000);
    expect(heard(tester)).toEqual(['Cease / BFD Down (6/10)']);
  });

  it('gives up after 30 s where the Hold Time is 0', () => {
    const tester = meet({ bfd: STRICT });
    dial(tester);
    say(tester, openOf({ holdTimeS: 0, capabilities: [...CAPABILITIES, { kind: 'bfd-strict' }] }));
    pass(tester, 31_000);
    expect(heard(tester)).toEqual(['Cease / BFD Down (6/10)']);
  });

  it('does not hold back a neighbor that does not know it', () => {
    const tester = meet({ bfd: STRICT });
    establish(tester);
  });

  it('takes a second OPEN while it waits for an error', () => {
    const tester = meet({ bfd: STRICT });
    dial(tester);
    say(tester, open);
    say(tester, open);
    expect(heard(tester)[0]).toContain('Unexpected Message in OpenSent (5/1)');
  });

  it('holds with DelayOpen, too', () => {
    const tester = meet({ bfd: STRICT, delayOpenMs: 3000 });
    dial(tester);
    say(tester, open);
    expect(types(tester)).toEqual([1]);
    bfd(tester, 'up');
    say(tester, encodeKeepalive());
    expect(tester.peer.main.state).toBe('Established');
  });
});
