/** What leads out of a VPC to other networks, as EC2 stores it. */
import type { Stored } from './base.ts';

export type PeeringState =
  | 'initiating-request'
  | 'pending-acceptance'
  | 'provisioning'
  | 'active'
  | 'rejected'
  | 'expired'
  | 'failed'
  | 'deleting'
  | 'deleted';

export interface PeeringRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly requesterVpc: string;
  readonly accepterVpc: string;
  readonly state: PeeringState;
  readonly message: string;
  readonly expiresAt: Date;
  /** Whether names resolve to private addresses from the other side. */
  readonly requesterDns: boolean;
  readonly accepterDns: boolean;
}

export interface ConnectivityRecords {
  readonly 'vpc-peering-connection': PeeringRecord;
}
