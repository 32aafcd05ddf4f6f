/** The stack: reads its configuration, looks up what was not chosen, and deploys one design. */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { type Design, type StackConfig, stackConfig, zonesOf } from './config.ts';
import { EgressPair } from './designs/egress-pair.ts';
import { FloatingEni } from './designs/floating-eni.ts';
import type { PairArgs } from './designs/pair.ts';

/** Publisher of Debian's official images. */
const DEBIAN = '136693071363';

/** The first zones of the region, by name; a stack that shall never change them names them. */
async function availableZones(design: Design): Promise<readonly string[]> {
  const filters = [{ name: 'opt-in-status', values: ['opt-in-not-required'] }];
  const { names } = await aws.getAvailabilityZones({ state: 'available', filters });
  const zones = [...names].sort().slice(0, zonesOf(design));
  if (zones.length === zonesOf(design)) return zones;
  throw new Error(`${design} needs ${zonesOf(design)} zone(s), and the region offers '${names.join(', ')}'`);
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

const keys = new pulumi.Config('byoa');
const config = stackConfig((key) => keys.get(key));
const args: PairArgs = {
  ...config,
  zones: config.zones ?? (await availableZones(config.design)),
  ami: config.ami ?? (await debian(config.architecture)),
  amiPinned: config.ami !== undefined,
  daemonUrl: config.daemon.url,
  daemonSha256: config.daemon.sha256,
};
const stack =
  config.design === 'egress-pair' ? new EgressPair('egress', args) : new FloatingEni('floating', args);

export default {
  design: config.design,
  vpcId: stack.vpcId,
  routeTableIds: stack.routeTableIds,
  nodes: stack.nodes,
  ...(stack instanceof FloatingEni
    ? { floatingInterfaceId: stack.floatingInterfaceId, floatingIp: stack.floatingIp }
    : {}),
  ...(stack.workloadInstanceId === undefined ? {} : { workloadInstanceId: stack.workloadInstanceId }),
};
