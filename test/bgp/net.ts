/**
 * Speakers in virtual time, linked by a pretend TCP: it delays, blocks while a path is cut, keeps what a
 * frozen host does not read, and checks that everything sent is whole messages. Nothing here waits for a
 * clock.
 */
import type { Instant } from '../../controller/base/time.ts';
import type {
  RouteChange,
  SessionChange,
  SpeakerEffect,
  SpeakerEvent,
  SpeakerInput,
} from '../../controller/bgp/event.ts';
import type { SpeakerOptions } from '../../controller/bgp/options.ts';
import {
  createSpeaker,
  nextSpeakerDeadline,
  type Speaker,
  stepSpeaker,
} from '../../controller/bgp/speaker.ts';
import { frame } from '../../controller/wire/message.ts';
import { checkInvariants } from './legal.ts';

/** Bytes that a kernel keeps for a process that does not read. */
const WINDOW = 128 * 1024;

export interface Message {
  readonly at: Instant;
  readonly type: number;
  readonly body: Uint8Array;
}

/** A speaker with the addresses that it owns, and all that it said. */
export interface Host {
  readonly name: string;
  readonly addresses: readonly string[];
  speaker: Speaker;
  /** Handles nothing; its kernel lives. */
  isFrozen: boolean;
  /** No kernel, no process: packets to it vanish. */
  isDead: boolean;
  listening: Extract<SpeakerEffect, { readonly kind: 'tcp-listen' }> | undefined;
  readonly inbox: SpeakerEvent[];
  readonly ends: Map<number, End>;
  readonly effects: { readonly at: Instant; readonly effect: SpeakerEffect }[];
  readonly sessions: SessionChange[];
  readonly routes: Map<string, RouteChange>;
  /** Messages that left, by the address they went to. */
  readonly sent: Map<string, Message[]>;
  nextAccepted: number;
}

interface End {
  readonly host: Host;
  readonly number: number;
  readonly local: string;
  readonly remote: string;
  other: End | undefined;
  readonly pipe: Item[];
  isMoving: boolean;
  /** Bytes in the inbox of its own host. */
  unread: number;
}

type Item =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'end'; readonly reason: string };

export interface Net {
  now: Instant;
  readonly hosts: Host[];
  readonly queue: { readonly at: Instant; readonly seq: number; readonly run: () => void }[];
  readonly cuts: Set<string>;
  delayMs: number;
  seq: number;
}

export const createNet = (): Net => ({ now: 0, hosts: [], queue: [], cuts: new Set(), delayMs: 1, seq: 0 });

/** Adds a host with a speaker that has not started. */
export function addHost(net: Net, name: string, addresses: readonly string[], options: SpeakerOptions): Host {
  const host: Host = {
    name,
    addresses,
    speaker: createSpeaker(options, { seed: name }, net.now),
    isFrozen: false,
    isDead: false,
    listening: undefined,
    inbox: [],
    ends: new Map(),
    effects: [],
    sessions: [],
    routes: new Map(),
    sent: new Map(),
    nextAccepted: 1,
  };
  net.hosts.push(host);
  return host;
}

function at(net: Net, when: Instant, run: () => void): void {
  net.queue.push({ at: when, seq: net.seq++, run });
}

const pair = (a: Host, b: Host): string => [a.name, b.name].sort().join('|');

/** Packets between two hosts are lost from now on, until healed; TCP sends them again then. */
export const cut = (net: Net, a: Host, b: Host): void => {
  net.cuts.add(pair(a, b));
};

export function heal(net: Net, a: Host, b: Host): void {
  net.cuts.delete(pair(a, b));
  for (const host of [a, b]) for (const end of host.ends.values()) move(net, end);
}

/** Sends an event to a speaker, and does what it wants. */
export function feed(net: Net, host: Host, event: SpeakerEvent): void {
  if (host.isDead) return;
  if (host.isFrozen) {
    host.inbox.push(event);
    return;
  }
  const before = net.now;
  const effects = stepSpeaker(host.speaker, event, before);
  checkInvariants(host.name, host.speaker);
  for (const effect of effects) {
    host.effects.push({ at: before, effect });
    perform(net, host, effect);
  }
}

export const input = (net: Net, host: Host, one: SpeakerInput): void => feed(net, host, one);

export function freeze(host: Host): void {
  host.isFrozen = true;
}

