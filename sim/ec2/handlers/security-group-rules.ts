/** The rules of security groups: authorize, revoke, modify, describe. */
import type {
  AuthorizeSecurityGroupEgressRequest,
  AuthorizeSecurityGroupIngressRequest,
  AuthorizeSecurityGroupIngressResult,
  DescribeSecurityGroupRulesRequest,
  DescribeSecurityGroupRulesResult,
  IpPermission,
  ModifySecurityGroupRulesRequest,
  ModifySecurityGroupRulesResult,
  RevokedSecurityGroupRule,
  RevokeSecurityGroupEgressRequest,
  RevokeSecurityGroupIngressRequest,
  RevokeSecurityGroupIngressResult,
  SecurityGroupRule,
  UpdateSecurityGroupRuleDescriptionsIngressRequest,
  UpdateSecurityGroupRuleDescriptionsIngressResult,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { isId } from '../identifier.ts';
import type { Tags } from '../record/base.ts';
import type { GroupRuleRecord, SecurityGroupRecord } from '../record/security.ts';
import { missing, refuse } from '../refusal.ts';
import { usedPrefixList } from '../service-lists.ts';
import { specifiedTags } from '../tags.ts';
import {
  checkedDescription,
  describeRule,
  type Find,
  protocolName,
  ruleOf,
  rulesOf,
  samePermission,
  type WantedRule,
} from './permission.ts';
import { checkRulesFit } from './rule-quota.ts';
import { namedGroup } from './security-group.ts';
import { arePeered } from './vpc-peering.ts';

/** A rule with the group that holds it. */
interface Held {
  readonly rule: GroupRuleRecord;
  readonly group: SecurityGroupRecord;
  readonly tags: Tags;
}

const filters: Filters<Held> = {
  'group-id': ({ group }) => group.id,
  'security-group-rule-id': ({ rule }) => rule.id,
};

const peerShown = (
  rule: GroupRuleRecord,
): Pick<SecurityGroupRule, 'CidrIpv4' | 'CidrIpv6' | 'PrefixListId'> => {
  if (rule.peer.kind === 'group') return {};
  if (rule.peer.kind === 'prefix-list') return { PrefixListId: rule.peer.list };
  return rule.peer.cidr.includes(':') ? { CidrIpv6: rule.peer.cidr } : { CidrIpv4: rule.peer.cidr };
};

function shown(tx: Tx, { rule, group }: Held): SecurityGroupRule {
  const { peer } = rule;
  return {
    SecurityGroupRuleId: rule.id,
    GroupId: group.id,
    GroupOwnerId: group.account,
    IsEgress: rule.egress,
    IpProtocol: protocolName(rule.protocol),
    FromPort: rule.fromPort,
    ToPort: rule.toPort,
    ...peerShown(rule),
    ...(peer.kind === 'group' && { ReferencedGroupInfo: { GroupId: peer.group, UserId: peer.account } }),
    ...(rule.description !== undefined && { Description: rule.description }),
    SecurityGroupRuleArn: `arn:aws:ec2:${tx.region}:${group.account}:security-group-rule/${rule.id}`,
    Tags: shownTags(rule.tags),
  };
}

const revoked = (group: SecurityGroupRecord, rule: GroupRuleRecord): RevokedSecurityGroupRule => ({
  SecurityGroupRuleId: rule.id,
  GroupId: group.id,
  IsEgress: rule.egress,
  IpProtocol: protocolName(rule.protocol),
  FromPort: rule.fromPort,
  ToPort: rule.toPort,
  ...peerShown(rule),
  ...(rule.peer.kind === 'group' && { ReferencedGroupId: rule.peer.group }),
  ...(rule.description !== undefined && { Description: rule.description }),
});

const finder = (tx: Tx, group: SecurityGroupRecord): Find => ({
  list: (id) => usedPrefixList(tx, id),
  group: (id) => {
    const peer = tx.need('security-group', id);
    if (peer.vpc !== group.vpc && !arePeered(tx, peer.vpc, group.vpc)) {
      refuse('InvalidGroup.NotFound', `You have specified two resources that belong to different networks.`);
    }
    return peer;
  },
});

type Flat = Pick<
  AuthorizeSecurityGroupIngressRequest,
  'IpPermissions' | 'IpProtocol' | 'FromPort' | 'ToPort' | 'CidrIp'
> & {
  readonly SourceSecurityGroupName?: string | undefined;
};

/** The permissions of a request, which may also word a single one by parameters at its top. */
function requestedPermissions(tx: Tx, input: Flat): readonly IpPermission[] {
  const {
    IpPermissions: permissions = [],
    IpProtocol,
    FromPort,
    ToPort,
    CidrIp,
    SourceSecurityGroupName,
  } = input;
  const flat = IpProtocol !== undefined || CidrIp !== undefined || SourceSecurityGroupName !== undefined;
  if (!flat) return permissions.length > 0 ? permissions : missing('ipPermissions');
  if (permissions.length > 0) {
    refuse('InvalidParameterCombination', 'The parameters ipPermissions and ipProtocol may not both be used');
  }
  const peer =
    SourceSecurityGroupName === undefined
      ? { IpRanges: [{ CidrIp }] }
      : { UserIdGroupPairs: [{ GroupId: namedGroup(tx, { GroupName: SourceSecurityGroupName }).id }] };
  return [{ IpProtocol, FromPort, ToPort, ...peer }];
}

function refuseRepeated(rules: readonly WantedRule[]): void {
  const repeated = rules.some((rule, index) =>
    rules.slice(0, index).some((each) => samePermission(each, rule)),
  );
  if (repeated) refuse('InvalidParameterValue', 'The same permission must not appear multiple times');
}

function authorize(
  tx: Tx,
  input: AuthorizeSecurityGroupIngressRequest | AuthorizeSecurityGroupEgressRequest,
  egress: boolean,
): AuthorizeSecurityGroupIngressResult {
  const group = namedGroup(tx, input);
  const tags = specifiedTags(tx, input.TagSpecifications, 'security-group-rule');
  const wanted = rulesOf(requestedPermissions(tx, input), egress, finder(tx, group));
  refuseRepeated(wanted);
  for (const rule of wanted) {
    if (group.rules.some((each) => samePermission(each, rule))) {
      refuse('InvalidPermission.Duplicate', `the specified rule "${describeRule(rule)}" already exists`);
    }
  }
  const added = wanted.map((rule): GroupRuleRecord => ({ id: tx.newId('sgr'), tags, ...rule }));
  const rules = [...group.rules, ...added];
  checkRulesFit(tx, rules);
  tx.put('security-group', { ...group, rules });
  return { Return: true, SecurityGroupRules: added.map((rule) => shown(tx, { rule, group, tags })) };
}

const noSuchRule = (id: string): never =>
  isId('sgr', id)
    ? refuse('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`)
    : refuse('InvalidSecurityGroupRuleId.Malformed', `The security group rule ID '${id}' is malformed`);

function revoke(
  tx: Tx,
  input: RevokeSecurityGroupIngressRequest | RevokeSecurityGroupEgressRequest,
  egress: boolean,
): RevokeSecurityGroupIngressResult {
  const group = namedGroup(tx, input);
  const ids = input.SecurityGroupRuleIds ?? [];
  const byId = ids.map(
    (id) => group.rules.find((rule) => rule.id === id && rule.egress === egress) ?? noSuchRule(id),
  );
  const wanted = ids.length > 0 ? [] : rulesOf(requestedPermissions(tx, input), egress, finder(tx, group));
  const byPermission = wanted.map(
    (rule) =>
      group.rules.find((each) => samePermission(each, rule)) ??
      refuse('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.'),
  );
  const gone = new Set([...byId, ...byPermission]);
  tx.put('security-group', { ...group, rules: group.rules.filter((rule) => !gone.has(rule)) });
  return { Return: true, RevokedSecurityGroupRules: Array.from(gone, (rule) => revoked(group, rule)) };
}

function modify(tx: Tx, input: ModifySecurityGroupRulesRequest): ModifySecurityGroupRulesResult {
  const group = tx.need('security-group', input.GroupId ?? missing('GroupId'));
  let rules = group.rules;
  for (const { SecurityGroupRuleId: id = '', SecurityGroupRule: request = {} } of input.SecurityGroupRules ??
    []) {
    const old = rules.find((rule) => rule.id === id) ?? noSuchRule(id);
    const changed = { id: old.id, tags: old.tags, ...ruleOf(request, old.egress, finder(tx, group)) };
    if (rules.some((each) => each.id !== id && samePermission(each, changed))) {
      refuse('InvalidPermission.Duplicate', `the specified rule "${describeRule(changed)}" already exists`);
    }
    rules = rules.map((rule) => (rule.id === id ? changed : rule));
  }
  checkRulesFit(tx, rules);
  tx.put('security-group', { ...group, rules });
  return { Return: true };
}

/**
 * A new description for each rule that is named, by id or by permission; a permission without one clears
 * it.
 */
function updateDescriptions(
  tx: Tx,
  input: UpdateSecurityGroupRuleDescriptionsIngressRequest,
  egress: boolean,
): UpdateSecurityGroupRuleDescriptionsIngressResult {
  const group = namedGroup(tx, input);
  const texts = new Map<string, string | undefined>();
  for (const { SecurityGroupRuleId: id = '', Description } of input.SecurityGroupRuleDescriptions ?? []) {
    const rule = group.rules.find((each) => each.id === id && each.egress === egress) ?? noSuchRule(id);
    texts.set(rule.id, Description);
  }
  for (const wanted of rulesOf(input.IpPermissions ?? [], egress, finder(tx, group))) {
    const rule =
      group.rules.find((each) => samePermission(each, wanted)) ??
      refuse('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.');
    texts.set(rule.id, wanted.description);
  }
  if (texts.size === 0) missing('ipPermissions or securityGroupRuleDescriptions');
  const rules = group.rules.map((rule): GroupRuleRecord => {
    if (!texts.has(rule.id)) return rule;
    const { description: _, ...bare } = rule;
    return { ...bare, ...checkedDescription(texts.get(rule.id)) };
  });
  tx.put('security-group', { ...group, rules });
  return { Return: true };
}

function describeRules(tx: Tx, input: DescribeSecurityGroupRulesRequest): DescribeSecurityGroupRulesResult {
  const { SecurityGroupRuleIds: ids = [], Filters: wanted = [] } = input;
  const held = (group: SecurityGroupRecord): Held[] =>
    group.rules.map((rule) => ({ rule, group, tags: rule.tags }));
  const byId = (id: string): Held => {
    const [found] = tx
      .referring('security-group', id)
      .flatMap(held)
      .filter(({ rule }) => rule.id === id);
    return found ?? noSuchRule(id);
  };
  const groupIds = wanted.find(({ Name }) => Name === 'group-id')?.Values;
  const candidates =
    ids.length > 0
      ? ids.map(byId)
      : groupIds?.every((id) => isId('sg', id))
        ? groupIds.flatMap((id) => tx.get('security-group', id) ?? []).flatMap(held)
        : tx.list('security-group').flatMap(held);
  const page = paginate(candidates.filter(matcher(tx, wanted, filters)), input, ({ group, rule }) => [
    tx.order('security-group', group.id),
    rule.id,
  ]);
  return { SecurityGroupRules: page.records.map((each) => shown(tx, each)), ...page.next };
}

export const securityGroupRuleHandlers: Handlers = {
  AuthorizeSecurityGroupIngress: handler((tx, input: AuthorizeSecurityGroupIngressRequest) =>
    authorize(tx, input, false),
  ),
  AuthorizeSecurityGroupEgress: handler((tx, input: AuthorizeSecurityGroupEgressRequest) =>
    authorize(tx, input, true),
  ),
  RevokeSecurityGroupIngress: handler((tx, input: RevokeSecurityGroupIngressRequest) =>
    revoke(tx, input, false),
  ),
  RevokeSecurityGroupEgress: handler((tx, input: RevokeSecurityGroupEgressRequest) =>
    revoke(tx, input, true),
  ),
  ModifySecurityGroupRules: handler(modify),
  UpdateSecurityGroupRuleDescriptionsIngress: handler(
    (tx, input: UpdateSecurityGroupRuleDescriptionsIngressRequest) => updateDescriptions(tx, input, false),
  ),
  UpdateSecurityGroupRuleDescriptionsEgress: handler(
    (tx, input: UpdateSecurityGroupRuleDescriptionsIngressRequest) => updateDescriptions(tx, input, true),
  ),
  DescribeSecurityGroupRules: handler(describeRules),
};
