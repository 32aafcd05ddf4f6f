/** A neighbor that is no speaker: a test that says bytes to one, and reads what it answers. */
import type { Instant } from '../../controller/base/time.ts';
import type { SpeakerEffect, SpeakerEvent } from '../../controller/bgp/event.ts';
import type { NeighborOptions, SpeakerOptions } from '../../controller/bgp/options.ts';
import type { Peer } from '../../controller/bgp/peer.ts';
import {
  createSpeaker,
  nextSpeakerDeadline,
  type Speaker,
  stepSpeaker,
} from '../../controller/bgp/speaker.ts';
import { decodeNotification, encodeKeepalive, frame } from '../../controller/wire/message.ts';
import { describeNotification } from '../../controller/wire/notification.ts';
import { type Capability, encodeOpen, type Open } from '../../controller/wire/open.ts';
import { checkInvariants } from './legal.ts';
import { A, B, neighbor, route, speakerOptions } from './settings.ts';

export interface Tester {
  readonly speaker: Speaker;
  readonly peer: Peer;
  now: Instant;
  /** Connection to speak on. */
  connection: number;
  readonly effects: SpeakerEffect[];
  /** Answers to sends at once with `tcp-drained`. */
  drains: boolean;
}

/** A speaker at 10.0.0.1, AS 65001, with a passive neighbor at 10.0.0.2, AS 65002; started. */
export function meet(change: Partial<NeighborOptions> = {}, more: Partial<SpeakerOptions> = {}): Tester {
  const options = speakerOptions(65001, A, [neighbor('b', B, 65002, { passive: true, ...change })], {
    originate: [route('10.1.0.0/16')],
    ...more,
  });
  const speaker = createSpeaker(options, { seed: 1 }, 0);
  const peer = speaker.peers.get('b');
  if (peer === undefined) throw new Error('no neighbor b');
  const tester: Tester = { speaker, peer, now: 0, connection: 0, effects: [], drains: true };
  step(tester, { kind: 'start' });
  return tester;
}

export function step(tester: Tester, event: SpeakerEvent): readonly SpeakerEffect[] {
  const effects = stepSpeaker(tester.speaker, event, tester.now);
  checkInvariants('tester', tester.speaker);
  tester.effects.push(...effects);
  if (tester.drains) {
    const sent = effects.filter(({ kind }) => kind === 'tcp-send');
    const numbers = new Set(sent.map((one) => (one.kind === 'tcp-send' ? one.connection : 0)));
    for (const connection of numbers) step(tester, { kind: 'tcp-drained', connection });
  }
  return effects;
}

/** Dials the speaker. */
export function dial(tester: Tester, connection = tester.connection + 1): void {
  tester.connection = connection % 2 === 0 ? connection + 1 : connection;
  step(tester, { kind: 'tcp-accepted', connection: tester.connection, local: A, remote: B });
}

/** Says bytes on the connection. */
export const say = (tester: Tester, data: Uint8Array): readonly SpeakerEffect[] =>
  step(tester, { kind: 'tcp-data', connection: tester.connection, data });

export const CAPABILITIES: readonly Capability[] = [
  { kind: 'multiprotocol', afi: 1, safi: 1 },
  { kind: 'route-refresh' },
  { kind: 'four-octet-as', as: 65002 },
];

export const openOf = (change: Partial<Open> = {}): Uint8Array =>
  encodeOpen({ as: 65002, holdTimeS: 90, bgpId: 0x0a000002, capabilities: CAPABILITIES, ...change });

/** Dials, and goes through to Established. */
export function establish(tester: Tester, change: Partial<Open> = {}): void {
  dial(tester);
  say(tester, openOf(change));
  say(tester, encodeKeepalive());
  if (tester.peer.main.state !== 'Established') throw new Error(`no session: ${heard(tester).join('; ')}`);
}

/** Lets time pass, in steps of the speaker's deadlines. */
export function pass(tester: Tester, ms: number): void {
  const end = tester.now + ms;
  for (let count = 0; count < 100_000; count++) {
    const due = nextSpeakerDeadline(tester.speaker);
    if (due === undefined || due > end) break;
    tester.now = Math.max(tester.now, due);
    step(tester, { kind: 'deadline' });
  }
  tester.now = end;
}

export interface Heard {
  readonly type: number;
  readonly body: Uint8Array;
}

/** All messages that the speaker sent so far, on any connection. */
export function messages(tester: Tester): readonly Heard[] {
  const found: Heard[] = [];
  for (const effect of tester.effects) {
    if (effect.kind !== 'tcp-send') continue;
    const { data } = effect;
    for (let at = 0; at < data.length; ) {
      const one = frame(data, at, data.length, 65535);
      if (one.kind !== 'message') throw new Error('not a whole message');
      found.push({ type: one.type, body: data.slice(one.bodyStart, one.bodyEnd) });
      at = one.bodyEnd;
    }
  }
  return found;
}

/** NOTIFICATIONs of the speaker, in words. */
export const heard = (tester: Tester): readonly string[] =>
  messages(tester)
    .filter(({ type }) => type === 3)
    .map(({ body }) => describeNotification(decodeNotification(body, 0, body.length)));

/** Whether the speaker closed a connection. */
export const isClosed = (tester: Tester, connection = tester.connection): boolean =>
  tester.effects.some((one) => one.kind === 'tcp-close' && one.connection === connection);

export const lines = (tester: Tester): readonly string[] =>
  tester.effects.flatMap((one) => (one.kind === 'log' ? [one.text] : []));

/** A message with a header of its own making. */
export function raw(type: number, body: readonly number[], length = 19 + body.length): Uint8Array {
  return Uint8Array.from([...Array(16).fill(255), length >> 8, length & 255, type, ...body]);
}

/** An UPDATE of IPv4 prefixes (as octets) from AS 65002 by 10.0.0.2. */
export function updateOf(nlri: readonly number[], withdrawn: readonly number[] = []): Uint8Array {
  const attributes =
    nlri.length === 0 ? [] : [64, 1, 1, 0, 64, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 64, 3, 4, 10, 0, 0, 2];
  const body = [0, withdrawn.length, ...withdrawn, 0, attributes.length, ...attributes, ...nlri];
  return raw(2, body);
}
