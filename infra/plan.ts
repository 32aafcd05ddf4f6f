/**
 * What a design deploys, as plain data in its own names: subnets with their routes, appliances, what groups
 * move, and the flows that it promises. Everything else follows from it: resources (`components/design.ts`),
 * configurations of daemons, rights, outputs, diagrams. Routes that a group moves are said once, in the table
 * where they stand.
 */

/** Where a route leads. */
export type RouteTarget =
  /** The Internet gateway of the VPC. */
  | { readonly kind: 'internet' }
  /** Whoever owns the group: the daemons move the route. */
  | {
      readonly kind: 'group';
      readonly group: string;
      /** The NAT gateway that has it while every member is dead. */
      readonly lastResort?: string;
    }
  /** One appliance, for good. */
  | { readonly kind: 'appliance'; readonly appliance: string }
  /** The ENI that the group moves, for good. */
  | { readonly kind: 'floating'; readonly group: string }
  /** Whoever announces the destination: daemons make the route (`routeSync`), the deployment none. */
  | { readonly kind: 'announced' }
  /** The transit gateway, by the attachment of the VPC. */
  | { readonly kind: 'transit' }
  /** The VPN gateway of the VPC, where it learns the destination: it propagates the route. */
  | { readonly kind: 'propagated' };

export interface RoutePlan {
  /** Canonical CIDR block, IPv4 or IPv6. */
  readonly destination: string;
  readonly to: RouteTarget;
  /** Of a route that moves: see `Course` in the daemon's configuration. */
  readonly direction?: 'return';
  readonly symmetric?: string;
}

/** `transit`: where a transit gateway has its ENIs, and nothing else is. */
export type SubnetRole = 'appliance' | 'workload' | 'observer' | 'transit';

/** A subnet that exists. */
export interface BroughtSubnet {
  /** `subnet-...`. */
  readonly id: string;
  /** Its IPv4 block. */
  readonly cidr: string;
  /** Its route table, in which the plan's routes are made; absent: the subnet gets a table of its own. */
  readonly table?: string;
}

/** A subnet with a route table of its own. */
export interface SubnetPlan {
  /** Unique in the plan, by role and zone: `workload-eu-central-1a`. */
  readonly name: string;
  readonly role: SubnetRole;
  readonly zone: string;
  readonly cidr: string;
  /** Which /64 of the VPC's IPv6 /56, where it has one. */
  readonly ipv6Index?: number;
  readonly routes: readonly RoutePlan[];
  /** Whether its workloads have Elastic IPs. */
  readonly isPublic?: boolean;
  /** The address of its client, where one is deployed; the first of the subnet where absent. */
  readonly client?: string;
  /** The subnet that stands for it, where it is not made. */
  readonly brought?: BroughtSubnet;
}

export interface VpcPlan {
  /** Empty for the only one. */
  readonly name: string;
  readonly cidr: string;
  readonly ipv6: boolean;
  readonly subnets: readonly SubnetPlan[];
  /** Routes of what comes in through the Internet gateway. */
  readonly edge?: readonly RoutePlan[];
  /** Whether appliances and workloads are reached from outside the VPC. */
  readonly open?: boolean;
  /** Further blocks from which they are reached. */
  readonly admits?: readonly string[];
  /** Whether it has no Internet gateway. */
  readonly isPrivate?: boolean;
  readonly attachment?: AttachmentPlan;
  /** Whether it has a VPN gateway: that of the plan's VPN connections. */
  readonly hasVpnGateway?: boolean;
}

/** How a VPC is attached to the transit gateway: by all its subnets of the role `transit`. */
export interface AttachmentPlan {
  /** The transit gateway's table that routes what comes from the VPC. */
  readonly table: string;
  /** The tables that lead to the VPC's block. */
  readonly propagates: readonly string[];
  /** Whether both ways of a flow pass the same zone (appliance mode). */
  readonly applianceMode: boolean;
}

/** A VPN connection between the VPN gateway of a VPC and an appliance. */
export interface VpnPlan {
  /** Unique in the plan, by VPC and appliance: `10.1.0.0-a`. */
  readonly name: string;
  readonly vpc: string;
  readonly appliance: string;
  /** The /30 in each of its two tunnels: the first address is the gateway's, the second the appliance's. */
  readonly inside: readonly string[];
}

/** A table of the transit gateway. */
export interface TransitTablePlan {
  readonly name: string;
  readonly routes: readonly { readonly destination: string; readonly vpc: string }[];
}

