/**
 * How fast the BGP speaker is beside other people's: the same table, the same policy, in one run on one
 * machine. Times are taken on the wire by endpoints of our own that know nothing of who is measured: from the
 * first octet that a sender writes (or breaks) to the moment when the receiver has counted all prefixes.
 *
 * `BYOA_BENCH_SPEAKERS=byoa,bird` measures only those.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Slices } from '../controller/shell/bgp-answer.ts';
import { openLab } from '../test/interop/lab.ts';
import { buildByoa, loopOf, type Program, slicesOf } from './bgp/byoa.ts';
import { busyTime, type Endpoint, peakMemory, startEndpoint } from './bgp/rig.ts';
import { missing, SPEAKERS, type Speaker, startSpeaker } from './bgp/speakers.ts';
import { encodeTable, FULL, makeTable, type TableSize } from './bgp/table.ts';
import type { Parties } from './bgp/task.ts';
import { type Benchmark, type Goal, goal, median, type Row } from './harness.ts';
import type { LoopFigures } from './scene/loop.ts';
import { versionsOf } from './scene/versions.ts';

const SMALL: TableSize = { prefixes: 100_000, attributeSets: 18_100, seed: 2 };
const [FIRST, SECOND, RECEIVER] = [65_001, 65_002, 65_009];
const FIRST_ADDRESS = '192.0.2.11';
const SECOND_ADDRESS = '192.0.2.12';
const LIMIT_MS = 300_000;
const PACKAGES = ['bird2', 'frr', 'gobgpd', 'openbgpd'];

interface Figure {
  readonly ms: number;
  readonly memory: number;
  readonly busyS: number;
  /** byoa only: its main loop from the first octet on, and its portions of work. */
  readonly loop?: LoopFigures;
  readonly slices?: Slices;
}

interface Files {
  readonly byoa: Program;
  readonly full: string;
  readonly small: string;
  /** The small table as the second sender tells it: by longer paths. */
  readonly worse: string;
}

interface Case {
  readonly name: string;
  /** Of byoa and BIRD; of the others `otherRuns`. */
  readonly runs: number;
  readonly otherRuns: number;
  readonly measure: (speaker: Speaker, files: Files) => Promise<Figure>;
}

async function prepare(folder: string): Promise<Files> {
  const small = makeTable(SMALL);
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const first = { as: FIRST, nextHop: FIRST_ADDRESS };
  const second = { as: SECOND, nextHop: SECOND_ADDRESS, pathSuffix: [64_999, 64_999] };
  return {
    byoa: await buildByoa(folder),
    full: write('full', encodeTable(makeTable(FULL), first)),
    small: write('small', encodeTable(small, first)),
    worse: write('worse', encodeTable(small, second)),
  };
}

type Story = (senders: readonly Endpoint[], receiver: Endpoint) => Promise<number>;

/**
 * A fresh lab with a speaker, its senders and its receiver, all established; takes the time that `story`
 * says.
 */
async function between(
  speaker: Speaker,
  { byoa }: Files,
  numbers: readonly number[],
  story: Story,
): Promise<Figure> {
  const lab = openLab();
  const ends: Endpoint[] = [];
  try {
    const receiver = startEndpoint(lab.host('receiver', 19), RECEIVER);
    ends.push(receiver);
    const senders = numbers.map((number) =>
      startEndpoint(lab.host(`sender${number}`, number), 64_990 + number),
    );
    ends.push(...senders);
    const host = lab.host('speaker', 1);
    const party = ({ host: { ipv4 }, as }: Endpoint) => ({ address: ipv4, as });
    const parties: Parties = { senders: senders.map(party), receiver: party(receiver) };
    const running = await startSpeaker(speaker, byoa, host, parties);
    for (const end of ends) {
      end.order({ op: 'connect', local: end.host.ipv4, remote: host.ipv4, as: end.as });
      await end.answer('established', 20_000);
    }
    const own = speaker === 'byoa' ? running[0] : undefined;
    if (own !== undefined) await loopOf(own, host);
    const ms = await story(senders, receiver);
    const figure = { ms, memory: peakMemory(running), busyS: busyTime(running) };
    if (own === undefined) return figure;
    const slices = await slicesOf(host);
    return { ...figure, loop: await loopOf(own, host), ...(slices === undefined ? {} : { slices }) };
  } finally {
    for (const end of ends) await end.end();
    await lab.close();
  }
}

