/**
 * What a running lab is asked, and by whom: lines of JSON over a Unix socket in the memory file system that
 * only the lab's own namespace has. From outside it is found through any process of the lab, so that a lab
 * that has ended has left nothing to find.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { GuestVerb } from '../world/guests.ts';
import type { Logged } from '../world/happening.ts';
import type { Machine } from './lab.ts';
import type { Counts, SeenPacket } from './message.ts';
import type { ToldDesign } from './told-design.ts';

export const SOCKET = '/run/byoa/lab.sock';

export type Question =
  | { readonly kind: 'list' }
  /** The machine's id, and the root of its file system. */
  | { readonly kind: 'enter'; readonly machine: string }
  | { readonly kind: 'verb'; readonly machine: string; readonly verb: GuestVerb | 'stop' }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly loss: number }
  | { readonly kind: 'heal'; readonly id: string }
  | { readonly kind: 'trace' }
  | { readonly kind: 'capture'; readonly eni: string }
  | { readonly kind: 'design' }
  /** What has happened in the world after an event. */
  | { readonly kind: 'events'; readonly since: number }
  | { readonly kind: 'down' };

/** A frame as a line tells it. */
export interface ToldFrame {
  readonly at: number;
  readonly sent: boolean;
  /** Base64. */
  readonly frame: string;
}

export type Answer =
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'done'; readonly text: string }
  | {
      readonly kind: 'list';
      readonly machines: readonly Machine[];
      readonly url: string;
      readonly counts: Counts;
    }
  | { readonly kind: 'entered'; readonly id: string; readonly root: string }
  | { readonly kind: 'packets'; readonly packets: readonly SeenPacket[]; readonly missed: number }
  | { readonly kind: 'frames'; readonly frames: readonly ToldFrame[] }
  | { readonly kind: 'design'; readonly told: ToldDesign }
  /** `last` is the number of the last event there was. */
  | { readonly kind: 'events'; readonly events: readonly Logged[]; readonly last: number };

/** A lab that runs, seen from outside: a process in its namespaces. */
export interface Found {
  readonly pid: number;
  readonly socket: string;
}

/** The labs that run here, each once: by a process that is inside all of its namespaces. */
function findLabs(): readonly Found[] {
  const labs = new Map<string, Found>();
  const own = readlinkSync('/proc/self/ns/pid');
  for (const name of readdirSync('/proc')) {
    const socket = `/proc/${name}/root${SOCKET}`;
    if (!/^\d+$/.test(name) || !existsSync(socket)) continue;
    try {
      const place = readlinkSync(`/proc/${name}/ns/pid`);
      if (place !== own && !labs.has(place)) labs.set(place, { pid: Number(name), socket });
    } catch {
      // The process has ended meanwhile.
    }
  }
  return [...labs.values()];
}

/** Whether a process descends from another one, or is it. */
function descends(pid: number, from: number): boolean {
  for (let at = pid; at > 1; ) {
    if (at === from) return true;
    try {
      at = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${at}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      return false;
    }
  }
  return false;
}

/**
 * The one lab that runs here, or the one that has the process `of` or was started by it; fails where there is
 * none, or more than one.
 */
export function findLab(of?: number): Found {
  const all = findLabs().filter(({ pid }) => of === undefined || descends(pid, of));
  const [lab] = all;
  if (lab === undefined) {
    throw new Error('No lab runs here, or not as this user; byoa lab up WORLD starts one.');
  }
  if (all.length > 1) {
    const pids = all.map((each) => each.pid).join(', ');
    throw new Error(`Several labs run here, in the processes ${pids}: choose by --lab.`);
  }
  return lab;
}

/**
 * Asks a lab; every answer is told until the lab closes the connection, or `done` says that it was the
 * last.
 */
export function ask(lab: Found, question: Question, told: (answer: Answer) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(lab.socket);
    socket.once('error', (error) => reject(new Error(`The lab does not answer (${error.message}).`)));
    socket.once('close', resolve);
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    // It repeats the errors of the socket, which are told already.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.kind === 'failed') reject(new Error(answer.why));
      if (answer.kind === 'failed' || told(answer)) socket.destroy();
    });
    socket.write(`${JSON.stringify(question)}\n`);
  });
}

/** The one answer to a question. */
export async function askOnce(lab: Found, question: Question): Promise<Answer> {
  let answer: Answer | undefined;
  await ask(lab, question, (told) => {
    answer = told;
    return true;
  });
  if (answer === undefined) throw new Error('The lab has ended.');
  return answer;
}
