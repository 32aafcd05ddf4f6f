/**
 * Speakers of ours against routing daemons of other people: the same cases for every daemon that supports
 * them, over IPv4 and IPv6, as a table at the end. Each daemon has a lab of its own; all run side by side.
 */
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import type { Family } from '../../controller/bgp/options.ts';
import { BFD_CASES, reactions } from './bfd-cases.ts';
import type { Case, Trial } from './case.ts';
import { CASES } from './cases.ts';
import { KINDS, type Kind, whyNot } from './daemons.ts';
import { ipv4Of, ipv6Of, type Lab, openLab } from './lab.ts';
import { LAST_CASES } from './last-cases.ts';
import { neighbor, OUR_AS, type OurProcess, type Ours, speaker, startOurs } from './ours.ts';
import { logOf, type PeerDaemon, startPeer } from './peer.ts';
import { reactionRows, recordInterop } from './record.ts';
import type { NeighborSpec } from './spec.ts';
import { type Entry, interopTable, printedTable } from './table.ts';

vi.setConfig({ maxConcurrency: 24, testTimeout: 150_000 });

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const addressOf = (family: Family, number: number): string =>
  family === 'ipv4' ? ipv4Of(number) : ipv6Of(number);

interface Placed {
  readonly one: Case;
  readonly family: Family;
  /** Of our speaker, and of each further one. */
  readonly numbers: readonly number[];
}

/** Gives every case of a kind its addresses; the same numbers serve both families. */
function place(kind: Kind, cases: readonly Case[]): readonly Placed[] {
  let next = 10;
  return cases
    .filter(({ without }) => without?.[kind] === undefined)
    .flatMap((one) => {
      const count = 1 + (one.others?.length ?? 0) + (one.spares ?? 0);
      const numbers = Array.from({ length: count }, (_, index) => next + index);
      next += numbers.length;
      return FAMILIES.map((family) => ({ one, family, numbers }));
    });
}

const entries: Entry[] = [];

/** The last attempt counts. */
function enter(entry: Entry): void {
  const index = entries.findIndex(
    ({ name, kind, family }) => name === entry.name && kind === entry.kind && family === entry.family,
  );
  if (index < 0) entries.push(entry);
  else entries[index] = entry;
}

/** What stands ready for the cases of a kind. */
interface Stage {
  readonly kind: Kind;
  readonly number: number;
  readonly lab: Lab;
  readonly peer: PeerDaemon;
  readonly ours: OurProcess;
}

/** A trial, and the speakers that it has started so far. */
function trialOf(
  { kind, number, lab, peer, ours }: Stage,
  { one, family, numbers }: Placed,
): [Trial, Ours[]] {
  const all = numbers.map((at) => addressOf(family, at));
  const [address = '', ...others] = all;
  const [first = 0] = numbers;
  const theirs = addressOf(family, number);
  const own = family === 'ipv4' ? `10.100.${first}.0/24` : `2001:db8:64:${first}::/64`;
  const optionsAt: Trial['optionsAt'] = (at, given = {}, more = {}) => {
    const id = numbers[all.indexOf(at)] ?? first;
    const to = neighbor({ name: 'peer', address: theirs, as: 65_000 + number, families: [family], ...given });
    const originate = [{ prefix: own, nextHop: 'self', communities: ['65000:7'] }];
    return speaker(at, ipv4Of(id), [to], { originate, ...more });
  };
  const started: Ours[] = [];
  const start: Trial['start'] = (name, options, restarted) => {
    const speaks = ours.start(`${kind} ${family} ${one.name}: ${name}`, options, restarted);
    started.push(speaks);
    return speaks;
  };
  const network = family === 'ipv4' ? `10.${number}.0.0/16` : `2001:db8:${number}::/48`;
  const places = { kind, family, peer, theirs, address, others, network, own, process: ours, lab };
  return [{ ...places, optionsAt, start }, started];
}

