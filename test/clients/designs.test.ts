/**
 * The designs of `infra/` as the graph that their programs register, applied by the AWS provider that
 * Pulumi's is a bridge to: no plan changes anything after it was applied, nor after a failover.
 */
import { EC2Client } from '@aws-sdk/client-ec2';
import { describe, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import type { DesignArgs } from '../../infra/components/context.ts';
import type { Design } from '../../infra/design.ts';
import { DESIGNS, type DesignName, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import type { NodeOutput } from '../../infra/outputs.ts';
import { failOver } from '../infra/failover.ts';
import { recorded, resolved } from '../infra/recorded.ts';
import { titleOf } from '../title.ts';
import { terraformOf } from './graph.ts';
import { ACCOUNT, REGION } from './simulator.ts';
import { live, openStack, type Stack, whyNoTerraform } from './stack.ts';

const LIFE_MS = 900_000;
const OWNER = 'whoever-owns-it';
const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];

/** What a stack may say beside its design. */
type More = Partial<DesignArgs>;

/** Designs by title: as they are, and with what makes further resources, or other user data. */
const STACKS: readonly (readonly [title: string, name: DesignName, more: More])[] = [
  ...NAMES.map((name) => [name, name, {}] as const),
  ['egress-pair with a last resort', 'egress-pair', { observers: true, lastResort: true }],
  [
    'same-subnet-bgp with secrets, and BIRD',
    'same-subnet-bgp',
    { bgpPasswordParameter: '/byoa/bgp', bfdKeyParameter: '/byoa/bfd', speaker: 'bird' },
  ],
];

/** A design as a configuration; its output `daemon` is the configuration of one of its daemons. */
async function configurationOf(name: DesignName, more: More): Promise<string> {
  const design: Design = DESIGNS[name];
  const { made, seen } = await recorded(
    () =>
      new COMPONENTS[name](name, {
        cidr: '10.0.0.0/16',
        zones: ZONES.slice(0, design.zones.min),
        ami: 'ami-0123456789abcdef0',
        instanceType: 't3.micro',
        daemonUrl: 'https://example.com/byoa',
        daemonSha256: 'a'.repeat(64),
        tags: { owner: OWNER },
        workload: true,
        ...more,
      }),
  );
  const nodes = (await resolved(made.nodes)) as readonly NodeOutput[];
  const outputs = { daemon: present(nodes[0], `a node of ${name}`).config };
  return JSON.stringify(terraformOf(seen, { variables: { [OWNER]: 'owner' }, outputs }), undefined, 1);
}

/** The configuration of the daemon, as it was deployed. */
async function daemonOf({ terraform }: Stack): Promise<Config> {
  const { daemon }: Record<string, { value: string }> = JSON.parse(await terraform(0, 'output', '-json'));
  const parsed = parseConfig(present(daemon, 'the output').value, 'daemon');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const clientOf = ({ simulator: { url: endpoint } }: Stack): EC2Client =>
  new EC2Client({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' },
  });

/** Leads all that the groups own to their last members. */
const failOverAll = async (stack: Stack): Promise<void> => failOver(clientOf(stack), await daemonOf(stack));

describe.skipIf(whyNoTerraform !== undefined)(titleOf("Terraform's AWS provider", whyNoTerraform), () => {
  // Some 40 resources, and seven commands that look at each: a minute each.
  it.skipIf(process.env.BYOA_SLOW === undefined).each(STACKS)(
    'applies %s; no plan changes anything, also after a failover (takes minutes: BYOA_SLOW=1 runs it)',
    async (_, name, more) => {
      const stack = await openStack('main.tf.json', await configurationOf(name, more));
      try {
        await live(stack, { befall: () => failOverAll(stack) });
      } finally {
        await stack.close();
      }
    },
    LIFE_MS,
  );
});
