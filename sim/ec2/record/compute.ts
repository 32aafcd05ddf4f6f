/** Instances and their volumes, as EC2 stores them. */
import type { RequestLaunchTemplateData } from '@aws-sdk/client-ec2';
import type { Instant } from '../../../controller/base/time.ts';
import type { InstanceState } from '../../vpc/model.ts';
import type { Stored } from './base.ts';

/** What the instance metadata service allows; EC2's words. */
export interface MetadataOptions {
  readonly httpTokens: 'optional' | 'required';
  readonly httpEndpoint: 'enabled' | 'disabled';
  readonly httpPutResponseHopLimit: number;
  readonly httpProtocolIpv6: 'enabled' | 'disabled';
  readonly instanceMetadataTags: 'enabled' | 'disabled';
}

/** A volume as an instance sees it. */
export interface BlockDevice {
  readonly device: string;
  readonly volume: string;
  readonly attachTime: Date;
  readonly deleteOnTermination: boolean;
}

export interface InstanceRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly zone: string;
  /** The instance type, e.g. `t3.micro`. */
  readonly type: string;
  readonly state: InstanceState;
  /** `r-...`, and the place within the reservation. */
  readonly reservation: string;
  readonly launchIndex: number;
  readonly launchTime: Date;
  readonly image: string;
  readonly keyName?: string;
  readonly clientToken?: string;
  /** Base64, as the client sent it. */
  readonly userData?: string;
  /** `iip-assoc-...`, and the profile's unique id and ARN. */
  readonly profile?: { readonly association: string; readonly id: string; readonly arn: string };
  readonly metadata: MetadataOptions;
  readonly monitoring: boolean;
  readonly ebsOptimized: boolean;
  readonly credits: 'standard' | 'unlimited';
  readonly disableApiTermination: boolean;
  readonly disableApiStop: boolean;
  readonly shutdownBehavior: 'stop' | 'terminate';
  readonly tenancy: 'default' | 'dedicated' | 'host';
  /** The name of its placement group. */
  readonly placementGroup?: string;
  readonly hibernation: boolean;
  readonly autoRecovery: 'default' | 'disabled';
  readonly cpuOptions: { readonly cores: number; readonly threadsPerCore: number };
  readonly rootDevice: string;
  readonly devices: readonly BlockDevice[];
  /** Its primary private address has a public one that is lent while it runs. */
  readonly lentPublicAddress: boolean;
  /** Why it last changed its state, as `StateTransitionReason` says it. */
  readonly transitionReason: string;
  readonly stateReason?: { readonly code: string; readonly message: string };
  readonly terminatedAt?: Instant;
}

export interface VolumeRecord extends Stored {
  readonly account: string;
  readonly zone: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops: number;
  /** MiB/s; gp3 only. */
  readonly throughput?: number;
  readonly encrypted: boolean;
  readonly snapshot: string;
  readonly created: Date;
  readonly instance?: string;
}

export interface PlacementGroupRecord extends Stored {
  readonly name: string;
  readonly account: string;
  readonly strategy: 'cluster' | 'partition' | 'spread';
  /** Of strategy `partition`. */
  readonly partitions?: number;
}

export interface KeyPairRecord extends Stored {
  readonly name: string;
  readonly type: 'rsa' | 'ed25519';
  /** OpenSSH format. */
  readonly publicKey: string;
  readonly fingerprint: string;
  readonly created: Date;
}

export interface LaunchTemplateVersionRecord {
  readonly number: number;
  readonly created: Date;
  readonly description?: string;
  /** The parameters of a launch, as the request gave them. */
  readonly data: Readonly<RequestLaunchTemplateData>;
}

export interface LaunchTemplateRecord extends Stored {
  readonly name: string;
  readonly account: string;
  readonly created: Date;
  readonly defaultVersion: number;
  /** The number of the newest version that was ever made. */
  readonly latestVersion: number;
  /** In ascending order; numbers of deleted versions are missing. */
  readonly versions: readonly LaunchTemplateVersionRecord[];
}

export interface ComputeRecords {
  readonly instance: InstanceRecord;
  readonly volume: VolumeRecord;
  readonly 'placement-group': PlacementGroupRecord;
  readonly 'key-pair': KeyPairRecord;
  readonly 'launch-template': LaunchTemplateRecord;
}
