/**
 * The RIB alone: a full table from one eBGP peer through validation, import policy, decision and export to
 * one receiver, then the loss of one of two peers with 100,000 routes. In one process, without sockets.
 */
import { must, present } from '../controller/base/result.ts';
import { nextUpdates } from '../controller/bgp/adj-rib-out.ts';
import { compilePolicy, parseNextHop } from '../controller/bgp/policy.ts';
import { originate, peerDown, peerUp } from '../controller/bgp/rib.ts';
import type { PeerFacts, PeerPolicy } from '../controller/bgp/rib-peer.ts';
import { receiveUpdate } from '../controller/bgp/rib-receive.ts';
import { createRib, type Rib } from '../controller/bgp/rib-state.ts';
import { work } from '../controller/bgp/rib-work.ts';
import { frame } from '../controller/wire/message.ts';
import { encodeTable, FULL, makeTable } from './bgp/table.ts';

const facts = (as: number, last: number): PeerFacts => ({
  as,
  localAs: 65000,
  ibgp: false,
  oneHop: true,
  bgpId: last,
  localBgpId: 0x0a000001,
  address: must(parseNextHop(`10.0.0.${last}`)),
  localAddress: must(parseNextHop('10.0.0.1')),
  families: ['ipv4'],
  as4: true,
  addPathIn: { ipv4: false, ipv6: false },
  addPathOut: { ipv4: 0, ipv6: 0 },
  extendedNextHop: false,
  maxMessage: 4096,
});

const policy: PeerPolicy = {
  importPolicy: must(
    compilePolicy({
      name: 'short',
      rules: [
        {
          match: { prefixes: [{ prefix: '0.0.0.0/0', le: 24 }], asPath: { maxLength: 50 } },
          set: { localPref: 200 },
          action: 'accept',
        },
      ],
      otherwise: 'reject',
    }),
  ),
  exportPolicy: must(compilePolicy({ name: 'all', rules: [], otherwise: 'accept' })),
  reflectorClient: false,
  nextHopSelf: false,
  transparent: false,
  checkNextHops: true,
  allowOwnAs: 0,
  maxPrefixes: {},
};

function feed(
  rib: Rib,
  peer: ReturnType<typeof peerUp>,
  receiver: ReturnType<typeof peerUp>,
  bytes: Uint8Array,
  slices: number[],
): number {
  let sent = 0;
  let at = 0;
  while (at < bytes.length) {
    const started = performance.now();
    const until = Math.min(bytes.length, at + 32768);
    while (at < until) {
      const framed = frame(bytes, at, bytes.length, 4096);
      if (framed.kind !== 'message') throw new Error(`the table is broken: ${JSON.stringify(framed)}`);
      if (framed.type === 2) receiveUpdate(rib, peer, bytes, framed.bodyStart, framed.bodyEnd);
      at = framed.bodyEnd;
    }
    work(rib, 8192);
    slices.push(performance.now() - started);
    const again = performance.now();
    sent += nextUpdates(rib, receiver, 65536)?.length ?? 0;
    slices.push(performance.now() - again);
  }
  while (work(rib, 4096));
  return sent + drain(rib, receiver, slices);
}

function drain(rib: Rib, peer: ReturnType<typeof peerUp>, slices: number[]): number {
  let size = 0;
  for (;;) {
    const started = performance.now();
    const bytes = nextUpdates(rib, peer, 65536);
    slices.push(performance.now() - started);
    if (bytes === undefined) return size;
    size += bytes.length;
  }
}

const ms = (from: number): string => `${(performance.now() - from).toFixed(0)} ms`;

/** Prints the figures. */
export function benchRib(): void {
  const table = makeTable(FULL);
  const bytes = encodeTable(table, { as: 65001, nextHop: '10.0.0.2' });
  const before = process.memoryUsage().rss;
  const rib = createRib({ multipath: 1, track: false });
  originate(rib, { prefix: '192.0.2.0/24', nextHop: 'self', communities: [] });
  const sender = peerUp(rib, 'sender', facts(65001, 2), policy);
  const receiver = peerUp(rib, 'receiver', facts(65003, 3), policy);
  const slices: number[] = [];
  let started = performance.now();
  const sent = feed(rib, sender, receiver, bytes, slices);
  process.stdout.write(
    `1M prefixes in, decided, and out to one receiver (${(sent / 1e6).toFixed(1)} MB): ${ms(started)}\n`,
  );
  slices.sort((a, b) => a - b);
  const at = (share: number): string =>
    present(slices[Math.floor((slices.length - 1) * share)], 'slices').toFixed(1);
  process.stdout.write(`slices: p50 ${at(0.5)}, p99.9 ${at(0.999)}, longest ${at(1)} ms\n`);
  process.stdout.write(
    `memory: ${((process.memoryUsage().rss - before) / 1e6).toFixed(0)} MB more, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB in all\n`,
  );
  started = performance.now();
  peerDown(rib, sender, []);
  while (work(rib, 4096));
  drain(rib, receiver, []);
  process.stdout.write(`peer lost, all withdrawn: ${ms(started)}\n`);
}

benchRib();
