/** What OPENs come to: RFC 4271 6.2 and every capability that we know. */
import { describe, expect, it } from 'vitest';
import {
  type Negotiation,
  negotiate,
  type Offer,
  type OfferFacts,
  offer,
  unsupportedCapabilities,
} from '../../controller/bgp/negotiate.ts';
import type { PeerOptions } from '../../controller/bgp/options.ts';
import { describeNotification } from '../../controller/wire/notification.ts';
import { AS_TRANS, type Capability, type Open } from '../../controller/wire/open.ts';
import { GRACEFUL, PEER } from './settings.ts';

const FACTS: OfferFacts = {
  localAs: 65001,
  bgpId: 1,
  restarting: false,
  forwarding: false,
  refused: new Set(),
};
const FOUR: Capability = { kind: 'four-octet-as', as: 65002 };
const V4: Capability = { kind: 'multiprotocol', afi: 1, safi: 1 };
const V6: Capability = { kind: 'multiprotocol', afi: 2, safi: 1 };

const openOf = (change: Partial<Open> = {}): Open => ({
  version: 4,
  as: 65002,
  as2: 65002,
  holdTimeS: 90,
  bgpId: 2,
  capabilities: [V4, FOUR],
  ...change,
});

interface Case {
  readonly options?: Partial<PeerOptions>;
  readonly facts?: Partial<OfferFacts>;
  readonly open?: Partial<Open>;
  readonly expected?: Parameters<typeof negotiate>[3];
}

function judge({ options = {}, facts = {}, open = {}, expected = 65002 }: Case): Negotiation {
  const all = { ...PEER, ...options };
  return negotiate(all, offer(all, { ...FACTS, ...facts }), openOf(open), expected);
}

/** What both came to; fails where the OPEN is refused. */
function agreed(one: Case) {
  const judged = judge(one);
  expect(judged.kind === 'refused' ? judged.why : 'accepted').toBe('accepted');
  if (judged.kind === 'refused') throw new Error(judged.why);
  return judged.session;
}

/** The NOTIFICATION that answers an OPEN, in words without its data; `accepted` where there is none. */
function answer(one: Case): string {
  const judged = judge(one);
  return judged.kind === 'accepted'
    ? 'accepted'
    : (describeNotification(judged.notification).split(':')[0] ?? '');
}

const capabilityOf = (made: Offer, kind: Capability['kind']) =>
  made.capabilities.find((one) => one.kind === kind);

describe('RFC 4271 6.2: an OPEN that is not acceptable', () => {
  it('6.2: a wrong AS is Bad Peer AS', () => {
    expect(answer({ open: { as: 65003, as2: 65003, capabilities: [V4] } })).toBe(
      'OPEN Message Error / Bad Peer AS (2/2)',
    );
    expect(answer({ expected: [{ from: 65002, to: 65010 }] })).toBe('accepted');
    expect(answer({ expected: [{ from: 65003, to: 65010 }] })).toContain('Bad Peer AS');
  });

  it('RFC 7607 2: AS 0 is Bad Peer AS, whatever we expect', () =>
    expect(answer({ open: { as: 0, as2: 0 }, expected: [{ from: 0, to: 10 }] })).toContain('(2/2)'));

  it('RFC 6793 4.2.1: the two-octet field must fit the capability', () => {
    expect(answer({ open: { as2: 65009 } })).toContain('(2/2)');
    expect(answer({ open: { as: 70000, as2: AS_TRANS }, expected: 70000 })).toBe('accepted');
    expect(answer({ open: { as: 70000, as2: 70000 & 0xffff }, expected: 70000 })).toContain('(2/2)');
  });

  it('6.2, RFC 6286 2.2: a BGP Identifier of 0 is Bad BGP Identifier', () =>
    expect(answer({ open: { bgpId: 0 } })).toBe('OPEN Message Error / Bad BGP Identifier (2/3)'));

  it('RFC 6286 2.2: our own identifier is bad inside our AS, and good outside', () => {
    const inside = { as: 65001, as2: 65001, bgpId: 1, capabilities: [V4] };
    expect(answer({ open: inside, expected: 65001 })).toContain('(2/3)');
    expect(answer({ open: { bgpId: 1 } })).toBe('accepted');
    expect(answer({ open: { bgpId: 0xffffffff } })).toBe('accepted');
  });

  it('6.2: a Hold Time of 1 or 2 s is Unacceptable Hold Time; 0 and 3 are not', () => {
    for (const holdTimeS of [1, 2])
      expect(answer({ open: { holdTimeS } })).toBe('OPEN Message Error / Unacceptable Hold Time (2/6)');
    for (const holdTimeS of [0, 3]) expect(answer({ open: { holdTimeS } })).toBe('accepted');
  });
});

