/** All designs, deployed side by side into one simulator. Not a test itself. */
import { join } from 'node:path';
import { present } from '../../controller/base/result.ts';
import { NAMES } from '../../infra/designs/catalog.ts';
import type { Failure } from '../../sim/drill/failure.ts';
import { drill } from '../../sim/drill/run.ts';
import { deployedSubject, setUp } from '../../sim/drill/source.ts';
import type { Subject } from '../../sim/drill/subject.ts';
import { type JudgedDrill, judge } from '../../sim/drill/verdict.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { type DeployResult, deploy, type Operation } from '../../sim/pulumi/deploy.ts';
import { type Deployed, deployedOf, PROBED } from '../../sim/pulumi/design.ts';
import { simulatorConfig } from '../../sim/pulumi/simulator.ts';
import { isObject } from '../../sim/pulumi/value.ts';
import { readWorld } from '../../sim/server/keeper.ts';
import { library } from './library-program.ts';

const HOST = '203.0.113.10';
const PLACE = { region: 'eu-central-1', account: '123456789012' };

/** Where the world of a library is kept. */
const stateIn = (directory: string): string => join(directory, 'world');

/** A simulator with the world of a folder; without AWS's quotas, which so many VPCs exceed. */
const openLibrary = (directory: string): Promise<RunningSimulator> =>
  startSimulator({
    state: stateIn(directory),
    profile: 'instant',
    knobs: { quotas: 'off' },
    hosts: [HOST, ...PROBED],
  });

const run = (directory: string, simulator: RunningSimulator, operation: Operation): Promise<DeployResult> =>
  deploy({
    operation,
    program: library,
    project: 'library',
    stack: 'test',
    stateFile: join(directory, 'stack.json'),
    config: simulatorConfig(simulator.url, PLACE),
  });

/** A design as it was deployed, and as it can be drilled. */
export interface Shelved {
  readonly deployed: Omit<Deployed, 'resources'>;
  readonly subject: Subject;
}

/** Deploys all designs; what their user data would do is done. */
export async function deployLibrary(directory: string): Promise<ReadonlyMap<string, Shelved>> {
  const simulator = await openLibrary(directory);
  const designs = new Map<string, Omit<Deployed, 'resources'>>();
  try {
    const { outputs } = await run(directory, simulator, 'up');
    for (const name of NAMES) {
      const output = outputs[name];
      if (!isObject(output)) throw new Error(`the program puts out nothing of ${name}`);
      designs.set(name, deployedOf(output));
      setUp(simulator, deployedOf(output));
    }
  } finally {
    await simulator.close();
  }
  const world = present(readWorld(stateIn(directory)), 'the world that was deployed');
  return new Map(
    [...designs].map(([name, deployed]) => [
      name,
      { deployed, subject: deployedSubject(name, world, deployed) },
    ]),
  );
}

/** Drills a design; each flow is watched until it is late. */
export function play({ deployed, subject }: Shelved, failures: readonly Failure[]): JudgedDrill {
  const longest = Math.max(...deployed.flows.map(({ objectiveMs }) => objectiveMs));
  return judge(drill(subject, failures, { seed: 1, limitMs: longest + 1000 }), 0);
}
