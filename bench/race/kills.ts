/** Runs one entrant: its kills, what each cost, what it costs at rest, and its planned switchovers. */
import { loadavg } from 'node:os';
import { present } from '../../controller/base/result.ts';
import type { Logged } from '../../sim/world/happening.ts';
import type { Entrant } from './entrant.ts';
import { type Idle, measureIdle } from './idle.ts';
import { API_MS, PROPAGATION_MS } from './knobs.ts';
import { type Gap, listenForBfd, openStage, other, pause, prepare, type Side, type Stage } from './stage.ts';

/** One kill; times in ms. */
export interface Kill {
  readonly blackoutMs: number;
  readonly lost: number;
  /** From the kill to the entrant's own notice, from there to the call's arrival, and what followed. */
  readonly detectMs: number;
  readonly decideMs: number;
  readonly callMs: number;
  readonly propagateMs: number;
  /** From the change's effect to the first answer. */
  readonly restMs: number;
  /** All calls to the API from the kill to the first answer. */
  readonly calls: number;
  /** ReplaceRoute among them. */
  readonly writes: number;
  /** How much later than the bound the first answer came; where heartbeats are BFD's. */
  readonly overBoundMs: number | undefined;
}

export interface Course {
  readonly entrant: Entrant;
  readonly kills: readonly Kill[];
  readonly idle: Idle;
  /** Datagrams lost in each planned switchover. */
  readonly switchovers: readonly number[];
  /** The machine's load average over the last five minutes. */
  readonly load: number;
}

const SWITCHOVERS = 5;
const SPREAD_MS = 1000;

const apiCall = (event: Logged): Extract<Logged, { kind: 'api' }> | undefined =>
  event.kind === 'api' ? event : undefined;

/** What the events and the flow tell of a kill. */
function judge(
  events: readonly Logged[],
  gap: Gap,
  {
    noticedAt,
    lastHeardAt,
    entrant,
  }: { noticedAt: number; lastHeardAt: number | undefined; entrant: Entrant },
): Kill {
  const death = present(
    events.find((event) => event.kind === 'power' && event.power === 'dead'),
    'the death in the events',
  );
  const calls = events.map(apiCall).filter((call) => call !== undefined && call.at >= death.at);
  const made = calls.filter((call) => call !== undefined && call.requestedAt <= gap.to);
  const bound =
    lastHeardAt === undefined ? undefined : lastHeardAt + entrant.detectionMs + injectedMs(entrant);
  const seen = {
    blackoutMs: gap.to - gap.from,
    lost: gap.lost,
    detectMs: noticedAt - death.at,
    calls: made.length,
    writes: made.filter((call) => call?.action === 'ReplaceRoute').length,
    overBoundMs: bound === undefined ? undefined : gap.to - bound,
  };
  if (entrant.actor === 'client')
    return { ...seen, decideMs: 0, callMs: 0, propagateMs: 0, restMs: gap.to - noticedAt };
  const change = present(
    events.findLast((event) => event.kind === 'change' && event.at >= death.at && event.at <= gap.to + 5),
    'the change of the route in the events',
  );
  const moved = present(
    calls.findLast((call) => call?.action === 'ReplaceRoute' && call.at <= change.at),
    'the call that moved the route',
  );
  return {
    ...seen,
    decideMs: moved.requestedAt - noticedAt,
    callMs: moved.durationMs,
    propagateMs: change.at - moved.at,
    restMs: gap.to - change.at,
  };
}

/** What the lab puts into each move by the API. */
const injectedMs = ({ actor }: Entrant): number => (actor === 'client' ? 0 : API_MS + PROPAGATION_MS);

async function killOnce(stage: Stage, entrant: Entrant, owner: Side): Promise<Kill> {
  const heir = other(owner);
  await pause(Math.random() * SPREAD_MS);
  const since = await stage.lastEvent();
  const known = stage.flow.gaps.length;
  const actor = entrant.actor ?? heir;
  const heard = entrant.bfd ? listenForBfd(stage, actor, owner) : undefined;
  if (heard !== undefined) await pause(SPREAD_MS);
  await stage.rig.ask({ kind: 'verb', machine: stage.scene[owner].instance, verb: 'kill' });
  const gapOf = (): Gap | undefined => stage.flow.gaps.slice(known).find(({ lost }) => lost > 50);
  await stage.until('the flow works again', async () => gapOf() !== undefined);
  const lastHeardAt = heard?.();
  if (entrant.actor === undefined)
    await stage.until('the call is logged', async () =>
      (await stage.events(since)).some((event) => apiCall(event)?.action === 'ReplaceRoute'),
    );
  const noticedAt = present(await entrant.noticedAt(stage, actor), 'its notice in its log');
  const kill = judge(await stage.events(since), present(gapOf(), 'the gap'), {
    noticedAt,
    lastHeardAt,
    entrant,
  });
  await stage.rig.ask({ kind: 'verb', machine: stage.scene[owner].instance, verb: 'start' });
  await prepare(stage, owner);
  await entrant.start(stage, owner, false);
  return kill;
}

async function switchOver(stage: Stage, entrant: Entrant, to: Side): Promise<number> {
  const before = await stage.flow.counts();
  await entrant.switchover?.(stage, to);
  await stage.until(`${to} owns`, () => entrant.ready(stage, to));
  // What is still under way is answered meanwhile.
  await pause(SPREAD_MS);
  return (await stage.flow.counts()).missing - before.missing;
}

/** The whole course of an entrant in a lab of its own. */
export async function runCourse(
  entrant: Entrant,
  kills: number,
  say: (line: string) => void,
): Promise<Course> {
  const stage = await openStage(entrant.layout ?? 'zones');
  try {
    await entrant.start(stage, 'a', true);
    await entrant.start(stage, 'b', false);
    await entrant.startClient?.(stage);
    let owner: Side = 'a';
    const ready = (): Promise<void> =>
      stage.until(`${entrant.name} is ready`, () => entrant.ready(stage, owner));
    await ready();
    const idle = await measureIdle(stage, owner);
    const done: Kill[] = [];
    for (let round = 1; round <= kills; round++) {
      const kill = await killOnce(stage, entrant, owner);
      done.push(kill);
      // In a subnet the client prefers one of them, as soon as that is back.
      if (entrant.actor === undefined) owner = other(owner);
      await ready();
      say(
        `${entrant.name}, ${entrant.settings}: kill ${round} of ${kills}, ${kill.blackoutMs.toFixed(0)} ms`,
      );
    }
    const switchovers: number[] = [];
    for (let round = 0; entrant.switchover !== undefined && round < SWITCHOVERS; round++) {
      owner = other(owner);
      switchovers.push(await switchOver(stage, entrant, owner));
    }
    return { entrant, kills: done, idle, switchovers, load: loadavg()[1] ?? 0 };
  } finally {
    await stage.close();
  }
}
