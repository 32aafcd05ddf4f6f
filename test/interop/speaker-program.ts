/**
 * A child process in a host of the lab that runs speakers of ours, as many as the test wants, each with
 * its own address: the machine of controller/bgp with the production shell's sockets and BFD thread. It
 * tells the test all effects that a daemon would act upon, and counts the messages that pass.
 */
import { clientState } from '../../controller/bfd/event.ts';
import type { BfdOptions } from '../../controller/bfd/options.ts';
import type { SpeakerEffect, SpeakerEvent, SpeakerInput } from '../../controller/bgp/event.ts';
import type { SpeakerOptions } from '../../controller/bgp/options.ts';
import type { Speaker } from '../../controller/bgp/peer.ts';
import { listRoutes } from '../../controller/bgp/rib-query.ts';
import { createSpeaker, nextSpeakerDeadline, stepSpeaker } from '../../controller/bgp/speaker.ts';
import { startBfd } from '../../controller/shell/bfd/bfd.ts';
import { now } from '../../controller/shell/clock.ts';
import { createTcp, type Tcp } from '../../controller/shell/tcp.ts';

export type Order =
  | {
      readonly op: 'start';
      readonly id: string;
      readonly options: SpeakerOptions;
      readonly restarted: boolean;
    }
  | { readonly op: 'input'; readonly id: string; readonly input: SpeakerInput }
  /** Handles nothing until `thaw`; what comes meanwhile waits. */
  | { readonly op: 'freeze' | 'thaw'; readonly id: string }
  /** Ends without a word: its connections break, its BFD falls silent. */
  | { readonly op: 'vanish'; readonly id: string }
  /** Wants the AS paths of a prefix in the Adj-RIB-In of the neighbor `peer`. */
  | { readonly op: 'paths'; readonly id: string; readonly prefix: string };

/** A BGP message that passed, as far as it was seen whole. */
export interface Passed {
  readonly direction: 'sent' | 'received';
  readonly type: number;
  readonly length: number;
  /** What follows the header; not of an UPDATE. */
  readonly body?: readonly number[];
}

export type Answer =
  | { readonly id: string; readonly kind: 'effect'; readonly effect: SpeakerEffect }
  | { readonly id: string; readonly kind: 'message'; readonly message: Passed }
  | { readonly id: string; readonly kind: 'bfd'; readonly state: string }
  | { readonly id: string; readonly kind: 'paths'; readonly paths: readonly string[] }
  | { readonly id: string; readonly kind: 'connection'; readonly connection: number; readonly how: string };

const say = (answer: Answer): void => void process.send?.(answer);

/** Cuts a stream into messages and tells of each. */
function watch(id: string, direction: Passed['direction']): (bytes: Uint8Array) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 19) {
      const length = rest.readUInt16BE(16);
      if (length < 19 || rest.length < length) return;
      const type = rest.readUInt8(18);
      const body = type === 2 ? {} : { body: [...rest.subarray(19, length)] };
      say({ id, kind: 'message', message: { direction, type, length, ...body } });
      rest = rest.subarray(length);
    }
  };
}

interface Running {
  readonly order: (order: Order) => void;
}

/** By the name of the session: that of the speaker and the address of the peer, which many speakers share. */
const bfdUsers = new Map<string, (event: Extract<SpeakerEvent, { kind: 'bfd' }>) => void>();
const bfdName = (id: string, address: string): string => `${id}/${address}`;
const bfd = startBfd({
  onChange: (change) => {
    const state = clientState(change);
    if (state === undefined) return;
    const { session, controlPlaneIndependent } = change;
    const address = session.slice(session.lastIndexOf('/') + 1);
    bfdUsers.get(session)?.({ kind: 'bfd', address, state, controlPlaneIndependent });
  },
  onLog: () => {},
  onFault: (text) => process.stderr.write(`${text}\n`),
});

function pathsFrom({ rib }: Speaker, prefix: string): readonly string[] {
  const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
  const query = { table: 'in', family, peer: 'peer', under: prefix, scan: 1e6 } as const;
  return listRoutes(rib, query).routes.map(({ asPath }) => asPath);
}

