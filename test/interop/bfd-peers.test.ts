/**
 * BFD with BIRD and FRR over veth pairs: up, down when the peer is killed, frozen or cut off, and AdminDown.
 */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BfdAuthentication } from '../../controller/bfd/options.ts';
import { titleOf } from '../title.ts';
import {
  type BfdPeer,
  type BfdPeerSpec,
  type Node,
  optionsFor,
  seenByPeer,
  startBfdPeer,
  startNode,
} from './bfd-lab.ts';
import { whyNot } from './daemons.ts';
import { vtysh } from './frr.ts';
import { freeze, type Host, ipv4Of, ipv6Of, kill, type Lab, openLab, printed, thaw, until } from './lab.ts';

interface Case {
  readonly name: string;
  readonly kind: 'bird' | 'frr';
  readonly ipv6?: boolean;
  readonly intervalMs: number;
  readonly multihop?: boolean;
  readonly authentication?: BfdAuthentication['type'];
}

const CASES: readonly Case[] = [
  ...[300, 50, 10].flatMap((intervalMs): readonly Case[] => [
    { name: `BIRD, IPv4, ${intervalMs} ms`, kind: 'bird', intervalMs },
    { name: `FRR, IPv4, ${intervalMs} ms`, kind: 'frr', intervalMs },
  ]),
  { name: 'BIRD, IPv6, 300 ms', kind: 'bird', ipv6: true, intervalMs: 300 },
  { name: 'FRR, IPv6, 300 ms', kind: 'frr', ipv6: true, intervalMs: 300 },
  { name: 'BIRD, IPv4, multihop, 100 ms', kind: 'bird', multihop: true, intervalMs: 100 },
  { name: 'FRR, IPv4, multihop, 100 ms', kind: 'frr', multihop: true, intervalMs: 100 },
  ...(['simple', 'keyed-md5', 'meticulous-md5', 'keyed-sha1', 'meticulous-sha1'] as const).map(
    (authentication): Case => ({
      name: `BIRD, IPv4, 100 ms, ${authentication}`,
      kind: 'bird',
      intervalMs: 100,
      authentication,
    }),
  ),
];

const KEY = 'a secret';

function specOf({ kind, ipv6, intervalMs, multihop, authentication }: Case): BfdPeerSpec {
  const of = ipv6 ? ipv6Of : ipv4Of;
  return {
    kind,
    own: of(kind === 'bird' ? 2 : 3),
    other: of(1),
    intervalMs,
    ...(multihop ? { multihop } : {}),
    ...(authentication === undefined ? {} : { authentication: { type: authentication, keyId: 7 }, key: KEY }),
  };
}

const isMatch = (value: unknown, wanted: object): boolean =>
  typeof value === 'object' && value !== null && isDeepStrictEqual({ ...value, ...wanted }, value);

