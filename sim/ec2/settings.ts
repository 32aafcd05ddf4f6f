/**
 * The settings of a simulated cloud: durations, quotas and knobs. All that is random is drawn from `seed`.
 */
import type { Millis } from '../../controller/base/time.ts';

/** Default quotas of a region of an account. AWS VPC quotas page. */
export interface Quotas {
  readonly vpcs: number;
  readonly subnetsPerVpc: number;
  readonly ipv4BlocksPerVpc: number;
  readonly ipv6BlocksPerVpc: number;
  readonly routeTablesPerVpc: number;
  /** IPv4 and IPv6 are counted apart. */
  readonly routesPerTable: number;
  readonly internetGateways: number;
  readonly networkInterfaces: number;
  readonly groupsPerInterface: number;
  readonly securityGroups: number;
  /** Inbound and outbound are counted apart. */
  readonly rulesPerGroup: number;
  readonly addresses: number;
  readonly tagsPerResource: number;
  readonly gatewayEndpoints: number;
  /** Of interface endpoints and Gateway Load Balancer endpoints together. */
  readonly interfaceEndpointsPerVpc: number;
  readonly natGatewaysPerZone: number;
  readonly egressOnlyGateways: number;
  readonly prefixLists: number;
  readonly entriesPerPrefixList: number;
  readonly networkAclsPerVpc: number;
  /** Inbound and outbound, IPv4 and IPv6 are counted apart; the last entry, which denies, does not count. */
  readonly entriesPerNetworkAcl: number;
  /** Active and pending ones. */
  readonly peeringsPerVpc: number;
  readonly pendingPeerings: number;
  readonly directConnectGateways: number;
  readonly connectionsPerLocation: number;
  /** Private and transit ones together; the latter once more by themselves. */
  readonly interfacesPerConnection: number;
  readonly transitInterfacesPerConnection: number;
  readonly interfacesPerDirectConnectGateway: number;
  readonly vpnGatewaysPerDirectConnectGateway: number;
  readonly transitGatewaysPerDirectConnectGateway: number;
  /** Allowed prefixes, which on-premises hears. */
  readonly prefixesPerTransitGatewayAssociation: number;
  readonly transitGateways: number;
  readonly vpnGateways: number;
  readonly customerGateways: number;
  readonly connectionsPerVpnGateway: number;
  readonly attachmentsPerVpc: number;
  readonly tablesPerTransitGateway: number;
  readonly connectPeersPerAttachment: number;
  readonly multicastDomainsPerTransitGateway: number;
  /** Static ones, over all tables of a gateway. */
  readonly routesPerTransitGateway: number;
  readonly propagatedRoutesPerTable: number;
  readonly routeServersPerVpc: number;
  readonly endpointsPerRouteServer: number;
  readonly routeServerEndpointsPerSubnet: number;
  /** With all endpoints of the VPC. */
  readonly routeServerPeersPerInterface: number;
}

export interface CloudSettings {
  readonly seed: number | string;
  /** Added to the world's clock to give the dates that EC2 shows, ms of Unix time. */
  readonly epochMs: number;
  /** Letters of the availability zones of each region. */
  readonly zones: readonly string[];
  /** Whether a region starts with a default VPC, as in a new AWS account. */
  readonly defaultVpc: boolean;
  /** Refuses AMIs that were never registered; otherwise any well-formed id will do. */
  readonly strictAmi: boolean;
  readonly attachMs: Millis;
  readonly detachMs: Millis;
  readonly forceDetachMs: Millis;
  readonly startMs: Millis;
  readonly stopMs: Millis;
  readonly terminateMs: Millis;
  /** How long a terminated instance stays visible. */
  readonly terminatedVisibleMs: Millis;
  /**
   * Whether a route to an ENI of a stopped instance shows `blackhole`; AWS does not say. It drops in any
   * case.
   */
  readonly stoppedIsBlackhole: boolean;
  /**
   * Accounts whose route tables have the rules of 2020: no route inside the VPC but in edge tables; `*` is
   * every account. All others have the rules of August 2021.
   */
  readonly rulesOf2020: readonly string[];
  /**
   * With what CreateRoute refuses a destination that the table has as its local route. AWS once said
   * InvalidParameterValue; what it says today was not checked.
   */
  readonly createOverLocal: 'InvalidParameterValue' | 'RouteAlreadyExists';
  /** How long a prefix list takes to be made, changed and deleted. */
  readonly prefixListMs: Millis;
  /** How long a NAT gateway takes to be made, and to be deleted. */
  readonly natGatewayMs: Millis;
  /** How long an endpoint with ENIs takes to be made, and to be deleted. */
  readonly endpointMs: Millis;
  /** How long what Direct Connect consists of takes to be made, changed and deleted. */
  readonly directConnectMs: Millis;
  /** How long a deleted NAT gateway stays visible. */
  readonly natGatewayVisibleMs: Millis;
  /** `aws`: the documented token buckets per account, region and action. */
  readonly throttle: 'off' | 'aws';
  /** Reads may answer from a state that is up to so old; 0 is off. */
  readonly staleReadsMs: Millis;
  /** A request that names a resource may not find it for so long after it was made; 0 is off. */
  readonly newIdLagMs: Millis;
  /** Where public addresses come from; RFC 2544 benchmark space by default. */
  readonly publicPool: string;
  readonly quotas: Quotas;
}

