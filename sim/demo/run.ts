/**
 * Runs a design from deployment to switchover: a simulator, the design in it, daemons as processes, a flow,
 * the loss of the active appliance, and the planned move back. All figures are the simulator's and the
 * daemons' own.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../../controller/base/result.ts';
import { startSimulator } from '../index.ts';
import { type DesignName, summaryOf } from '../pulumi/designs.ts';
import type { Daemon } from './daemon.ts';
import { failoverDrill, switchoverDrill } from './drills.ts';
import type { DesignResult, DrillResult } from './report.ts';
import { boot, boxesOf, deployStage, HOST, HOSTS, type Stage, settled } from './stage.ts';

/** What the simulated AWS takes for a call and for its effect; printed with every result. */
const DELAYS = { apiMs: 150, propagationMs: 500, attachMs: 3000, detachMs: 3000 } as const;

const SETTINGS = {
  'API call': `${DELAYS.apiMs} ms`,
  propagation: `${DELAYS.propagationMs} ms`,
  'ENI attach': `${DELAYS.attachMs} ms`,
  'ENI detach': `${DELAYS.detachMs} ms`,
};

export interface RunOptions {
  readonly design: DesignName;
  readonly root: string;
  readonly directory: string;
  readonly progress: (text: string) => void;
  /**
   * The drills wait for it, so that designs may be deployed side by side and measured one after the other.
   */
  readonly turn: Promise<unknown>;
  /** Told of the deployment when its turn has come, and of each drill as soon as it is over. */
  readonly deployed: (design: Omit<DesignResult, 'drills'>) => void;
  readonly drilled: (drill: DrillResult) => void;
}

/** Runs one design and returns what was measured; whatever was started is ended, also when it fails. */
export async function runDesign(options: RunOptions): Promise<DesignResult> {
  const { design, root } = options;
  const directory = join(options.directory, design);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const simulator = await startSimulator({
    hosts: HOSTS,
    knobs: {
      latency: { medianMs: DELAYS.apiMs, spread: 0 },
      propagation: { medianMs: DELAYS.propagationMs, spread: 0 },
      attachMs: DELAYS.attachMs,
      detachMs: DELAYS.detachMs,
    },
  });
  const daemons = new Map<string, Daemon>();
  try {
    const progress = (text: string): void => options.progress(`${design}: ${text}`);
    const stage = await deployStage(design, { root, directory, simulator, progress });
    const result = {
      design,
      summary: summaryOf(design),
      settings: SETTINGS,
      boxes: boxesOf(stage),
      resources: stage.resources,
      host: HOST,
    };
    const booted = await Promise.allSettled(stage.nodes.map((node) => boot(stage, node)));
    for (const one of booted) if (one.status === 'fulfilled') daemons.set(one.value.name, one.value);
    for (const one of booted) if (one.status === 'rejected') throw one.reason;
    await settled(stage, present(stage.nodes[0], 'a first node').name);
    await options.turn;
    options.deployed(result);
    const drills = await drillAll(stage, daemons, options.drilled);
    return { ...result, boxes: boxesOf(stage), drills };
  } finally {
    await Promise.all([...daemons.values()].map((daemon) => daemon.stop()));
    await simulator.close();
  }
}

/** Failover from the first node to the second, and the planned way back once the first has returned. */
async function drillAll(
  stage: Stage,
  daemons: Map<string, Daemon>,
  drilled: RunOptions['drilled'],
): Promise<DrillResult[]> {
  const first = present(stage.nodes[0], 'a first node');
  const second = present(stage.nodes[1], 'a second node');
  const daemonOf = (name: string): Daemon => present(daemons.get(name), `the daemon of ${name}`);
  const failover = await failoverDrill(stage, { from: first, to: second, daemon: daemonOf(second.name) });
  drilled(failover);
  if (!failover.recovered) return [failover];
  stage.progress(`bringing ${first.name} back`);
  await daemonOf(first.name).stop();
  stage.simulator.instance(first.instanceId, 'start');
  daemons.set(first.name, await boot(stage, first));
  await settled(stage, second.name);
  const planned = await switchoverDrill(stage, { from: second, to: first, daemon: daemonOf(first.name) });
  drilled(planned);
  return [failover, planned];
}
