/**
 * What the simulator costs: packets by number of ENIs, memory, its start, and API requests beside moto.
 * Packets are counted in CPU time of one process that runs the compiled code.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { present } from '../controller/base/result.ts';
import { type Benchmark, type Goal, goal, median, type Row, spread } from './harness.ts';
import {
  ACTIONS,
  boto3Rates,
  buildLibrary,
  makeSite,
  rateOf,
  rawClient,
  type Server,
  startByoa,
  startMoto,
  warmClient,
} from './sim/api.ts';
import type { PacketCosts } from './sim/packets.ts';

const FEW = 100;
const MANY = 100_000;
const STARTS = 9;
const ROUNDS = 4;
const PACKET_ROUNDS = 5;
const REQUESTS = { byoa: 1000, moto: 150, boto3: 150 } as const;

const rounded = (value: number): number => Number(value.toPrecision(4));

/**
 * Measures in fresh processes, so that memory and compiled code are those of one size alone, the sizes in
 * turns: the best of each figure, for what else goes on in a machine only ever adds to it.
 */
async function packetCosts(enis: readonly number[], say: (line: string) => void): Promise<PacketCosts[]> {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-bench-'));
  const outfile = join(folder, 'packets.mjs');
  const entry = fileURLToPath(new URL('sim/packets.ts', import.meta.url));
  try {
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm' });
    const measured = enis.map((): PacketCosts[] => []);
    for (let round = 1; round <= PACKET_ROUNDS; round++) {
      for (const [index, count] of enis.entries()) {
        say(`packets among ${count} ENIs, round ${round} of ${PACKET_ROUNDS}`);
        const { status, stdout, stderr } = spawnSync(process.execPath, [outfile, String(count)], {
          encoding: 'utf8',
        });
        if (status !== 0) throw new Error(`the packets of ${count} ENIs were not measured: ${stderr}`);
        measured[index]?.push(JSON.parse(stdout));
      }
    }
    return measured.map(best);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The best of each figure. */
function best(rounds: readonly PacketCosts[]): PacketCosts {
  const of = (figure: keyof PacketCosts): number => Math.min(...rounds.map((one) => one[figure]));
  return {
    enis: of('enis'),
    buildMs: of('buildMs'),
    rss: of('rss'),
    same: of('same'),
    recorded: of('recorded'),
    spread: of('spread'),
    sameWalked: of('sameWalked'),
    spreadWalked: of('spreadWalked'),
  };
}

const perSecond = (ns: number): number => 1e9 / ns;

function packetRow({ enis, buildMs, rss, spread: wide, ...costs }: PacketCosts): Row {
  return {
    what: `${enis} ENIs`,
    'packets/s': rounded(perSecond(costs.same)),
    'nothing remembered/s': rounded(perSecond(costs.sameWalked)),
    'all hops recorded/s': rounded(perSecond(costs.recorded)),
    'flows among all ENIs/s': rounded(perSecond(wide)),
    'so, nothing remembered/s': rounded(perSecond(costs.spreadWalked)),
    'built in': `${rounded(buildMs)} ms`,
    memory: `${rounded(rss / 2 ** 20)} MiB`,
  };
}

function packetGoals(few: PacketCosts, many: PacketCosts): readonly Goal[] {
  return [
    goal('packets-per-second', perSecond(few.same), '>=', 1_000_000, '/s'),
    goal('packets-per-second-recorded', perSecond(few.recorded), '>=', 500_000, '/s'),
    goal('cost at 100,000 ENIs, the same flows', many.same / few.same, '<=', 1.5, 'x'),
    goal('cost at 100,000 ENIs, flows among all', many.spread / few.same, '<=', 3, 'x'),
    goal('memory at 100,000 ENIs', many.rss / 2 ** 20, '<=', 1024, 'MiB'),
  ];
}

async function startTimes(say: (line: string) => void): Promise<readonly number[]> {
  const times: number[] = [];
  for (let run = 0; run < STARTS; run++) {
    const server = await startByoa();
    times.push(server.readyMs);
    await server.close();
  }
  say(`started ${STARTS} times`);
  return times;
}

type Rates = Readonly<Record<string, number>>;

/** Requests a second of each server, in turns: the best of some rounds; then by boto3. */
async function ratesOf(
  servers: readonly { readonly server: Server; readonly count: number }[],
): Promise<readonly { readonly raw: Rates; readonly boto3: Rates }[]> {
  await warmClient();
  const sides = servers.map((each) => ({ ...each, client: rawClient(each.server.url) }));
  try {
    const sites = await Promise.all(sides.map(({ client }) => makeSite(client.send)));
    const measured = sides.map(() => ACTIONS.map((): number[] => []));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [column, action] of ACTIONS.entries()) {
        for (const [row, { client, count }] of sides.entries()) {
          const rate = await rateOf(client.send, present(sites[row], 'a site'), action, count);
          measured[row]?.[column]?.push(rate);
        }
      }
    }
    return sides.map(({ server }, row) => ({
      raw: Object.fromEntries(
        ACTIONS.map((action, column) => [action, Math.max(...(measured[row]?.[column] ?? []))]),
      ),
      boto3: boto3Rates(server.url, present(sites[row], 'a site'), REQUESTS.boto3),
    }));
  } finally {
    for (const { client } of sides) client.close();
    for (const { server } of sides) await server.close();
  }
}

