/**
 * What both designs share: two appliances with their daemons, their role, and the outputs. A design adds its
 * subnets and what the group owns.
 */
import * as pulumi from '@pulumi/pulumi';
import { ApplianceInstance, ApplianceInterface } from '../components/appliance.ts';
import { daemonConfig, type Owned, unknownId } from '../components/daemon-config.ts';
import type { Firewall } from '../components/firewall.ts';
import { type DaemonRole, tableArn } from '../components/iam.ts';
import type { Network, NetworkZone } from '../components/network.ts';
import type { Tags } from '../components/tags.ts';
import { userData } from '../components/user-data.ts';
import { Workload } from '../components/workload.ts';
import type { StackConfig } from '../config.ts';
import { hostAddress } from '../layout.ts';

/** What a deployment of either design is told. */
export interface PairArgs {
  /** IPv4 block of the VPC, /16 to /24. */
  readonly cidr: string;
  /** Availability zones, preferred first. */
  readonly zones: readonly string[];
  readonly ami: pulumi.Input<string>;
  /**
   * True where `ami` was chosen, so that another one replaces the instances; false where it was looked up.
   */
  readonly amiPinned?: boolean;
  readonly instanceType: pulumi.Input<string>;
  readonly daemonUrl: pulumi.Input<string>;
  readonly daemonSha256: pulumi.Input<string>;
  /** Address beyond the appliances that must answer ICMP echo through them. */
  readonly probeTarget: string;
  readonly failback?: StackConfig['failback'];
  /** A DynamoDB table that exists, for leases of the group. */
  readonly leaseTable?: string;
  readonly fence?: StackConfig['fence'];
  readonly endpoint?: string;
  readonly ipv6?: boolean;
  readonly workload?: boolean;
  readonly tags?: Tags;
}

/** The outputs of one appliance. */
export interface NodeOutput {
  readonly name: string;
  readonly zone: string;
  readonly privateIp: string;
  readonly publicIp: string;
  readonly instanceId: string;
  readonly networkInterfaceId: string;
  /** The daemon's configuration file, YAML. */
  readonly config: string;
}

/** One appliance's place, before its instance exists. */
export interface Seat {
  /** Name of the appliance: its node, in the daemon's words. */
  readonly name: string;
  readonly zone: NetworkZone;
  readonly address: string;
  readonly port: ApplianceInterface;
}

/** Makes the ENI of an appliance; `host` is its place in the subnet. */
export function seat(
  parent: pulumi.ComponentResource,
  prefix: string,
  spec: { readonly name: string; readonly zone: NetworkZone; readonly host: number },
  args: PairArgs,
  tags: Tags,
  securityGroupId: pulumi.Input<string>,
): Seat {
  const address = hostAddress(spec.zone.blocks.appliance, spec.host);
  const port = new ApplianceInterface(
    `${prefix}-${spec.name}`,
    {
      subnetId: spec.zone.applianceSubnet.id,
      address,
      securityGroupId,
      ipv6: args.ipv6 ?? false,
      tags: { ...tags, 'byoa:appliance': spec.name },
    },
    { parent, dependsOn: [...spec.zone.internet] },
  );
  return { name: spec.name, zone: spec.zone, address, port };
}

/** `Owned` with ids that may not be known yet. */
export type OwnedOutput =
  | {
      readonly kind: 'routes';
      readonly routeTableIds: readonly pulumi.Output<string>[];
      readonly destinations: readonly string[];
    }
  | { readonly kind: 'eni'; readonly networkInterfaceId: pulumi.Output<string> };

/** The same with ids known, or with placeholders. */
function known(owned: OwnedOutput, ids: readonly string[]): Owned {
  if (owned.kind === 'eni') return { kind: 'eni', networkInterfaceId: ids[0] ?? '' };
  return { kind: 'routes', routeTableIds: ids, destinations: owned.destinations };
}

/**
 * The configuration of each seat's daemon; checked with placeholders at once, and again with the real ids.
 */
