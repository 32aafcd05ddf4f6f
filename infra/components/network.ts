/**
 * The VPC of a design: in each zone an appliance subnet whose table leads to the Internet gateway, and a
 * workload subnet with a table of its own. The workload tables' routes through an appliance are not made
 * here: see `routes.ts`.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { ipv6Block, layout, type SubnetRole, type ZoneLayout } from '../layout.ts';
import { type Tags, tagged } from './tags.ts';

export interface NetworkArgs {
  /** IPv4 block of the VPC, /16 to /24. */
  readonly cidr: string;
  readonly zones: readonly string[];
  readonly ipv6: boolean;
  readonly tags: Tags;
}

/** What one zone has. */
export interface NetworkZone extends ZoneLayout {
  readonly applianceSubnet: aws.ec2.Subnet;
  readonly workloadSubnet: aws.ec2.Subnet;
  readonly workloadTable: aws.ec2.RouteTable;
  /** What an instance of the appliance subnet must wait for, to reach the Internet when it boots. */
  readonly internet: readonly pulumi.Resource[];
}

export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly zones: readonly NetworkZone[];
  /** The VPC's own addresses, for security groups. */
  readonly blocks: { readonly cidr: string; readonly ipv6Cidr?: pulumi.Output<string> };
  private readonly prefix: string;
  private readonly args: NetworkArgs;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Network', name, {}, opts);
    this.prefix = name;
    this.args = args;
    const child = { parent: this };
    const vpc = new aws.ec2.Vpc(
      name,
      {
        cidrBlock: args.cidr,
        enableDnsSupport: true,
        enableDnsHostnames: true,
        ...(args.ipv6 ? { assignGeneratedIpv6CidrBlock: true } : {}),
        tags: tagged(args.tags, name),
      },
      child,
    );
    const gateway = new aws.ec2.InternetGateway(
      name,
      { vpcId: vpc.id, tags: tagged(args.tags, name) },
      child,
    );
    this.vpcId = vpc.id;
    this.blocks = { cidr: args.cidr, ...(args.ipv6 ? { ipv6Cidr: vpc.ipv6CidrBlock } : {}) };
    this.zones = layout(args.cidr, args.zones).map((zone) => this.zone(zone, vpc, gateway));
    this.registerOutputs({ vpcId: this.vpcId });
  }

  private zone(zone: ZoneLayout, vpc: aws.ec2.Vpc, gateway: aws.ec2.InternetGateway): NetworkZone {
    const appliance = this.subnet(zone, 'appliance', vpc);
    const workload = this.subnet(zone, 'workload', vpc);
    const destinations = this.args.ipv6 ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0'];
    const routes = destinations.map((destination) => {
      const family = destination.includes(':')
        ? { destinationIpv6CidrBlock: destination }
        : { destinationCidrBlock: destination };
      const name = `${this.prefix}-appliance-${zone.zone}-${destination}`;
      const args = { routeTableId: appliance.table.id, gatewayId: gateway.id, ...family };
      return new aws.ec2.Route(name, args, { parent: this });
    });
    return {
      ...zone,
      applianceSubnet: appliance.subnet,
      workloadSubnet: workload.subnet,
      workloadTable: workload.table,
      internet: [appliance.association, ...routes],
    };
  }

  /** A subnet with a route table of its own, named by role and zone. */
  private subnet(zone: ZoneLayout, role: SubnetRole, vpc: aws.ec2.Vpc) {
    const name = `${this.prefix}-${role}-${zone.zone}`;
    const child = { parent: this };
    const tags = tagged(this.args.tags, name, { 'byoa:role': role });
    const ipv6CidrBlock = () => vpc.ipv6CidrBlock.apply((block) => ipv6Block(block, zone.zone, role));
    const subnet = new aws.ec2.Subnet(
      name,
      {
        vpcId: vpc.id,
        availabilityZone: zone.zone,
        cidrBlock: zone.blocks[role],
        ...(this.args.ipv6 ? { ipv6CidrBlock: ipv6CidrBlock() } : {}),
        tags,
      },
      child,
    );
    const table = new aws.ec2.RouteTable(name, { vpcId: vpc.id, tags }, child);
    const association = new aws.ec2.RouteTableAssociation(
      name,
      { routeTableId: table.id, subnetId: subnet.id },
      child,
    );
    return { subnet, table, association };
  }
}
