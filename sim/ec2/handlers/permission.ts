/**
 * Security group rules between EC2's two forms: permissions, which list many peers for one protocol and
 * port range, and single rules. Pure conversion and validation; security-group.ts stores the outcome.
 */
import type {
  IpPermission,
  IpRange,
  Ipv6Range,
  PrefixListId,
  SecurityGroupRuleRequest,
  UserIdGroupPair,
} from '@aws-sdk/client-ec2';
import { formatPrefix, parsePrefix } from '../../../controller/base/ip.ts';
import { peerName } from '../../vpc/filter-reason.ts';
import { same } from '../record/same.ts';
import type { GroupRuleRecord } from '../record/security.ts';
import { missing, refuse } from '../refusal.ts';

/** A rule as a request words it, without an id. */
export type WantedRule = Pick<
  GroupRuleRecord,
  'protocol' | 'fromPort' | 'toPort' | 'peer' | 'description' | 'egress'
>;

/** Finds what a peer names; refuses what is unknown. */
export interface Find {
  readonly group: (id: string) => { readonly id: string; readonly account: string };
  readonly list: (id: string) => { readonly id: string };
}

type Ports = Pick<GroupRuleRecord, 'protocol' | 'fromPort' | 'toPort'>;

const NAMES: ReadonlyMap<number, string> = new Map([
  [-1, '-1'],
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmpv6'],
]);
const NUMBERS: ReadonlyMap<string, number> = new Map([...NAMES].map(([number, name]) => [name, number]));

const hasPorts = (protocol: number): boolean => protocol === 6 || protocol === 17;
const hasTypes = (protocol: number): boolean => protocol === 1 || protocol === 58;

/** `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or the number as text. */
export const protocolName = (protocol: number): string => NAMES.get(protocol) ?? String(protocol);

/** The number of a protocol that a request gives by name or number; -1 is all. */
export function protocolNumber(text: string): number {
  const known = NUMBERS.get(text.toLowerCase());
  if (known !== undefined) return known;
  if (text === 'all') return -1;
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 255)) {
    refuse('InvalidParameterValue', `Invalid value '${text}' for IP protocol. Unknown protocol.`);
  }
  return value;
}

/** The protocol and its ports, normalised as EC2 does it: everything but TCP, UDP and ICMP has no ports. */
export function checkedPorts(protocolText: string | undefined, from?: number, to?: number): Ports {
  const protocol = protocolNumber(protocolText ?? missing('ipProtocol'));
  if (hasPorts(protocol)) {
    if (from === undefined || to === undefined) {
      refuse(
        'InvalidParameterValue',
        `Invalid value '${from ?? to ?? ''}' for portRange. ` +
          'Must specify both from and to ports with TCP/UDP.',
      );
    }
    for (const port of [from, to]) {
      if (port < 0 || port > 65_535) {
        refuse('InvalidParameterValue', `TCP/UDP port (${port}) out of range`);
      }
    }
    if (from > to) refuse('InvalidParameterValue', `Invalid TCP/UDP port range (${from}:${to})`);
    return { protocol, fromPort: from, toPort: to };
  }
  if (!hasTypes(protocol)) return { protocol, fromPort: -1, toPort: -1 };
  const [type, code] = [from ?? -1, to ?? -1];
  if (type < -1 || type > 255) refuse('InvalidParameterValue', `ICMP type (${type}) out of range`);
  if (code < -1 || code > 255) refuse('InvalidParameterValue', `ICMP code (${code}) out of range`);
  if (type === -1 && code !== -1) {
    refuse('InvalidParameterValue', `ICMP code (${code}) must be -1 (all) when the type is -1 (all)`);
  }
  return { protocol, fromPort: type, toPort: code };
}

/** The canonical CIDR block: EC2 clears host bits. A bare IPv6 or IPv4 address is refused. */
export function checkedCidr(text: string, family: 4 | 6): string {
  const prefix = parsePrefix(text, 'clear');
  if (!prefix.ok || prefix.value.address.family !== family) {
    return refuse('InvalidParameterValue', `CIDR block ${text} is malformed`);
  }
  return formatPrefix(prefix.value);
}

