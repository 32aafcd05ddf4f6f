/**
 * Direct Connect as its API stores it. Its gateways and virtual interfaces live in an account, not in a
 * region.
 */
import type { Stored } from './base.ts';

export type DirectConnectState = 'pending' | 'available' | 'deleting' | 'deleted';

export interface DirectConnectConnectionRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly state: 'requested' | 'available' | 'deleting' | 'deleted';
  readonly name: string;
  readonly location: string;
  readonly bandwidth: string;
  readonly provider?: string;
}

export interface DirectConnectGatewayRecord extends Stored {
  readonly account: string;
  readonly state: DirectConnectState;
  readonly name: string;
  readonly asn: number;
}

/** A BGP session over a virtual interface. */
export interface VirtualInterfacePeer {
  readonly id: string;
  /** The customer's. */
  readonly asn: number;
  readonly authKey: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Addresses with the length of their common prefix. */
  readonly amazonAddress: string;
  readonly customerAddress: string;
}

export interface VirtualInterfaceRecord extends Stored {
  readonly account: string;
  /** Of its connection. */
  readonly region: string;
  readonly connection: string;
  readonly type: 'private' | 'transit';
  readonly state: DirectConnectState;
  readonly name: string;
  readonly vlan: number;
  readonly mtuBytes: number;
  readonly siteLink: boolean;
  /** A VPN gateway of its region, or a Direct Connect gateway. */
  readonly gateway: string;
  readonly peers: readonly VirtualInterfacePeer[];
  /** Where the customer's router is: a customer gateway, or the connection itself. */
  readonly site: string;
  /** An experiment has cut the line. */
  readonly down: boolean;
  /** Whether a session is up. */
  readonly up: boolean;
  /** Prefixes that were told, and for which its gateway may use it. */
  readonly routes: readonly string[];
}

/** A Direct Connect gateway leads to a VPN gateway or a transit gateway. */
export interface GatewayAssociationRecord extends Stored {
  readonly account: string;
  readonly directConnectGateway: string;
  readonly state: 'associating' | 'associated' | 'updating' | 'disassociating';
  readonly gateway: string;
  /** Of the gateway. */
  readonly region: string;
  /** Its attachment to the transit gateway. */
  readonly attachment?: string;
  /** The allowed prefixes; absent: all blocks of the VPC. */
  readonly prefixes?: readonly string[];
}

export interface DirectConnectRecords {
  readonly 'direct-connect-connection': DirectConnectConnectionRecord;
  readonly 'direct-connect-gateway': DirectConnectGatewayRecord;
  readonly 'direct-connect-association': GatewayAssociationRecord;
  readonly 'virtual-interface': VirtualInterfaceRecord;
}