/** The blocks of RFC 1918, of which networks behind a transit gateway have theirs. */
export const PRIVATE_BLOCKS: readonly string[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

/** How an appliance is seen to forward. */
export interface ThroughPlan {
  /** Answers ICMP echo beyond the appliance. */
  readonly target: string;
  readonly by: 'next-hop' | 'route';
  readonly from: 'self' | 'all';
}

export interface AppliancePlan {
  /** Unique, short, never by position: the letter of its zone, or a letter of its own. */
  readonly name: string;
  readonly subnet: string;
  readonly address: string;
  readonly through?: ThroughPlan;
  /** Addresses outside the VPC that it answers for. */
  readonly overlay?: readonly string[];
  /** Workloads whose source becomes another address than its own, where it translates. */
  readonly translate?: readonly { readonly from: string; readonly to: string }[];
  /** How many groups it carries at most. */
  readonly capacity?: number;
}

/** A small instance that runs a daemon beside the appliances. */
export interface ObserverPlan {
  readonly name: string;
  readonly subnet: string;
  readonly address: string;
}

export interface GroupPlan {
  readonly name: string;
  /** Appliances, the preferred first. */
  readonly members: readonly string[];
  /** An ENI that is moved. */
  readonly floating?: { readonly subnet: string; readonly address: string };
  /** Secondary private addresses that are moved. */
  readonly addresses?: readonly string[];
  /** An Elastic IP that is moved: to the first of `addresses`, else to the owner's primary address. */
  readonly eip?: boolean;
}

/** A NAT gateway with an Elastic IP of its own. */
export interface NatGatewayPlan {
  readonly name: string;
  readonly subnet: string;
}

export type FlowEnd =
  | { readonly kind: 'internet' }
  /** A workload in the subnet. */
  | { readonly kind: 'subnet'; readonly subnet: string }
  /** The public address of a workload in the subnet. */
  | { readonly kind: 'public'; readonly subnet: string }
  | { readonly kind: 'address'; readonly address: string }
  /** The Elastic IP that a group moves. */
  | { readonly kind: 'eip'; readonly group: string };

/** What the appliances tell by BGP, and who takes it. */
export interface BgpPlan {
  /** AS number of all appliances. */
  readonly as: number;
  /** Prefixes that each of them announces; the first appliance is preferred, by MULTI_EXIT_DISC. */
  readonly announces: readonly string[];
  /** AS number of those who take it. */
  readonly takerAs: number;
  /**
   * `clients` put the best paths into their kernels, `observers` into the tables with announced routes,
   * `gateways` are VPN gateways, which propagate it.
   */
  readonly takers: 'clients' | 'observers' | 'gateways';
}

/** Who can send to whom, and gets answers, and how soon again after any single failure. */
export interface FlowPlan {
  readonly from: FlowEnd;
  readonly to: FlowEnd;
  /** The group that it depends on; any of them where absent. */
  readonly group?: string;
  /** From the failure on: detection, decision, calls and propagation. */
  readonly objectiveMs: number;
}

export interface Plan {
  readonly vpcs: readonly VpcPlan[];
  readonly appliances: readonly AppliancePlan[];
  readonly observers: readonly ObserverPlan[];
  readonly groups: readonly GroupPlan[];
  readonly bgp?: BgpPlan;
  readonly natGateways?: readonly NatGatewayPlan[];
  readonly vpn?: readonly VpnPlan[];
  /** The tables of a transit gateway, which is there where there are any. */
  readonly transit?: readonly TransitTablePlan[];
  /** Blocks between which NAT appliances leave addresses as they are; the VPC's where absent. */
  readonly inside?: readonly string[];
  readonly flows: readonly FlowPlan[];
}

/** The default routes: IPv4, and IPv6 where the VPC has it. */
export const defaults = (ipv6: boolean): readonly string[] => (ipv6 ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0']);

export const subnetsOf = ({ vpcs }: Plan): readonly SubnetPlan[] => vpcs.flatMap(({ subnets }) => subnets);

/** A table of a plan: a subnet's, or that of a VPC's edge. */
export interface TablePlan {
  readonly name: string;
  readonly routes: readonly RoutePlan[];
}

export const edgeOf = ({ name }: VpcPlan): string => (name === '' ? 'edge' : `${name}-edge`);

/** All tables, with the routes in them. */
export const tablesOf = ({ vpcs }: Plan): readonly TablePlan[] =>
  vpcs.flatMap((vpc) => [
    ...vpc.subnets.map(({ name, routes }) => ({ name, routes })),
    ...(vpc.edge === undefined ? [] : [{ name: edgeOf(vpc), routes: vpc.edge }]),
  ]);

/** The routes of a table that a group moves. */
export const movedBy = ({ routes }: TablePlan, group: string): readonly RoutePlan[] =>
  routes.filter(({ to }) => to.kind === 'group' && to.group === group);

/** Whether a VPN gateway propagates routes to a table. */
export const isPropagated = ({ routes }: TablePlan): boolean =>
  routes.some(({ to }) => to.kind === 'propagated');

/** The destinations in a table that follow what is announced. */
export const announcedIn = ({ routes }: TablePlan): readonly string[] =>
  routes.filter(({ to }) => to.kind === 'announced').map(({ destination }) => destination);

/** A client that runs a daemon, which takes routes by BGP. */
export interface TakerPlan {
  readonly name: string;
  readonly subnet: string;
  readonly address: string;
}

/** The clients of a plan that take routes by BGP, where they are deployed. */
export const takersOf = (plan: Plan): readonly TakerPlan[] =>
  plan.bgp?.takers !== 'clients'
    ? []
    : subnetsOf(plan).flatMap(({ name, client }) =>
        client === undefined ? [] : [{ name, subnet: name, address: client }],
      );

/** The thing of that name; throws where a design names something that it does not have. */
export function named<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Error(`the plan has no '${name}' among '${all.map((one) => one.name).join(', ')}'`);
}
