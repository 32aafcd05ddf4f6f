/**
 * The measuring peer, the same for all that are measured: brings sessions up, falls silent right after a
 * packet, and takes the time until the other side says on the wire that its Detection Time has expired. In a
 * process of its own with real-time scheduling, so that load does not change the measure. One line of JSON
 * in, lines of JSON out.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { present, unreachable } from '../../controller/base/result.ts';
import type { BfdEffect, BfdEvent, BfdStatus } from '../../controller/bfd/event.ts';
import { bfdStatus, createBfd, nextBfdDeadline, stepBfd } from '../../controller/bfd/machine.ts';
import { sharedClock } from '../../controller/shell/bfd/message.ts';
import { createBfdSockets } from '../../controller/shell/bfd/sockets.ts';
import { setRealTime } from '../../controller/shell/libc.ts';
import { decodeControl, STATE } from '../../controller/wire/bfd.ts';

export interface TesterSession {
  readonly local: string;
  readonly peer: string;
  readonly intervalMs: number;
}

export type TesterOrder =
  /** Brings sessions up, and keeps them until `die` names one of them by its local address. */
  | { readonly kind: 'open'; readonly sessions: readonly TesterSession[] }
  /** One of them falls silent once it is steady, and begins anew. */
  | { readonly kind: 'die'; readonly local: string }
  | { readonly kind: 'measure'; readonly sessions: readonly TesterSession[]; readonly rounds: number }
  | { readonly kind: 'watch'; readonly sessions: readonly TesterSession[]; readonly seconds: number };

export type TesterLine =
  /** `silentAt` and `downAt` are instants of the monotonic clock of the machine. */
  | {
      readonly kind: 'sample';
      readonly session: TesterSession;
      readonly silentAt: number;
      readonly downAt: number;
    }
  /** They took us for dead, or were so late that we took them for it, at this instant. */
  | { readonly kind: 'false-down'; readonly session: TesterSession; readonly at: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'trouble'; readonly text: string };

