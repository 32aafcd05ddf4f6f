/**
 * Behaviour of AWS, or of the guests' Linux, that is not settled by AWS documentation, each as a named
 * setting with its default and the reason for it. Nothing else in sim/vpc guesses.
 */
import type { Millis } from '../../controller/base/time.ts';

export interface VpcSettings {
  /**
   * The fabric announces an address that moved to another ENI to the ENIs of the subnet, so that neighbours
   * learn the new MAC at once. Default true: an AWS re:Post article on secondary IP moves reports gratuitous
   * ARP from Nitro (a single source). With false a neighbour keeps the old MAC until it asks again: the
   * stale-ARP hazard.
   */
  readonly fabricGarp: boolean;
  /**
   * Age at which a guest asks again for a neighbour that it still uses. Default 60 s: Linux confirms an entry
   * after a random 15-45 s (`base_reachable_time_ms`), 5 s of delay and up to three probes.
   */
  readonly neighbourLifetimeMs: Millis;
  /**
   * A frame whose source MAC is not its ENI's is dropped even without source/dest check. Default true (F16).
   */
  readonly sourceMacChecked: boolean;
  /**
   * A TCP segment without SYN that belongs to no tracked connection passes when a rule allows it. Default
   * true; it matters to a standby that takes over in mid-flow. With false it is dropped: CONNTRACK_MISS.
   */
  readonly midFlowPassesByRule: boolean;
  /**
   * A packet that a guest sends to the router, and that stays in its subnet, meets the subnet's network ACL.
   * Default false: an ACL works at the border of a subnet. AWS does not say.
   */
  readonly aclAtRouterWithinSubnet: boolean;
  /**
   * rp_filter of a new device: 0 off, 1 strict, 2 loose (RFC 3704). Default 2, as systemd sets it on Debian
   * 12.
   */
  readonly rpFilter: 0 | 1 | 2;
  /**
   * Idle times of tracked flows in the security groups; EC2 User Guide, "Security group connection tracking".
   */
  readonly tracking: IdleTimes;
  /** Idle times of NAT gateways; NAT gateway page: 350 s, of every protocol. */
  readonly natGateway: IdleTimes;
  /** Idle time of egress-only Internet gateways. Default 350 s, as NAT gateways: AWS does not say. */
  readonly egressOnlyIdleMs: Millis;
  /** Idle time of flows through VPC endpoints. AWS PrivateLink Guide: 350 s. */
  readonly endpointIdleMs: Millis;
  /** Idle times of NAT entries in guests; Linux `nf_conntrack_*_timeout*`. */
  readonly masquerade: IdleTimes;
}

export interface IdleTimes {
  readonly tcpMs: Millis;
  /** UDP seen in one direction only. */
  readonly udpMs: Millis;
  /** UDP seen in both directions. */
  readonly udpStreamMs: Millis;
  readonly otherMs: Millis;
}

const DAY_MS = 86_400_000;

export const DEFAULT_SETTINGS: VpcSettings = {
  fabricGarp: true,
  neighbourLifetimeMs: 60_000,
  sourceMacChecked: true,
  midFlowPassesByRule: true,
  aclAtRouterWithinSubnet: false,
  rpFilter: 2,
  tracking: { tcpMs: 5 * DAY_MS, udpMs: 30_000, udpStreamMs: 180_000, otherMs: 600_000 },
  natGateway: { tcpMs: 350_000, udpMs: 350_000, udpStreamMs: 350_000, otherMs: 350_000 },
  egressOnlyIdleMs: 350_000,
  endpointIdleMs: 350_000,
  masquerade: { tcpMs: 5 * DAY_MS, udpMs: 30_000, udpStreamMs: 120_000, otherMs: 30_000 },
};
