/**
 * The lab itself: routing daemons of other people peer with each other in it, and it hears what they say.
 * Nothing of ours is under test here.
 */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { titleOf } from '../title.ts';
import { KINDS, type Kind, whyNot } from './daemons.ts';
import { type Host, ipv4Of, ipv6Of, type Lab, openLab } from './lab.ts';
import {
  isEstablished,
  killPeer,
  type PeerDaemon,
  routeFrom,
  routes,
  sessionWith,
  startPeer,
  stopPeer,
} from './peer.ts';
import type { PeerSpec, SeenSession } from './spec.ts';

const NUMBER: Readonly<Record<Kind, number>> = { bird: 2, frr: 3, gobgp: 4, exabgp: 5, openbgpd: 6 };

function specOf(kind: Kind, other: Kind): PeerSpec {
  const [own, theirs] = [NUMBER[kind], NUMBER[other]];
  const shared = { as: 65_000 + theirs, holdTimeS: 3 };
  return {
    kind,
    as: 65_000 + own,
    routerId: ipv4Of(own),
    networks: [`10.${own}.0.0/16`, `2001:db8:${own}::/48`],
    neighbors: [
      { ...shared, address: ipv4Of(theirs), local: ipv4Of(own), families: ['ipv4'] },
      { ...shared, address: ipv6Of(theirs), local: ipv6Of(own), families: ['ipv6'] },
    ],
  };
}

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ['bird', 'frr'],
  ['gobgp', 'openbgpd'],
  ['exabgp', 'bird'],
];

describe.each(PAIRS)('%s and %s in the lab', (one, other) => {
  const why = whyNot(one) ?? whyNot(other);
  let lab: Lab;
  let left: PeerDaemon;
  let right: PeerDaemon;

  beforeAll(async () => {
    if (why !== undefined) return;
    lab = openLab();
    const host = (kind: Kind): Host => lab.host(kind, NUMBER[kind]);
    [left, right] = await Promise.all([
      startPeer(host(one), specOf(one, other)),
      startPeer(host(other), specOf(other, one)),
    ]);
  });
  afterAll(() => lab?.close());

  it.skipIf(why !== undefined)(titleOf('peer over IPv4 and IPv6', why), async () => {
    for (const [peer, theirs] of [
      [left, NUMBER[other]],
      [right, NUMBER[one]],
    ] as const) {
      await sessionWith(peer, ipv4Of(theirs), isEstablished);
      await sessionWith(peer, ipv6Of(theirs), isEstablished);
      const ipv4 = await routeFrom(peer, ipv4Of(theirs), `10.${theirs}.0.0/16`);
      expect(ipv4).toMatchObject({
        nextHop: ipv4Of(theirs),
        asPath: `${65_000 + theirs}`,
        communities: [],
      });
      const ipv6 = await routeFrom(peer, ipv6Of(theirs), `2001:db8:${theirs}::/48`);
      expect(ipv6).toMatchObject({ nextHop: ipv6Of(theirs), asPath: `${65_000 + theirs}` });
    }
  });

  it.skipIf(why !== undefined)('see when a peer is cut off, and when it is gone', async () => {
    const address = ipv4Of(NUMBER[other]);
    const lost = (session: SeenSession): boolean => !isEstablished(session);
    if (one === 'bird') {
      lab.cut(right.host);
      await sessionWith(left, address, lost);
      expect((await routes(left, 'ipv4')).filter(({ from }) => from === address)).toEqual([]);
      lab.mend(right.host);
      await sessionWith(left, address, isEstablished);
    }
    await stopPeer(right);
    await sessionWith(left, address, lost, 3_000);
    await killPeer(left);
  });
});

describe('the lab', () => {
  it('takes everything down that it made', () => {
    const mine = `byoa-lab-${process.pid}-`;
    expect(readdirSync('/run').includes('netns') ? readdirSync('/run/netns') : []).not.toContainEqual(
      expect.stringContaining(mine),
    );
    expect(KINDS).toHaveLength(5);
  });
});