/** A rule description as a part of a record; EC2 takes an empty one for none. */
export function checkedDescription(text: string | undefined): { description?: string } {
  if (text === undefined || text === '') return {};
  if (text.length > 255 || !/^[\w .:/()#,@[\]+=&;{}!$*-]*$/.test(text)) {
    refuse(
      'InvalidParameterValue',
      'Invalid rule description. Valid descriptions are strings less than 256 characters ' +
        'from the following set: ' +
        'a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*',
    );
  }
  return { description: text };
}

/** The single rules of permissions, in order; refuses a permission without a peer. */
export function rulesOf(permissions: readonly IpPermission[], egress: boolean, find: Find): WantedRule[] {
  return permissions.flatMap((permission) => {
    const ports = checkedPorts(permission.IpProtocol, permission.FromPort, permission.ToPort);
    const rule = (peer: WantedRule['peer'], description: string | undefined): WantedRule => ({
      ...ports,
      egress,
      peer,
      ...checkedDescription(description),
    });
    const rules = [
      ...(permission.IpRanges ?? []).map((range) =>
        rule({ kind: 'cidr', cidr: checkedCidr(range.CidrIp ?? missing('cidrIp'), 4) }, range.Description),
      ),
      ...(permission.Ipv6Ranges ?? []).map((range) =>
        rule(
          { kind: 'cidr', cidr: checkedCidr(range.CidrIpv6 ?? missing('cidrIpv6'), 6) },
          range.Description,
        ),
      ),
      ...(permission.UserIdGroupPairs ?? []).map((pair) =>
        rule(groupPeer(pair.GroupId ?? missing('groupId'), find), pair.Description),
      ),
      ...(permission.PrefixListIds ?? []).map((list) =>
        rule(listPeer(list.PrefixListId ?? missing('prefixListId'), find), list.Description),
      ),
    ];
    if (rules.length === 0) {
      missing(`${egress ? 'egress peer' : 'source'} (a CIDR block, a prefix list or a group)`);
    }
    return rules;
  });
}

function groupPeer(id: string, find: Find): WantedRule['peer'] {
  const group = find.group(id);
  return { kind: 'group', group: group.id, account: group.account };
}

const listPeer = (id: string, find: Find): WantedRule['peer'] => ({
  kind: 'prefix-list',
  list: find.list(id).id,
});

/** The rule that a ModifySecurityGroupRules entry asks for. */
export function ruleOf(request: SecurityGroupRuleRequest, egress: boolean, find: Find): WantedRule {
  const peers: WantedRule['peer'][] = [];
  if (request.CidrIpv4 !== undefined) peers.push({ kind: 'cidr', cidr: checkedCidr(request.CidrIpv4, 4) });
  if (request.CidrIpv6 !== undefined) peers.push({ kind: 'cidr', cidr: checkedCidr(request.CidrIpv6, 6) });
  if (request.ReferencedGroupId !== undefined) peers.push(groupPeer(request.ReferencedGroupId, find));
  if (request.PrefixListId !== undefined) peers.push(listPeer(request.PrefixListId, find));
  const [peer, ...rest] = peers;
  if (peer === undefined || rest.length > 0) {
    return refuse(
      'InvalidParameterCombination',
      'Only one of CidrIpv4, CidrIpv6, PrefixListId, or ReferencedGroupId can be specified',
    );
  }
  const ports = checkedPorts(request.IpProtocol, request.FromPort, request.ToPort);
  return { ...ports, egress, peer, ...checkedDescription(request.Description) };
}

/** Whether two rules permit the same; descriptions do not count. */
export const samePermission = (a: WantedRule, b: WantedRule): boolean =>
  a.egress === b.egress &&
  a.protocol === b.protocol &&
  a.fromPort === b.fromPort &&
  a.toPort === b.toPort &&
  same(a.peer, b.peer);

/** The rule in the words of InvalidPermission.Duplicate. */
export function describeRule(rule: WantedRule): string {
  const peer = peerName(rule.peer);
  const protocol = rule.protocol === -1 ? 'ALL' : protocolName(rule.protocol).toUpperCase();
  if (hasPorts(rule.protocol)) {
    return `peer: ${peer}, ${protocol}, from port: ${rule.fromPort}, to port: ${rule.toPort}, ALLOW`;
  }
  return hasTypes(rule.protocol)
    ? `peer: ${peer}, ${protocol}, type: ${rule.fromPort}, code: ${rule.toPort}, ALLOW`
    : `peer: ${peer}, ${protocol}, ALLOW`;
}

/**
 * The permissions of a direction, one for each protocol and port range, as DescribeSecurityGroups shows
 * them.
 */
export function permissionsOf(rules: readonly GroupRuleRecord[], egress: boolean): IpPermission[] {
  const grouped = new Map<string, GroupRuleRecord[]>();
  for (const rule of rules.filter((each) => each.egress === egress)) {
    const key = `${rule.protocol}/${rule.fromPort}/${rule.toPort}`;
    const group = grouped.get(key);
    if (group) group.push(rule);
    else grouped.set(key, [rule]);
  }
  return Array.from(grouped.values(), permission);
}

function permission(rules: readonly GroupRuleRecord[]): IpPermission {
  const v4: IpRange[] = [];
  const v6: Ipv6Range[] = [];
  const groups: UserIdGroupPair[] = [];
  const lists: PrefixListId[] = [];
  for (const { peer, description } of rules) {
    const said = description === undefined ? {} : { Description: description };
    if (peer.kind === 'group') groups.push({ ...said, GroupId: peer.group, UserId: peer.account });
    else if (peer.kind === 'prefix-list') lists.push({ ...said, PrefixListId: peer.list });
    else if (peer.cidr.includes(':')) v6.push({ ...said, CidrIpv6: peer.cidr });
    else v4.push({ ...said, CidrIp: peer.cidr });
  }
  const [{ protocol, fromPort, toPort } = { protocol: -1, fromPort: -1, toPort: -1 }] = rules;
  const ports = hasPorts(protocol) || hasTypes(protocol) ? { FromPort: fromPort, ToPort: toPort } : {};
  const peers = { IpRanges: v4, Ipv6Ranges: v6, UserIdGroupPairs: groups, PrefixListIds: lists };
  return { IpProtocol: protocolName(protocol), ...ports, ...peers };
}
