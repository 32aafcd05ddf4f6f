/**
 * Machines in virtual time: one that is spoken to packet by packet, and two over a link that delays and
 * loses.
 */
import { stream } from '../../controller/base/prng.ts';
import { present } from '../../controller/base/result.ts';
import type { BfdChange, BfdEffect, BfdEvent, BfdStatus } from '../../controller/bfd/event.ts';
import { type Bfd, bfdStatus, createBfd, nextBfdDeadline, stepBfd } from '../../controller/bfd/machine.ts';
import type { BfdOptions } from '../../controller/bfd/options.ts';
import { type ControlPacket, decodeControl, encodeControl, STATE } from '../../controller/wire/bfd.ts';

export const HERE = '192.0.2.1';
export const THERE = '192.0.2.2';

export const options = (changes: Partial<BfdOptions> = {}): BfdOptions => ({
  peer: THERE,
  multihop: false,
  intervalMs: 300,
  multiplier: 3,
  passive: false,
  ...changes,
});

/** A packet as a peer may send it: Down, once a second, wants 300 ms, knows nobody. */
export const packet = (changes: Partial<ControlPacket> = {}): ControlPacket => ({
  diagnostic: 0,
  state: STATE.down,
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  detectMult: 3,
  myDiscriminator: 77,
  yourDiscriminator: 0,
  desiredMinTxUs: 1_000_000,
  requiredMinRxUs: 300_000,
  requiredMinEchoRxUs: 0,
  ...changes,
});

export interface Sent {
  readonly at: number;
  readonly packet: ControlPacket;
  readonly data: Uint8Array;
  readonly multihop: boolean;
}

type Change = BfdChange & { readonly at: number };

/** One machine with one session `s`, and what it sent and said. */
export interface Lone {
  readonly sent: Sent[];
  readonly changes: Change[];
  readonly logs: string[];
  now: number;
  /** Lets the time pass; every deadline is noticed so much too late. */
  run(ms: number, lateMs?: number): void;
  step(event: BfdEvent): readonly BfdEffect[];
  /** The peer says something; the machine's own discriminator is filled in where the packet has -1. */
  hear(changes?: Partial<ControlPacket>, from?: string): void;
  hearBytes(data: Uint8Array, from?: string, multihop?: boolean): void;
  status(): BfdStatus;
  bringUp(changes?: Partial<ControlPacket>): void;
}

export const ours = -1;

export function lone(opened: BfdOptions | undefined = options(), seed: number | string = 1): Lone {
  const bfd = createBfd({ seed });
  const scene: Lone = {
    sent: [],
    changes: [],
    logs: [],
    now: 0,
    step(event) {
      const effects = stepBfd(bfd, event, scene.now);
      for (const effect of effects) {
        if (effect.kind === 'send') scene.sent.push(asSent(effect, scene.now));
        else if (effect.kind === 'state') scene.changes.push({ ...effect.change, at: scene.now });
        else scene.logs.push(effect.text);
      }
      return effects;
    },
    run(ms, lateMs = 0) {
      const end = scene.now + ms;
      for (let at = nextBfdDeadline(bfd); at !== undefined && at + lateMs <= end; at = nextBfdDeadline(bfd)) {
        scene.now = Math.max(scene.now, at + lateMs);
        scene.step({ kind: 'deadline' });
      }
      scene.now = end;
    },
    hear(changes = {}, from = THERE) {
      const whole = packet(changes);
      const mine = bfdStatus(bfd)[0]?.localDiscriminator ?? 0;
      const your = whole.yourDiscriminator === ours ? mine : whole.yourDiscriminator;
      scene.hearBytes(encodeControl({ ...whole, yourDiscriminator: your }), from);
    },
    hearBytes(data, from = THERE, multihop = false) {
      scene.step({ kind: 'datagram', from, multihop, data });
    },
    status: () => present(bfdStatus(bfd)[0], 'the session'),
    bringUp(changes = {}) {
      scene.hear({ state: STATE.down, ...changes });
      scene.hear({ state: STATE.up, yourDiscriminator: ours, ...changes });
    },
  };
  if (opened !== undefined) scene.step({ kind: 'open', session: 's', options: opened });
  return scene;
}

function asSent(effect: Extract<BfdEffect, { kind: 'send' }>, at: number): Sent {
  const decoded = decodeControl(effect.data);
  if (!decoded.ok) throw new Error(`the machine sent what is no packet: ${decoded.error}`);
  return { at, packet: decoded.value, data: effect.data, multihop: effect.multihop };
}

