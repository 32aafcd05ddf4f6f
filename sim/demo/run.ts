/**
 * Runs a design from deployment to switchover: deploys it into a simulator, starts its daemons as processes, sends a flow,
 * takes the active appliance's power away, watches, and then moves back on purpose. All figures are the simulator's and the
 * daemons' own; nothing is timed here.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { assert, present } from '../../controller/base/result.ts';
import { type FlowStats, type RunningSimulator, startSimulator } from '../index.ts';
import { deploy } from '../pulumi/deploy.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { simulatorObservations } from './observe.ts';
import {
  type Box,
  type DesignResult,
  type DrillResult,
  drill,
  type FlowResult,
  type Observation,
} from './report.ts';

export const DESIGNS = ['egress-pair', 'floating-eni'] as const;
export type DesignName = (typeof DESIGNS)[number];

const SUMMARY: Record<DesignName, string> = {
  'egress-pair': 'two appliances in two zones; the default routes of the workload subnets are rewritten',
  'floating-eni': 'two appliances in one zone; the ENI that the default route targets is moved',
};

/** What the simulated AWS takes for a call and its effect; printed with every result. */
export const SETTINGS = { apiMs: 150, propagationMs: 500, attachMs: 3000, detachMs: 3000 } as const;

const HOST = '203.0.113.10';
const FLOW_INTERVAL_MS = 1;
/** How long a flow runs undisturbed before and after a drill, so that the picture shows both sides. */
const STEADY_MS = 500;
const RECOVERY_LIMIT_MS = 30_000;

/** What a deployment of a design tells about each node: see `infra/designs/pair.ts`. */
interface NodeOutput {
  readonly name: string;
  readonly zone: string;
  readonly instanceId: string;
  readonly networkInterfaceId: string;
  readonly config: string;
}

export interface RunOptions {
  readonly design: DesignName;
  /** Root of the project: where `bin/byoa.js` and `infra/` are. */
  readonly root: string;
  /** A private folder for state, configurations, journals and sockets. */
  readonly directory: string;
  readonly progress: (text: string) => void;
  /** Told of each drill as soon as it is over. */
  readonly done: (part: {
    readonly design?: Omit<DesignResult, 'drills'>;
    readonly drill?: DrillResult;
  }) => void;
}

