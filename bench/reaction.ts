/**
 * How soon the daemon acts on a death that BFD has seen: the built daemon in a network namespace, with its
 * journal, from the packet that says Down (diagnostic 1) on the wire to the first octet of ReplaceRoute in
 * another namespace, and to the kernel's route by another neighbor. While nothing else happens, and while a
 * third neighbor announces and withdraws a million prefixes again and again. All clocks are the machine's.
 *
 * `BYOA_BENCH_ROUNDS=60` lets so many die in each way under load; 12 else.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from '../controller/base/quantile.ts';
import { sharedClock } from '../controller/shell/bfd/message.ts';
import { askDaemon } from '../controller/shell/control.ts';
import { type Program as Child, startProgram } from '../test/interop/bfd-lab.ts';
import { type Host, ipv4Of, openLab, printed, type Running, start, until } from '../test/interop/lab.ts';
import { REAL_TIME_FLAGS } from './bfd/scene.ts';
import type { TesterLine, TesterOrder } from './bfd/tester.ts';
import { buildByoa, loopOf, type OwnConfig, type Program, runByoa, socketOf } from './bgp/byoa.ts';
import { type Endpoint, startEndpoint } from './bgp/rig.ts';
import { type Announcer, encodeTable, encodeWithdrawals, FULL, makeTable, type Table } from './bgp/table.ts';
import { SPEAKER_AS } from './bgp/task.ts';
import { type Benchmark, goal, type Result, type Row } from './harness.ts';
import type { CloudLine } from './reaction/cloud.ts';
import { instant } from './scene/wire.ts';

const IDLE_ROUNDS = 16;
const LOADED_ROUNDS = Number(process.env.BYOA_BENCH_ROUNDS ?? 12);
const INTERVAL_MS = 50;
const LIMIT_MS = 60_000;
const PREFIX = '198.51.100.0/24';
const FIFO = ['chrt', '-R', '-f', '20'];
/** The daemon, the neighbors, the appliances (whose BFD the tester speaks as well), and the cloud. */
const [DAEMON, FIRST, SECOND, IMPORTER, ONE, TWO, CLOUD] = [1, 11, 12, 13, 21, 22, 31];
const APPLIANCES = [ONE, TWO] as const;
const asOf = (number: number): number => 65_000 + number;

type Ready = Extract<CloudLine, { kind: 'ready' }>;

function configuration({ url, enis, table }: Ready): OwnConfig {
  const interval = `${INTERVAL_MS}ms`;
  const peer = (number: number) => ({
    address: ipv4Of(number),
    as: asOf(number),
    passive: true,
    holdTime: '240s',
    gracefulRestart: false as const,
    import: 'all',
    export: 'none',
  });
  return {
    version: 1,
    node: 'router',
    aws: { region: 'eu-central-1', endpoint: url },
    appliances: APPLIANCES.map((number, index) => ({
      name: `appliance${number}`,
      address: ipv4Of(number),
      eni: enis[index] ?? '',
      // Nobody inherits who has not answered since the owner died: the heir is asked at once.
      probes: [
        { kind: 'bfd' as const, interval },
        { kind: 'icmp' as const, interval: '1s', timeout: '900ms' },
      ],
    })),
    groups: [
      {
        name: 'egress',
        members: APPLIANCES.map((number) => `appliance${number}`),
        routes: [{ table, destinations: ['0.0.0.0/0'] }],
        damping: { moves: 1000, within: '1s' },
      },
    ],
    bgp: {
      as: SPEAKER_AS,
      routerId: ipv4Of(DAEMON),
      listen: [`${ipv4Of(DAEMON)}:179`],
      neighbors: [{ ...peer(FIRST), bfd: { interval } }, peer(SECOND), peer(IMPORTER)],
    },
    kernel: { prefixes: [{ prefix: PREFIX }] },
  };
}

interface Files {
  readonly program: Program;
  readonly first: string;
  readonly second: string;
  readonly full: string;
  readonly withdrawals: string;
}

/** The messages of all neighbors: the second tells of the same prefix by a longer path. */
async function prepare(folder: string): Promise<Files> {
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const one: Table = {
    address: Uint32Array.of(0xc6336400),
    length: Uint8Array.of(24),
    setStart: Uint32Array.of(0, 1),
    sets: [{ origin: 0, path: [], communities: [], large: [] }],
  };
  const by = (number: number): Announcer => ({ as: asOf(number), nextHop: ipv4Of(number) });
  const full = makeTable(FULL);
  return {
    program: await buildByoa(folder),
    first: write('first', encodeTable(one, by(FIRST))),
    second: write('second', encodeTable(one, { ...by(SECOND), pathSuffix: [64_999] })),
    full: write('full', encodeTable(full, by(IMPORTER))),
    withdrawals: write('withdrawals', encodeWithdrawals(full)),
  };
}

