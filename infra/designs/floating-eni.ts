/**
 * A floating ENI between two appliances of one zone. The workload table sends 0.0.0.0/0 to that ENI for good;
 * the daemons attach it to the appliance that owns the group. No attachment is a Pulumi resource: it gets a
 * new id with each move, and a refresh followed by an update would take the ENI back. Until the daemons run,
 * the ENI is attached to nothing.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { Firewall } from '../components/firewall.ts';
import { DaemonRole } from '../components/iam.ts';
import { Network } from '../components/network.ts';
import { tagged } from '../components/tags.ts';
import { hostAddress } from '../layout.ts';
import {
  configs,
  instances,
  type NodeOutput,
  nodeOutputs,
  type PairArgs,
  policies,
  seat,
  workload,
} from './pair.ts';

export type FloatingEniArgs = PairArgs;

const GROUP = 'floating';
const NAMES = ['a', 'b'];

export class FloatingEni extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly routeTableIds: pulumi.Output<readonly string[]>;
  readonly floatingInterfaceId: pulumi.Output<string>;
  readonly floatingIp: string;
  readonly nodes: pulumi.Output<readonly NodeOutput[]>;
  /** The client instance, where one was asked for. */
  readonly workloadInstanceId: pulumi.Output<string> | undefined;

  constructor(name: string, args: FloatingEniArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:FloatingEni', name, {}, opts);
    const child = { parent: this };
    const tags = { ...args.tags, 'byoa:design': 'floating-eni', 'byoa:group': GROUP };
    const ipv6 = args.ipv6 ?? false;
    const network = new Network(name, { cidr: args.cidr, zones: args.zones.slice(0, 1), ipv6, tags }, child);
    const zone = network.zones[0];
    if (zone === undefined) throw new Error('floating-eni needs a zone, and has none');
    const firewall = new Firewall(
      `${name}-appliance`,
      { vpcId: network.vpcId, ...network.blocks, description: 'byoa appliances', tags },
      child,
    );
    const role = new DaemonRole(name, { tags }, child);
    const seats = NAMES.map((node, host) =>
      seat(this, name, { name: node, zone, host }, args, tags, firewall.securityGroupId),
    );
    this.floatingIp = hostAddress(zone.blocks.appliance, NAMES.length);
    const floating = new aws.ec2.NetworkInterface(
      `${name}-floating`,
      {
        subnetId: zone.applianceSubnet.id,
        privateIps: [this.floatingIp],
        ...(ipv6 ? { ipv6AddressCount: 1 } : {}),
        securityGroups: [firewall.securityGroupId],
        sourceDestCheck: false,
        description: `${name}-floating`,
        tags: tagged(tags, `${name}-floating`),
      },
      child,
    );
    const config = configs(seats, { kind: 'eni', networkInterfaceId: floating.id }, GROUP, args);
    const made = instances(this, name, seats, config, role, args, tags);
    role.allow({
      routeTables: [],
      networkInterfaces: [floating.arn],
      instances: made.map(({ instanceArn }) => instanceArn),
      ...policies(args, made, floating.arn),
    });
    const routes = (ipv6 ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0']).map(
      (destination) =>
        new aws.ec2.Route(
          `${name}-workload-${zone.zone}-${destination}`,
          {
            routeTableId: zone.workloadTable.id,
            networkInterfaceId: floating.id,
            ...(destination.includes(':')
              ? { destinationIpv6CidrBlock: destination }
              : { destinationCidrBlock: destination }),
          },
          child,
        ),
    );
    this.vpcId = network.vpcId;
    this.routeTableIds = pulumi.all([zone.workloadTable.id]);
    this.floatingInterfaceId = floating.id;
    this.nodes = nodeOutputs(seats, made, config);
    this.workloadInstanceId =
      args.workload === true ? workload(this, name, network, firewall, args, tags, routes) : undefined;
    this.registerOutputs({
      vpcId: this.vpcId,
      floatingInterfaceId: this.floatingInterfaceId,
      nodes: this.nodes,
    });
  }
}
