/**
 * The transit gateway of a plan: tables, and the attachments of the VPCs. Its default tables are off, so that
 * no VPC is led anywhere that the plan does not say.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { AttachmentPlan, TransitTablePlan } from '../plan.ts';
import type { Network, Vpc } from './network.ts';
import { type Tags, tagged } from './tags.ts';

export interface TransitArgs {
  readonly tables: readonly TransitTablePlan[];
  readonly network: Network;
  readonly tags: Tags;
}

interface Attached {
  readonly vpc: string;
  readonly plan: AttachmentPlan;
  readonly made: aws.ec2transitgateway.VpcAttachment;
}

export class Transit extends pulumi.ComponentResource {
  readonly gatewayId: pulumi.Output<string>;
  /** Ids of the tables, by their names in the plan. */
  readonly tableIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** What routes to the gateway wait for, by the VPC that they are in. */
  readonly attachments: Readonly<Record<string, pulumi.Resource>>;
  private readonly prefix: string;
  private readonly tags: Tags;

  constructor(name: string, args: TransitArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Transit', name, {}, opts);
    this.prefix = name;
    this.tags = args.tags;
    const child = { parent: this };
    const gateway = new aws.ec2transitgateway.TransitGateway(
      name,
      {
        description: name,
        defaultRouteTableAssociation: 'disable',
        defaultRouteTablePropagation: 'disable',
        tags: tagged(args.tags, name),
      },
      child,
    );
    this.gatewayId = gateway.id;
    this.tableIds = Object.fromEntries(args.tables.map((table) => [table.name, this.table(table)]));
    const attached = args.network.vpcs.flatMap((vpc) => this.attached(vpc, args.network));
    this.attachments = Object.fromEntries(attached.map(({ vpc, made }) => [vpc, made]));
    for (const one of attached) this.relate(one);
    for (const table of args.tables) this.routes(table, attached);
    this.registerOutputs({ gatewayId: this.gatewayId });
  }

  /** Of the gateway and its tables, by which other VPCs join: `transit gateway`, `transit table spokes`. */
  get ids(): Readonly<Record<string, pulumi.Output<string>>> {
    const tables = Object.entries(this.tableIds).map(([name, id]) => [`transit table ${name}`, id] as const);
    return { 'transit gateway': this.gatewayId, ...Object.fromEntries(tables) };
  }

  private table({ name }: TransitTablePlan): pulumi.Output<string> {
    const full = `${this.prefix}-${name}`;
    const tags = tagged(this.tags, full, { 'byoa:role': 'transit' });
    const args = { transitGatewayId: this.gatewayId, tags };
    return new aws.ec2transitgateway.RouteTable(full, args, { parent: this }).id;
  }

  private attached({ plan, id }: Vpc, { subnets }: Network): readonly Attached[] {
    const { name, attachment } = plan;
    if (attachment === undefined) return [];
    const full = `${this.prefix}-${name}`;
    const made = new aws.ec2transitgateway.VpcAttachment(
      full,
      {
        transitGatewayId: this.gatewayId,
        vpcId: id,
        subnetIds: subnets
          .filter((one) => one.vpc.plan.name === name && one.plan.role === 'transit')
          .map((one) => one.id),
        applianceModeSupport: attachment.applianceMode ? 'enable' : 'disable',
        transitGatewayDefaultRouteTableAssociation: false,
        transitGatewayDefaultRouteTablePropagation: false,
        tags: tagged(this.tags, full),
      },
      { parent: this },
    );
    return [{ vpc: name, plan: attachment, made }];
  }

  /** The table that routes what comes by an attachment, and those that lead to it. */
  private relate({ vpc, plan, made }: Attached): void {
    const child = { parent: this };
    const pair = (table: string) => ({
      transitGatewayAttachmentId: made.id,
      transitGatewayRouteTableId: this.tableIds[table] ?? '',
    });
    const { RouteTableAssociation, RouteTablePropagation } = aws.ec2transitgateway;
    new RouteTableAssociation(`${this.prefix}-${vpc}`, pair(plan.table), child);
    for (const table of plan.propagates)
      new RouteTablePropagation(`${this.prefix}-${vpc}-${table}`, pair(table), child);
  }

  private routes({ name, routes }: TransitTablePlan, attached: readonly Attached[]): void {
    for (const { destination, vpc } of routes)
      new aws.ec2transitgateway.Route(
        `${this.prefix}-${name}-${destination}`,
        {
          transitGatewayRouteTableId: this.tableIds[name] ?? '',
          destinationCidrBlock: destination,
          transitGatewayAttachmentId: attached.find((one) => one.vpc === vpc)?.made.id ?? '',
        },
        { parent: this },
      );
  }
}
