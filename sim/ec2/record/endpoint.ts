/** VPC endpoints, as EC2 stores them. */
import type { Stored } from './base.ts';

export interface VpcEndpointRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
  /** The service's name, e.g. `com.amazonaws.eu-central-1.s3`. */
  readonly service: string;
  readonly type: 'Gateway' | 'Interface' | 'GatewayLoadBalancer';
  readonly state: 'pendingAcceptance' | 'pending' | 'available' | 'rejected' | 'deleting';
  /** JSON, kept and not evaluated. */
  readonly policy: string;
  readonly createdAt: Date;
  /** The address of the simulated host that answers for the service. */
  readonly address?: string;
  readonly privateDns: boolean;
  /** Of a Gateway Load Balancer endpoint. */
  readonly loadBalancer?: string;
  /** Of all but gateway endpoints: an ENI in each subnet, and the security groups of all of them. */
  readonly interfaces: readonly { readonly subnet: string; readonly eni: string }[];
  readonly groups: readonly string[];
}

/** A service of the account's own, behind Gateway Load Balancers. */
export interface EndpointServiceRecord extends Stored {
  readonly account: string;
  readonly name: string;
  readonly loadBalancers: readonly string[];
  readonly acceptanceRequired: boolean;
  /** ARNs of who may use it beside its owner. */
  readonly principals: readonly string[];
}

export interface EndpointRecords {
  readonly 'vpc-endpoint-service': EndpointServiceRecord;
  readonly 'vpc-endpoint': VpcEndpointRecord;
}
