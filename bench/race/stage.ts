/**
 * What all entrants of the race share: a lab with two appliances that serve one overlay address, a route to
 * it, a flow from a client to it, and the kill. Knows no entrant.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { present } from '../../controller/base/result.ts';
import { ask as askLab } from '../../sim/lab/ask.ts';
import { eventsIn, LATER } from '../../sim/lab/client.ts';
import type { Logged } from '../../sim/world/happening.ts';
import { type Rig, startRig } from '../../test/lab/rig.ts';
import { API_MS, PROPAGATION_MS } from './knobs.ts';
import { createRaceWorld, type Layout, OVERLAY, type RaceScene } from './world.ts';

export type Side = 'a' | 'b';
export type Place = Side | 'client';
export const other = (side: Side): Side => (side === 'a' ? 'b' : 'a');

/** A silence of the flow; Unix ms. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly lost: number;
}

export interface Stage {
  readonly rig: Rig;
  readonly scene: RaceScene;
  /** Runs a shell script in a machine; fails where it does. */
  readonly run: (place: Place, script: string) => Promise<string>;
  /** What happened in the world after an event. */
  readonly events: (since: number) => Promise<readonly Logged[]>;
  /** The number of the last event so far. */
  readonly lastEvent: () => Promise<number>;
  /** Whether the route of the overlay address leads to an appliance. */
  readonly routeLeadsTo: (side: Side) => Promise<boolean>;
  /** Asks until the answer is true; fails in time. */
  readonly until: (what: string, ask: () => Promise<boolean>) => Promise<void>;
  readonly flow: Flow;
  readonly close: () => Promise<void>;
}

/** Datagrams that were answered so far, and those before the last of them that were not. */
export interface Counted {
  readonly answered: number;
  readonly missing: number;
}

export interface Flow {
  readonly gaps: readonly Gap[];
  readonly counts: () => Promise<Counted>;
}

const PATIENCE_MS = 60_000;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await pause(200);
  }
}

function followFlow(child: ChildProcess): Flow {
  const gaps: Gap[] = [];
  const waiting: ((counts: Counted) => void)[] = [];
  createInterface(present(child.stdout, 'the output of the flow')).on('line', (line) => {
    const said = JSON.parse(line);
    if ('lost' in said) gaps.push(said);
    else waiting.shift()?.(said);
  });
  return {
    gaps,
    counts: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        child.stdin?.write('\n');
      }),
  };
}

/** What an appliance is at its boot: it serves the overlay address; nobody watches it yet. */
export async function prepare({ run }: Pick<Stage, 'run'>, side: Side): Promise<void> {
  await run(
    side,
    `ip address add ${OVERLAY}/32 dev lo
setsid ${process.execPath} ${here('echo.mjs')} ${OVERLAY} </dev/null >/var/log/echo.log 2>&1 &
echo $! >/run/echo.pid
# An entrant may take the address away, which then can no longer be bound.
for i in $(seq 100); do grep -q ready /var/log/echo.log && exit 0; sleep 0.1; done
cat /var/log/echo.log; exit 1`,
  );
}

/** Opens a lab whose flow is not there yet. */
export async function openStage(layout: Layout): Promise<Stage> {
  const { world, scene } = createRaceWorld(layout);
  const knobs = ['--latency', String(API_MS), '--propagation', String(PROPAGATION_MS)];
  const rig = await startRig(world, knobs);
  const run: Stage['run'] = async (place, script) => {
    const { status, out } = await rig.run(scene[place].instance, script);
    if (status !== 0) throw new Error(`in ${place}, ${script.slice(0, 120)}: ${out.slice(-800)}`);
    return out;
  };
  for (const side of ['a', 'b'] as const) await prepare({ run }, side);
  const client = rig.start(scene.client.instance, [process.execPath, here('flow.mjs'), OVERLAY], 'pipe');
  const flow = followFlow(client);
  // In a subnet it is the entrant that leads the client there.
  if (layout === 'subnet') await run('client', `ip route add ${OVERLAY} via ${scene.a.address} metric 1000`);
  await until('the first answers', async () => (await flow.counts()).answered > 500);
  if (layout === 'subnet')
    await run('client', `ip route delete ${OVERLAY} via ${scene.a.address} metric 1000`);
  return {
    rig,
    scene,
    run,
    events: async (since) => (await eventsIn(rig, since)).events,
    lastEvent: async () => (await eventsIn(rig, LATER)).last,
    routeLeadsTo: async (side) => {
      const { out } = await rig.run('lab', `curl -s http://127.0.0.1:4566/_byoa/state`);
      const { routeTables } = JSON.parse(out);
      return JSON.stringify(routeTables).includes(scene[side].eni);
    },
    until,
    flow,
    close: async () => {
      client.kill();
      await rig.close();
    },
  };
}

const ETHERNET = 14;
const UDP = 17;
const BFD_PORT = 3784;

/**
 * Notes when BFD packets of an appliance come to a machine; the answer stops it, and says when the last one
 * came.
 */
export function listenForBfd({ rig, scene }: Stage, place: Place, of: Side): () => number | undefined {
  let last: number | undefined;
  let stopped = false;
  const from = scene[of].address;
  const told = askLab(rig.lab, { kind: 'capture', eni: scene[place].eni }, (answer) => {
    if (answer.kind !== 'frames' || stopped) return stopped;
    for (const { at, sent, frame } of answer.frames) {
      const bytes = Buffer.from(frame, 'base64');
      if (sent || bytes.length < 42 || bytes[ETHERNET + 9] !== UDP) continue;
      if (bytes.subarray(ETHERNET + 12, ETHERNET + 16).join('.') !== from) continue;
      if (bytes.readUInt16BE(ETHERNET + 22) === BFD_PORT) last = at;
    }
    return false;
  });
  told.catch(() => undefined);
  return () => {
    stopped = true;
    return last;
  };
}