interface Scene {
  readonly files: Files;
  readonly host: Host;
  readonly byoa: Running;
  readonly tester: Child<TesterLine>;
  readonly cloud: Child<CloudLine>;
  readonly routes: Running;
  /** Where the first neighbor is, and the tester. */
  readonly first: Host;
  readonly importer: Endpoint;
}

/** A neighbor, established. */
async function connect(host: Host, number: number): Promise<Endpoint> {
  const end = startEndpoint(host, asOf(number));
  end.order({ op: 'connect', local: host.ipv4, remote: ipv4Of(DAEMON), as: end.as });
  await end.answer('established', LIMIT_MS);
  return end;
}

/** Orders the tester, and gives its lines until it is done. */
async function ask({ lines, send }: Child<TesterLine>, order: TesterOrder): Promise<readonly TesterLine[]> {
  const from = lines.length;
  const isOver = ({ kind }: TesterLine): boolean => kind === 'done' || kind === 'trouble';
  send(order);
  await until('the tester is done', () => lines.slice(from).some(isOver), LIMIT_MS);
  const said = lines.slice(from);
  for (const line of said) if (line.kind === 'trouble') throw new Error(line.text);
  return said;
}

/** A peer falls silent; the instant of the Down on the wire. */
async function die(scene: Scene, number: number): Promise<number> {
  const lines = await ask(scene.tester, { kind: 'die', local: ipv4Of(number) });
  const sample = lines.find((line) => line.kind === 'sample');
  if (sample?.kind !== 'sample') throw new Error('the tester saw no Down');
  return sample.downAt;
}

/** What happens because of a Down may be seen a little before the tester sees the Down. */
const sinceDown = (instants: readonly number[], downAt: number): number | undefined => {
  const at = instants.find((one) => one > downAt - 20);
  return at === undefined ? undefined : at - downAt;
};

async function calls({ cloud }: Scene): Promise<readonly number[]> {
  const from = cloud.lines.length;
  cloud.send({});
  await until('the cloud answers', () => cloud.lines.length > from);
  const last = cloud.lines.at(-1);
  return last?.kind === 'calls' ? last.at : [];
}

/** When the route to the prefix came to lead to a neighbor, by the lines of `ip -ts monitor route`. */
function changes({ routes }: Scene, number: number): readonly number[] {
  const offset = instant() - sharedClock();
  const lines = printed(routes).matchAll(/^\[(\S+?)(\.\d+)\] (.*)$/gm);
  return [...lines].flatMap(([, seconds = '', fraction = '', text = '']) =>
    text.startsWith(`${PREFIX} via ${ipv4Of(number)} `)
      ? [Date.parse(seconds) + 1000 * Number(fraction) - offset]
      : [],
  );
}

const moved = (scene: Scene, number: number, since: number): Promise<number> =>
  until(
    `the kernel's route leads to ${ipv4Of(number)}`,
    () => sinceDown(changes(scene, number), since),
    LIMIT_MS,
    () => printed(scene.byoa).slice(-1000),
  );

type Say = (line: string) => void;

interface Times {
  readonly ec2: number[];
  readonly kernel: number[];
}

/** Appliances die in turn, and the first neighbor each time. */
async function measure(scene: Scene, rounds: number, say: Say): Promise<Times> {
  const times: Times = { ec2: [], kernel: [] };
  for (let round = 0; round < rounds; round++) {
    const before = sharedClock();
    // Who falls so often is damped for longer and longer (RFC 4271 8.1.1), unless an operator says otherwise.
    const enable = { kind: 'enable', peer: ipv4Of(FIRST).replaceAll('.', '-') } as const;
    await askDaemon(socketOf(scene.host.folder), { kind: 'bgp', input: enable }, LIMIT_MS);
    const first = await connect(scene.first, FIRST);
    first.order({ op: 'send', file: scene.files.first });
    await moved(scene, FIRST, before);
    const appliance = APPLIANCES[round % 2] ?? ONE;
    const downAt = await die(scene, appliance);
    times.ec2.push(
      await until(
        `ReplaceRoute away from ${ipv4Of(appliance)}`,
        async () => sinceDown(await calls(scene), downAt),
        LIMIT_MS,
        () => printed(scene.byoa).slice(-1000),
      ),
    );
    times.kernel.push(await moved(scene, SECOND, await die(scene, FIRST)));
    await first.end();
    say(`round ${round + 1}: ${times.ec2.at(-1)?.toFixed(2)} ms, ${times.kernel.at(-1)?.toFixed(2)} ms`);
  }
  return times;
}

/** The importer's table comes and goes until `stop`; how often it came. */
function importForEver({ importer, files }: Scene): {
  stop(): void;
  readonly failed: Promise<never>;
  count(): number;
} {
  let running = true;
  let count = 0;
  const turn = async (): Promise<void> => {
    while (running) {
      for (const file of [files.full, files.withdrawals]) {
        importer.order({ op: 'send', file });
        await importer.answer('sent', 2 * LIMIT_MS);
      }
      count++;
    }
  };
  const failed = new Promise<never>((_, reject) => void turn().catch(reject));
  failed.catch(() => undefined);
  return {
    failed,
    count: () => count,
    stop: () => {
      running = false;
    },
  };
}

