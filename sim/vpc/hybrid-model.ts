/** What leads out of AWS, as the data plane knows it: VPN gateways and connections, and Direct Connect. */

export interface VpnGateway {
  readonly id: string;
  /** The VPC it is attached to. */
  readonly vpc?: string;
}

/** What stands for a customer's router: the far ends of VPN connections. */
export interface CustomerGateway {
  readonly id: string;
  /** Its public address, IPv4: an ENI's, where the tunnels end at an instance. */
  readonly address: string;
}

/** Tunnels between a VPN gateway, or a transit gateway, and the site behind a customer gateway. */
export interface VpnConnection {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** The VPN gateway, or the attachment to the transit gateway. */
  readonly gateway: string;
  readonly customerGateway: string;
  /** What the VPN gateway sends to the site by whichever tunnel it chose: IPv4 CIDR blocks. */
  readonly routes: readonly string[];
  readonly tunnels: readonly VpnConnectionTunnel[];
}

export interface VpnConnectionTunnel {
  /** The public address of the gateway's end. */
  readonly outside: string;
  /** The /30 of both ends inside: the first address is the gateway's. */
  readonly inside: string;
  /** Whether IPsec is down. */
  readonly down: boolean;
  /** Whether it carries packets: IPsec is up, and with dynamic routing the BGP session. */
  readonly up: boolean;
  /** What BGP told, as far as the VPN gateway uses this tunnel for it. */
  readonly routes: readonly string[];
}

/** A VLAN of a Direct Connect connection, between the customer's router and a gateway. */
export interface VirtualInterface {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** A VPN gateway, or a Direct Connect gateway. */
  readonly gateway: string;
  /** A customer gateway, or the connection. */
  readonly site: string;
  readonly mtuBytes: number;
  /** Whether its Direct Connect gateway carries packets between it and others with the same. */
  readonly siteLink: boolean;
  /** Whether a BGP session is up. */
  readonly up: boolean;
  /** Prefixes for which its gateway may use it. */
  readonly routes: readonly string[];
}

/** Between a Direct Connect gateway and a VPN gateway, or an attachment to a transit gateway. */
export interface DirectConnectAssociation {
  readonly id: string;
  readonly directConnectGateway: string;
  readonly gateway: string;
  readonly available: boolean;
  /** The allowed prefixes; absent: all blocks of the VPC. */
  readonly prefixes?: readonly string[];
}
