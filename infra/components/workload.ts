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
  /** Whether it has an Elastic IP. */
  readonly isPublic: boolean;
  readonly userData?: pulumi.Input<string>;
  readonly instanceProfileName?: pulumi.Input<string>;
  readonly tags: Tags;
}

export class Workload extends pulumi.ComponentResource {
  readonly instanceId: pulumi.Output<string>;
  readonly networkInterfaceId: pulumi.Output<string>;
  /** Empty where it has none. */
  readonly publicIp: pulumi.Output<string>;

  constructor(name: string, args: WorkloadArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Workload', name, {}, opts);
    const child = { parent: this };
    const tags = tagged(args.tags, name);
    const eni = new aws.ec2.NetworkInterface(
      name,
      {
        subnetId: args.subnetId,
        privateIps: [args.address],
        ...(args.ipv6 ? { ipv6AddressCount: 1 } : {}),
        securityGroups: [args.securityGroupId],
        description: name,
        tags,
      },
      child,
    );
    this.networkInterfaceId = eni.id;
    this.publicIp = args.isPublic ? this.eip(name, eni, tags) : pulumi.output('');
    const instance = new ApplianceInstance(
      name,
      {
        networkInterfaceId: eni.id,
        ami: args.ami,
        amiPinned: args.amiPinned,
        instanceType: args.instanceType,
        ...(args.userData === undefined ? {} : { userData: args.userData }),
        ...(args.instanceProfileName === undefined ? {} : { instanceProfileName: args.instanceProfileName }),
        tags: args.tags,
      },
      child,
    );
    this.instanceId = instance.instanceId;
    this.registerOutputs({ instanceId: this.instanceId });
  }

  private eip(
    name: string,
    { id }: aws.ec2.NetworkInterface,
    tags: Record<string, string>,
  ): pulumi.Output<string> {
    const child = { parent: this };
    const eip = new aws.ec2.Eip(name, { domain: 'vpc', tags }, child);
    new aws.ec2.EipAssociation(name, { allocationId: eip.allocationId, networkInterfaceId: id }, child);
    return eip.publicIp;
  }
}
