/** Security groups and their rules, as EC2 stores them. */
import type { Stored, Tags } from './base.ts';

export interface GroupRuleRecord {
  /** `sgr-...` */
  readonly id: string;
  readonly tags: Tags;
  readonly egress: boolean;
  /** IP protocol number; -1 is all. */
  readonly protocol: number;
  /** ICMP type for ICMP; -1 with protocol -1. */
  readonly fromPort: number;
  /** ICMP code for ICMP; -1 with protocol -1. */
  readonly toPort: number;
  readonly peer:
    | { readonly kind: 'cidr'; readonly cidr: string }
    | { readonly kind: 'group'; readonly group: string; readonly account: string }
    | { readonly kind: 'prefix-list'; readonly list: string };
  readonly description?: string;
}

export interface SecurityGroupRecord extends Stored {
  readonly account: string;
  readonly vpc: string;
  readonly name: string;
  readonly description: string;
  readonly rules: readonly GroupRuleRecord[];
}

export interface SecurityRecords {
  readonly 'security-group': SecurityGroupRecord;
}