function run(id: string, options: SpeakerOptions, restarted: boolean): Running {
  const speaker = createSpeaker(options, { seed: id }, now());
  const waiting: SpeakerEvent[] = [];
  const due: SpeakerEvent[] = [];
  const watches = new Map<string, (bytes: Uint8Array) => void>();
  let frozen = false;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const sessions = new Set<string>();

  const pass = (connection: number, direction: Passed['direction'], bytes: Uint8Array): void => {
    const key = `${direction} ${connection}`;
    const known = watches.get(key) ?? watch(id, direction);
    watches.set(key, known);
    known(bytes);
  };

  const post = (event: SpeakerEvent): void => {
    if (over) return;
    if (event.kind === 'tcp-data') pass(event.connection, 'received', event.data);
    if (event.kind === 'tcp-opened' || event.kind === 'tcp-accepted') {
      say({ id, kind: 'connection', connection: event.connection, how: event.kind });
    }
    if (frozen) {
      waiting.push(event.kind === 'tcp-data' ? { ...event, data: Uint8Array.from(event.data) } : event);
      return;
    }
    // An effect may be answered before it returns.
    due.push(event);
    if (due.length > 1) return;
    for (let next = due[0]; next !== undefined; next = due[0]) {
      for (const effect of stepSpeaker(speaker, next, now())) perform(effect);
      due.shift();
    }
    arm();
  };
  const tcp: Tcp = createTcp(post, (text) => process.stderr.write(`${id}: ${text}\n`));

  const arm = (): void => {
    clearTimeout(timer);
    const deadline = nextSpeakerDeadline(speaker);
    if (deadline === undefined || frozen || over) return;
    timer = setTimeout(() => post({ kind: 'deadline' }), Math.max(0, Math.ceil(deadline - now())));
  };

  const perform = (effect: SpeakerEffect): void => {
    switch (effect.kind) {
      case 'tcp-send':
        pass(effect.connection, 'sent', effect.data);
        tcp.perform(effect);
        return;
      case 'tcp-connect':
      case 'tcp-listen':
      case 'tcp-secure':
      case 'tcp-close':
        tcp.perform(effect);
        return;
      case 'bfd-open':
        openBfd(bfdName(id, effect.session), effect.options);
        return;
      case 'bfd-close':
        closeBfd(bfdName(id, effect.session));
        return;
      case 'session':
      case 'routes':
      case 'log':
      case 'stopped':
        say({ id, kind: 'effect', effect });
        return;
    }
  };

  const openBfd = (session: string, bfdOptions: BfdOptions): void => {
    sessions.add(session);
    bfdUsers.set(session, (event) => {
      say({ id, kind: 'bfd', state: event.state });
      post(event);
    });
    bfd.post({ kind: 'open', session, options: bfdOptions });
  };

  const closeBfd = (session: string): void => {
    sessions.delete(session);
    bfdUsers.delete(session);
    bfd.post({ kind: 'close', session });
  };

  const silence = (): void => [...sessions].forEach(closeBfd);

  const order = (one: Order): void => {
    switch (one.op) {
      case 'start':
        return;
      case 'input':
        post(one.input);
        return;
      case 'freeze':
        frozen = true;
        clearTimeout(timer);
        return;
      case 'thaw':
        frozen = false;
        for (const event of waiting.splice(0)) post(event);
        post({ kind: 'deadline' });
        return;
      case 'paths':
        say({ id, kind: 'paths', paths: pathsFrom(speaker, one.prefix) });
        return;
      case 'vanish':
        over = true;
        clearTimeout(timer);
        silence();
        tcp.close();
        return;
    }
  };
  post({ kind: 'start', restarted });
  return { order };
}

const running = new Map<string, Running>();
process.on('message', (order: Order) => {
  if (order.op === 'start') running.set(order.id, run(order.id, order.options, order.restarted));
  else running.get(order.id)?.order(order);
});
process.on('disconnect', () => process.exit());
