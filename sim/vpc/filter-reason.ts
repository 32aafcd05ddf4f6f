/** Which rule of security groups and network ACLs decided about a packet. For people: nothing is judged. */
import { formatAddress } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import { CODE } from './dispositions.ts';
import type { Fabric } from './fabric.ts';
import { type Header, ICMP, ICMP6, sourceOf } from './header.ts';
import type { SecurityGroupRule } from './model.ts';
import { entryFor } from './network-acl.ts';
import type { AclNode, GroupNode, Port } from './nodes.ts';
import type { Note } from './note.ts';
import { destinationText, protocolName } from './packet-text.ts';
import { type Direction, matchesRule, matchesTransport } from './security.ts';

/** The rule that decided; ports are type and code for ICMP, absent for all. */
export interface FilterRule {
  /** The security group or network ACL that holds it. */
  readonly of: string;
  /** The number of an ACL's entry. */
  readonly number?: number;
  readonly protocol: string;
  readonly ports?: string;
  /** A CIDR block, or the id of a security group or prefix list. */
  readonly peer: string;
}

export interface Filter {
  readonly kind: 'security-groups' | 'network-acl';
  readonly direction: Direction;
  /** `tracked` is a packet of a flow that the security groups know already. */
  readonly verdict: 'allowed' | 'tracked' | 'denied';
  /** The security groups of the ENI, or the network ACL. */
  readonly ids: readonly string[];
  /** Absent where no rule matches. */
  readonly rule?: FilterRule;
}

function portsText(protocol: number, from: number, to: number): string | undefined {
  if (protocol === -1 || from === -1) return undefined;
  if (protocol === ICMP || protocol === ICMP6) return to === -1 ? `type ${from}` : `type ${from} code ${to}`;
  return from === to ? `${from}` : from <= 0 && to >= 65_535 ? undefined : `${from}-${to}`;
}

/** What a rule allows, as it names it. */
export function peerName(peer: SecurityGroupRule['peer']): string {
  switch (peer.kind) {
    case 'cidr':
      return peer.cidr;
    case 'group':
      return peer.group;
    case 'prefix-list':
      return peer.list;
    default:
      return unreachable(peer);
  }
}

function ruleOf(group: GroupNode, record: SecurityGroupRule): FilterRule {
  const { protocol, fromPort, toPort, peer } = record;
  const ports = portsText(protocol, fromPort, toPort);
  return {
    of: group.id,
    protocol: protocolName(protocol),
    ...(ports !== undefined && { ports }),
    peer: peerName(peer),
  };
}

/** How the security groups of an ENI judged a packet; `code` is what came of it. */
export function groupFilter(
  fabric: Fabric,
  port: Port,
  h: Header,
  direction: Direction,
  code: number,
): Filter | undefined {
  const { groups } = port;
  if (groups.length === 0) return undefined;
  const common = { kind: 'security-groups', direction, ids: groups.map(({ id }) => id) } as const;
  const egress = direction === 'egress';
  for (const group of groups) {
    const rule = (egress ? group.egress : group.ingress).find((each) =>
      matchesRule(fabric, port, each, h, egress),
    );
    if (rule === undefined) continue;
    return { ...common, verdict: code === 0 ? 'allowed' : 'denied', rule: ruleOf(group, rule.record) };
  }
  return { ...common, verdict: code === 0 ? 'tracked' : 'denied' };
}

/** How a network ACL judged a packet. */
export function aclFilter(acl: AclNode, h: Header, egress: boolean): Filter {
  const entry = entryFor(acl, h, egress);
  const common = {
    kind: 'network-acl',
    direction: egress ? 'egress' : 'ingress',
    verdict: entry?.allow ? 'allowed' : 'denied',
    ids: [acl.id],
  } as const;
  const record = acl.record?.entries.find((each) => each.number === entry?.number && each.egress === egress);
  if (record === undefined) return common;
  const ports = portsText(record.protocol, record.fromPort, record.toPort);
  const rule = {
    of: acl.id,
    number: record.number,
    protocol: protocolName(record.protocol),
    ...(ports !== undefined && { ports }),
    peer: record.cidr,
  };
  return { ...common, rule };
}

/** The verdict of security groups in words. */
export function groupText({ direction, verdict, ids, rule }: Filter, code: number, h: Header): string {
  const groups = ids.join(', ');
  if (code === CODE.SG_HAS_NO_RULES) return `${groups}: no ${direction} rules at all`;
  if (code === CODE.CONNTRACK_MISS) return `${groups}: the connection is not known`;
  if (verdict === 'tracked') return `${groups}: answers a tracked flow`;
  const side = direction === 'egress' ? 'to' : 'from';
  if (rule !== undefined) {
    const ports = rule.ports === undefined ? '' : ` ${rule.ports}`;
    return `${rule.of} allows ${rule.protocol}${ports} ${side} ${rule.peer}`;
  }
  const far = direction === 'egress' ? destinationText(h) : formatAddress(sourceOf(h));
  const what = direction === 'egress' ? '' : ` to ${destinationText(h)}`;
  return `${groups}: no ${direction} rule allows ${protocolName(h.protocol)}${what} ${side} ${far}`;
}

/**
 * A rule that would have let the packet in, had it come straight from the member of the group that it names:
 * `origins` are the ENIs that the packet has left on its way.
 */
export function lostReference({ groups }: Port, h: Header, origins: readonly Port[]): Note | undefined {
  for (const group of groups) {
    for (const rule of group.ingress) {
      const { peer } = rule;
      if (peer.kind !== 'group' || !matchesTransport(rule, h)) continue;
      const origin = origins.find((port) => port.groups.includes(peer));
      if (origin === undefined) continue;
      const text = `${group.id} allows the group ${peer.id} of ${origin.id}, which is not known here any more`;
      return { code: 'SG_REFERENCES_NOT_PRESERVED', objects: [group.id, peer.id], text };
    }
  }
  return undefined;
}
