/**
 * How many rules a security group may have: inbound and outbound apart, IPv4 and IPv6 apart. A group counts
 * for both, a prefix list with its MaxEntries, one of AWS's as a single rule of both. Amazon VPC User Guide,
 * "Amazon VPC quotas".
 */
import { unreachable } from '../../../controller/base/result.ts';
import { AWS_OWNER } from '../catalog/services.ts';
import type { Tx } from '../handler.ts';
import type { GroupRuleRecord } from '../record/security.ts';
import { refuse } from '../refusal.ts';

function weight(tx: Tx, { peer }: GroupRuleRecord, family: 4 | 6): number {
  switch (peer.kind) {
    case 'cidr':
      return peer.cidr.includes(':') === (family === 6) ? 1 : 0;
    case 'group':
      return 1;
    case 'prefix-list': {
      const list = tx.get('prefix-list', peer.list);
      if (list === undefined || list.account === AWS_OWNER) return 1;
      return list.family === family ? list.maxEntries : 0;
    }
    default:
      return unreachable(peer);
  }
}

/** Refuses rules that would be too many for one security group. */
export function checkRulesFit(tx: Tx, rules: readonly GroupRuleRecord[]): void {
  const most = tx.settings.quotas.rulesPerGroup;
  for (const egress of [false, true]) {
    const one = rules.filter((rule) => rule.egress === egress);
    for (const family of [4, 6] as const) {
      if (one.reduce((sum, rule) => sum + weight(tx, rule, family), 0) <= most) continue;
      const why = `The maximum number of rules per security group has been reached (${most}).`;
      refuse('RulesPerSecurityGroupLimitExceeded', why);
    }
  }
}
