/** Deploys a design of `infra/` into a simulator, and says what the deployment tells about itself. */
import { fileURLToPath } from 'node:url';
import { assert } from '../../controller/base/result.ts';
import { deploy } from './deploy.ts';
import type { DesignName } from './designs.ts';
import { simulatorConfig } from './simulator.ts';

/** The program that deploys them: beside this folder in a clone. */
export const PROGRAM = fileURLToPath(new URL('../../infra', import.meta.url));

/** In a simulator user data never runs, so the executable that it would fetch needs not be there. */
export const NO_DAEMON = {
  'byoa:daemonUrl': 'https://releases.example.com/byoa-linux-x64',
  'byoa:daemonSha256': '0'.repeat(64),
};

/** What a deployment of a design tells about each node: see `infra/designs/pair.ts`. */
export interface NodeOutput {
  readonly name: string;
  readonly instanceId: string;
  readonly networkInterfaceId: string;
  /** The daemon's configuration, YAML. */
  readonly config: string;
}

export interface Deployed {
  readonly nodes: readonly NodeOutput[];
  /** Instance of the client. */
  readonly workload: string;
  /** Resources that were made. */
  readonly resources: number;
}

interface Where {
  /** The simulator. */
  readonly url: string;
  readonly stack: string;
  readonly stateFile: string;
  /** What the appliances probe through themselves. */
  readonly probeTarget: string;
  /** Told how many resources have been made. */
  readonly progress: (made: number) => void;
}

const isNode = (value: unknown): value is NodeOutput =>
  typeof value === 'object' && value !== null && 'config' in value && 'networkInterfaceId' in value;

/** Deploys a design with a workload, as any client of the simulator's API would. */
export async function deployDesign(design: DesignName, where: Where): Promise<Deployed> {
  const { url, stack, stateFile, probeTarget, progress } = where;
  let resources = 0;
  const { outputs } = await deploy({
    operation: 'up',
    programDir: PROGRAM,
    project: 'byoa',
    stack,
    stateFile,
    config: {
      ...NO_DAEMON,
      ...simulatorConfig(url, { region: 'eu-central-1', account: '123456789012' }),
      'byoa:design': design,
      'byoa:workload': 'true',
      'byoa:probeTarget': probeTarget,
    },
    onEvent: (event) => {
      if (event.kind !== 'step-done' || event.step.kind !== 'create') return;
      resources += 1;
      progress(resources);
    },
  });
  const { nodes, workloadInstanceId: workload } = outputs;
  assert(Array.isArray(nodes) && nodes.every(isNode), 'the stack tells of its nodes');
  assert(typeof workload === 'string', 'the stack has a workload');
  return { nodes, workload, resources };
}