describe.each(CASES)('BFD with $name', (one) => {
  const why = whyNot(one.kind);
  const spec = specOf(one);
  const session = spec.own;
  let lab: Lab;
  let us: Host;
  let them: Host;
  let node: Node;
  let peer: BfdPeer;

  const bothUp = (): Promise<unknown> =>
    until(
      'both sides Up',
      async () => node.state(session) === 'up' && (await seenByPeer(peer)) === 'up',
      15_000,
      () => ({ ours: node.lines.slice(-5), theirs: printed(peer.running).slice(-500) }),
    );

  beforeAll(async () => {
    if (why !== undefined) return;
    lab = openLab();
    us = lab.host('us', 1);
    them = lab.host(one.kind, one.kind === 'bird' ? 2 : 3);
    node = startNode(us);
    peer = await startBfdPeer(them, spec);
    node.order({ kind: 'open', session, options: optionsFor(spec) }, spec.key);
    await bothUp();
  }, 40_000);
  afterAll(async () => {
    await node?.end();
    await lab?.close();
  });

  it.skipIf(why !== undefined)(titleOf('comes up on both sides', why), async () => {
    // Both use what was negotiated: the peer's interval is ours, and three of them are the Detection Time.
    const steady = { state: 'up', remoteState: 'up', flaps: 0, discarded: {} };
    const negotiated = { transmitIntervalMs: one.intervalMs, detectionTimeMs: 3 * one.intervalMs };
    let seen: unknown;
    await until(
      'the negotiated interval',
      () => {
        node.send({ kind: 'status' });
        const status = node.lines.findLast((line) => line.kind === 'status');
        seen = status?.kind === 'status' ? status.sessions[0] : undefined;
        return isMatch(seen, { ...steady, ...negotiated });
      },
      10_000,
      () => seen,
    );
    expect(node.lines.filter((line) => line.kind === 'fault')).toEqual([]);
  });

  it.skipIf(why !== undefined)(
    'sees the path cut, and comes back when it is mended',
    async () => {
      lab.cut(them);
      await until('Down', () => node.state(session) === 'down', 5000);
      expect(node.changes(session).at(-1)).toMatchObject({
        diagnostic: 'control detection time expired',
        detectionTimeMs: 3 * one.intervalMs,
      });
      await until('the peer saw it too', async () => (await seenByPeer(peer)) !== 'up', 5000);
      lab.mend(them);
      await bothUp();
    },
    40_000,
  );

  it.skipIf(why !== undefined)(
    'sees the peer frozen, and comes back when it thaws',
    async () => {
      freeze(peer.running);
      await until('Down', () => node.state(session) === 'down', 5000);
      expect(node.changes(session).at(-1)).toMatchObject({ diagnostic: 'control detection time expired' });
      thaw(peer.running);
      await bothUp();
    },
    40_000,
  );

  it.skipIf(why !== undefined)(
    'tells the peer AdminDown, which then is Down, and comes back',
    async () => {
      node.order({ kind: 'admin', session, down: true });
      await until('the peer is Down', async () => (await seenByPeer(peer)) === 'down', 5000);
      node.order({ kind: 'admin', session, down: false });
      await bothUp();
    },
    40_000,
  );

  // BIRD has no way to say AdminDown: it forgets the session instead.
  const sayers = one.kind === 'frr' ? ['FRR'] : [];
  it.skipIf(why !== undefined).each(sayers)(
    'hears AdminDown of %s as such',
    async () => {
      const which = `peer ${spec.other} ${one.multihop ? `multihop local-address ${spec.own}` : `local-address ${spec.own} interface eth0`}`;
      const configure = (word: string): Promise<string> =>
        vtysh(them, 'configure terminal', 'bfd', which, word);
      await configure('shutdown');
      await until('AdminDown heard', () => node.changes(session).at(-1)?.remoteState === 'admin-down', 5000);
      expect(node.changes(session).at(-1)).toMatchObject({
        state: 'down',
        diagnostic: 'neighbor signaled session down',
      });
      await configure('no shutdown');
      await bothUp();
    },
    40_000,
  );

  it.skipIf(why !== undefined)(
    'sees the peer killed',
    async () => {
      await kill(peer.running);
      await until('Down', () => node.state(session) === 'down', 5000);
    },
    20_000,
  );
});

describe('BFD with BIRD and another key', () => {
  const why = whyNot('bird');
  let lab: Lab | undefined;
  let node: Node | undefined;
  afterEach(async () => {
    await node?.end();
    await lab?.close();
  });

  it.skipIf(why !== undefined).each(['keyed-md5', 'meticulous-sha1'] as const)(
    titleOf('RFC 5880 6.7: never comes up by %s', why),
    async (authentication) => {
      lab = openLab();
      const us = lab.host('us', 1);
      const spec = specOf({ name: '', kind: 'bird', intervalMs: 100, authentication });
      const peer = await startBfdPeer(lab.host('bird', 2), spec);
      node = startNode(us);
      node.order({ kind: 'open', session: 's', options: optionsFor(spec) }, 'another secret');
      const wrong = /digest wrong; 10 so far/;
      await until('ten bad packets', () =>
        node?.lines.some((line) => line.kind === 'log' && wrong.test(line.text)),
      );
      expect(node.changes('s')).toEqual([]);
      expect(await seenByPeer(peer)).toBe('down');
    },
    40_000,
  );
});