interface Stage {
  readonly options: RunOptions;
  readonly program: string;
  readonly simulator: RunningSimulator;
  readonly nodes: readonly NodeOutput[];
  readonly workload: string;
  readonly group: string;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs one design and returns what was measured; whatever was started is ended, also when it fails. */
export async function runDesign(options: RunOptions): Promise<DesignResult> {
  const directory = join(options.directory, options.design);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const simulator = await startSimulator({
    hosts: [HOST],
    knobs: {
      latency: { medianMs: SETTINGS.apiMs, spread: 0 },
      propagation: { medianMs: SETTINGS.propagationMs, spread: 0 },
      attachMs: SETTINGS.attachMs,
      detachMs: SETTINGS.detachMs,
    },
  });
  const daemons = new Map<string, Daemon>();
  try {
    const { stage, resources } = await deployDesign({ ...options, directory }, simulator);
    const boxes = boxesOf(stage);
    const design = {
      design: options.design,
      summary: SUMMARY[options.design],
      settings: settingsText(),
      boxes,
      resources,
      host: HOST,
    };
    options.done({ design });
    for (const node of stage.nodes) daemons.set(node.name, await boot(stage, node));
    const drills = await drillAll(stage, daemons, options);
    return { ...design, boxes: boxesOf(stage), drills };
  } finally {
    await Promise.all([...daemons.values()].map((daemon) => daemon.stop()));
    await simulator.close();
  }
}

const settingsText = (): Record<string, string> => ({
  'API call': `${SETTINGS.apiMs} ms`,
  propagation: `${SETTINGS.propagationMs} ms`,
  'ENI attach': `${SETTINGS.attachMs} ms`,
  'ENI detach': `${SETTINGS.detachMs} ms`,
});

async function deployDesign(
  options: RunOptions,
  simulator: RunningSimulator,
): Promise<{ stage: Stage; resources: number }> {
  const { url } = simulator;
  options.progress(`${options.design}: deploying`);
  let made = 0;
  const { outputs } = await deploy({
    operation: 'up',
    programDir: join(options.root, 'infra'),
    project: 'byoa',
    stack: `demo-${options.design}`,
    stateFile: join(options.directory, 'state.json'),
    config: {
      'aws:region': 'eu-central-1',
      'aws:accessKey': '123456789012',
      'aws:secretKey': 'simulated',
      'aws:endpoints': JSON.stringify([{ ec2: url, sts: url, iam: url }]),
      'byoa:design': options.design,
      'byoa:workload': 'true',
      'byoa:probeTarget': HOST,
      'byoa:daemonUrl': 'https://releases.example.com/byoa-linux-x64',
      'byoa:daemonSha256': '0'.repeat(64),
    },
    onEvent: (event) => {
      if (event.kind !== 'step-done' || event.step.kind !== 'create') return;
      made += 1;
      options.progress(`${options.design}: deploying, ${made} resources made`);
    },
  });
  const nodes = outputs.nodes as unknown as readonly NodeOutput[];
  const workload = outputs.workloadInstanceId;
  assert(typeof workload === 'string', 'the stack has a workload');
  const program = join(options.root, 'bin', 'byoa.js');
  const first: { groups: readonly { name: string }[] } = parse(present(nodes[0], 'a node').config);
  const group = present(first.groups[0], 'a group').name;
  return { stage: { options, program, simulator, nodes, workload, group }, resources: made };
}

/** What an appliance's user data does on Debian, and the start of its daemon in it. */
async function boot(stage: Stage, node: NodeOutput): Promise<Daemon> {
  stage.options.progress(`${stage.options.design}: starting daemon ${node.name}`);
  stage.simulator.profile(node.instanceId, { role: 'nat', services: [] });
  const configFile = join(stage.options.directory, `${node.name}.yaml`);
  const config: Record<string, unknown> = parse(node.config);
  config.journal = { directory: join(stage.options.directory, `journal-${node.name}`) };
  config.control = { socket: socketOf(stage, node.name) };
  await writeFile(configFile, stringify(config));
  const { program, simulator } = stage;
  const daemon = startDaemon({
    name: node.name,
    program,
    configFile,
    target: simulator.attachTo(node.instanceId),
  });
  try {
    await daemon.logged({ topic: 'ready' }, 20_000);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}

const socketOf = (stage: Stage, name: string): string => join(stage.options.directory, `${name}.sock`);

async function drillAll(
  stage: Stage,
  daemons: Map<string, Daemon>,
  options: RunOptions,
): Promise<DrillResult[]> {
  const [first, second] = stage.nodes;
  assert(first && second, 'a design has two nodes');
  const tell = (result: DrillResult): DrillResult => {
    options.done({ drill: result });
    return result;
  };
  await settled(stage, first.name);
  const failover = tell(await failoverDrill(stage, daemons, first, second));
  if (!failover.recovered) return [failover];
  options.progress(`${options.design}: bringing ${first.name} back`);
  stage.simulator.instance(first.instanceId, 'start');
  await daemons.get(first.name)?.stop();
  daemons.set(first.name, await boot(stage, first));
  await settled(stage, second.name);
  return [failover, tell(await switchoverDrill(stage, daemons, first, second))];
}

/** Waits until the daemons agree on the owner, all appliances are healthy, and traffic flows. */
async function settled(stage: Stage, owner: string): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  stage.options.progress(
    `${stage.options.design}: waiting until ${owner} owns ${stage.group} and all are healthy`,
  );
  let last = '';
  while (performance.now() < deadline) {
    const seen = await Promise.all(stage.nodes.map((node) => status(stage, node.name)));
    const agreed = seen.every((one) => one?.owner === owner && one.healthy);
    if (agreed) return;
    last = JSON.stringify(seen);
    await pause(100);
  }
  throw new Error(
    `the daemons did not agree on ${owner} within ${RECOVERY_LIMIT_MS / 1000} s; they say ${last}`,
  );
}

const execute = promisify(execFile);

async function status(stage: Stage, node: string): Promise<{ owner: string; healthy: boolean } | undefined> {
  const args = [stage.program, 'status', '--json', '--socket', socketOf(stage, node)];
  try {
    const { stdout } = await execute(process.execPath, args);
    const body = JSON.parse(stdout);
    const group = body.groups.find((one: { name: string }) => one.name === stage.group);
    const healthy = body.appliances.every((one: { verdict: string }) => one.verdict === 'healthy');
    return { owner: group.owner, healthy };
  } catch {
    return undefined;
  }
}

const flowOf = (stage: Stage, id: string): FlowStats => present(stage.simulator.flow(id), `flow ${id}`);

/** Starts a flow and waits until it has run undisturbed for a while. */
async function steadyFlow(stage: Stage): Promise<string> {
  const { id } = stage.simulator.startFlow({ from: stage.workload, to: HOST, intervalMs: FLOW_INTERVAL_MS });
  await until(stage, id, (flow) => flow.answered * flow.intervalMs >= STEADY_MS, 'the flow to run');
  const { lost } = flowOf(stage, id);
  assert(lost === 0, `the flow is undisturbed before the drill, but lost ${lost} packets`);
  return id;
}

async function until(
  stage: Stage,
  id: string,
  condition: (flow: FlowStats) => boolean,
  what: string,
): Promise<FlowStats | undefined> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  while (performance.now() < deadline) {
    const flow = flowOf(stage, id);
    if (condition(flow)) return flow;
    await pause(50);
  }
  stage.options.progress(`${stage.options.design}: waited ${RECOVERY_LIMIT_MS / 1000} s in vain for ${what}`);
  return undefined;
}

