/**
 * One appliance: its primary ENI with a fixed private address, an EIP of its own, no source/dest check; and
 * the instance on it. They are two components because an instance's user data names the ENIs of its peers.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { type Tags, tagged } from './tags.ts';

/** What a component waits for, for its child: `dependsOn` on a component is not inherited. */
const waits = (opts: pulumi.ComponentResourceOptions = {}): pulumi.CustomResourceOptions =>
  opts.dependsOn === undefined ? {} : { dependsOn: opts.dependsOn };

export interface ApplianceInterfaceArgs {
  readonly subnetId: pulumi.Input<string>;
  /** Its private IPv4 address, where its peers probe it. */
  readonly address: string;
  readonly securityGroupId: pulumi.Input<string>;
  readonly ipv6: boolean;
  /** Whether packets of others pass it. */
  readonly forwards: boolean;
  /** Whether the daemons give it further addresses, and take them. */
  readonly addressesMove: boolean;
  readonly tags: Tags;
}

export class ApplianceInterface extends pulumi.ComponentResource {
  readonly networkInterfaceId: pulumi.Output<string>;
  readonly networkInterfaceArn: pulumi.Output<string>;
  readonly publicIp: pulumi.Output<string>;
  /** What the instance must wait for, to have its public address when it boots. */
  readonly association: pulumi.Resource;

  constructor(name: string, args: ApplianceInterfaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:ApplianceInterface', name, {}, opts);
    const child = { parent: this };
    const tags = tagged(args.tags, name);
    const eni = new aws.ec2.NetworkInterface(
      name,
      {
        subnetId: args.subnetId,
        privateIps: [args.address],
        ...(args.ipv6 ? { ipv6AddressCount: 1 } : {}),
        securityGroups: [args.securityGroupId],
        sourceDestCheck: !args.forwards,
        description: name,
        tags,
      },
      { ...child, ignoreChanges: args.addressesMove ? ['privateIps', 'privateIpsCount'] : [] },
    );
    const eip = new aws.ec2.Eip(name, { domain: 'vpc', tags }, child);
    // This association never moves: the EIP belongs to the appliance, not to the group that it may own.
    const association = { allocationId: eip.allocationId, networkInterfaceId: eni.id };
    this.association = new aws.ec2.EipAssociation(name, association, { ...child, ...waits(opts) });
    this.networkInterfaceId = eni.id;
    this.networkInterfaceArn = eni.arn;
    this.publicIp = eip.publicIp;
    this.registerOutputs({ networkInterfaceId: this.networkInterfaceId, publicIp: this.publicIp });
  }
}

export interface ApplianceInstanceArgs {
  readonly networkInterfaceId: pulumi.Input<string>;
  readonly ami: pulumi.Input<string>;
  /** Whether a newer `ami` replaces the instance; false where it was looked up. */
  readonly amiPinned: boolean;
  readonly instanceType: pulumi.Input<string>;
  readonly instanceProfileName?: pulumi.Input<string>;
  readonly userData?: pulumi.Input<string>;
  readonly placementGroup?: pulumi.Input<string>;
  readonly tags: Tags;
}

/** An instance on a primary ENI that outlives it. */
export class ApplianceInstance extends pulumi.ComponentResource {
  readonly instanceId: pulumi.Output<string>;
  readonly instanceArn: pulumi.Output<string>;

  constructor(name: string, args: ApplianceInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:ApplianceInstance', name, {}, opts);
    const instance = new aws.ec2.Instance(
      name,
      {
        ami: args.ami,
        instanceType: args.instanceType,
        primaryNetworkInterface: { networkInterfaceId: args.networkInterfaceId },
        metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
        rootBlockDevice: { encrypted: true },
        ...(args.instanceProfileName === undefined ? {} : { iamInstanceProfile: args.instanceProfileName }),
        ...(args.placementGroup === undefined ? {} : { placementGroup: args.placementGroup }),
        ...(args.userData === undefined ? {} : { userData: args.userData, userDataReplaceOnChange: true }),
        tags: tagged(args.tags, name),
      },
      // The ENI can be on one instance only, so the old instance must go before the new one comes.
      {
        parent: this,
        deleteBeforeReplace: true,
        ignoreChanges: args.amiPinned ? [] : ['ami'],
        ...waits(opts),
      },
    );
    this.instanceId = instance.id;
    this.instanceArn = instance.arn;
    this.registerOutputs({ instanceId: this.instanceId });
  }
}