/** From the first octet that the sender writes until the receiver reaches all prefixes by it. */
async function fill(sender: Endpoint, receiver: Endpoint, file: string, count: number): Promise<number> {
  receiver.order({ op: 'expect', via: sender.as, count });
  sender.order({ op: 'send', file });
  const began = await sender.answer('sending');
  return (await receiver.answer('reached', LIMIT_MS)) - began;
}

const CASES: readonly Case[] = [
  {
    name: '1M prefixes, sender to speaker to receiver',
    runs: 5,
    otherRuns: 1,
    measure: (speaker, files) =>
      between(speaker, files, [11], ([sender], receiver) =>
        fill(need(sender), receiver, files.full, FULL.prefixes),
      ),
  },
  {
    name: '100k prefixes, sender to speaker to receiver',
    runs: 7,
    otherRuns: 3,
    measure: (speaker, files) =>
      between(speaker, files, [11], ([sender], receiver) =>
        fill(need(sender), receiver, files.small, SMALL.prefixes),
      ),
  },
  {
    name: '100k prefixes reselected after the loss of a peer',
    runs: 7,
    otherRuns: 3,
    measure: (speaker, files) =>
      between(speaker, files, [11, 12], async ([first, second], receiver) => {
        await fill(need(second), receiver, files.worse, SMALL.prefixes);
        await fill(need(first), receiver, files.small, SMALL.prefixes);
        receiver.order({ op: 'expect', via: SECOND, count: SMALL.prefixes });
        need(first).order({ op: 'reset' });
        const began = await need(first).answer('lost');
        return (await receiver.answer('reached', LIMIT_MS)) - began;
      }),
  },
];

function need(endpoint: Endpoint | undefined): Endpoint {
  if (endpoint === undefined) throw new Error('this case has another sender');
  return endpoint;
}

/** What the endpoints take by themselves: the floor under all figures. */
async function direct(file: string): Promise<number> {
  const lab = openLab();
  const sender = startEndpoint(lab.host('sender11', 11), FIRST);
  const receiver = startEndpoint(lab.host('receiver', 19), RECEIVER);
  try {
    receiver.order({ op: 'listen', local: receiver.host.ipv4, as: RECEIVER });
    sender.order({ op: 'connect', local: sender.host.ipv4, remote: receiver.host.ipv4, as: FIRST });
    await sender.answer('established', 20_000);
    receiver.order({ op: 'expect', via: 0, count: FULL.prefixes });
    sender.order({ op: 'send', file });
    const began = await sender.answer('sending');
    return (await receiver.answer('reached')) - began;
  } finally {
    await sender.end();
    await receiver.end();
    await lab.close();
  }
}

type Figures = ReadonlyMap<Speaker, readonly Figure[]>;

const time = (figures: readonly Figure[] | undefined): number => median((figures ?? []).map(({ ms }) => ms));

function rowsOf(name: string, figures: Figures): readonly Row[] {
  const fastest = time(figures.get('bird'));
  return [...figures].map(([speaker, all]) => {
    const times = all.map(({ ms }) => ms);
    const range =
      all.length > 1 ? ` (${Math.min(...times).toFixed(0)}-${Math.max(...times).toFixed(0)})` : '';
    return {
      what: name,
      speaker,
      'time, ms': `${median(times).toFixed(0)}${range}`,
      'of BIRD': Number.isNaN(fastest) ? '' : (median(times) / fastest).toFixed(2),
      'peak RSS, MiB': Math.max(...all.map(({ memory }) => memory)).toFixed(0),
      'busy, s': median(all.map(({ busyS }) => busyS)).toFixed(1),
    };
  });
}

function goalsOf(name: string, figures: Figures): readonly Goal[] {
  const own = time(figures.get('byoa'));
  if (Number.isNaN(own)) return [];
  const ratio = (speaker: Speaker): number => own / time(figures.get(speaker));
  const others: readonly Speaker[] = ['frr', 'openbgpd', 'gobgp'];
  return [
    ...(figures.has('bird') ? [goal(`${name}: time beside BIRD`, ratio('bird'), '<=', 2, 'x')] : []),
    ...others
      .filter((speaker) => figures.has(speaker))
      .map((speaker) => goal(`${name}: time beside ${speaker}`, ratio(speaker), '<=', 1, 'x')),
  ];
}