/** How long passed between each packet and the next, ms. */
export const gaps = (sent: readonly Sent[]): readonly number[] =>
  sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));

export interface Side {
  readonly name: 'a' | 'b';
  readonly address: string;
  bfd: Bfd;
  readonly changes: Change[];
  readonly sent: Sent[];
}

export interface Pair {
  readonly a: Side;
  readonly b: Side;
  now: number;
  step(side: Side, event: BfdEvent): void;
  run(ms: number): void;
  /** Runs until it holds, or fails after so many ms. */
  until(what: string, holds: () => boolean, limitMs?: number): void;
  status(side: Side): BfdStatus;
  /** What happens to a packet on its way: ms until it arrives, or undefined where it is lost. */
  link: (from: Side, data: Uint8Array) => number | undefined;
  /** Replaces a side's machine by a new one that remembers nothing. */
  reboot(side: Side, opened: BfdOptions): void;
}

interface Flight {
  readonly at: number;
  readonly to: Side;
  readonly event: BfdEvent;
}

/** Two machines with a session `s` each to the other. */
export function pair(
  a: Partial<BfdOptions> = {},
  b: Partial<BfdOptions> = a,
  seed: number | string = 1,
): Pair {
  const side = (name: 'a' | 'b', address: string): Side => ({
    name,
    address,
    bfd: createBfd({ seed: `${seed}/${name}` }),
    changes: [],
    sent: [],
  });
  const flights: Flight[] = [];
  const scene: Pair = {
    a: side('a', HERE),
    b: side('b', THERE),
    now: 0,
    link: () => 0.2,
    step(from, event) {
      const to = from === scene.a ? scene.b : scene.a;
      for (const effect of stepBfd(from.bfd, event, scene.now)) {
        if (effect.kind === 'state') from.changes.push({ ...effect.change, at: scene.now });
        if (effect.kind !== 'send') continue;
        from.sent.push(asSent(effect, scene.now));
        const delay = scene.link(from, effect.data);
        if (delay === undefined) continue;
        const { data, multihop } = effect;
        const arrival: BfdEvent = { kind: 'datagram', from: from.address, to: to.address, multihop, data };
        flights.push({ at: scene.now + delay, to, event: arrival });
      }
    },
    run: (ms) => advance(scene, flights, scene.now + ms, () => false),
    until(what, holds, limitMs = 20_000) {
      const end = scene.now + limitMs;
      advance(scene, flights, end, holds);
      if (!holds()) throw new Error(`${what}: not within ${limitMs} ms`);
    },
    status: (one) => present(bfdStatus(one.bfd)[0], 'the session'),
    reboot(one, opened) {
      one.bfd = createBfd({ seed: `${seed}/${one.name}/${scene.now}` });
      scene.step(one, { kind: 'open', session: 's', options: opened });
    },
  };
  scene.step(scene.a, { kind: 'open', session: 's', options: options({ peer: THERE, ...a }) });
  scene.step(scene.b, { kind: 'open', session: 's', options: options({ peer: HERE, ...b }) });
  return scene;
}

function advance(scene: Pair, flights: Flight[], end: number, done: () => boolean): void {
  while (!done()) {
    flights.sort((one, other) => one.at - other.at);
    const flight = flights[0];
    const times = [flight?.at, nextBfdDeadline(scene.a.bfd), nextBfdDeadline(scene.b.bfd)];
    const next = Math.min(...times.map((time) => time ?? Infinity));
    if (next > end) {
      scene.now = end;
      return;
    }
    scene.now = Math.max(scene.now, next);
    if (flight !== undefined && flight.at <= next) {
      flights.shift();
      scene.step(flight.to, flight.event);
      continue;
    }
    for (const side of [scene.a, scene.b]) {
      if ((nextBfdDeadline(side.bfd) ?? Infinity) <= scene.now) scene.step(side, { kind: 'deadline' });
    }
  }
}

export const bothUp = (scene: Pair): boolean =>
  scene.status(scene.a).state === 'up' && scene.status(scene.b).state === 'up';

/** A link that loses a share of the packets, at random. */
export function lossy(share: number, seed: number): Pair['link'] {
  const random = stream(seed, 'link');
  return () => (random() < share ? undefined : 0.1 + random());
}
