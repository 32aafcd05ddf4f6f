/** Which next hops and prefixes are taken, by what is known of our links. RFC 4271 6.3, 9.1.2.1. */
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { isUnusablePrefix } from '../../controller/bgp/import.ts';
import type { NeighborOptions } from '../../controller/bgp/options.ts';
import { parseNextHop } from '../../controller/bgp/policy.ts';
import { setInterfaces, setUnreachable } from '../../controller/bgp/reach.ts';
import { judgeNextHops } from '../../controller/bgp/rib.ts';
import { explain } from '../../controller/bgp/rib-query.ts';
import { type Host, input, type Net, wait } from './net.ts';
import { announce, join, newRib, settle } from './rib-scene.ts';
import { A, B, optionsOfA, type Pair, pairOf, route, startAll } from './settings.ts';

const ROUTE = '198.51.100.0/24';
const SUBNET = `${A}/24`;
const ON_LINK = '10.0.0.77';
const ELSEWHERE = '172.31.0.9';
/** Of another AS, and on the same subnet. */
const ONE_HOP = { ttl: 1 };

/** A with its interfaces, as B announces a route by a next hop; the session stands. */
function scene(
  nextHop: string,
  ab: Partial<NeighborOptions> = ONE_HOP,
  interfaces?: readonly string[],
): Pair {
  const pair = pairOf({ ab, b: { originate: [route(ROUTE, { nextHop })] } });
  if (interfaces !== undefined) input(pair.net, pair.a, { kind: 'interfaces', addresses: [interfaces] });
  startAll(pair);
  wait(pair.net, 5_000);
  return pair;
}

/** Why A uses the route, or does not. */
const why = ({ a }: Pair): string | undefined => explain(a.speaker.rib, ROUTE)?.paths[0]?.reason;
const refusal = ({ a }: Pair): string | undefined => explain(a.speaker.rib, ROUTE)?.paths[0]?.refused;
const isTold = ({ a }: Pair): boolean => (a.routes.get(ROUTE)?.nextHops.length ?? 0) > 0;

const warnings = ({ effects }: Host): readonly string[] =>
  effects.flatMap(({ effect }) => (effect.kind === 'log' && effect.level === 'warn' ? [effect.text] : []));
const asked = ({ effects }: Host): readonly string[] | undefined =>
  effects.flatMap(({ effect }) => (effect.kind === 'next-hops' ? [effect.addresses] : [])).at(-1);

function told(net: Net, host: Host, one: Parameters<typeof input>[2]): void {
  input(net, host, one);
  wait(net, 1_000);
}

describe('RFC 4271 6.3: the next hop of an eBGP neighbor one hop away', () => {
  it.each([
    ['the neighbor itself', 'self'],
    ['a third party on a common subnet', ON_LINK],
  ])('may be %s', (_, hop) => {
    const pair = scene(hop, ONE_HOP, [SUBNET]);
    expect(why(pair)).toBe('the only path');
    expect(isTold(pair)).toBe(true);
    expect(asked(pair.a)).toBeUndefined();
  });

  it('on no common subnet is ignored and told of, and the session stays', () => {
    const pair = scene(ELSEWHERE, ONE_HOP, [SUBNET]);
    expect(refusal(pair)).toBe('its next hop is on no subnet that we share with the neighbor (RFC 4271 6.3)');
    expect(isTold(pair)).toBe(false);
    expect(warnings(pair.a)).toEqual([
      expect.stringMatching(/ignored: next hop 172\.31\.0\.9.*RFC 4271 6\.3/),
    ]);
    expect(pair.a.sessions.map(({ state }) => state)).toEqual(['established']);
  });

  it('may be the neighbor also where its address is on no subnet of ours', () =>
    expect(why(scene('self', ONE_HOP, [`${A}/32`]))).toBe('the only path'));

  it('is never an address of ours on another link', () => {
    const pair = scene(ELSEWHERE, { ttl: 5 }, [SUBNET, `${ELSEWHERE}/24`]);
    expect(refusal(pair)).toBe('its next hop is our own address');
    expect(warnings(pair.a)).toHaveLength(1);
  });

  it('is not judged where nobody has told of interfaces, or the owner wants it so', () => {
    expect(why(scene(ELSEWHERE))).toBe('the only path');
    expect(why(scene(ELSEWHERE, { ...ONE_HOP, checkNextHops: false }, [SUBNET]))).toBe('the only path');
  });

  it('is judged by prefixes that the configuration gives as well', () => {
    const pair = scene(ELSEWHERE, ONE_HOP, [SUBNET]);
    const options = optionsOfA({ ab: ONE_HOP, a: { subnets: ['172.31.0.0/16'] } });
    told(pair.net, pair.a, { kind: 'configured', options });
    expect(why(pair)).toBe('the only path');
    expect(isTold(pair)).toBe(true);
  });

  it('is judged anew when an interface comes or goes', () => {
    const pair = scene(ON_LINK, ONE_HOP, [SUBNET]);
    told(pair.net, pair.a, { kind: 'interfaces', addresses: [] });
    expect(refusal(pair)).toMatch(/6\.3/);
    expect(isTold(pair)).toBe(false);
    told(pair.net, pair.a, { kind: 'interfaces', addresses: [[SUBNET]] });
    expect(isTold(pair)).toBe(true);
  });
});

