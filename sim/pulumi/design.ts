/** Deploys a design into a simulator, and says what the deployment tells about itself. */
import { assert } from '../../controller/base/result.ts';
import type {
  ApplianceOutput,
  EndOutput,
  FlowOutput,
  NodeOutput,
  WorkloadOutput,
} from '../../infra/outputs.ts';
import { deploy } from './deploy.ts';
import type { Program } from './program.ts';
import { simulatorConfig } from './simulator.ts';
import type { Properties } from './value.ts';

export type { ApplianceOutput, EndOutput, FlowOutput, NodeOutput };

/** Hosts of the simulated Internet that appliances probe by way of each other. */
export const PROBED = [
  '203.0.113.21',
  '203.0.113.22',
  '203.0.113.23',
  '203.0.113.24',
  '203.0.113.25',
  '203.0.113.26',
  '203.0.113.27',
  '203.0.113.28',
] as const;

export interface Deployed {
  readonly nodes: readonly NodeOutput[];
  readonly appliances: readonly ApplianceOutput[];
  readonly flows: readonly FlowOutput[];
  /** Instance of the first client. */
  readonly workload: string;
  /** Resources that were made. */
  readonly resources: number;
}

interface Where {
  /** The simulator; hosts of it are `PROBED`. */
  readonly url: string;
  readonly stack: string;
  readonly stateFile: string;
  /** Further keys of the stack. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Told how many resources have been made. */
  readonly progress: (made: number) => void;
}

/** Values of a stack's output, as `infra/index.ts` puts them out, and `byoa init` has programs do. */
function listOf<T extends object>(value: unknown, what: string, ...keys: readonly (keyof T)[]): readonly T[] {
  const isOne = (one: unknown): one is T =>
    typeof one === 'object' && one !== null && keys.every((key) => key in one);
  assert(Array.isArray(value) && value.every(isOne), `the stack tells of its ${what}`);
  return value;
}

/** Deploys a program of a design with clients, as any client of the simulator's API would. */
export async function deployDesign(program: Program, where: Where): Promise<Deployed> {
  const { url, stack, stateFile, progress } = where;
  const region = program.config['aws:region'] ?? 'eu-central-1';
  let resources = 0;
  const { outputs } = await deploy({
    operation: 'up',
    program: program.dir,
    project: program.project,
    stack,
    stateFile,
    config: {
      ...program.config,
      ...simulatorConfig(url, { region, account: '123456789012' }),
      'byoa:workload': 'true',
      'byoa:probeTargets': PROBED.join(),
      ...where.keys,
    },
    onEvent: (event) => {
      if (event.kind !== 'step-done' || event.step.kind !== 'create') return;
      resources += 1;
      progress(resources);
    },
  });
  return { ...deployedOf(outputs), resources };
}

/** What the outputs of a stack tell of its design. */
export function deployedOf(outputs: Properties): Omit<Deployed, 'resources'> {
  const workloads = listOf<WorkloadOutput>(outputs.workloads, 'workloads', 'instanceId');
  return {
    nodes: listOf<NodeOutput>(outputs.nodes, 'nodes', 'config', 'networkInterfaceId'),
    appliances: listOf<ApplianceOutput>(outputs.appliances, 'appliances', 'role', 'overlay'),
    flows: listOf<FlowOutput>(outputs.flows, 'flows', 'from', 'to', 'objectiveMs'),
    workload: workloads[0]?.instanceId ?? '',
  };
}
