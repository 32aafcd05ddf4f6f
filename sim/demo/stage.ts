/**
 * The stage of a demonstration: a design deployed into a simulator, with its daemons as processes. What an
 * appliance's user data does on Debian (forward, masquerade, start the daemon) is done here by the
 * simulator's control API.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { present } from '../../controller/base/result.ts';
import type { Command } from '../../controller/event.ts';
import type { Status } from '../../controller/failover/status.ts';
import { askDaemon } from '../../controller/shell/control.ts';
import type { RunningSimulator } from '../index.ts';
import { deployDesign, type NodeOutput, PROBED } from '../pulumi/design.ts';
import type { DesignName } from '../pulumi/designs.ts';
import { designProgram } from '../pulumi/program.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { Box } from './report.ts';

/** The host on the simulated Internet that workloads talk to. */
export const HOST = '203.0.113.10';
/** All hosts that a stage needs. */
export const HOSTS = [HOST, ...PROBED];
export const RECOVERY_LIMIT_MS = 30_000;
const READY_LIMIT_MS = 20_000;

export interface Stage {
  /** Root of the project. */
  readonly root: string;
  /** A private folder for state, configurations, journals and sockets. */
  readonly directory: string;
  readonly simulator: RunningSimulator;
  readonly nodes: readonly NodeOutput[];
  /** Instance of the client. */
  readonly workload: string;
  readonly group: string;
  readonly resources: number;
  readonly progress: (text: string) => void;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Deploys `design` by the program in `infra/`, as any client of the simulator's API would. */
export async function deployStage(
  design: DesignName,
  place: Pick<Stage, 'root' | 'directory' | 'simulator' | 'progress'>,
): Promise<Stage> {
  place.progress('deploying');
  const { nodes, workload, resources } = await deployDesign(designProgram(design), {
    url: place.simulator.url,
    stack: `demo-${design}`,
    stateFile: join(place.directory, 'state.json'),
    progress: (made) => place.progress(`deploying, ${made} resources made`),
  });
  const first: { groups: readonly { name: string }[] } = parse(present(nodes[0], 'a node').config);
  return { ...place, nodes, workload, group: present(first.groups[0], 'a group').name, resources };
}

const socketOf = (stage: Stage, name: string): string => join(stage.directory, `${name}.sock`);

const programOf = (stage: Stage): string => join(stage.root, 'bin', 'byoa.js');

/**
 * Makes the node's instance forward and masquerade, and starts its daemon in it; resolves when it is ready.
 */
export async function boot(stage: Stage, node: NodeOutput): Promise<Daemon> {
  stage.progress(`starting daemon ${node.name}`);
  stage.simulator.profile(node.instanceId, { role: 'nat', services: [] });
  const configFile = join(stage.directory, `${node.name}.yaml`);
  const config: Record<string, unknown> = parse(node.config);
  config.journal = { directory: join(stage.directory, `journal-${node.name}`) };
  config.control = { socket: socketOf(stage, node.name) };
  await writeFile(configFile, stringify(config));
  const target = stage.simulator.attachTo(node.instanceId);
  const daemon = startDaemon({ name: node.name, program: programOf(stage), configFile, target });
  try {
    await daemon.logged({ topic: 'ready' }, READY_LIMIT_MS);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}

/**
 * Asks a node's daemon through its control socket, as `byoa status` and `byoa switchover` do; rejects on a
 * refusal.
 */
export async function ask(stage: Stage, node: string, command: Command): Promise<unknown> {
  const { ok, body } = await askDaemon(socketOf(stage, node), command, RECOVERY_LIMIT_MS);
  if (!ok) throw new Error(`daemon ${node} refused ${command.kind}: ${JSON.stringify(body)}`);
  return body;
}

/** Waits until every daemon sees `owner` own the group and all appliances healthy. */
export async function settled(stage: Stage, owner: string): Promise<void> {
  stage.progress(`waiting until ${owner} owns ${stage.group} and all appliances are healthy`);
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  let last = 'nothing';
  while (performance.now() < deadline) {
    const seen = await Promise.all(stage.nodes.map((node) => statusOf(stage, node.name)));
    if (seen.every((one) => one.owner === owner && one.healthy)) return;
    last = JSON.stringify(seen);
    await pause(100);
  }
  throw new Error(`the daemons did not agree on ${owner} in ${RECOVERY_LIMIT_MS / 1000} s; they say ${last}`);
}

interface Said {
  readonly owner: string | undefined;
  readonly healthy: boolean;
}

async function statusOf(stage: Stage, node: string): Promise<Said> {
  const status = (await ask(stage, node, { kind: 'status' })) as Status;
  return {
    owner: status.groups.find(({ name }) => name === stage.group)?.ownerMember,
    healthy: status.appliances.every(({ verdict }) => verdict === 'healthy'),
  };
}

/** The instances of the stage as the data plane has them now. */
export function boxesOf(stage: Stage): Box[] {
  const { instances, networkInterfaces, subnets } = stage.simulator.state();
  return instances.map((machine) => {
    const node = stage.nodes.find(({ instanceId }) => instanceId === machine.id);
    const primary = networkInterfaces.find(({ id }) => id === machine.interfaces[0]?.id);
    return {
      id: machine.id,
      name: node ? `appliance ${node.name}` : 'workload',
      role: node ? 'appliance' : 'workload',
      zone: machine.zone ?? '',
      subnet: subnets.find(({ id }) => id === primary?.subnet)?.cidrs[0] ?? '',
      enis: machine.interfaces.map(({ id, addresses, deviceIndex }) => ({
        id,
        address: addresses[0] ?? '',
        deviceIndex: deviceIndex ?? 0,
      })),
    };
  });
}
