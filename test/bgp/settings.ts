/** Options for tests: two speakers on one subnet, with what a test wants to be different. */
import {
  DEFAULT_PEER,
  DEFAULT_SPEAKER,
  type NeighborOptions,
  type Origination,
  type PeerOptions,
  type SpeakerOptions,
} from '../../controller/bgp/options.ts';
import { addHost, createNet, feed, type Host, type Net } from './net.ts';

/** A neighbor that lets everything in and out. */
export const PEER: PeerOptions = { ...DEFAULT_PEER, importPolicy: 'all', exportPolicy: 'all' };

export const GRACEFUL = { restartTimeS: 120, staleTimeMs: 300_000, forwardingKept: true, notification: true };

export const neighbor = (
  name: string,
  address: string,
  as: number,
  change: Partial<NeighborOptions> = {},
): NeighborOptions => ({ ...PEER, name, address, as, shutdown: false, ...change });

export const route = (prefix: string, change: Partial<Origination> = {}): Origination => ({
  prefix,
  nextHop: 'self',
  communities: [],
  ...change,
});

export const speakerOptions = (
  as: number,
  routerId: string,
  neighbors: readonly NeighborOptions[],
  change: Partial<SpeakerOptions> = {},
): SpeakerOptions => ({
  ...DEFAULT_SPEAKER,
  as,
  routerId,
  listen: [{ address: '0.0.0.0', port: 179 }],
  neighbors,
  ...change,
});

export interface Pair {
  readonly net: Net;
  readonly a: Host;
  readonly b: Host;
}

export interface PairOptions {
  /** Changes to how A sees B, and B sees A. */
  readonly ab?: Partial<NeighborOptions>;
  readonly ba?: Partial<NeighborOptions>;
  readonly a?: Partial<SpeakerOptions>;
  readonly b?: Partial<SpeakerOptions>;
}

export const A = '10.0.0.1';
export const B = '10.0.0.2';

export const optionsOfA = ({ ab = {}, a = {} }: PairOptions): SpeakerOptions =>
  speakerOptions(65001, A, [neighbor('b', B, 65002, ab)], { originate: [route('10.1.0.0/16')], ...a });
export const optionsOfB = ({ ba = {}, b = {} }: PairOptions): SpeakerOptions =>
  speakerOptions(65002, B, [neighbor('a', A, 65001, ba)], { originate: [route('10.2.0.0/16')], ...b });

/** A, AS 65001 at 10.0.0.1 with 10.1.0.0/16; B, AS 65002 at 10.0.0.2 with 10.2.0.0/16. Not started. */
export function pairOf(options: PairOptions = {}): Pair {
  const net = createNet();
  const a = addHost(net, 'a', [A, '2001:db8::1'], optionsOfA(options));
  const b = addHost(net, 'b', [B, '2001:db8::2'], optionsOfB(options));
  return { net, a, b };
}

export function startAll({ net }: Pair): void {
  for (const host of net.hosts) feed(net, host, { kind: 'start' });
}
