/** The networking resources as EC2 stores them; projection.ts has what forwarding sees of them. */
import type { Route } from '../../vpc/model.ts';
import type { Stored } from './base.ts';

/** A block associated with a VPC or a subnet. */
export interface CidrAssociation {
  readonly association: string;
  readonly cidr: string;
}

export interface VpcRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly isDefault: boolean;
  readonly dhcpOptions: string;
  readonly tenancy: 'default' | 'dedicated';
  /** Primary first. */
  readonly ipv4: readonly CidrAssociation[];
  readonly ipv6: readonly CidrAssociation[];
  readonly dnsSupport: boolean;
  readonly dnsHostnames: boolean;
  readonly networkAddressUsageMetrics: boolean;
}

export interface SubnetRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly vpc: string;
  readonly zone: string;
  readonly cidr: string;
  readonly ipv6?: CidrAssociation;
  readonly defaultForAz: boolean;
  readonly mapPublicIpOnLaunch: boolean;
  readonly assignIpv6AddressOnCreation: boolean;
  readonly enableDns64: boolean;
  readonly hostnameType: 'ip-name' | 'resource-name';
  readonly resourceNameDnsA: boolean;
  readonly resourceNameDnsAaaa: boolean;
}

export interface RouteTableAssociation {
  readonly association: string;
  /** Neither for the main association. */
  readonly subnet?: string;
  /** An Internet or VPN gateway: the table is its edge table. */
  readonly gateway?: string;
}

export interface RouteTableRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
  readonly routes: readonly Route[];
  readonly associations: readonly RouteTableAssociation[];
  /** VPN gateways that propagate their routes here. */
  readonly propagating?: readonly string[];
}

export interface InternetGatewayRecord extends Stored {
  readonly account: string;
  readonly vpc?: string;
}

/**
 * A public address of a private one: an Elastic IP (with allocation and association), or one lent at launch.
 */
export interface PublicAddress {
  readonly private: string;
  readonly public: string;
  readonly allocation?: string;
  readonly association?: string;
}

export interface EniAttachment {
  /** `eni-attach-...` */
  readonly id: string;
  readonly instance: string;
  readonly instanceOwner: string;
  readonly deviceIndex: number;
  readonly networkCardIndex: number;
  readonly status: 'attaching' | 'attached' | 'detaching';
  readonly attachTime: Date;
  readonly deleteOnTermination: boolean;
}

export interface NetworkInterfaceRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly zone: string;
  readonly mac: string;
  readonly description: string;
  readonly interfaceType:
    | 'nat_gateway'
    | 'vpc_endpoint'
    | 'gateway_load_balancer'
    | 'gateway_load_balancer_endpoint'
    | 'interface'
    | 'efa'
    | 'branch'
    | 'trunk'
    | 'efa-only';
  /** Private IPv4 addresses, primary first. */
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly publicAddresses: readonly PublicAddress[];
  readonly groups: readonly string[];
  readonly sourceDestCheck: boolean;
  /** The gateway whose own ENI it is: only that may change it. */
  readonly manager?: string;
  /** What stands behind it where no instance does: a Route Server endpoint, a load balancer's node. */
  readonly machine?: string;
  readonly attachment?: EniAttachment;
}

/** An Elastic IP address; the id is the allocation id. */
export interface AddressRecord extends Stored {
  readonly account: string;
  readonly publicIp: string;
  readonly networkBorderGroup: string;
  readonly association?: { readonly id: string; readonly eni: string; readonly private: string };
  /** The association it had last: to end it again is no error. */
  readonly formerAssociation?: string;
}

export interface NetworkAclEntry {
  readonly number: number;
  readonly egress: boolean;
  /** IP protocol number; -1 is all. */
  readonly protocol: number;
  readonly action: 'allow' | 'deny';
  readonly cidr: string;
  readonly ports?: { readonly from: number; readonly to: number };
  readonly icmp?: { readonly type: number; readonly code: number };
}

export interface NetworkAclRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
  readonly isDefault: boolean;
  readonly entries: readonly NetworkAclEntry[];
  readonly associations: readonly { readonly association: string; readonly subnet: string }[];
}

export interface PrefixListEntry {
  readonly cidr: string;
  readonly description?: string;
}

export interface PrefixListRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly family: 4 | 6;
  readonly maxEntries: number;
  readonly state: 'create' | 'modify' | 'delete' | 'restore';
  /** Whether the step that `state` names is still under way. */
  readonly busy: boolean;
  /** Entries by version: the first is version 1, the last the current one. */
  readonly versions: readonly (readonly PrefixListEntry[])[];
}

export interface DhcpOptionsRecord extends Stored {
  readonly account: string;
  readonly isDefault: boolean;
  readonly configurations: readonly { readonly key: string; readonly values: readonly string[] }[];
}

/** A public address or an IPv6 block that is taken, over all accounts; the id is its text. */
export interface TakenRecord extends Stored {
  readonly holder: string;
}

export interface NetworkRecords {
  readonly vpc: VpcRecord;
  readonly subnet: SubnetRecord;
  readonly 'route-table': RouteTableRecord;
  readonly 'internet-gateway': InternetGatewayRecord;
  readonly 'network-interface': NetworkInterfaceRecord;
  readonly address: AddressRecord;
  readonly 'network-acl': NetworkAclRecord;
  readonly 'prefix-list': PrefixListRecord;
  readonly 'dhcp-options': DhcpOptionsRecord;
  readonly taken: TakenRecord;
}
