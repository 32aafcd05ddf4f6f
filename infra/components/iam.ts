/**
 * What the appliances' daemons may do: look, within their region, at what they must know, and write to the
 * named tables, ENIs and instances only. The policy is attached after the instances exist, since it names
 * them. EC2 cannot say where a route may lead: who may write to a table may send any of its traffic
 * anywhere, so tables that are moved hold nothing else (`npx vitest run test/infra/iam`).
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { type Tags, tagged } from './tags.ts';

const DESCRIBE = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeRouteTables', 'ec2:DescribeSubnets'];

/** The ARNs that a policy names. */
export interface PolicyScope {
  readonly routeTables: readonly string[];
  /** Tables that follow best paths (`routeSync`): their routes are made and deleted, too. */
  readonly syncedTables?: readonly string[];
  /** Prepared tables, and the subnets and gateways that change between them. */
  readonly preparedTables?: readonly string[];
  readonly associated?: readonly string[];
  /** ENIs between which addresses move, and to which Elastic IPs lead. */
  readonly addressedInterfaces?: readonly string[];
  readonly elasticIps?: readonly string[];
  /** Instances whose status EC2 is asked for (`health.instanceStatus`). */
  readonly watchedInstances?: readonly string[];
  /** Transit gateway route tables, and the attachments that their routes lead to. */
  readonly transitTables?: readonly string[];
  readonly transitAttachments?: readonly string[];
  /** ENIs that are moved, and the instances that they are moved between. */
  readonly networkInterfaces: readonly string[];
  readonly instances: readonly string[];
  /** DynamoDB tables of leases, and the groups whose leases they are: all where absent. */
  readonly leaseTables?: readonly string[];
  readonly leaseGroups?: readonly string[];
  /** Parameters of Systems Manager that are read: secrets. */
  readonly parameters?: readonly string[];
  /** Instances that may be stopped (`fence: stop-instance`). */
  readonly fencedInstances?: readonly string[];
  /** ENIs that may be detached (`fence: detach-eni`), and their instances. */
  readonly fencedInterfaces?: readonly string[];
}

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Limits what knows no resources to the region of those that are named. */
function inRegionOf(arns: readonly string[]): Pick<Statement, 'Condition'> {
  const region = arns[0]?.split(':')[3];
  return region === undefined ? {} : { Condition: { StringEquals: { 'aws:RequestedRegion': region } } };
}

/** What groups move beside routes and ENIs, and what is looked at for that. */
function movedBeside({
  addressedInterfaces = [],
  elasticIps = [],
  transitTables = [],
  transitAttachments = [],
  watchedInstances = [],
}: PolicyScope): readonly Statement[] {
  return [
    {
      Sid: 'MoveAddresses',
      Effect: 'Allow',
      Action: ['ec2:AssignIpv6Addresses', 'ec2:AssignPrivateIpAddresses', 'ec2:UnassignIpv6Addresses'],
      Resource: addressedInterfaces,
    },
    {
      Sid: 'MoveElasticIps',
      Effect: 'Allow',
      Action: ['ec2:AssociateAddress'],
      Resource: elasticIps.length === 0 ? [] : [...elasticIps, ...addressedInterfaces],
    },
    {
      Sid: 'SeeElasticIps',
      Effect: 'Allow',
      Action: ['ec2:DescribeAddresses'],
      // The action knows no resources.
      Resource: elasticIps.length === 0 ? [] : '*',
      ...inRegionOf(elasticIps),
    },
    {
      Sid: 'SeeInstanceStatus',
      Effect: 'Allow',
      Action: ['ec2:DescribeInstanceStatus'],
      Resource: watchedInstances.length === 0 ? [] : '*',
      ...inRegionOf(watchedInstances),
    },
    {
      Sid: 'SeeTransitRoutes',
      Effect: 'Allow',
      Action: ['ec2:SearchTransitGatewayRoutes'],
      Resource: transitTables,
    },
    {
      Sid: 'MoveTransitRoutes',
      Effect: 'Allow',
      Action: ['ec2:CreateTransitGatewayRoute', 'ec2:ReplaceTransitGatewayRoute'],
      Resource: transitTables.length === 0 ? [] : [...transitTables, ...transitAttachments],
    },
  ];
}

/** Where only a key of AWS's own seals a parameter, who may read it needs no right to the key. */
const readSecrets = (parameters: readonly string[]): Statement => ({
  Sid: 'ReadSecrets',
  Effect: 'Allow',
  Action: ['ssm:GetParameter'],
  Resource: parameters,
});

/** Of daemons that take routes and call nothing of EC2. */
export const takerPolicy = (parameters: readonly string[]): object => ({
  Version: '2012-10-17',
  Statement: [readSecrets(parameters)],
});