async function failoverDrill(
  stage: Stage,
  daemons: ReadonlyMap<string, Daemon>,
  active: NodeOutput,
  standby: NodeOutput,
): Promise<DrillResult> {
  const flow = await steadyFlow(stage);
  const before = flowOf(stage, flow);
  const since = stage.simulator.state().lastEvent;
  stage.options.progress(`${stage.options.design}: ${active.name} loses its power`);
  stage.simulator.instance(active.instanceId, 'kill');
  const back = (one: FlowStats): boolean =>
    one.gaps.some(({ to }) => to !== undefined) && one.gaps.every(({ to }) => to !== undefined);
  const returned = await until(stage, flow, back, 'the traffic to return');
  await pause(STEADY_MS);
  const title = `Appliance ${active.name} loses its power`;
  const triggered = (one: Observation): boolean => one.topic === 'kill';
  return finish(
    stage,
    { kind: 'failover', title, flow, before, since, triggered, recovered: returned !== undefined },
    [present(daemons.get(standby.name), 'the daemon')],
  );
}

async function switchoverDrill(
  stage: Stage,
  daemons: ReadonlyMap<string, Daemon>,
  target: NodeOutput,
  owner: NodeOutput,
): Promise<DrillResult> {
  const flow = await steadyFlow(stage);
  const before = flowOf(stage, flow);
  const since = stage.simulator.state().lastEvent;
  const title = `Planned switchover from ${owner.name} to ${target.name}`;
  stage.options.progress(`${stage.options.design}: ${title.toLowerCase()}`);
  const args = ['switchover', stage.group, '--to', target.name, '--socket', socketOf(stage, target.name)];
  await execute(process.execPath, [stage.program, ...args]);
  await settled(stage, target.name);
  const closed = (one: FlowStats): boolean => one.gaps.every(({ to }) => to !== undefined);
  const moved = (one: FlowStats): boolean =>
    one.path.join() !== before.path.join() || stage.options.design !== 'egress-pair';
  const returned = await until(
    stage,
    flow,
    (one) => closed(one) && moved(one),
    'the traffic to take the new path',
  );
  await pause(STEADY_MS);
  const triggered = (one: Observation): boolean => one.topic === 'command';
  return finish(
    stage,
    { kind: 'switchover', title, flow, before, since, triggered, recovered: returned !== undefined },
    [present(daemons.get(target.name), 'the daemon')],
  );
}

interface Ending {
  readonly kind: DrillResult['kind'];
  readonly title: string;
  readonly flow: string;
  readonly before: FlowStats;
  /** Number of the last event of the simulator before the drill. */
  readonly since: number;
  readonly triggered: (observation: Observation) => boolean;
  readonly recovered: boolean;
}

/** Stops the flow and puts together what the simulator and the daemon saw since the trigger. */
function finish(stage: Stage, ending: Ending, daemons: readonly Daemon[]): DrillResult {
  const after = present(stage.simulator.stopFlow(ending.flow), 'the flow');
  const nameOf = (id: string): string => stage.nodes.find(({ instanceId }) => instanceId === id)?.name ?? id;
  const simulated = simulatorObservations(stage.simulator.events(ending.since), nameOf);
  const startedAt = ending.before.startedAt;
  const own = daemons.flatMap(({ observations }) => observations).filter(({ at }) => at >= startedAt);
  const all = [...simulated, ...own];
  const trigger = present(all.find(ending.triggered), `the trigger of the ${ending.kind}`);
  const observations = all.filter(({ at }) => at >= trigger.at);
  return drill({
    kind: ending.kind,
    title: ending.title,
    triggerAt: trigger.at,
    observations,
    flow: flowResult(ending.before, after, ending.recovered),
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

/** The instances of the stage as the simulator shows them now. */
function boxesOf(stage: Stage): Box[] {
  const { instances, networkInterfaces, subnets } = stage.simulator.state();
  return instances.map((machine) => {
    const node = stage.nodes.find(({ instanceId }) => instanceId === machine.id);
    const own = networkInterfaces.find(({ id }) => id === machine.interfaces[0]?.id);
    return {
      id: machine.id,
      zone: machine.zone ?? '',
      subnet: subnets.find(({ id }) => id === own?.subnet)?.cidrs[0] ?? '',
      enis: machine.interfaces.map(({ id, addresses, deviceIndex }) => ({
        id,
        address: addresses[0] ?? '',
        deviceIndex: deviceIndex ?? 0,
      })),
      name: node ? `appliance ${node.name}` : 'workload',
      role: node ? ('appliance' as const) : ('workload' as const),
    };
  });
}
