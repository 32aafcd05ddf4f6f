/**
 * From the verdict to the wire: when the step that found the owner dead was taken (the daemon's journal says
 * so), and when the first byte of each ReplaceRoute arrived at a TCP server of ours. Every run is the first
 * takeover of a fresh daemon, built as for production, journal on, with the real SDK over the loopback.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bin/bundle.ts';
import { present } from '../controller/base/result.ts';
import { type Benchmark, goal, median, type Row, spread } from './harness.ts';
import { configuration, decidedAt, openTarget, startDaemon, type Target } from './scene/daemon.ts';
import { ACCOUNT, end, openRegion, REGION, type Region } from './scene/region.ts';
import { instant, openWire, type Wire } from './scene/wire.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNS = 11;
const PEER_RUNS = 5;
const API_MS = 150;
const TABLES = 10;

interface Takeover {
  /** From the verdict to the first byte of the first and of the last call, ms. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** From the first byte of the first call to the last answer, ms. */
  readonly answeredMs: number;
}

interface Scene {
  readonly program: readonly string[];
  readonly folder: string;
  readonly region: Region;
  readonly wire: Wire;
  readonly targets: readonly [Target, Target];
}

/** Starts a daemon, kills the present owner, waits until the other owns the group, and ends the daemon. */
async function rehearse(scene: Scene, config: string, owner: 0 | 1): Promise<number> {
  const [dead, heir] = owner === 0 ? ['a', 'b'] : ['b', 'a'];
  const daemon = startDaemon(scene.program, config);
  try {
    await daemon.logged('ready', (line) => line.topic === 'ready');
    for (const name of [dead, heir]) {
      const healthy = `${name} is healthy`;
      await daemon.logged(
        healthy,
        ({ topic, msg }) => topic === 'verdict' && msg?.startsWith(healthy) === true,
      );
    }
    const since = instant();
    await scene.targets[owner].kill();
    await daemon.logged(`that ${heir} owns`, (line) => line.topic === 'owned' && line.owner === heir);
    return since;
  } finally {
    await daemon.stop();
    await scene.targets[owner].revive();
  }
}

async function takeover(
  scene: Scene,
  tables: readonly string[],
  owner: 0 | 1,
  name: string,
): Promise<Takeover> {
  const { region, wire, targets } = scene;
  const folder = join(scene.folder, name);
  const config = configuration({ folder, endpoint: wire.url, region, tables, targets });
  const since = await rehearse(scene, config, owner);
  const verdict = present(decidedAt(folder, 'replace-route'), 'the decision in the journal');
  const calls = wire.requests('ReplaceRoute', since);
  const bytes = wire.firstBytes('ReplaceRoute', since);
  if (calls.length !== tables.length) throw new Error(`${calls.length} calls for ${tables.length} tables`);
  const [first, last] = [Math.min(...bytes), Math.max(...bytes)];
  const answered = Math.max(...calls.map((call) => call.answeredAt));
  return { firstMs: first - verdict, lastMs: last - verdict, answeredMs: answered - first };
}

/**
 * The peer: a script that starts awscli once it knows. From the start of the process to its first byte, ms.
 */
async function peer(scene: Scene, table: string): Promise<readonly number[]> {
  const times: number[] = [];
  if (spawnSync('aws', ['--version'], { stdio: 'ignore' }).status !== 0) return times;
  const key = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'any', AWS_DEFAULT_REGION: REGION };
  const target = ['--destination-cidr-block', '0.0.0.0/0', '--network-interface-id', scene.region.enis[0]];
  for (let run = 0; run < PEER_RUNS; run++) {
    const since = instant();
    const args = [
      '--endpoint-url',
      scene.wire.url,
      'ec2',
      'replace-route',
      '--route-table-id',
      table,
      ...target,
    ];
    const child = spawn('aws', args, { stdio: 'ignore', env: { ...process.env, ...key } });
    await new Promise((resolve) => child.once('exit', resolve));
    await end(child);
    const [at] = scene.wire.firstBytes('ReplaceRoute', since);
    if (at === undefined) throw new Error('the peer, aws ec2 replace-route, sent nothing');
    times.push(at - since);
  }
  return times;
}

export const benchmark: Benchmark = {
  question: `How soon after the verdict do the calls leave? (${RUNS} runs each, API ${API_MS} ms, journal on)`,
  run: async (say) => {
    const folder = mkdtempSync(join(tmpdir(), 'byoa-bench-'));
    const program = [process.execPath, await bundle(ROOT, folder, '0.0.0')];
    const region = await openRegion(API_MS, TABLES + 1);
    const wire = await openWire(region.url);
    const targets = [await openTarget('127.0.0.2'), await openTarget('127.0.0.3')] as const;
    const scene: Scene = { program, folder, region, wire, targets };
    try {
      const [alone = '', ...ten] = region.tables;
      const of1: Takeover[] = [];
      const of10: Takeover[] = [];
      for (let run = 0; run < RUNS; run++) {
        const owner = run % 2 === 0 ? 0 : 1;
        of1.push(await takeover(scene, [alone], owner, `one-${run}`));
        of10.push(await takeover(scene, ten, owner, `ten-${run}`));
        say(
          `run ${run + 1} of ${RUNS}: ${of1.at(-1)?.firstMs.toFixed(2)} ms, ${of10.at(-1)?.lastMs.toFixed(2)} ms`,
        );
      }
      say(`the peer, ${PEER_RUNS} times`);
      return report(of1, of10, await peer(scene, alone));
    } finally {
      await Promise.all([region.close(), wire.close(), targets[0].kill(), targets[1].kill()]);
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function report(of1: readonly Takeover[], of10: readonly Takeover[], peerMs: readonly number[]) {
  const first1 = of1.map((one) => one.firstMs);
  const first10 = of10.map((one) => one.firstMs);
  const last10 = of10.map((one) => one.lastMs);
  const roundTrip = median(of1.map((one) => one.answeredMs));
  const trips = of10.map((one) => one.answeredMs / roundTrip);
  const rows: Row[] = [
    { what: 'verdict to first call, 1 table', ...spread(first1, 'ms') },
    { what: 'verdict to first call, 10 tables', ...spread(first10, 'ms') },
    { what: 'verdict to last call, 10 tables', ...spread(last10, 'ms') },
    {
      what: 'one call, to its answer',
      ...spread(
        of1.map((one) => one.answeredMs),
        'ms',
      ),
    },
    { what: 'ten calls, to the last answer', ...spread(trips, 'round trips') },
  ];
  if (peerMs.length > 0) rows.push({ what: 'peer: start awscli replace-route', ...spread(peerMs, 'ms') });
  const goals = [
    goal('first-of-1', median(first1), '<=', 5, 'ms'),
    goal('first-of-10', median(first10), '<=', 5, 'ms'),
    goal('last-of-10', median(last10), '<=', 20, 'ms'),
    goal('ten-tables-answered', median(trips), '<=', 1.3, 'round trips'),
  ];
  return { rows, goals, notes: peerMs.length > 0 ? [] : ['peer skipped: aws not found; install awscli'] };
}