export function thaw(net: Net, host: Host): void {
  host.isFrozen = false;
  for (const event of host.inbox.splice(0)) {
    feed(net, host, event);
    if (event.kind !== 'tcp-data') continue;
    const end = host.ends.get(event.connection);
    if (end === undefined) continue;
    end.unread -= event.data.length;
    if (end.other !== undefined) move(net, end.other);
  }
}

/** The host vanishes: no FIN, no RST. */
export function kill(host: Host): void {
  host.isDead = true;
  for (const end of host.ends.values()) if (end.other !== undefined) end.other.other = undefined;
  host.ends.clear();
  host.inbox.length = 0;
  host.listening = undefined;
}

/** A new run of a speaker on the host; TCP connections that there were are reset. */
export function reboot(net: Net, host: Host, options: SpeakerOptions, restarted: boolean): void {
  for (const end of [...host.ends.values()]) breakEnd(net, end, 'connection reset');
  host.ends.clear();
  host.inbox.length = 0;
  host.isDead = false;
  host.isFrozen = false;
  host.routes.clear();
  host.speaker = createSpeaker(options, { seed: `${host.name} ${net.now}` }, net.now);
  feed(net, host, { kind: 'start', restarted });
}

/** All TCP connections between two hosts are reset. */
export function breakConnections(net: Net, a: Host, b: Host): void {
  for (const end of [...a.ends.values()]) {
    if (end.other?.host !== b) continue;
    const { other } = end;
    breakEnd(net, end, 'connection reset');
    closeHere(net, end, 'connection reset');
    other.other = undefined;
  }
}

function perform(net: Net, host: Host, effect: SpeakerEffect): void {
  switch (effect.kind) {
    case 'tcp-connect':
      at(net, net.now + net.delayMs, () => connect(net, host, effect));
      return;
    case 'tcp-listen':
      host.listening = effect;
      return;
    case 'tcp-send': {
      const end = host.ends.get(effect.connection);
      if (end === undefined) return;
      record(net, end, effect.data);
      end.pipe.push({ kind: 'data', data: effect.data });
      move(net, end);
      return;
    }
    case 'tcp-close': {
      const end = host.ends.get(effect.connection);
      if (end === undefined) return;
      host.ends.delete(effect.connection);
      if (effect.abort) {
        breakEnd(net, end, 'connection reset');
        return;
      }
      end.pipe.push({ kind: 'end', reason: 'ended by the other side' });
      move(net, end);
      return;
    }
    case 'session':
      host.sessions.push(effect.change);
      return;
    case 'routes':
      for (const change of effect.changes) {
        if (change.nextHops.length === 0) host.routes.delete(change.prefix);
        else host.routes.set(change.prefix, change);
      }
      return;
    default:
      return;
  }
}

function record(net: Net, end: End, data: Uint8Array): void {
  const list = end.host.sent.get(end.remote) ?? [];
  end.host.sent.set(end.remote, list);
  let from = 0;
  while (from < data.length) {
    const one = frame(data, from, data.length, 65535);
    if (one.kind !== 'message')
      throw new Error(`${end.host.name} sent what is no whole message: ${one.kind}`);
    list.push({ at: net.now, type: one.type, body: data.slice(one.bodyStart, one.bodyEnd) });
    from = one.bodyEnd;
  }
}

type Connect = Extract<SpeakerEffect, { readonly kind: 'tcp-connect' }>;

function connect(net: Net, host: Host, { connection, to, from, security }: Connect): void {
  const target = net.hosts.find(({ addresses }) => addresses.includes(to));
  const local = from ?? host.addresses.find((one) => one.includes(':') === to.includes(':')) ?? '';
  // A SYN that is lost: the dialer waits.
  if (target === undefined || target.isDead || host.isDead || net.cuts.has(pair(host, target))) return;
  const { listening } = target;
  if (listening === undefined || listening.at.length === 0) {
    at(net, net.now + net.delayMs, () =>
      feed(net, host, { kind: 'tcp-closed', connection, reason: 'connection refused' }),
    );
    return;
  }
  const wanted = listening.keys.find(({ prefix }) => prefix.split('/')[0] === local)?.password;
  if (wanted !== security.password) return;
  if (listening.minTtl !== undefined && (security.ttl ?? 64) < listening.minTtl) return;
  const mine: End = { ...newEnd(host, connection, local, to) };
  const accepted = target.nextAccepted;
  target.nextAccepted += 2;
  const theirs: End = { ...newEnd(target, accepted, to, local), other: mine };
  mine.other = theirs;
  host.ends.set(connection, mine);
  target.ends.set(accepted, theirs);
  at(net, net.now + net.delayMs, () => {
    if (host.ends.get(connection) !== mine) return;
    feed(net, host, { kind: 'tcp-opened', connection, local, remote: to });
  });
  feed(net, target, { kind: 'tcp-accepted', connection: accepted, local: to, remote: local });
}

