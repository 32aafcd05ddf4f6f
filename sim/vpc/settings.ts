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
   * Default as on instances before Nitro v6, where `tcpMs` is 350,000.
   */
  readonly tracking: IdleTimes;
  /** Idle times of NAT gateways; NAT gateway page: 350 s, of every protocol. */
  readonly natGateway: IdleTimes;
  /** Idle time of egress-only Internet gateways. Default 350 s, as NAT gateways: AWS does not say. */
  readonly egressOnlyIdleMs: Millis;
  /** Idle time of flows through VPC endpoints. AWS PrivateLink Guide: 350 s. */
  readonly endpointIdleMs: Millis;
  /**
   * Idle time of flows through Gateway Load Balancers that are not TCP's. Elastic Load Balancing Guide: 120 s
   * (350 s of TCP, which a listener's attribute changes).
   */
  readonly balancerIdleMs: Millis;
  /**
   * An ICMP error about a tracked flow passes a security group without a rule. Default false: the EC2 User
   * Guide asks for an inbound ICMP rule, else path MTU discovery is blocked.
   */
  readonly icmpErrorsAreRelated: boolean;
  /** Longest packets of the VPC and at its borders; EC2 User Guide, "Network maximum transmission unit". */
  readonly mtu: MtuSettings;
  /** Idle times of NAT entries in guests; Linux `nf_conntrack_*_timeout*`. */
  readonly masquerade: IdleTimes;
}

/** A border that takes no packet above a length. */
export interface Border {
  readonly mtuBytes: number;
  /** What it drops for its length is answered by ICMP, RFC 792 type 3 code 4 or RFC 4443 type 2. */
  readonly answers: boolean;
  /** IPv4 packets without DF pass in fragments; else they are dropped, too, and not answered. */
  readonly fragments: boolean;
}

export interface MtuSettings {
  /** Of every ENI, and so within a VPC and between peered VPCs of a region. */
  readonly vpcBytes: number;
  readonly internetGateway: Border;
  readonly natGateway: Border;
  /** Of VPN gateways; the VPN user guide says that they support no path MTU discovery. */
  readonly vpn: Border;
  /** Of virtual interfaces, whose MTU is their own; AWS does not say either. */
  readonly directConnect: Omit<Border, 'mtuBytes'>;
  readonly transitGateway: Border;
  readonly interRegionPeering: Border;
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
  icmpErrorsAreRelated: false,
  mtu: {
    vpcBytes: 9001,
    internetGateway: { mtuBytes: 1500, answers: true, fragments: true },
    natGateway: { mtuBytes: 1500, answers: true, fragments: true },
    vpn: { mtuBytes: 1500, answers: false, fragments: true },
    directConnect: { answers: false, fragments: true },
    transitGateway: { mtuBytes: 8500, answers: true, fragments: false },
    interRegionPeering: { mtuBytes: 8500, answers: true, fragments: true },
  },
  balancerIdleMs: 120_000,
  masquerade: { tcpMs: 5 * DAY_MS, udpMs: 30_000, udpStreamMs: 120_000, otherMs: 30_000 },
};