describe('RFC 4271 4.2: the Hold Time', () => {
  it('4.2: is the smaller one', () => {
    expect(agreed({ options: { holdTimeS: 30 } }).holdTimeS).toBe(30);
    expect(agreed({ open: { holdTimeS: 9 } }).holdTimeS).toBe(9);
    expect(agreed({ open: { holdTimeS: 0 } }).holdTimeS).toBe(0);
  });
});

describe('RFC 4760 8: families', () => {
  it('8: only those that both announce are used', () => {
    const options = { families: ['ipv4', 'ipv6'] } as const;
    expect(agreed({ options, open: { capabilities: [V6] } }).families).toEqual(['ipv6']);
    expect(agreed({ options, open: { capabilities: [V4, V6] } }).families).toEqual(['ipv4', 'ipv6']);
  });

  it('8: who announces none speaks IPv4 unicast', () =>
    expect(agreed({ open: { capabilities: [] } }).families).toEqual(['ipv4']));

  it('RFC 5492 5: no family in common is Unsupported Capability, naming the one that is missing', () => {
    const judged = judge({ options: { families: ['ipv6'] } });
    expect(judged).toMatchObject({ kind: 'refused', notification: { code: 2, subcode: 7 } });
    if (judged.kind === 'refused') expect([...judged.notification.data]).toEqual([1, 4, 0, 2, 0, 1]);
  });

  it('RFC 5492 3: capabilities that we do not know are ignored', () => {
    const unknown: Capability = { kind: 'unknown', code: 239, value: Uint8Array.of(1) };
    expect(agreed({ open: { capabilities: [V4, unknown] } }).families).toEqual(['ipv4']);
  });

  it('RFC 5492 5: reads the codes that a NOTIFICATION 2/7 names', () =>
    expect(unsupportedCapabilities(Uint8Array.of(69, 4, 0, 1, 1, 3, 6, 0))).toEqual([69, 6]));

  it('RFC 5492 5: what the neighbor refused is left out', () => {
    const made = offer({ ...PEER, gracefulRestart: GRACEFUL }, { ...FACTS, refused: new Set([64, 6]) });
    expect(capabilityOf(made, 'graceful-restart')).toBeUndefined();
    expect(capabilityOf(made, 'extended-message')).toBeUndefined();
    expect(capabilityOf(made, 'multiprotocol')).toBeDefined();
  });
});

describe('capabilities that both must announce', () => {
  it('RFC 6793 4.1: four-octet AS', () => {
    expect(agreed({}).as4).toBe(true);
    expect(agreed({ open: { capabilities: [V4] } }).as4).toBe(false);
  });

  it('RFC 8654 4: extended messages', () => {
    const open = { capabilities: [V4, { kind: 'extended-message' } as const] };
    expect(agreed({ open }).extendedMessages).toBe(true);
    expect(agreed({ open, options: { extendedMessages: false } }).extendedMessages).toBe(false);
    expect(agreed({}).extendedMessages).toBe(false);
  });

  it('RFC 2918 2, RFC 7313 3.1: route refresh, plain and enhanced', () => {
    const plain = agreed({ open: { capabilities: [V4, { kind: 'route-refresh' }] } });
    expect([plain.routeRefresh, plain.enhancedRouteRefresh]).toEqual([true, false]);
    const both = {
      capabilities: [V4, { kind: 'route-refresh' }, { kind: 'enhanced-route-refresh' }],
    } as const;
    expect(agreed({ open: both }).enhancedRouteRefresh).toBe(true);
  });

  it('RFC 8950 4: IPv4 over IPv6 next hops, of unicast alone', () => {
    const says = (safi: number): Capability => ({
      kind: 'extended-next-hop',
      items: [{ afi: 1, safi, nextHopAfi: 2 }],
    });
    const options = { extendedNextHop: true };
    expect(agreed({ options, open: { capabilities: [V4, says(1)] } }).extendedNextHop).toBe(true);
    expect(agreed({ options, open: { capabilities: [V4, says(128)] } }).extendedNextHop).toBe(false);
    expect(agreed({ open: { capabilities: [V4, says(1)] } }).extendedNextHop).toBe(false);
  });

  it('RFC 7911 4: path identifiers where one side sends and the other receives', () => {
    const says = (send: boolean, receive: boolean): Partial<Open> => ({
      capabilities: [V4, { kind: 'add-path', items: [{ afi: 1, safi: 1, send, receive }] }],
    });
    const options = { addPath: { receive: true, send: 0 } };
    expect(agreed({ options, open: says(true, false) }).addPathIn.ipv4).toBe(true);
    expect(agreed({ options, open: says(false, true) }).addPathIn.ipv4).toBe(false);
    const sends = { addPath: { receive: false, send: 4 } };
    expect(agreed({ options: sends, open: says(false, true) }).addPathOut.ipv4).toBe(true);
    expect(agreed({ options: sends, open: says(true, false) }).addPathOut.ipv4).toBe(false);
    expect(agreed({ open: says(true, true) })).toMatchObject({
      addPathIn: { ipv4: false },
      addPathOut: { ipv4: false },
    });
  });

  it('BFD strict mode 4: holds BGP back only where both want it', () => {
    const bfd = { intervalMs: 300, multiplier: 3, multihop: false, passive: false, strict: true };
    const open = { capabilities: [V4, { kind: 'bfd-strict' } as const] };
    expect(agreed({ options: { bfd }, open }).bfdStrict).toBe(true);
    expect(agreed({ options: { bfd } }).bfdStrict).toBe(false);
    expect(agreed({ open }).bfdStrict).toBe(false);
  });
});

