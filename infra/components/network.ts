/**
 * The VPCs of a plan: subnets, each with a route table of its own, and an Internet gateway, whose incoming
 * traffic may have a table. Their routes come later, since they lead to appliances: see `routes.ts`.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { ipv6Block } from '../layout.ts';
import { edgeOf, type Plan, type SubnetPlan, type VpcPlan } from '../plan.ts';
import { type Tags, tagged } from './tags.ts';

export interface NetworkArgs {
  readonly vpcs: Plan['vpcs'];
  readonly tags: Tags;
  /** An existing VPC in the place of the only one that has an Internet gateway. */
  readonly existing?: Existing;
}

export interface Existing {
  readonly vpcId: pulumi.Input<string>;
  readonly internetGatewayId: pulumi.Input<string>;
}

/** A VPC of a plan, made, or brought. */
export interface Vpc {
  readonly plan: VpcPlan;
  readonly id: pulumi.Output<string>;
  readonly ipv6Cidr: pulumi.Output<string>;
  /** Of the Internet gateway; empty where it has none. */
  readonly gatewayId: pulumi.Output<string>;
  /** What an Elastic IP waits for. */
  readonly gateway?: aws.ec2.InternetGateway;
}

/** A subnet of a plan, made, or brought. */
export interface Subnet {
  readonly plan: SubnetPlan;
  readonly vpc: Vpc;
  readonly id: pulumi.Output<string>;
  /** With its table, where that is made. */
  readonly association?: pulumi.Resource;
}

/** A route table, made, or brought, and the VPC that it is in. */
export interface Table {
  readonly name: string;
  readonly vpc: Vpc;
  readonly id: pulumi.Output<string>;
}

function broughtVpc(plan: VpcPlan, existing: Existing): Vpc {
  if (plan.ipv6) throw new Error('the VPC exists, and its IPv6 blocks are in use; leave out vpcId or ipv6');
  return {
    plan,
    id: pulumi.output(existing.vpcId),
    ipv6Cidr: pulumi.output(''),
    gatewayId: pulumi.output(existing.internetGatewayId),
  };
}

export class Network extends pulumi.ComponentResource {
  readonly vpcs: readonly Vpc[];
  readonly subnets: readonly Subnet[];
  /** Those of subnets by the subnets' names, and those of edges. */
  readonly tables: readonly Table[];
  private readonly prefix: string;
  private readonly tags: Tags;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Network', name, {}, opts);
    this.prefix = name;
    this.tags = args.tags;
    const { existing } = args;
    this.vpcs = args.vpcs.map((plan) =>
      existing === undefined || plan.isPrivate === true ? this.vpc(plan) : broughtVpc(plan, existing),
    );
    const made = this.vpcs.flatMap((vpc) => vpc.plan.subnets.map((plan) => this.subnet(plan, vpc)));
    this.subnets = made.map(({ subnet }) => subnet);
    this.tables = [
      ...made.map(({ table }) => table),
      ...this.vpcs.flatMap((vpc) => (vpc.plan.edge === undefined ? [] : [this.edge(vpc)])),
    ];
    this.registerOutputs({ vpcIds: this.vpcs.map(({ id }) => id) });
  }

  private vpc(plan: VpcPlan): Vpc {
    const name = plan.name === '' ? this.prefix : `${this.prefix}-${plan.name}`;
    const tags = tagged(this.tags, name);
    const child = { parent: this };
    const vpc = new aws.ec2.Vpc(
      name,
      {
        cidrBlock: plan.cidr,
        enableDnsSupport: true,
        enableDnsHostnames: true,
        ...(plan.ipv6 ? { assignGeneratedIpv6CidrBlock: true } : {}),
        tags,
      },
      child,
    );
    const made = { plan, id: vpc.id, ipv6Cidr: vpc.ipv6CidrBlock };
    if (plan.isPrivate === true) return { ...made, gatewayId: pulumi.output('') };
    const gateway = new aws.ec2.InternetGateway(name, { vpcId: vpc.id, tags }, child);
    return { ...made, gatewayId: gateway.id, gateway };
  }

  private subnet(plan: SubnetPlan, vpc: Vpc): { readonly subnet: Subnet; readonly table: Table } {
    const { name, brought } = plan;
    const id = brought === undefined ? this.madeSubnet(plan, vpc) : pulumi.output(brought.id);
    if (brought?.table !== undefined)
      return { subnet: { plan, vpc, id }, table: { name, vpc, id: pulumi.output(brought.table) } };
    const full = `${this.prefix}-${name}`;
    const tags = tagged(this.tags, full, { 'byoa:role': plan.role });
    const child = { parent: this };
    const table = new aws.ec2.RouteTable(full, { vpcId: vpc.id, tags }, child);
    const use = { routeTableId: table.id, subnetId: id };
    const association = new aws.ec2.RouteTableAssociation(full, use, child);
    return { subnet: { plan, vpc, id, association }, table: { name, vpc, id: table.id } };
  }

  private madeSubnet(plan: SubnetPlan, vpc: Vpc): pulumi.Output<string> {
    const name = `${this.prefix}-${plan.name}`;
    const { ipv6Index } = plan;
    return new aws.ec2.Subnet(
      name,
      {
        vpcId: vpc.id,
        availabilityZone: plan.zone,
        cidrBlock: plan.cidr,
        ...(vpc.plan.ipv6 && ipv6Index !== undefined
          ? { ipv6CidrBlock: vpc.ipv6Cidr.apply((block) => ipv6Block(block, plan.zone, ipv6Index)) }
          : {}),
        tags: tagged(this.tags, name, { 'byoa:role': plan.role }),
      },
      { parent: this },
    ).id;
  }

  /** The table of what comes in through the Internet gateway. */
  private edge(vpc: Vpc): Table {
    const name = edgeOf(vpc.plan);
    const full = `${this.prefix}-${name}`;
    const tags = tagged(this.tags, full, { 'byoa:role': 'edge' });
    const child = { parent: this };
    const table = new aws.ec2.RouteTable(full, { vpcId: vpc.id, tags }, child);
    const use = { routeTableId: table.id, gatewayId: vpc.gatewayId };
    new aws.ec2.RouteTableAssociation(full, use, child);
    return { name, vpc, id: table.id };
  }
}