async function requests(
  say: (line: string) => void,
): Promise<{ rows: Row[]; goals: Goal[]; notes: string[] }> {
  say('API requests');
  const byoa = { server: await startByoa(), count: REQUESTS.byoa };
  const peer = await startMoto();
  const [ours, moto] = await ratesOf(peer ? [byoa, { server: peer, count: REQUESTS.moto }] : [byoa]);
  if (ours === undefined) throw new Error('no requests were measured');
  const cell = (value: number | undefined): string | number => (value === undefined ? '' : rounded(value));
  const rows = ACTIONS.map((action) => ({
    request: `${action}/s`,
    byoa: cell(ours.raw[action]),
    moto: cell(moto?.raw[action]),
    'byoa, boto3': cell(ours.boto3[action]),
    'moto, boto3': cell(moto?.boto3[action]),
  }));
  if (moto === undefined)
    return { rows, goals: [], notes: ["No moto_server here: pip install 'moto[server]'."] };
  const goals = ACTIONS.map((action) => {
    const ratio = (ours.raw[action] ?? 0) / (moto.raw[action] ?? Number.NaN);
    return goal(`${action}, beside moto`, ratio, '>=', 10, 'x');
  });
  return { rows, goals, notes: [] };
}

export const benchmark: Benchmark = {
  question: 'What do packets, ENIs, a start and API requests cost in the simulator?',
  run: async (say) => {
    const [few, many] = await packetCosts([FEW, MANY], say);
    if (few === undefined || many === undefined) throw new Error('no packets were measured');
    say('compiling the library');
    buildLibrary();
    const starts = await startTimes(say);
    const api = await requests(say);
    return {
      rows: [packetRow(few), packetRow(many), { what: 'start, built', ...spread(starts, 'ms') }, ...api.rows],
      goals: [...packetGoals(few, many), goal('start, built', median(starts), '<=', 700, 'ms'), ...api.goals],
      notes: [
        'A packet is UDP from guest to guest between two subnets, past 2 security groups that track 10,000 flows,',
        '2 network ACLs and a table of 1,000 routes, in CPU time; recorded is every step, not its words.',
        'What the last packet of a live flow did is remembered (sim/vpc/flow-memo.ts), of a new one nothing.',
        `Packets: the best of ${PACKET_ROUNDS} processes. Requests: the best of ${ROUNDS} rounds, in turns with moto,`,
        'by a raw client that was warm before. What else goes on in a machine only ever adds.',
        ...api.notes,
      ],
    };
  },
};
