/** What a design is: what it takes, and the plan that follows from it. Pure. */
import type { BroughtSubnets } from './brought.ts';
import type { Plan } from './plan.ts';

/** What a design's plan is made of. */
export interface PlanArgs {
  /** IPv4 block of the VPC, /16 to /24. */
  readonly cidr: string;
  /** Availability zones, the preferred first. */
  readonly zones: readonly string[];
  readonly ipv6?: boolean;
  /** Addresses that answer ICMP echo, one for each appliance in their order; well-known ones where absent. */
  readonly probeTargets?: readonly string[];
  /** Whether the daemons run on instances of their own. */
  readonly observers?: boolean;
  /** How many appliances, where the design leaves it open. */
  readonly appliances?: number;
  /** An IPv4 address outside the VPC, where the design has one. */
  readonly overlay?: string;
  /** Subnets that exist, by their names in the plan. */
  readonly subnets?: BroughtSubnets;
  /** IPv4 blocks of VPCs around a hub, where the design has one. */
  readonly spokes?: readonly string[];
  /** Whether NAT gateways stand by for when every appliance is dead; by daemons on instances of their own. */
  readonly lastResort?: boolean;
}

/** Keys of the stack, and arguments of a component, that not every design takes. */
export type OwnKey = 'ipv6' | 'appliances' | 'overlay' | 'spokes' | 'lastResort';

/** What appliances do unless the stack says otherwise. */
export type ApplianceRole = 'nat' | 'firewall';

export interface Design {
  /** What it is, in a line. */
  readonly summary: string;
  /** How many zones it spans. */
  readonly zones: { readonly min: number; readonly max: number };
  readonly keys: readonly OwnKey[];
  /**
   * `bgp`: routes that appliances announce keep flows, no group is moved; `vpn`: they are announced to VPN
   * gateways, which know neither BFD nor passwords. Absent: `groups`.
   */
  readonly keptBy?: 'groups' | 'bgp' | 'vpn';
  readonly role: ApplianceRole;
  /** Failback unless the stack says otherwise: `never`, or after how long. */
  readonly failback: 'never' | { readonly after: string };
  /** Throws an error that says what does not fit. */
  readonly plan: (args: PlanArgs) => Plan;
}

/** Whether daemons move groups. */
export const movesGroups = ({ keptBy = 'groups' }: Design): boolean => keptBy === 'groups';

/** `2`, or `2 to 8`. */
export const zonesText = ({ zones: { min, max } }: Design): string =>
  min === max ? `${min} zone${min === 1 ? '' : 's'}` : `${min} to ${max} zones`;
