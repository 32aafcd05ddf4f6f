/**
 * What the daemons of a design move beside routes: floating ENIs and Elastic IPs. Neither the attachment of
 * the one nor the association of the other is a Pulumi resource: each has a new id after every move, and a
 * refresh followed by an update would take it back.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { announcedIn, movedBy, named, tablesOf } from '../plan.ts';
import { secretsOf } from '../settings.ts';
import type { Context, Machine, MadeMachine, Moved } from './context.ts';
import { idsOf } from './daemon-config.ts';
import { leaseTableArn, type PolicyScope, parameterArn, routeTableArn } from './iam.ts';
import { natGateways } from './nat-gateway.ts';
import type { Table } from './network.ts';
import { tagged } from './tags.ts';

export function movedThings(context: Context, seats: readonly Machine[]): Moved {
  const { parent, prefix, plan, tags, network, securityGroups } = context;
  const child = { parent };
  const floating = plan.groups.flatMap(({ name, floating: spec }) => {
    if (spec === undefined) return [];
    const subnet = network.subnets.find((one) => one.plan.name === spec.subnet);
    const full = `${prefix}-${name}`;
    const eni = new aws.ec2.NetworkInterface(
      full,
      {
        subnetId: subnet?.id ?? '',
        privateIps: [spec.address],
        ...(subnet?.vpc.plan.ipv6 === true ? { ipv6AddressCount: 1 } : {}),
        securityGroups: [securityGroups[subnet?.vpc.plan.name ?? ''] ?? ''],
        sourceDestCheck: false,
        description: full,
        tags: tagged(tags, full, { 'byoa:group': name }),
      },
      child,
    );
    return [[name, eni] as const];
  });
  const eips = plan.groups
    .filter(({ eip }) => eip === true)
    .map(({ name }) => {
      const full = `${prefix}-${name}`;
      const args = { domain: 'vpc', tags: tagged(tags, full, { 'byoa:group': name }) };
      return [
        name,
        new aws.ec2.Eip(full, args, {
          parent,
          dependsOn: network.vpcs.flatMap(({ gateway }) => gateway ?? []),
        }),
      ] as const;
    });
  const known: Record<string, pulumi.Output<string>> = Object.fromEntries([
    ...Object.entries(natGateways(context)).map(([name, id]) => [`nat ${name}`, id]),
    ...seats.map((seat) => [`eni ${seat.plan.name}`, seat.port.networkInterfaceId]),
    ...network.tables.map(({ name, id }) => [`table ${name}`, id]),
    ...floating.map(([name, { id }]) => [`floating ${name}`, id]),
    ...eips.map(([name, { allocationId }]) => [`eip ${name}`, allocationId]),
  ]);
  const wanted = Object.keys(idsOf(plan)).map((key) => [key, known[key] ?? pulumi.output('')] as const);
  return {
    floating: Object.fromEntries(floating),
    eips: Object.fromEntries(eips),
    publicIps: Object.fromEntries(eips.map(([name, { publicIp }]) => [name, publicIp])),
    ids: pulumi.output(Object.fromEntries(wanted)),
  };
}

type Arns = readonly pulumi.Input<string>[];

/** The ARN of something of the account and region. */
export const besideOf = (seats: readonly Machine[]): pulumi.Output<string> =>
  seats[0]?.port.networkInterfaceArn ?? pulumi.output('');

/** What the role must name for all that the plan's groups move. */
export function rightsOf(
  { plan, settings, network, tunnels = {} }: Context,
  seats: readonly Machine[],
  machines: readonly MadeMachine[],
  moved: Moved,
): { readonly [K in keyof PolicyScope]: readonly pulumi.Input<string>[] } {
  const { groups } = plan;
  const isMember = (name: string, of: typeof groups): boolean =>
    of.some(({ members }) => members.includes(name));
  const attached = groups.filter((group) => group.floating !== undefined);
  const addressed = groups.filter((group) => group.addresses !== undefined || group.eip === true);
  const instances = (of: typeof groups): Arns =>
    machines.filter((one) => isMember(one.plan.name, of)).map(({ instance }) => instance.instanceArn);
  const beside = besideOf(seats);
  const arnOf = ({ id }: Table): pulumi.Output<string> =>
    pulumi.all([beside, id]).apply(([arn, table]) => routeTableArn(arn, table));
  const tables = network.tables
    .filter(({ name }) => groups.some((group) => movedBy(named(tablesOf(plan), name), group.name).length > 0))
    .map(arnOf);
  const followed = network.tables
    .filter(({ name }) => announcedIn(named(tablesOf(plan), name)).length > 0)
    .map(arnOf);
  const { leaseTable, fence } = settings;
  return {
    routeTables: tables,
    syncedTables: followed,
    networkInterfaces: Object.values(moved.floating).map(({ arn }) => arn),
    instances: instances(attached),
    addressedInterfaces: seats
      .filter((seat) => isMember(seat.plan.name, addressed))
      .map(({ port }) => port.networkInterfaceArn),
    elasticIps: Object.values(moved.eips).map(({ arn }) => arn),
    ...(leaseTable === undefined
      ? {}
      : {
          leaseTables: [beside.apply((arn) => leaseTableArn(arn, leaseTable))],
          leaseGroups: groups.map(({ name }) => name),
        }),
    parameters: [
      ...secretsOf(settings).map((name) => beside.apply((arn) => parameterArn(arn, name))),
      ...Object.values(tunnels).map((one) => one.parameterArn),
    ],
    ...(fence === 'stop-instance' ? { fencedInstances: instances(groups) } : {}),
  };
}
