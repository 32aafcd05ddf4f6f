/**
 * Which command lives where, beside the controller's. A test compares these tables with what the modules
 * register.
 */
import { controllerPart } from './controller-part.ts';
import type { Part } from './program.ts';

/** With the simulator at hand, to plan in a world. */
const controller: Part = {
  ...controllerPart,
  load: async () => {
    const { register } = await import('../controller/main.ts');
    return { register: (program) => register(program, readWorld) };
  },
};

async function readWorld(file: string, region: string) {
  const { describedIn } = await import('../sim/main.ts');
  return describedIn(file, region);
}

const simulator: Part = {
  commands: {
    sim: 'simulate the EC2 API and the forwarding of VPCs',
    import: 'make a world file of a described AWS account',
    trace: 'show hop by hop how a packet fares, and why',
  },
  load: () => import('../sim/main.ts'),
};

const deployer: Part = {
  commands: { deploy: 'deploy a design into the simulator without the Pulumi CLI (a test engine)' },
  load: () => import('../sim/pulumi/main.ts'),
};

const starter: Part = {
  commands: { init: 'write a Pulumi project for a design: program, stack, README, and a drill for CI' },
  load: () => import('../infra/init/main.ts'),
};

const demonstration: Part = {
  commands: { demo: 'deploy two designs, lose an appliance, show the blackout' },
  load: () => import('../sim/demo/main.ts'),
};

const chaos: Part = {
  commands: { chaos: 'run the daemons through simulated faults, and check what must always hold' },
  load: () => import('../sim/chaos/main.ts'),
};

const drill: Part = {
  commands: { drill: 'fail everything in the simulator: which flows come back, and when' },
  load: () => import('../sim/drill/main.ts'),
};

const laboratory: Part = {
  commands: {
    lab: 'run a VPC between network namespaces: real packets, real programs in its instances',
    soak: 'let failures drawn from a seed happen to a design in a lab, under load, and watch its daemons',
  },
  load: () => import('../sim/lab/main.ts'),
};

export const parts: readonly Part[] = [
  controller,
  starter,
  simulator,
  deployer,
  demonstration,
  chaos,
  drill,
  laboratory,
];