export function configs(
  seats: readonly Seat[],
  owned: OwnedOutput,
  group: string,
  args: PairArgs,
): ReadonlyMap<string, pulumi.Output<string>> {
  const zone = seats[0]?.zone.zone ?? '';
  const render = (node: string, enis: readonly string[], ids: readonly string[]): string =>
    daemonConfig({
      node,
      group,
      region: zone.slice(0, -1),
      ...(args.endpoint === undefined ? {} : { endpoint: args.endpoint }),
      failback: args.failback ?? 'never',
      ...(args.leaseTable === undefined ? {} : { leaseTable: args.leaseTable }),
      ...(args.fence === undefined ? {} : { fence: args.fence }),
      appliances: seats.map(({ name, address }, index) => ({
        name,
        address,
        networkInterfaceId: enis[index] ?? '',
      })),
      owned: known(owned, ids),
      probeTarget: args.probeTarget,
      oneSubnet: seats.every((other) => other.zone.zone === zone),
    });
  const ids = owned.kind === 'eni' ? [owned.networkInterfaceId] : owned.routeTableIds;
  const placeholders = ids.map((_, index) =>
    unknownId(owned.kind === 'eni' ? 'eni' : 'rtb', seats.length + index),
  );
  return new Map(
    seats.map(({ name }) => {
      render(
        name,
        seats.map((_, index) => unknownId('eni', index)),
        placeholders,
      );
      const enis = pulumi.all(seats.map(({ port }) => port.networkInterfaceId));
      return [name, pulumi.all([enis, pulumi.all([...ids])]).apply(([e, i]) => render(name, e, i))];
    }),
  );
}

/** The instances, one after the other: while one is replaced, the other is left alone. */
export function instances(
  parent: pulumi.ComponentResource,
  prefix: string,
  seats: readonly Seat[],
  config: ReadonlyMap<string, pulumi.Output<string>>,
  role: DaemonRole,
  args: PairArgs,
  tags: Tags,
): readonly ApplianceInstance[] {
  const made: ApplianceInstance[] = [];
  for (const { name, zone, port } of seats) {
    const text = config.get(name) ?? pulumi.output('');
    const script = pulumi
      .all([text, args.daemonUrl, args.daemonSha256])
      .apply(([yaml, daemonUrl, daemonSha256]) =>
        userData({
          appliance: name,
          daemonUrl,
          daemonSha256,
          config: yaml,
          masquerade: args.cidr,
          ipv6: args.ipv6 ?? false,
        }),
      );
    const before = made.at(-1);
    made.push(
      new ApplianceInstance(
        `${prefix}-${name}`,
        {
          networkInterfaceId: port.networkInterfaceId,
          ami: args.ami,
          amiPinned: args.amiPinned ?? true,
          instanceType: args.instanceType,
          instanceProfileName: role.instanceProfileName,
          userData: script,
          tags: { ...tags, 'byoa:appliance': name },
        },
        {
          parent,
          dependsOn: [port.association, ...zone.internet, ...(before === undefined ? [] : [before])],
        },
      ),
    );
  }
  return made;
}

/** What the role may do beside moving the group; `beside`: the ARN of something in the same region. */
export const policies = (
  { leaseTable, fence }: PairArgs,
  made: readonly ApplianceInstance[],
  beside: pulumi.Output<string> | undefined,
) => ({
  ...(leaseTable === undefined || beside === undefined
    ? {}
    : { leaseTables: [beside.apply((arn) => tableArn(arn, leaseTable))] }),
  ...(fence === 'stop-instance' ? { fencedInstances: made.map(({ instanceArn }) => instanceArn) } : {}),
});

/** The outputs of all appliances, in order of preference. */
export const nodeOutputs = (
  seats: readonly Seat[],
  made: readonly ApplianceInstance[],
  config: ReadonlyMap<string, pulumi.Output<string>>,
): pulumi.Output<readonly NodeOutput[]> =>
  pulumi.all(
    seats.map((one, index) => {
      const { name, zone, address, port } = one;
      const ids = [
        port.publicIp,
        made[index]?.instanceId ?? '',
        port.networkInterfaceId,
        config.get(name) ?? '',
      ];
      return pulumi.all(ids).apply(
        ([publicIp = '', instanceId = '', networkInterfaceId = '', text = '']): NodeOutput => ({
          name,
          zone: zone.zone,
          privateIp: address,
          publicIp,
          instanceId,
          networkInterfaceId,
          config: text,
        }),
      );
    }),
  );

/** The client instance, in the preferred zone, made when its way out exists. */
export function workload(
  parent: pulumi.ComponentResource,
  prefix: string,
  network: Network,
  firewall: Firewall,
  args: PairArgs,
  tags: Tags,
  dependsOn: pulumi.Resource[],
): pulumi.Output<string> | undefined {
  const home = network.zones[0];
  if (home === undefined) return undefined;
  const made = new Workload(
    `${prefix}-workload`,
    {
      subnetId: home.workloadSubnet.id,
      address: hostAddress(home.blocks.workload, 0),
      securityGroupId: firewall.securityGroupId,
      ami: args.ami,
      amiPinned: args.amiPinned ?? true,
      instanceType: args.instanceType,
      ipv6: args.ipv6 ?? false,
      tags,
    },
    { parent, dependsOn },
  );
  return made.instanceId;
}