/** The daemon's policy document; a statement without anything to name is left out, never widened. */
export function daemonPolicy(scope: PolicyScope): {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
} {
  const movable =
    scope.networkInterfaces.length === 0 ? [] : [...scope.networkInterfaces, ...scope.instances];
  const { leaseGroups, fencedInstances = [], ...arns } = scope;
  const here = inRegionOf([...Object.values(arns).flat(), ...fencedInstances]);
  const describe: Statement = { Sid: 'Describe', Effect: 'Allow', Action: DESCRIBE, Resource: '*', ...here };
  const move: readonly Statement[] = [
    {
      Sid: 'MoveRoutes',
      Effect: 'Allow',
      Action: ['ec2:CreateRoute', 'ec2:ReplaceRoute'],
      Resource: scope.routeTables,
    },
    {
      Sid: 'KeepPreparedRoutes',
      Effect: 'Allow',
      Action: ['ec2:CreateRoute', 'ec2:ReplaceRoute'],
      Resource: scope.preparedTables ?? [],
    },
    {
      Sid: 'ChangeAssociations',
      Effect: 'Allow',
      Action: ['ec2:ReplaceRouteTableAssociation'],
      Resource:
        scope.preparedTables === undefined ? [] : [...scope.preparedTables, ...(scope.associated ?? [])],
    },
    ...movedBeside(scope),
    {
      Sid: 'SyncRoutes',
      Effect: 'Allow',
      Action: ['ec2:CreateRoute', 'ec2:ReplaceRoute', 'ec2:DeleteRoute'],
      Resource: scope.syncedTables ?? [],
    },
    {
      Sid: 'MoveInterfaces',
      Effect: 'Allow',
      Action: ['ec2:AttachNetworkInterface', 'ec2:DetachNetworkInterface'],
      Resource: movable,
    },
    {
      Sid: 'StopOwners',
      Effect: 'Allow',
      Action: ['ec2:StopInstances'],
      Resource: fencedInstances,
    },
    {
      Sid: 'SeeOwners',
      Effect: 'Allow',
      Action: ['ec2:DescribeInstances'],
      // The action knows no resources.
      Resource: fencedInstances.length === 0 ? [] : '*',
      ...here,
    },
    {
      Sid: 'DetachOwners',
      Effect: 'Allow',
      Action: ['ec2:DetachNetworkInterface'],
      Resource: scope.fencedInterfaces ?? [],
    },
    {
      Sid: 'KeepLeases',
      Effect: 'Allow',
      Action: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      Resource: scope.leaseTables ?? [],
      ...(leaseGroups !== undefined && {
        Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': leaseGroups } },
      }),
    },
    readSecrets(scope.parameters ?? []),
  ];
  return {
    Version: '2012-10-17',
    Statement: [describe, ...move.filter((statement) => statement.Resource.length > 0)],
  };
}

/** The ARN of something of a service beside something else of the account and region, whose ARN is known. */
function beside(arn: string, service: string, resource: string): string {
  const [, partition, , region, account] = arn.split(':');
  return `arn:${partition}:${service}:${region}:${account}:${resource}`;
}

export const leaseTableArn = (arn: string, table: string): string =>
  beside(arn, 'dynamodb', `table/${table}`);

export const parameterArn = (arn: string, name: string): string =>
  beside(arn, 'ssm', `parameter/${name.replace(/^\//, '')}`);

export const routeTableArn = (arn: string, id: string): string => beside(arn, 'ec2', `route-table/${id}`);

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } }],
});

export interface DaemonRoleArgs {
  readonly tags: Tags;
}

export class DaemonRole extends pulumi.ComponentResource {
  readonly roleName: pulumi.Output<string>;
  readonly instanceProfileName: pulumi.Output<string>;
  private readonly prefix: string;

  constructor(name: string, args: DaemonRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:DaemonRole', name, {}, opts);
    this.prefix = name;
    const child = { parent: this };
    const tags = tagged(args.tags, name);
    const role = new aws.iam.Role(
      name,
      { assumeRolePolicy: TRUST, description: 'byoa daemons on the appliances', tags },
      child,
    );
    const profile = new aws.iam.InstanceProfile(name, { role: role.name, tags }, child);
    this.roleName = role.name;
    this.instanceProfileName = profile.name;
    this.registerOutputs({ roleName: this.roleName, instanceProfileName: this.instanceProfileName });
  }

  /** Grants daemons that take routes their secrets, and nothing else. */
  allowTakers(parameters: readonly pulumi.Input<string>[]): void {
    const policy = pulumi.all([...parameters]).apply((arns) => JSON.stringify(takerPolicy(arns)));
    new aws.iam.RolePolicy(`${this.prefix}-daemon`, { role: this.roleName, policy }, { parent: this });
  }

  /** Grants the daemons what they need; called once, when the instances are known. */
  allow(scope: { readonly [K in keyof PolicyScope]: readonly pulumi.Input<string>[] }): void {
    const kinds = Object.keys(scope) as (keyof PolicyScope)[];
    const arns = pulumi.all(kinds.map((kind) => pulumi.all([...(scope[kind] ?? [])])));
    const policy = arns.apply((lists) => {
      const known = Object.fromEntries(kinds.map((kind, index) => [kind, lists[index] ?? []]));
      return JSON.stringify(
        daemonPolicy({ routeTables: [], networkInterfaces: [], instances: [], ...known }),
      );
    });
    new aws.iam.RolePolicy(`${this.prefix}-daemon`, { role: this.roleName, policy }, { parent: this });
  }
}
