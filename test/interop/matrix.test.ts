/**
 * Speakers of ours against routing daemons of other people: the same cases for every daemon that supports
 * them, over IPv4 and IPv6, as a table at the end. One lab, in which all daemons run at once.
 */
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import type { Family } from '../../controller/bgp/options.ts';
import type { Case, Trial } from './case.ts';
import { CASES } from './cases.ts';
import { KINDS, type Kind, whyNot } from './daemons.ts';
import { ipv4Of, ipv6Of, type Lab, openLab } from './lab.ts';
import { LAST_CASES, measured } from './last-cases.ts';
import { neighbor, OUR_AS, type OurProcess, speaker, startOurs } from './ours.ts';
import { type PeerDaemon, startPeer } from './peer.ts';
import type { NeighborSpec } from './spec.ts';
import { interopTable } from './table.ts';

vi.setConfig({ maxConcurrency: 12, testTimeout: 60_000 });

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
    .filter(({ kinds }) => kinds === undefined || kinds.includes(kind))
    .flatMap((one) => {
      const count = 1 + (one.others?.length ?? 0) + (one.spares ?? 0);
      const numbers = Array.from({ length: count }, (_, index) => next + index);
      next += numbers.length;
      return (one.families ?? FAMILIES).map((family) => ({ one, family, numbers }));
    });
}

const entries: Parameters<typeof interopTable>[0][number][] = [];

/** What stands ready for the cases of a kind. */
interface Stage {
  readonly kind: Kind;
  readonly number: number;
  readonly peer: PeerDaemon;
  readonly ours: OurProcess;
}

function trialOf({ kind, number, peer, ours }: Stage, { one, family, numbers }: Placed): Trial {
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
  const start: Trial['start'] = (name, options, restarted) =>
    ours.start(`${kind} ${family} ${one.name}: ${name}`, options, restarted);
  const mine = one.manual ? undefined : start('ours', optionsAt(address, one.ours, one.speaker));
  const network = family === 'ipv4' ? `10.${number}.0.0/16` : `2001:db8:${number}::/48`;
  return {
    ...{ kind, family, peer, theirs, address, others, network, own, process: ours, optionsAt, start },
    get ours() {
      if (mine === undefined) throw new Error(`'${one.name}' starts its speakers itself`);
      return mine;
    },
  };
}

async function run(stage: Stage, placed: Placed): Promise<void> {
  const { name } = placed.one;
  const entry = { name, kind: stage.kind, family: placed.family };
  try {
    await placed.one.run(trialOf(stage, placed));
    entries.push({ ...entry, outcome: 'ok' });
  } catch (error) {
    entries.push({ ...entry, outcome: 'FAILED' });
    throw error;
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

describe.each(KINDS.map((kind, index) => ({ kind, number: 2 + index })))('$kind', ({ kind, number }) => {
  const why = whyNot(kind);
  const placed = place(kind, [...CASES, ...LAST_CASES]);
  let lab: Lab;
  let stage: Stage;

  beforeAll(async () => {
    if (why !== undefined) return;
    lab = openLab();
    const [first = 0, ...others] = [...new Set(placed.flatMap(({ numbers }) => numbers))];
    const ours = startOurs(lab.host('ours', first, others));
    const peer = await startPeer(lab.host(kind, number), {
      kind,
      as: 65_000 + number,
      routerId: ipv4Of(number),
      networks: [`10.${number}.0.0/16`, `2001:db8:${number}::/48`],
      neighbors: neighborsOf(placed, number),
    });
    stage = { kind, number, peer, ours };
  });
  afterAll(async () => {
    await stage?.ours.end();
    await lab?.close();
  });

  const cases = (which: readonly Case[]) =>
    placed
      .filter(({ one }) => which.includes(one))
      .map((one) => ({
        ...one,
        title: `${one.one.name}, ${one.family}${why === undefined ? '' : ` (${why})`}`,
      }));
  describe.concurrent('at once', () => {
    it.skipIf(why !== undefined).each(cases(CASES))('$title', (one) => run(stage, one));
  });
  describe('one after another', () => {
    it.skipIf(why !== undefined).each(cases(LAST_CASES))('$title', (one) => run(stage, one));
  });
});

afterAll(() => {
  const names = [...CASES, ...LAST_CASES].map(({ name }) => name);
  process.stdout.write(`\n${interopTable(entries, names)}\n${measured.join('\n')}\n`);
});
