/** A client instance in a workload subnet, to have something whose traffic an appliance forwards. */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { ApplianceInstance } from './appliance.ts';
import { type Tags, tagged } from './tags.ts';

export interface WorkloadArgs {
  readonly subnetId: pulumi.Input<string>;
  readonly address: string;
  readonly securityGroupId: pulumi.Input<string>;
  readonly ami: pulumi.Input<string>;
  readonly amiPinned: boolean;
  readonly instanceType: pulumi.Input<string>;
  readonly ipv6: boolean;
  readonly tags: Tags;
}

export class Workload extends pulumi.ComponentResource {
  readonly instanceId: pulumi.Output<string>;

  constructor(name: string, args: WorkloadArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Workload', name, {}, opts);
    const child = { parent: this };
    const eni = new aws.ec2.NetworkInterface(
      name,
      {
        subnetId: args.subnetId,
        privateIps: [args.address],
        ...(args.ipv6 ? { ipv6AddressCount: 1 } : {}),
        securityGroups: [args.securityGroupId],
        description: name,
        tags: tagged(args.tags, name),
      },
      child,
    );
    const instance = new ApplianceInstance(
      name,
      {
        networkInterfaceId: eni.id,
        ami: args.ami,
        amiPinned: args.amiPinned,
        instanceType: args.instanceType,
        tags: args.tags,
      },
      child,
    );
    this.instanceId = instance.instanceId;
    this.registerOutputs({ instanceId: this.instanceId });
  }
}