/** RSS and the main loop at 1M, over all runs. */
function fullGoals(runs: readonly Figure[]): readonly Goal[] {
  const { turns, over } = turnsOf(runs);
  return [
    goal('RSS at 1M', Math.max(...runs.map(({ memory }) => memory)), '<=', 450, 'MiB'),
    goal('main-loop turns of at most 10 ms at 1M', (100 * (turns - over)) / turns, '>=', 99.9, '%'),
  ];
}

const turnsOf = (runs: readonly Figure[]): { readonly turns: number; readonly over: number } => ({
  turns: runs.reduce((sum, { loop }) => sum + (loop?.turns ?? 0), 0),
  over: runs.reduce((sum, { loop }) => sum + (loop?.over10Ms ?? 0), 0),
});

function loopNotes(runs: readonly Figure[]): readonly string[] {
  const { turns, over } = turnsOf(runs);
  const most = (pick: (one: Figure) => number | undefined): string =>
    `${Math.max(...runs.map((one) => pick(one) ?? 0)).toFixed(1)} ms`;
  return [
    `byoa's main loop at 1M: ${turns} turns, median ${median(runs.map(({ loop }) => loop?.medianMs ?? 0)).toFixed(1)} ms, ` +
      `longest ${most(({ loop }) => loop?.longestMs)} (the thread ran ${most(({ loop }) => loop?.longestRunMs)} ` +
      `at most in a turn), ${over} above 10 ms; ` +
      `longest portion of the speaker's work ${most(({ slices }) => slices?.longestMs)}; ` +
      `longest garbage collection ${most(({ loop }) => loop?.longestCollectionMs)}.`,
  ];
}

async function measureAll(
  files: Files,
  speakers: readonly Speaker[],
  say: (line: string) => void,
): Promise<{ rows: readonly Row[]; goals: readonly Goal[]; notes: readonly string[] }> {
  const rows: Row[] = [];
  const goals: Goal[] = [];
  const notes: string[] = [];
  for (const { name, runs, otherRuns, measure } of CASES) {
    const figures = new Map<Speaker, Figure[]>();
    for (const speaker of speakers) {
      const count = speaker === 'byoa' || speaker === 'bird' ? runs : otherRuns;
      try {
        for (let run = 0; run < count; run++) {
          const figure = await measure(speaker, files);
          figures.set(speaker, [...(figures.get(speaker) ?? []), figure]);
          say(`${name}: ${speaker} ${figure.ms.toFixed(0)} ms, ${figure.memory.toFixed(0)} MiB`);
          if (figure.loop !== undefined) say(JSON.stringify({ ...figure.loop, ...figure.slices }));
        }
      } catch (error) {
        notes.push(`failed: ${name}: ${speaker}: ${error instanceof Error ? error.message : String(error)}`);
        say(notes.at(-1) ?? '');
      }
    }
    rows.push(...rowsOf(name, figures));
    goals.push(...goalsOf(name, figures));
    const full = figures.get('byoa');
    if (name !== CASES[0]?.name || full === undefined) continue;
    goals.push(...fullGoals(full));
    notes.push(...loopNotes(full));
  }
  return { rows, goals, notes };
}

function wantedSpeakers(): readonly Speaker[] {
  const named = process.env.BYOA_BENCH_SPEAKERS?.split(',');
  return SPEAKERS.filter((speaker) => named === undefined || named.includes(speaker));
}

export const benchmark: Benchmark = {
  question:
    'How long does BGP take for 1M and 100k prefixes, and for the loss of a peer, beside other speakers?',
  run: async (say) => {
    const absent = wantedSpeakers().filter((speaker) => missing(speaker) !== undefined);
    const present = wantedSpeakers().filter((speaker) => !absent.includes(speaker));
    const notes = absent.map((speaker) => `not measured: ${speaker} (${missing(speaker)})`);
    if (present.length === 0) return { rows: [], goals: [], notes };
    const folder = mkdtempSync(join(tmpdir(), 'byoa-bench-'));
    try {
      const files = await prepare(folder);
      const floor = await direct(files.full);
      say(`sender to receiver without a speaker between: ${floor.toFixed(0)} ms`);
      const { rows, goals, notes: more } = await measureAll(files, present, say);
      notes.push(...more);
      notes.push(`1M prefixes from sender to receiver without a speaker between: ${floor.toFixed(0)} ms.`);
      notes.push(`All have the same policy (bench/bgp/task.ts) and the priority that byoa's unit gives it.`);
      notes.push(`byoa is the built daemon with its journal.`);
      notes.push(`Peers: ${versionsOf(PACKAGES)}.`);
      return { rows, goals, notes };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