/** The quotas of a new account. */
export const DEFAULT_QUOTAS: Quotas = {
  vpcs: 5,
  subnetsPerVpc: 200,
  ipv4BlocksPerVpc: 5,
  ipv6BlocksPerVpc: 5,
  routeTablesPerVpc: 200,
  routesPerTable: 500,
  internetGateways: 5,
  networkInterfaces: 5000,
  groupsPerInterface: 5,
  securityGroups: 2500,
  rulesPerGroup: 60,
  addresses: 5,
  tagsPerResource: 50,
  gatewayEndpoints: 20,
  interfaceEndpointsPerVpc: 50,
  natGatewaysPerZone: 5,
  egressOnlyGateways: 5,
  prefixLists: 100,
  entriesPerPrefixList: 1000,
  networkAclsPerVpc: 200,
  entriesPerNetworkAcl: 20,
  peeringsPerVpc: 50,
  pendingPeerings: 25,
  directConnectGateways: 200,
  connectionsPerLocation: 10,
  interfacesPerConnection: 51,
  transitInterfacesPerConnection: 4,
  interfacesPerDirectConnectGateway: 30,
  vpnGatewaysPerDirectConnectGateway: 20,
  transitGatewaysPerDirectConnectGateway: 6,
  prefixesPerTransitGatewayAssociation: 200,
  transitGateways: 5,
  vpnGateways: 5,
  customerGateways: 50,
  connectionsPerVpnGateway: 10,
  attachmentsPerVpc: 5,
  tablesPerTransitGateway: 20,
  connectPeersPerAttachment: 4,
  multicastDomainsPerTransitGateway: 20,
  routesPerTransitGateway: 10_000,
  propagatedRoutesPerTable: 100,
  routeServersPerVpc: 5,
  endpointsPerRouteServer: 10,
  routeServerEndpointsPerSubnet: 2,
  routeServerPeersPerInterface: 20,
};

/** More than anybody makes, and still a number that EC2 could show. */
const NO_LIMIT = 1_000_000_000;

/** What may be limited, in the order of `Quotas`. */
export const QUOTA_NAMES = Object.keys(DEFAULT_QUOTAS) as readonly (keyof Quotas)[];

/** No quotas: for worlds that are larger than a new account may have. */
export const NO_QUOTAS = Object.fromEntries(QUOTA_NAMES.map((name) => [name, NO_LIMIT])) as unknown as Quotas;

export type CloudOptions = Partial<Omit<CloudSettings, 'quotas'>> & { readonly quotas?: Partial<Quotas> };

/** Fills in the defaults: everything takes effect at once, AWS's default quotas, no throttling. */
export const cloudSettings = (options: CloudOptions): CloudSettings => ({
  seed: 1,
  epochMs: 0,
  zones: ['a', 'b', 'c'],
  defaultVpc: false,
  strictAmi: false,
  attachMs: 0,
  detachMs: 0,
  forceDetachMs: 0,
  startMs: 0,
  stopMs: 0,
  terminateMs: 0,
  terminatedVisibleMs: 3_600_000,
  stoppedIsBlackhole: false,
  rulesOf2020: [],
  createOverLocal: 'InvalidParameterValue',
  prefixListMs: 0,
  natGatewayMs: 0,
  directConnectMs: 0,
  natGatewayVisibleMs: 3_600_000,
  endpointMs: 0,
  throttle: 'off',
  staleReadsMs: 0,
  newIdLagMs: 0,
  publicPool: '198.18.0.0/15',
  ...options,
  quotas: { ...DEFAULT_QUOTAS, ...options.quotas },
});