async function run(stage: Stage, placed: Placed): Promise<void> {
  const { one, family } = placed;
  const entry = { name: one.name, kind: stage.kind, family };
  const [trial, started] = trialOf(stage, placed);
  try {
    if (one.manual) await one.run(trial);
    else await one.run(trial, trial.start('ours', trial.optionsAt(trial.address, one.ours)));
    enter({ ...entry, outcome: 'ok' });
  } catch (error) {
    enter({ ...entry, outcome: 'FAILED' });
    if (error instanceof Error) error.message += `\n${logOf(stage.peer)}`;
    throw error;
  } finally {
    for (const speaks of started) speaks.order('vanish');
  }
}

const neighborsOf = (placed: readonly Placed[], number: number): readonly NeighborSpec[] =>
  placed.flatMap(({ one, family, numbers }) =>
    [one.peer ?? {}, ...(one.others ?? [])].map((given, index) => ({
      address: addressOf(family, numbers[index] ?? 0),
      local: addressOf(family, number),
      as: OUR_AS,
      families: [family],
      ...given,
    })),
  );

const ALL_CASES = [...CASES, ...LAST_CASES, ...BFD_CASES];

/** A kind with its cases; `open` starts what they need, once. */
function company(kind: Kind, number: number) {
  const why = whyNot(kind);
  const placed = place(kind, ALL_CASES);
  let opening: Promise<void> | undefined;
  let stage: Stage | undefined;

  const begin = async (): Promise<void> => {
    if (why !== undefined) return;
    const lab = openLab();
    const [first = 0, ...others] = [...new Set(placed.flatMap(({ numbers }) => numbers))];
    const ours = startOurs(lab.host('ours', first, others));
    const peer = await startPeer(lab.host(kind, number), {
      kind,
      as: 65_000 + number,
      routerId: ipv4Of(number),
      networks: [`10.${number}.0.0/16`, `2001:db8:${number}::/48`],
      neighbors: neighborsOf(placed, number),
    });
    stage = { kind, number, lab, peer, ours };
  };
  const open = (): Promise<void> => {
    opening ??= begin();
    return opening;
  };
  const close = async (): Promise<void> => {
    await stage?.ours.end();
    await stage?.lab.close();
  };
  const each = (which: readonly Case[], retry = 0): void => {
    for (const one of placed.filter((other) => which.includes(other.one))) {
      const title = `${one.one.name}, ${one.family}${why === undefined ? '' : ` (${why})`}`;
      it.skipIf(why !== undefined)(title, { retry }, async () => {
        if (stage === undefined) throw new Error(`${kind} did not start`);
        await run(stage, one);
      });
    }
  };
  return { kind, open, close, each };
}

const companies = KINDS.map((kind, index) => company(kind, 2 + index));
const withBfd = companies.filter(({ kind }) =>
  BFD_CASES.some(({ without }) => without?.[kind] === undefined),
);

describe.concurrent.each(companies)('$kind', (one) => {
  beforeAll(one.open);
  // Those that speak BFD stay for that.
  if (!withBfd.includes(one)) afterAll(one.close);
  describe('at once', () => one.each(CASES));
  describe.sequential('one after another', () => one.each(LAST_CASES));
});

// Last, when no other peer keeps the machine busy. Whatever else does may hold up either side for longer
// than the 30 ms that the fastest sessions wait: another one fails than was meant, and the case is repeated.
describe.each(withBfd)('BFD with $kind', (one) => {
  beforeAll(one.open);
  afterAll(one.close);
  one.each(BFD_CASES, 3);
});

afterAll(() => {
  const shown = interopTable(entries, ALL_CASES);
  const took = reactionRows(reactions).map((row) => Object.values(row).join(', '));
  process.stdout.write(`\n${printedTable(shown)}\n${took.join('\n')}\n`);
  if (process.env.BYOA_RECORD === '1') recordInterop(shown, reactions);
});
