/** The stack: reads its configuration, looks up what was not chosen, and deploys one design. */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { type StackConfig, stackConfig } from './config.ts';
import { type Design, zonesText } from './design.ts';
import { DESIGNS } from './designs/catalog.ts';
import { COMPONENTS } from './designs/components.ts';

/** Publisher of Debian's official images. */
const DEBIAN = '136693071363';

/** The first zones of the region, by name; a stack that shall never change them names them. */
async function availableZones({ zones: { min } }: Design): Promise<readonly string[]> {
  const filters = [{ name: 'opt-in-status', values: ['opt-in-not-required'] }];
  const { names } = await aws.getAvailabilityZones({ state: 'available', filters });
  const zones = [...names].sort().slice(0, min);
  if (zones.length === min) return zones;
  throw new Error(
    `${config.design} needs ${zonesText(DESIGNS[config.design])}, and the region offers '${names.join(', ')}'`,
  );
}

/** The newest Debian 12 image for the instance type's processor. */
async function debian(architecture: StackConfig['architecture']): Promise<string> {
  const found = await aws.ec2.getAmi({
    mostRecent: true,
    owners: [DEBIAN],
    filters: [
      { name: 'name', values: [`debian-12-${architecture === 'arm64' ? 'arm64' : 'amd64'}-*`] },
      { name: 'architecture', values: [architecture] },
    ],
  });
  return found.id;
}

/** The keys `byoa:...` of the stack, without `byoa:`. */
const keys = Object.entries(pulumi.runtime.allConfig()).flatMap(([key, value]) =>
  key.startsWith('byoa:') ? [[key.slice('byoa:'.length), value]] : [],
);

const config = stackConfig(Object.fromEntries(keys));
const isOwn = config.appliance.kind === 'own';
const image = config.ami !== undefined && !isOwn ? undefined : await debian(config.architecture);
const Component = COMPONENTS[config.design];
const stack = new Component(config.design, {
  ...config,
  zones: config.zones ?? (await availableZones(DESIGNS[config.design])),
  ami: config.ami ?? image ?? '',
  amiPinned: config.ami !== undefined,
  ...(isOwn && image !== undefined ? { debianAmi: image } : {}),
});

export default {
  design: config.design,
  vpcIds: stack.vpcIds,
  nodes: stack.nodes,
  appliances: stack.appliances,
  workloads: stack.workloads,
  flows: stack.flows,
  ids: stack.ids,
};
