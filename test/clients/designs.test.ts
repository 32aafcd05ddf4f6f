/**
 * The designs of `infra/` as the graph that their programs register, applied by the AWS provider that
 * Pulumi's is a bridge to: no plan changes anything after it was applied, nor after a failover.
 */
import { EC2Client } from '@aws-sdk/client-ec2';
import { describe, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import type { Design } from '../../infra/design.ts';
import { DESIGNS, type DesignName, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import type { NodeOutput } from '../../infra/outputs.ts';
import { failOver } from '../infra/failover.ts';
import { recorded, resolved } from '../infra/recorded.ts';
import { terraformOf } from './graph.ts';
import { ACCOUNT, REGION } from './simulator.ts';
import { live, openStack, type Stack, whyNoTerraform } from './stack.ts';

const LIFE_MS = 900_000;
const OWNER = 'whoever-owns-it';
const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];

/** Designs as one configuration; its output `NAME-daemon` is the configuration of a daemon of each. */
async function configurationOf(names: readonly DesignName[]): Promise<string> {
  const { made, seen } = await recorded(() =>
    names.map((name) => {
      const design: Design = DESIGNS[name];
      return new COMPONENTS[name](name, {
        cidr: '10.0.0.0/16',
        zones: ZONES.slice(0, design.zones.min),
        ami: 'ami-0123456789abcdef0',
        instanceType: 't3.micro',
        daemonUrl: 'https://example.com/byoa',
        daemonSha256: 'a'.repeat(64),
        tags: { owner: OWNER },
        workload: true,
      });
    }),
  );
  const outputs: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const nodes = (await resolved(present(made[index], name).nodes)) as readonly NodeOutput[];
    outputs[`${name}-daemon`] = present(nodes[0], `a node of ${name}`).config;
  }
  return JSON.stringify(terraformOf(seen, { variables: { [OWNER]: 'owner' }, outputs }), undefined, 1);
}

/** The configurations of the daemons, as they were deployed. */
async function daemonsOf({ terraform }: Stack): Promise<readonly Config[]> {
  const outputs: Record<string, { value: string }> = JSON.parse(await terraform(0, 'output', '-json'));
  return Object.entries(outputs).map(([name, { value }]) => {
    const parsed = parseConfig(value, name);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  });
}

const clientOf = ({ simulator: { url: endpoint } }: Stack): EC2Client =>
  new EC2Client({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' },
  });

/** Leads all that the groups own to their last members. */
async function failOverAll(stack: Stack): Promise<void> {
  const ec2 = clientOf(stack);
  for (const config of await daemonsOf(stack)) await failOver(ec2, config);
}

describe.skipIf(whyNoTerraform !== undefined)(`Terraform's AWS provider (skipped: ${whyNoTerraform})`, () => {
  // Some 40 resources, and seven commands that look at each: a minute each.
  it.skipIf(process.env.BYOA_SLOW === undefined).each(NAMES)(
    'applies %s; no plan changes anything, also after a failover (takes minutes: BYOA_SLOW=1 runs it)',
    async (name) => {
      const stack = await openStack('main.tf.json', await configurationOf([name]));
      try {
        await live(stack, { befall: () => failOverAll(stack) });
      } finally {
        await stack.close();
      }
    },
    LIFE_MS,
  );
});
