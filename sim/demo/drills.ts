/**
 * The two drills of the demonstration: the active appliance loses its power, and a planned move back. Each
 * runs a flow, does one thing, waits for the traffic, and puts together what the simulator and the daemons
 * saw.
 */
import { present } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { FlowStats } from '../index.ts';
import type { NodeOutput } from '../pulumi/design.ts';
import type { Daemon } from './daemon.ts';
import { simulatorObservations } from './observe.ts';
import { type DrillResult, drill, type FlowResult, type Observation } from './report.ts';
import { ask, HOST, pause, RECOVERY_LIMIT_MS, type Stage, settled } from './stage.ts';

const FLOW_INTERVAL_MS = 1;
/** How long a flow runs undisturbed before and after, so that the picture shows both sides. */
const STEADY_MS = 500;
const FLOW_ATTEMPTS = 5;

interface Scene {
  readonly stage: Stage;
  /** The node whose appliance takes over, and its daemon. */
  readonly to: NodeOutput;
  readonly daemon: Daemon;
  readonly kind: DrillResult['kind'];
  readonly title: string;
}

/** A flow that runs, and what is remembered of the world just before the drill. */
interface Running {
  readonly id: string;
  readonly before: FlowStats;
  readonly lastEvent: number;
}

/** Takes the power of `from` away and waits for the traffic to come back by way of `to`. */
export async function failoverDrill(
  stage: Stage,
  { from, to, daemon }: { readonly from: NodeOutput; readonly to: NodeOutput; readonly daemon: Daemon },
): Promise<DrillResult> {
  const scene: Scene = {
    stage,
    to,
    daemon,
    kind: 'failover',
    title: `Appliance ${from.name} loses its power`,
  };
  const running = await steadyFlow(stage);
  stage.progress(`${from.name} loses its power`);
  stage.simulator.instance(from.instanceId, 'kill');
  const recovered = await trafficBy(scene, running);
  const events = stage.simulator.events(running.lastEvent);
  const kill = events.find((event) => event.kind === 'power' && event.instance === from.instanceId);
  return finish(scene, running, { at: present(kill, 'the loss of power').at, recovered, seen: [] });
}

/** Asks the daemon of `to` to take the group, as an operator does, and waits for the traffic to follow. */
export async function switchoverDrill(
  stage: Stage,
  { from, to, daemon }: { readonly from: NodeOutput; readonly to: NodeOutput; readonly daemon: Daemon },
): Promise<DrillResult> {
  const title = `Planned switchover from ${from.name} to ${to.name}`;
  const scene: Scene = { stage, to, daemon, kind: 'switchover', title };
  const running = await steadyFlow(stage);
  stage.progress(title);
  const { now: at } = stage.simulator.state();
  const text = `byoa switchover ${stage.group} --to ${to.name}`;
  const asked: Observation = { at, who: 'operator', topic: 'command', text };
  await ask(stage, to.name, { kind: 'switchover', group: stage.group, to: to.name });
  await settled(stage, to.name);
  const recovered = await trafficBy(scene, running);
  return finish(scene, running, { at, recovered, seen: [asked] });
}

const flowOf = (stage: Stage, id: string): FlowStats => present(stage.simulator.flow(id), `flow ${id}`);

/** Starts a flow and lets it run undisturbed for a while; one that was disturbed is replaced by a new one. */
async function steadyFlow(stage: Stage): Promise<Running> {
  let last: FlowStats | undefined;
  for (let attempt = 0; attempt < FLOW_ATTEMPTS; attempt++) {
    const { id } = stage.simulator.startFlow({
      from: stage.workload,
      to: HOST,
      intervalMs: FLOW_INTERVAL_MS,
    });
    await until(() => flowOf(stage, id).answered * FLOW_INTERVAL_MS >= STEADY_MS);
    last = flowOf(stage, id);
    const runs = last.answered * FLOW_INTERVAL_MS >= STEADY_MS;
    if (runs && last.lost === 0) return { id, before: last, lastEvent: stage.simulator.state().lastEvent };
    stage.simulator.stopFlow(id);
  }
  const books = `${last?.answered} answered, ${last?.lost} lost (${last?.lastLoss})`;
  throw new Error(`no undisturbed flow from the workload to ${HOST} in ${FLOW_ATTEMPTS} attempts: ${books}`);
}

async function until(condition: () => boolean): Promise<boolean> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  while (performance.now() < deadline) {
    if (condition()) return true;
    await pause(20);
  }
  return false;
}

/** Whether packets came to flow by way of the new appliance, without a gap that is still open. */
async function trafficBy({ stage, to }: Scene, { id }: Running): Promise<boolean> {
  const arrived = await until(() => {
    const { path, gaps } = flowOf(stage, id);
    return path.includes(to.networkInterfaceId) && gaps.every((gap) => gap.to !== undefined);
  });
  await pause(STEADY_MS);
  return arrived;
}

interface Ending {
  readonly at: Instant;
  readonly recovered: boolean;
  readonly seen: readonly Observation[];
}

function finish(scene: Scene, running: Running, ending: Ending): DrillResult {
  const { stage, daemon } = scene;
  const after = present(stage.simulator.stopFlow(running.id), 'the flow');
  const nameOf = (id: string): string => stage.nodes.find((node) => node.instanceId === id)?.name ?? id;
  const simulated = simulatorObservations(stage.simulator.events(running.lastEvent), nameOf);
  const observations = [...ending.seen, ...simulated, ...daemon.observations].filter(
    ({ at }) => at >= ending.at,
  );
  return drill({
    kind: scene.kind,
    title: scene.title,
    triggerAt: ending.at,
    observations,
    flow: flowResult(running.before, after, ending.recovered),
  });
}

function flowResult(before: FlowStats, after: FlowStats, recovered: boolean): FlowResult {
  const longest = [...after.gaps].sort((a, b) => b.lostPackets - a.lostPackets)[0];
  return {
    intervalMs: after.intervalMs,
    sent: after.sent,
    delivered: after.delivered,
    answered: after.answered,
    lost: after.lost,
    ...(longest?.to !== undefined && {
      gap: { lastDeliveredAt: longest.from, firstDeliveredAt: longest.to, lost: longest.lostPackets },
    }),
    pathBefore: before.path,
    pathAfter: recovered ? after.path : [],
  };
}
