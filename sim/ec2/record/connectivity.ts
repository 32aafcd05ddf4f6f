/** What leads out of a VPC to other networks, as EC2 stores it. */
import type { GroupMembership, TransitGatewayRoute } from '../../vpc/model.ts';
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

export type TransitState = 'pending' | 'available' | 'deleting' | 'deleted';

export interface TransitGatewayRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly state: TransitState;
  readonly description: string;
  readonly created: Date;
  readonly asn: number;
  readonly autoAccept: boolean;
  readonly vpnEcmp: boolean;
  readonly dns: boolean;
  readonly groupReferences: boolean;
  readonly multicast: boolean;
  readonly cidrs: readonly string[];
  /** The table that new attachments are associated with; absent where there is none by default. */
  readonly associationTable?: string;
  /** The table that new attachments propagate to. */
  readonly propagationTable?: string;
}

export type AttachmentState =
  | TransitState
  | 'initiatingRequest'
  | 'pendingAcceptance'
  | 'modifying'
  | 'rejected'
  | 'failed';

export type AttachmentLink =
  | {
      readonly kind: 'vpc';
      readonly vpc: string;
      readonly subnets: readonly string[];
      readonly dns: boolean;
      readonly groupReferences: boolean;
      readonly ipv6: boolean;
      readonly applianceMode: boolean;
    }
  | {
      readonly kind: 'peering';
      /** The attachment at the other gateway. */
      readonly peer: string;
      readonly peerGateway: string;
      readonly role: 'requester' | 'accepter';
    }
  | { readonly kind: 'vpn'; readonly connection: string }
  /** `gateway` is the Direct Connect gateway. */
  | { readonly kind: 'direct-connect-gateway'; readonly gateway: string }
  /** `transport` is the attachment of a VPC that carries the GRE. */
  | { readonly kind: 'connect'; readonly transport: string };

export interface AttachmentRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly gateway: string;
  readonly state: AttachmentState;
  readonly created: Date;
  readonly link: AttachmentLink;
  /** Its transit gateway route table. */
  readonly association?: string;
  /** The transit gateway route tables that learn its routes. */
  readonly propagations: readonly string[];
}

export interface ConnectPeerRecord extends Stored {
  readonly account: string;
  readonly region: string;
  /** The Connect attachment. */
  readonly attachment: string;
  readonly state: TransitState;
  readonly created: Date;
  /** The outer addresses, IPv4. */
  readonly gatewayAddress: string;
  readonly peerAddress: string;
  /** A /29: the first address is the appliance's, the next two are the gateway's. */
  readonly inside: string;
  /** The appliance's. */
  readonly asn: number;
}

export interface MulticastDomainRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly gateway: string;
  readonly state: TransitState;
  readonly created: Date;
  readonly staticSources: boolean;
  /** Of what is shared with other accounts, which nothing is here. */
  readonly autoAccept: boolean;
  readonly associations: readonly { readonly attachment: string; readonly subnet: string }[];
  readonly members: readonly GroupMembership[];
  readonly sources: readonly GroupMembership[];
}

export interface TransitRouteTableRecord extends Stored {
  readonly gateway: string;
  readonly state: TransitState;
  readonly created: Date;
  /** Without an attachment: a blackhole. */
  readonly statics: readonly { readonly destination: string; readonly attachment?: string }[];
  /** What attachments propagate here, the best ways of each destination. */
  readonly propagated: readonly TransitGatewayRoute[];
}

export interface VpnGatewayRecord extends Stored {
  readonly account: string;
  readonly state: 'available' | 'deleted';
  readonly asn: number;
  readonly zone?: string;
  /** The VPC it is attached to. */
  readonly vpc?: string;
}

export interface CustomerGatewayRecord extends Stored {
  readonly account: string;
  readonly state: 'available' | 'deleted';
  readonly address: string;
  readonly asn: number;
  readonly deviceName?: string;
}

export type IkeVersion = 'ikev1' | 'ikev2';

export interface VpnTunnel {
  /** The public address of the gateway's end. */
  readonly outside: string;
  /** A /30: the first address is the gateway's, the second the customer's. */
  readonly inside: string;
  readonly key: string;
  /** Those that were asked for; both where absent. */
  readonly ikeVersions?: readonly IkeVersion[];
  /** An experiment has set it down. */
  readonly down: boolean;
  readonly changedAt: Date;
  /** Whether it carries packets: it is not down, nor, with dynamic routing, its session. */
  readonly up: boolean;
  /** Prefixes that BGP told, and for which the VPN gateway uses this tunnel. */
  readonly learnt: readonly string[];
}

export interface VpnConnectionRecord extends Stored {
  readonly account: string;
  readonly region: string;
  /** A VPN gateway or a transit gateway. */
  readonly gateway: string;
  /** Its attachment to the transit gateway. */
  readonly attachment?: string;
  readonly customerGateway: string;
  readonly state: 'available' | 'deleted';
  readonly staticOnly: boolean;
  /** Canonical CIDR blocks at the site. */
  readonly routes: readonly string[];
  readonly tunnels: readonly VpnTunnel[];
}

export interface ConnectivityRecords {
  readonly 'vpn-gateway': VpnGatewayRecord;
  readonly 'customer-gateway': CustomerGatewayRecord;
  readonly 'vpn-connection': VpnConnectionRecord;
  readonly 'transit-gateway': TransitGatewayRecord;
  readonly 'transit-gateway-attachment': AttachmentRecord;
  readonly 'transit-gateway-connect-peer': ConnectPeerRecord;
  readonly 'transit-gateway-multicast-domain': MulticastDomainRecord;
  readonly 'transit-gateway-route-table': TransitRouteTableRecord;
  readonly 'vpc-peering-connection': PeeringRecord;
}