describe('RFC 4724 3: graceful restart', () => {
  it('3: the R bit says that we have restarted, the F bit that forwarding went on', () => {
    const options = { ...PEER, gracefulRestart: GRACEFUL };
    const cold = capabilityOf(offer(options, FACTS), 'graceful-restart');
    expect(cold).toMatchObject({ restarting: false, families: [{ afi: 1, safi: 1, forwarding: false }] });
    const warm = offer(options, { ...FACTS, restarting: true, forwarding: true });
    expect(capabilityOf(warm, 'graceful-restart')).toMatchObject({
      restarting: true,
      notification: true,
      timeS: 120,
      families: [{ forwarding: true }],
    });
    const lost = { ...options, gracefulRestart: { ...GRACEFUL, forwardingKept: false } };
    const made = offer(lost, { ...FACTS, restarting: true, forwarding: true });
    expect(capabilityOf(made, 'graceful-restart')).toMatchObject({ families: [{ forwarding: false }] });
  });

  it('3: a mere helper names no family', () => {
    const helper = { ...PEER, gracefulRestart: { ...GRACEFUL, restartTimeS: 0 } };
    expect(capabilityOf(offer(helper, FACTS), 'graceful-restart')).toMatchObject({ timeS: 0, families: [] });
  });

  it('3: the Restart Time has 12 bits', () => {
    const long = { ...PEER, gracefulRestart: { ...GRACEFUL, restartTimeS: 10_000 } };
    expect(capabilityOf(offer(long, FACTS), 'graceful-restart')).toMatchObject({ timeS: 4095 });
  });

  it('RFC 8538 2: graceful after NOTIFICATION where both set the N bit', () => {
    const says = (notification: boolean): Partial<Open> => ({
      capabilities: [
        V4,
        { kind: 'graceful-restart', restarting: false, notification, timeS: 60, families: [] },
      ],
    });
    const options = { gracefulRestart: GRACEFUL };
    expect(agreed({ options, open: says(true) }).gracefulNotification).toBe(true);
    expect(agreed({ options, open: says(false) }).gracefulNotification).toBe(false);
    expect(agreed({ open: says(true) }).gracefulNotification).toBe(false);
  });
});

describe('RFC 9234 4.2: roles', () => {
  const role = (number: number): Partial<Open> => ({ capabilities: [V4, { kind: 'role', role: number }] });
  const pairs = [
    ['provider', 3],
    ['customer', 0],
    ['route-server', 2],
    ['route-server-client', 1],
    ['peer', 4],
  ] as const;

  it('4.2: only five pairs fit, any other is Role Mismatch', () => {
    for (const [ours, theirs] of pairs) {
      for (let number = 0; number < 8; number++) {
        const said = answer({ options: { role: ours }, open: role(number) });
        const wanted = number === theirs ? 'accepted' : 'OPEN Message Error / Role Mismatch (2/11)';
        expect(said, `${ours} and ${number}`).toBe(wanted);
      }
    }
  });

  it('4.2: without a role of theirs the session goes on, unless strict', () => {
    expect(answer({ options: { role: 'peer' } })).toBe('accepted');
    expect(answer({ options: { role: 'peer', strictRole: true } })).toContain('Role Mismatch');
  });

  it('4.2: roles that differ are a mismatch, the same twice is one', () => {
    const twice = (a: number, b: number): Partial<Open> => ({
      capabilities: [V4, { kind: 'role', role: a }, { kind: 'role', role: b }],
    });
    expect(answer({ options: { role: 'peer' }, open: twice(4, 4) })).toBe('accepted');
    expect(answer({ options: { role: 'peer' }, open: twice(4, 3) })).toContain('Role Mismatch');
  });

  it('4.1: a role is nothing to iBGP', () => {
    const open = { as: 65001, as2: 65001, ...role(4) };
    expect(answer({ options: { role: 'provider' }, open, expected: 65001 })).toBe('accepted');
  });
});
