/** A client in each workload subnet of a plan, where asked for; some run a daemon that takes routes. */
import * as pulumi from '@pulumi/pulumi';
import { hostAddress } from '../layout.ts';
import type { NodeOutput, WorkloadOutput } from '../outputs.ts';
import { takersOf } from '../plan.ts';
import { secretsOf } from '../settings.ts';
import type { Context, Moved } from './context.ts';
import { DaemonRole, parameterArn } from './iam.ts';
import { configOf } from './machines.ts';
import { userData } from './user-data.ts';
import { Workload } from './workload.ts';

export interface Clients {
  readonly workloads: pulumi.Output<readonly WorkloadOutput[]>;
  /** Those with a daemon. */
  readonly nodes: pulumi.Output<readonly NodeOutput[]>;
}

/** Of the daemons on them, where their sessions have secrets: these are read as parameters. */
function roleOf(context: Context, beside: pulumi.Output<string>): DaemonRole | undefined {
  const { parent, prefix, tags, settings } = context;
  const secrets = secretsOf(settings);
  if (secrets.length === 0 || takersOf(context.plan).length === 0) return undefined;
  const role = new DaemonRole(`${prefix}-taker`, { tags }, { parent });
  role.allowTakers(secrets.map((name) => beside.apply((arn) => parameterArn(arn, name))));
  return role;
}

/** Makes them, when their ways out exist; `beside` is the ARN of something of the account and region. */
export function clients(
  context: Context,
  { ids }: Moved,
  dependsOn: pulumi.Resource[],
  beside: pulumi.Output<string>,
): Clients {
  const { parent, prefix, plan, args, settings, tags, network, securityGroups } = context;
  if (!settings.workload) return { workloads: pulumi.output([]), nodes: pulumi.output([]) };
  const takers = takersOf(plan);
  const role = roleOf(context, beside);
  const made = network.subnets
    .filter(({ plan: { role } }) => role === 'workload')
    .map(({ plan: subnet, vpc, id }) => {
      const { name, zone } = subnet;
      const address = subnet.client ?? hostAddress(subnet.cidr, 0);
      const taker = takers.find((one) => one.subnet === name);
      const config = taker === undefined ? undefined : configOf(context, taker.name, zone, ids);
      const { instanceId, networkInterfaceId, publicIp } = new Workload(
        `${prefix}-${name}`,
        {
          subnetId: id,
          address,
          securityGroupId: securityGroups[vpc.plan.name] ?? '',
          ami: args.debianAmi ?? args.ami,
          amiPinned: args.debianAmi === undefined && (args.amiPinned ?? true),
          instanceType: args.instanceType,
          ipv6: vpc.plan.ipv6,
          isPublic: subnet.isPublic ?? false,
          ...(config === undefined ? {} : { userData: scriptOf(context, name, vpc.plan.ipv6, config) }),
          ...(config === undefined || role === undefined
            ? {}
            : { instanceProfileName: role.instanceProfileName }),
          tags,
        },
        { parent, dependsOn },
      );
      return { name, zone, address, instanceId, networkInterfaceId, publicIp, config };
    });
  return {
    workloads: pulumi.all(
      made.map(({ name, address, instanceId, publicIp }) =>
        pulumi
          .all([instanceId, publicIp])
          .apply(([instance, ip]) => ({ name, instanceId: instance, privateIp: address, publicIp: ip })),
      ),
    ),
    nodes: pulumi.all(
      made.flatMap(({ name, zone, address, config, ...outputs }) =>
        config === undefined ? [] : [nodeOutput({ name, zone, privateIp: address }, { ...outputs, config })],
      ),
    ),
  };
}

const nodeOutput = (
  known: Pick<NodeOutput, 'name' | 'zone' | 'privateIp'>,
  { instanceId, networkInterfaceId, publicIp, config }: Made,
): pulumi.Output<NodeOutput> =>
  pulumi.all([instanceId, networkInterfaceId, publicIp, config]).apply(([instance, eni, ip, text]) => ({
    ...known,
    instanceId: instance,
    networkInterfaceId: eni,
    publicIp: ip,
    config: text,
  }));

type Made = Readonly<Record<Exclude<keyof NodeOutput, 'name' | 'zone' | 'privateIp'>, pulumi.Output<string>>>;

/** The daemon and nothing else; it is fetched by way of an appliance. */
const scriptOf = (
  { plan, args }: Context,
  name: string,
  ipv6: boolean,
  config: pulumi.Output<string>,
): pulumi.Output<string> =>
  pulumi.all([config, args.daemonUrl, args.daemonSha256]).apply(([text, url, sha256]) =>
    userData({
      name,
      forwarding: { kind: 'none' },
      overlay: [],
      ipv6,
      speaks: true,
      gateways: plan.appliances.map(({ address }) => address),
      daemon: { url, sha256, config: text },
    }),
  );
