/** Gateways for the way out only, as EC2 stores them. */
import type { Stored } from './base.ts';

export interface NatAddress {
  readonly eni: string;
  readonly private: string;
  /** With a public gateway. */
  readonly allocation?: string;
  readonly association?: string;
  readonly public?: string;
}

export interface NatGatewayRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly connectivity: 'public' | 'private';
  readonly state: 'pending' | 'failed' | 'available' | 'deleting' | 'deleted';
  /** Of a gateway that failed. */
  readonly failure?: { readonly code: string; readonly message: string };
  readonly address: NatAddress;
  readonly createdAt: Date;
  readonly deletedAt?: Date;
}

export interface EgressOnlyGatewayRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
}

export interface EgressRecords {
  readonly 'nat-gateway': NatGatewayRecord;
  readonly 'egress-only-gateway': EgressOnlyGatewayRecord;
}