/** Everything in a lab of its own, for as long as `story` takes. */
async function within<T>(files: Files, story: (scene: Scene) => Promise<T>): Promise<T> {
  const lab = openLab();
  const ends: { end(): Promise<void> }[] = [];
  const kept = <E extends { end(): Promise<void> }>(one: E): E => {
    ends.push(one);
    return one;
  };
  try {
    const there = lab.host('cloud', CLOUD);
    const cloud = kept(
      startProgram<CloudLine>(there, new URL('./reaction/cloud.ts', import.meta.url), [there.ipv4], {
        by: FIFO,
      }),
    );
    const ready = await until('the cloud is ready', () => cloud.lines.find(({ kind }) => kind === 'ready'));
    if (ready.kind !== 'ready') throw new Error('the cloud is not ready');
    const host = lab.host('daemon', DAEMON);
    const routes = start(host, 'routes', [...FIFO, 'ip', '-ts', 'monitor', 'route']);
    const byoa = await runByoa(files.program, host, configuration(ready));
    const first = lab.host('first', FIRST, APPLIANCES);
    const tester = kept(
      startProgram<TesterLine>(first, new URL('./bfd/tester.ts', import.meta.url), [], {
        flags: REAL_TIME_FLAGS,
      }),
    );
    const second = kept(await connect(lab.host('second', SECOND), SECOND));
    second.order({ op: 'send', file: files.second });
    const importer = kept(await connect(lab.host('importer', IMPORTER), IMPORTER));
    const sessions = [FIRST, ...APPLIANCES].map((number) => ({
      ...{ local: ipv4Of(number), peer: host.ipv4, intervalMs: INTERVAL_MS },
    }));
    await ask(tester, { kind: 'open', sessions });
    const isFit = (number: number): boolean => printed(byoa).includes(`appliance${number} is healthy`);
    await until('both appliances are healthy', () => APPLIANCES.every(isFit));
    return await story({ files, host, byoa, tester, cloud, routes, first, importer });
  } finally {
    for (const one of ends) await one.end();
    await lab.close();
  }
}

const rowOf = (what: string, load: string, values: readonly number[]): Row => ({
  what,
  load,
  samples: values.length,
  ...Object.fromEntries(
    [0.5, 0.9, 0.99, 1].map((share) => [`p${share * 100}, ms`, quantile(values, share).toFixed(2)]),
  ),
});

async function run(files: Files, say: Say): Promise<Result> {
  return within(files, async (scene) => {
    const machineLoad = (): string => `${loadavg()[0]?.toFixed(1)} processes wanted a CPU (1 min)`;
    say(`idle, ${IDLE_ROUNDS} rounds`);
    const notes = [`before: ${machineLoad()}`];
    const idle = await measure(scene, IDLE_ROUNDS, say);
    notes.push(`after the idle rounds: ${machineLoad()}`);
    await loopOf(scene.byoa, scene.host);
    say(`under load, ${LOADED_ROUNDS} rounds`);
    const imports = importForEver(scene);
    const loaded = await Promise.race([measure(scene, LOADED_ROUNDS, say), imports.failed]);
    imports.stop();
    const loop = await loopOf(scene.byoa, scene.host);
    notes.push(`after ${imports.count()} imports of 1M prefixes: ${machineLoad()}`);
    notes.push(`byoa's main loop meanwhile: ${JSON.stringify(loop)}`);
    return {
      rows: [
        rowOf('Down to first octet of ReplaceRoute', 'idle', idle.ec2),
        rowOf('Down to kernel route', 'idle', idle.kernel),
        rowOf('Down to first octet of ReplaceRoute', '1M imports', loaded.ec2),
        rowOf('Down to kernel route', '1M imports', loaded.kernel),
      ],
      goals: [
        goal('ec2-idle-p50', quantile(idle.ec2, 0.5), '<=', 5, 'ms'),
        goal('kernel-idle-p50', quantile(idle.kernel, 0.5), '<=', 5, 'ms'),
        goal('ec2-import-p99', quantile(loaded.ec2, 0.99), '<=', 15, 'ms'),
        goal('kernel-import-p99', quantile(loaded.kernel, 0.99), '<=', 15, 'ms'),
      ],
      notes,
    };
  });
}

export const benchmark: Benchmark = {
  question: 'How soon after BFD sees a death does the EC2 call leave, or the kernel route change?',
  run: async (say) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      return { rows: [], goals: [], notes: ['not measured: needs root on Linux'] };
    const folder = mkdtempSync(join(tmpdir(), 'byoa-bench-'));
    try {
      return await run(await prepare(folder), say);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