describe('RFC 4271 9.1.2.1: a next hop of a neighbor further away', () => {
  const FAR = { ttl: 5 };

  it('counts as reached until the owner, who is asked, knows better', () => {
    const pair = scene(ELSEWHERE, FAR, [SUBNET]);
    expect(why(pair)).toBe('the only path');
    expect(asked(pair.a)).toEqual([ELSEWHERE]);
    told(pair.net, pair.a, { kind: 'unreachable', addresses: [ELSEWHERE] });
    expect(why(pair)).toBe('there is no way to its next hop (RFC 4271 9.1.2.1)');
    expect(isTold(pair)).toBe(false);
    told(pair.net, pair.a, { kind: 'unreachable', addresses: [] });
    expect(why(pair)).toBe('the only path');
    expect(isTold(pair)).toBe(true);
  });

  it('that is not reached leaves the prefix to another neighbor', () => {
    const rib = newRib();
    const [far, near] = [join(rib, 2, { oneHop: false }), join(rib, 3)];
    setInterfaces(rib.reach, [[SUBNET]], []);
    announce(rib, far, [ROUTE], { nextHop: must(parseNextHop(ELSEWHERE)) });
    announce(rib, near, [ROUTE], { asPath: [{ type: 'sequence', as: [65003, 65009] }] });
    settle(rib);
    const best = () => explain(rib, ROUTE)?.paths.find((path) => path.best)?.peer;
    expect(best()).toBe('peer-2');
    expect(setUnreachable(rib.reach, [ELSEWHERE])).toBe(true);
    judgeNextHops(rib);
    settle(rib);
    expect(best()).toBe('peer-3');
  });
});

describe('RFC 4271 6.3: prefixes that are no unicast destinations', () => {
  const nothing = (...prefixes: readonly string[]) => {
    const rib = newRib();
    const taken = announce(rib, join(rib, 2), [...prefixes, ROUTE]);
    settle(rib);
    return { taken, known: prefixes.filter((one) => explain(rib, one) !== undefined), rib };
  };

  it('are ignored and counted, and those beside them are taken', () => {
    const { taken, known, rib } = nothing(
      '224.0.0.0/4',
      '239.1.0.0/16',
      '127.0.0.0/8',
      '0.1.0.0/16',
      '240.0.0.0/5',
    );
    expect(taken).toMatchObject({ ignored: ['prefixes that are no unicast destinations: 5'] });
    expect(known).toEqual([]);
    expect(explain(rib, ROUTE)?.paths).toHaveLength(1);
  });

  it('are not those that hold unicast destinations as well', () => {
    const { taken, known } = nothing('0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '192.0.0.0/2', '223.0.0.0/8');
    expect(taken).toMatchObject({ ignored: [] });
    expect(known).toHaveLength(5);
  });

  it('are told of, and the session stays', () => {
    const pair = pairOf({ ab: ONE_HOP, b: { originate: [route('224.1.0.0/16'), route(ROUTE)] } });
    startAll(pair);
    wait(pair.net, 5_000);
    expect(isTold(pair)).toBe(true);
    expect(warnings(pair.a)).toEqual([
      'faulty UPDATE, ignored: prefixes that are no unicast destinations: 1 (RFC 4271 6.3)',
    ]);
    expect(pair.a.sessions.map(({ state }) => state)).toEqual(['established']);
  });

  it.each<[string, number, number, boolean]>([
    ['ff02::/16', 16, 0xff020000, true],
    ['fe80::/64', 64, 0xfe800000, true],
    ['fec0::/10', 10, 0xfec00000, false],
    ['2001:db8::/32', 32, 0x20010db8, false],
    ['::/0', 0, 0, false],
  ])('of IPv6: %s', (_, length, first, isUnusable) =>
    expect(isUnusablePrefix('ipv6', length, first, 0)).toBe(isUnusable),
  );
});

describe('RFC 2545 4: routes of the family that the session is not spoken in', () => {
  const BOTH = { families: ['ipv4', 'ipv6'] as const };
  const SIX = '2001:db8:5::/48';
  /** B announces an IPv6 route with itself as next hop over IPv4. */
  function overIpv4(): Pair {
    const pair = pairOf({ ab: BOTH, ba: BOTH, b: { originate: [route(SIX), route(ROUTE)] } });
    startAll(pair);
    wait(pair.net, 5_000);
    return pair;
  }
  const hop = ({ a }: Pair): string | undefined => a.routes.get(SIX)?.nextHops[0]?.address;
  const interfacesOfB = (pair: Pair, ...addresses: readonly (readonly string[])[]): void =>
    told(pair.net, pair.b, { kind: 'interfaces', addresses });

  it('have our address of that family on the interface of the session as next hop', () => {
    const pair = overIpv4();
    expect(hop(pair)).toBeUndefined();
    const link = [`${B}/24`, 'fe80::2/64', '2001:db8::2/64'];
    interfacesOfB(pair, ['10.9.0.2/24', '2001:db8:9::2/64'], link);
    expect(hop(pair)).toBe('2001:db8::2');
    expect(a4(pair)).toBe(B);
  });

  it('follow that address, and are withdrawn where there is none', () => {
    const pair = overIpv4();
    interfacesOfB(pair, [`${B}/24`, '2001:db8::2/64']);
    interfacesOfB(pair, [`${B}/24`, '2001:db8::3/64']);
    expect(hop(pair)).toBe('2001:db8::3');
    interfacesOfB(pair, [`${B}/24`, 'fe80::2/64']);
    expect(hop(pair)).toBeUndefined();
    expect(a4(pair)).toBe(B);
  });

  const a4 = ({ a }: Pair): string | undefined => a.routes.get(ROUTE)?.nextHops[0]?.address;
});