const say = (line: TesterLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const DETECTION_TIME_EXPIRED = 1;
/** The importer first makes its table, and has no time for orders meanwhile. */
const UP_LIMIT_MS = 90_000;
const LEAST_DWELL_MS = 300;
/** Who died once stays dead for so long, and is seen to be. */
const DEAD_MS = 500;

/** One session to one address of who is measured. */
class Probe {
  readonly session: TesterSession;
  readonly falseDowns: number[] = [];
  #bfd = createBfd({ seed: Math.random() });
  #timer: NodeJS.Timeout | undefined;
  #silentAt: number | undefined;
  #fallSilent = false;
  #theirState = 1;
  #onDown: ((at: number) => void) | undefined;

  constructor(session: TesterSession) {
    this.session = session;
  }

  open(): void {
    const { local, peer, intervalMs } = this.session;
    const options = { local, peer, multihop: false, intervalMs, multiplier: 3, passive: false };
    this.#bfd = createBfd({ seed: Math.random() });
    this.#silentAt = undefined;
    this.#step({ kind: 'open', session: local, options });
  }

  status(): BfdStatus {
    return present(bfdStatus(this.#bfd)[0], 'the session');
  }

  /** Up on both sides, at the pace that was agreed. */
  isSteady(): boolean {
    const { state, remoteState, detectionTimeMs } = this.status();
    return state === 'up' && remoteState === 'up' && detectionTimeMs === 3 * this.session.intervalMs;
  }

  hear(data: Uint8Array): void {
    const packet = decodeControl(data);
    if (!packet.ok) return;
    const { state, diagnostic } = packet.value;
    const expired =
      state === STATE.down && this.#theirState === STATE.up && diagnostic === DETECTION_TIME_EXPIRED;
    this.#theirState = state;
    if (expired && this.#silentAt === undefined) this.falseDowns.push(sharedClock());
    if (expired && this.#silentAt !== undefined) this.#onDown?.(sharedClock());
    if (this.#silentAt === undefined) {
      const { local, peer } = this.session;
      this.#step({ kind: 'datagram', from: peer, to: local, multihop: false, data });
    }
  }

  /** Sends one more packet, no other after it, and waits until the other side says that it noticed. */
  async fallSilent(): Promise<{ silentAt: number; downAt: number }> {
    const downAt = await new Promise<number>((resolve) => {
      this.#onDown = resolve;
      this.#fallSilent = true;
    });
    return { silentAt: present(this.#silentAt, 'the last packet'), downAt };
  }

  #step(event: BfdEvent): void {
    for (const effect of stepBfd(this.#bfd, event, sharedClock())) this.#perform(effect);
    clearTimeout(this.#timer);
    const due = nextBfdDeadline(this.#bfd);
    if (due === undefined || this.#silentAt !== undefined) return;
    const ring = (): void => void setImmediate(() => this.#step({ kind: 'deadline' }));
    this.#timer = setTimeout(ring, Math.max(0, due - sharedClock()));
  }

  #perform(effect: BfdEffect): void {
    if (effect.kind === 'send' && this.#silentAt === undefined) {
      sockets.send(this.session.local, effect.data);
      if (this.#fallSilent) {
        this.#fallSilent = false;
        this.#silentAt = sharedClock();
      }
    }
    if (effect.kind === 'state' && effect.change.diagnostic === 'control detection time expired')
      this.falseDowns.push(sharedClock());
  }
}

const probes = new Map<string, Probe>();
const sockets = createBfdSockets(({ to, data }) => probes.get(to ?? '')?.hear(data));

async function steady(probe: Probe): Promise<void> {
  const limit = sharedClock() + UP_LIMIT_MS;
  while (!probe.isSteady()) {
    if (sharedClock() > limit)
      throw new Error(`${probe.session.peer} did not come up: ${JSON.stringify(probe.status())}`);
    await sleep(20);
  }
}

async function measure(probe: Probe, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    probe.open();
    await die(probe);
  }
}

async function die(probe: Probe): Promise<void> {
  await steady(probe);
  // Long enough for every Poll Sequence to be over, and at no particular phase.
  await sleep(LEAST_DWELL_MS + (2 + 3 * Math.random()) * probe.session.intervalMs);
  await steady(probe);
  say({ kind: 'sample', session: probe.session, ...(await probe.fallSilent()) });
}

async function openAll(): Promise<void> {
  const all = [...probes.values()];
  for (const probe of all) probe.open();
  await Promise.all(all.map(steady));
}

async function watch(seconds: number): Promise<void> {
  const all = [...probes.values()];
  await openAll();
  await sleep(LEAST_DWELL_MS);
  for (const { falseDowns } of all) falseDowns.length = 0;
  await sleep(seconds * 1000);
  for (const { session, falseDowns } of all)
    for (const at of falseDowns) say({ kind: 'false-down', session, at });
}

function add(sessions: readonly TesterSession[]): void {
  for (const session of sessions) {
    const { local, peer, intervalMs } = session;
    const refused = sockets.open(local, {
      ...{ local, peer, intervalMs },
      ...{ multihop: false, multiplier: 3, passive: false },
    });
    if (refused !== undefined) throw new Error(refused);
    probes.set(local, new Probe(session));
  }
}

async function obey(order: TesterOrder): Promise<void> {
  if (order.kind !== 'die') add(order.sessions);
  switch (order.kind) {
    case 'open':
      await openAll();
      break;
    case 'die': {
      const probe = present(probes.get(order.local), 'the session that is to die');
      await die(probe);
      await sleep(DEAD_MS);
      probe.open();
      break;
    }
    case 'watch':
      await watch(order.seconds);
      break;
    case 'measure':
      await Promise.all([...probes.values()].map((probe) => measure(probe, order.rounds)));
      break;
    default:
      unreachable(order);
  }
  say({ kind: 'done' });
}

const realTime = setRealTime(20);
if (!realTime.ok) say({ kind: 'trouble', text: `the tester has no SCHED_FIFO: ${realTime.error}` });
createInterface(process.stdin).on('line', (line) => {
  obey(JSON.parse(line)).catch((error: unknown) => {
    say({ kind: 'trouble', text: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  });
});
