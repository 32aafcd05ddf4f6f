/**
 * Raw frames through the switch against the plain reference: the same random worlds and packets, as bytes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { must, present } from '../../controller/base/result.ts';
import { createFrame, type Frame, readPacket } from '../../sim/frame/frame.ts';
import { createSwitch, plug, switchFrame } from '../../sim/frame/switch.ts';
import { applyChange } from '../../sim/vpc/apply-change.ts';
import { dispositionOf } from '../../sim/vpc/dispositions.ts';
import { createFlowTable } from '../../sim/vpc/flow-table.ts';
import { createHeader, destinationOf, formatMac, sourceOf } from '../../sim/vpc/header.ts';
import { clearNat } from '../../sim/vpc/masquerade.ts';
import { addHost, createNetwork, type Network } from '../../sim/vpc/network.ts';
import { frames, honestly } from '../vpc/drawn-frames.ts';
import { world } from '../vpc/drawn-world.ts';
import { type All, type Frame as Drawn, reference, type Verdict } from '../vpc/reference.ts';
import { encode, HEADROOM, wrongSums } from './bytes.ts';

/** 30 frames in each; `BYOA_WORLDS=1000` judges more than 20,000. */
const RUNS = Number(process.env.BYOA_WORLDS ?? 100);

const HOSTS = ['8.8.8.8', '192.168.0.9', '172.31.0.9', '100.64.0.1', '2001:db8:ffff::1', 'fc00::1'];

/**
 * What the reference says, to where the lab takes a packet: beyond the gateway there are hosts, or other
 * ENIs.
 */
function expected(all: All, drawn: Drawn): Verdict {
  const first = reference(all, drawn);
  if (first.disposition === 'TO_SITE') return { disposition: 'SITE_NO_HOST' };
  if (first.disposition !== 'TO_INTERNET') return first;
  const { source = '', destination = '' } = first;
  if (HOSTS.includes(destination)) return { disposition: 'DELIVERED', to: 'outside', source, destination };
  const publics = [...all['network-interface'].values()].flatMap((eni) => [
    ...eni.publicAddresses.map((each) => each.public),
    ...eni.addresses.filter((text) => text.includes(':')),
  ]);
  if (!publics.includes(destination)) return { disposition: 'INTERNET_NO_HOST' };
  return reference(all, { ...drawn, from: undefined, source, destination });
}

/** Without tracked flows, which the reference knows nothing of. */
function forgetful(network: Network): Network {
  const { fabric } = network;
  for (const { nat } of fabric.nats.values()) clearNat(nat);
  return { ...network, fabric: { ...fabric, flows: createFlowTable(), egressFlows: createFlowTable() } };
}

/** Sends the bytes of a packet through a switch; undefined where it says nothing of it. */
function through(network: Network, drawn: Drawn): Verdict | undefined {
  let sent: Buffer | undefined;
  let verdict: Verdict | undefined;
  const sw = createSwitch(forgetful(network), (_, out: Frame) => {
    sent = Buffer.from(out.view.buffer, out.view.byteOffset + out.start, out.end - out.start);
  });
  const ports = [...network.fabric.ports.values()];
  for (const [tap, port] of ports.entries()) plug(sw, tap, { kind: 'eni', port, running: true });
  plug(sw, ports.length, { kind: 'outside' });
  const from = drawn.from === undefined ? undefined : network.fabric.ports.get(drawn.from);
  const routerMac = formatMac(from?.subnet.routerMac ?? 1);
  const bytes = encode({
    ...drawn,
    sourcePort: 4000,
    destinationMac: drawn.to === 'router' ? routerMac : drawn.to,
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  sw.seen = (_, code, h) => {
    const disposition = dispositionOf(code);
    verdict = disposition === 'DELIVERED' ? { disposition, to: h.to?.id ?? 'outside' } : { disposition };
  };
  const tap = from === undefined ? ports.length : ports.indexOf(from);
  switchFrame(sw, tap, { ...createFrame(), view, start: HEADROOM, end: bytes.length }, 0);
  if (verdict?.disposition !== 'DELIVERED') return verdict;
  const out = present(sent, 'a frame that came out');
  const h = createHeader();
  const again = {
    ...createFrame(),
    view: new DataView(out.buffer, out.byteOffset),
    start: 0,
    end: out.length,
  };
  expect(readPacket(again, h)).toBe(true);
  expect(wrongSums(out)).toEqual([]);
  const ends = { source: formatAddress(sourceOf(h)), destination: formatAddress(destinationOf(h)) };
  return { ...verdict, ...ends };
}

/** What the lab answers by its own, or hosts outside send each other. */
const isOwn = ({ from, destination }: Drawn): boolean =>
  destination === '169.254.169.254' ||
  (from === undefined && (HOSTS.includes(destination) || /^(22[4-9]|255|fe80|ff0)/.test(destination)));

describe('frames', () => {
  it(
    'fare as the plain reference says, and come out with right checksums',
    () => {
      let delivered = 0;
      let judged = 0;
      fc.assert(
        fc.property(world, frames, ({ all, changes }, drawn) => {
          const network = createNetwork();
          for (const change of changes) applyChange(network.fabric, change);
          for (const text of HOSTS) addHost(network, must(parseAddress(text)));
          for (const each of drawn) {
            const frame = honestly(all, each);
            const known = frame.from === undefined || network.fabric.ports.has(frame.from);
            if (frame.source === frame.destination || !known || isOwn(frame)) continue;
            const verdict = expected(all, frame);
            expect(through(network, frame), JSON.stringify(frame)).toEqual(verdict);
            judged++;
            if (verdict.disposition === 'DELIVERED') delivered++;
          }
        }),
        { numRuns: RUNS },
      );
      expect(delivered).toBeGreaterThan(judged / 200);
    },
    Math.max(60_000, RUNS * 200),
  );
});