const newEnd = (host: Host, number: number, local: string, remote: string): End => ({
  host,
  number,
  local,
  remote,
  other: undefined,
  pipe: [],
  isMoving: false,
  unread: 0,
});

/** Moves the next item of a pipe towards the other end, if the path and the other kernel take it. */
function move(net: Net, end: End): void {
  const [item] = end.pipe;
  const { other, host } = end;
  if (item === undefined || end.isMoving || other === undefined) return;
  if (net.cuts.has(pair(host, other.host)) || other.unread >= WINDOW) return;
  end.isMoving = true;
  at(net, net.now + net.delayMs, () => {
    end.isMoving = false;
    // Lost on the way: sent again when the path is healed.
    if (net.cuts.has(pair(host, other.host)) || end.pipe[0] !== item) return;
    end.pipe.shift();
    arrive(net, end, other, item);
    if (end.pipe.length === 0 && host.ends.get(end.number) === end && item.kind === 'data') {
      feed(net, host, { kind: 'tcp-drained', connection: end.number });
    }
    move(net, end);
  });
}

function arrive(net: Net, end: End, other: End, item: Item): void {
  if (other.host.isDead) return;
  if (other.host.ends.get(other.number) !== other) {
    // Nobody there any more: RST.
    if (item.kind === 'data') closeHere(net, end, 'connection reset');
    return;
  }
  if (item.kind === 'end') {
    closeHere(net, other, item.reason);
    return;
  }
  if (other.host.isFrozen) other.unread += item.data.length;
  feed(net, other.host, { kind: 'tcp-data', connection: other.number, data: item.data });
}

function closeHere(net: Net, end: End, reason: string): void {
  if (end.host.ends.get(end.number) !== end) return;
  end.host.ends.delete(end.number);
  feed(net, end.host, { kind: 'tcp-closed', connection: end.number, reason });
}

/** An RST on its way to the other end; lost where the path is cut. */
function breakEnd(net: Net, end: End, reason: string): void {
  const { other } = end;
  end.pipe.length = 0;
  if (other === undefined || net.cuts.has(pair(end.host, other.host))) return;
  at(net, net.now + net.delayMs, () => closeHere(net, other, reason));
}

/** Runs everything that is due until `until`. */
export function advance(net: Net, until: Instant): void {
  let guard = 0;
  for (;;) {
    const due = nextAt(net);
    if (due === undefined || due > until) break;
    if (due > net.now) guard = 0;
    if (++guard > 200_000) throw new Error(`no end to what happens at ${net.now}`);
    net.now = Math.max(net.now, due);
    const next = net.queue.sort((a, b) => a.at - b.at || a.seq - b.seq)[0];
    if (next !== undefined && next.at <= net.now) {
      net.queue.shift();
      next.run();
      continue;
    }
    for (const host of net.hosts) {
      const deadline = deadlineOf(host);
      if (deadline !== undefined && deadline <= net.now) feed(net, host, { kind: 'deadline' });
    }
  }
  net.now = until;
}

const deadlineOf = (host: Host): Instant | undefined =>
  host.isDead || host.isFrozen ? undefined : nextSpeakerDeadline(host.speaker);

function nextAt(net: Net): Instant | undefined {
  const times = [...net.hosts.map(deadlineOf), ...net.queue.map(({ at: when }) => when)];
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

export const wait = (net: Net, ms: number): void => advance(net, net.now + ms);

/** Advances until a condition holds, for `ms` at most; says whether it does. */
export function until(net: Net, ms: number, holds: () => boolean): boolean {
  const end = net.now + ms;
  while (!holds()) {
    const due = nextAt(net);
    if (due === undefined || due > end) return false;
    advance(net, Math.max(due, net.now));
  }
  return true;
}
