/** A stack's configuration as arguments of a design: keys are checked, what was not chosen is looked up. */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from './components/context.ts';
import { type StackConfig, stackConfig } from './config.ts';
import { type Design, zonesText } from './design.ts';
import { DESIGNS, type DesignName } from './designs/catalog.ts';

/** Publisher of Debian's official images. */
const DEBIAN = '136693071363';

/** The first zones of the region, by name; a stack that shall never change them names them. */
async function availableZones(name: DesignName): Promise<readonly string[]> {
  const design: Design = DESIGNS[name];
  const { min } = design.zones;
  const filters = [{ name: 'opt-in-status', values: ['opt-in-not-required'] }];
  const { names } = await aws.getAvailabilityZones({ state: 'available', filters });
  const zones = [...names].sort().slice(0, min);
  if (zones.length === min) return zones;
  throw new Error(`${name} needs ${zonesText(design)}, and the region offers '${names.join(', ')}'`);
}

/** The newest Debian 12 image for the instance type's processor. */
const debian = (architecture: StackConfig['architecture']): pulumi.Output<string> =>
  aws.ec2.getAmiOutput({
    mostRecent: true,
    owners: [DEBIAN],
    filters: [
      { name: 'name', values: [`debian-12-${architecture === 'arm64' ? 'arm64' : 'amd64'}-*`] },
      { name: 'architecture', values: [architecture] },
    ],
  }).id;

/** The keys `byoa:...` of the stack, without `byoa:`. */
const keys = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig()).flatMap(([key, value]) =>
      key.startsWith('byoa:') ? [[key.slice('byoa:'.length), value]] : [],
    ),
  );

/** A configuration as arguments of the design that it names; looks up the image that it does not name. */
export function designArgs(config: StackConfig & Pick<DesignArgs, 'zones'>): DesignArgs {
  const isOwn = config.appliance.kind === 'own';
  const image = config.ami !== undefined && !isOwn ? undefined : debian(config.architecture);
  return {
    ...config,
    ami: config.ami ?? image ?? '',
    amiPinned: config.ami !== undefined,
    ...(isOwn && image !== undefined ? { debianAmi: image } : {}),
  };
}

/** The stack's keys as arguments of the design that they name. */
const argsOf = async (config: StackConfig): Promise<DesignArgs> =>
  designArgs({ ...config, zones: config.zones ?? (await availableZones(config.design)) });

/** The design that the stack names, and its arguments; throws an error that names the key that is wrong. */
export async function stackDesign(): Promise<{ readonly design: DesignName; readonly args: DesignArgs }> {
  const config = stackConfig(keys());
  return { design: config.design, args: await argsOf(config) };
}

/** Arguments of a design by the keys `byoa:...` of the stack; throws an error that names a wrong key. */
export const stackArgs = (design: DesignName): Promise<DesignArgs> =>
  argsOf(stackConfig({ ...keys(), design }));
