/** What a deployment is told beside its design's plan. */
import type { PlanArgs } from './design.ts';

export const SPEAKERS = ['bird', 'frr'] as const;

/** BGP speakers of Debian's that an appliance can have in place of the daemon's. */
export type SpeakerKind = (typeof SPEAKERS)[number];

export type Architecture = 'x86_64' | 'arm64';

/** What an appliance is. */
export type ApplianceKind =
  /** Debian that forwards with its own address as source. */
  | { readonly kind: 'nat' }
  /** Debian that forwards what its rules let through: lines of an nftables chain, all where empty. A pair
   * shares what it knows of connections. */
  | { readonly kind: 'firewall'; readonly rules: string; readonly stateSync: boolean }
  /** The user's AMI, with the user's user data; its daemons run elsewhere. */
  | { readonly kind: 'own'; readonly userData: string };

export interface Settings extends Omit<PlanArgs, 'zones'> {
  readonly appliance: ApplianceKind;
  readonly observers: boolean;
  readonly failback: 'never' | { readonly after: string };
  /** A DynamoDB table that exists, for leases of the groups. */
  readonly leaseTable?: string;
  /** A SecureString of Systems Manager: the TCP-MD5 password of all BGP sessions. */
  readonly bgpPasswordParameter?: string;
  /** A SecureString of Systems Manager: the key of all BFD sessions, at most 20 characters. */
  readonly bfdKeyParameter?: string;
  /** What speaks BGP on the appliances: the daemon, or a program of Debian's. */
  readonly speaker: 'byoa' | SpeakerKind;
  readonly fence: 'none' | 'stop-instance';
  readonly ipv6: boolean;
  /** A client instance in each workload subnet. */
  readonly workload: boolean;
  /** EC2 and STS endpoint of the daemons, where it is not AWS's. */
  readonly endpoint?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The parameters of Systems Manager that protect sessions. */
export const secretsOf = ({
  bgpPasswordParameter,
  bfdKeyParameter,
}: Pick<Settings, 'bgpPasswordParameter' | 'bfdKeyParameter'>): readonly string[] =>
  [...new Set([bgpPasswordParameter, bfdKeyParameter])].filter((name) => name !== undefined);
