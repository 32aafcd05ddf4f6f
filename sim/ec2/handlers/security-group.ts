/** Security groups: create, describe, delete. Their rules are changed in security-group-rules.ts. */
import type {
  CreateSecurityGroupRequest,
  CreateSecurityGroupResult,
  DeleteSecurityGroupRequest,
  DeleteSecurityGroupResult,
  DescribeSecurityGroupsRequest,
  DescribeSecurityGroupsResult,
  SecurityGroup,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, type Property, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { VpcRecord } from '../record/network.ts';
import type { GroupRuleRecord, SecurityGroupRecord } from '../record/security.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { permissionsOf, protocolName } from './permission.ts';

const ANYWHERE = { 4: '0.0.0.0/0', 6: '::/0' } as const;

const everything = (tx: Tx, egress: boolean, peer: GroupRuleRecord['peer']): GroupRuleRecord => ({
  id: tx.newId('sgr'),
  tags: {},
  egress,
  protocol: -1,
  fromPort: -1,
  toPort: -1,
  peer,
});

/** Makes a group that lets everything out, to IPv6 too where the VPC has a block. Checks nothing. */
export function createSecurityGroup(
  tx: Tx,
  vpc: VpcRecord,
  { name, description, tags }: { readonly name: string; readonly description: string; readonly tags: Tags },
): SecurityGroupRecord {
  const families = vpc.ipv6.length > 0 ? ([4, 6] as const) : ([4] as const);
  return tx.put('security-group', {
    id: tx.newId('sg'),
    account: tx.account,
    vpc: vpc.id,
    name,
    description,
    tags,
    rules: families.map((family) => everything(tx, true, { kind: 'cidr', cidr: ANYWHERE[family] })),
  });
}

/** Makes the group that comes with a VPC: its members may talk to each other. */
export function createDefaultSecurityGroup(tx: Tx, vpc: VpcRecord): SecurityGroupRecord {
  const group = createSecurityGroup(tx, vpc, {
    name: 'default',
    description: 'default VPC security group',
    tags: {},
  });
  const members = everything(tx, false, { kind: 'group', group: group.id, account: tx.account });
  return tx.put('security-group', { ...group, rules: [members, ...group.rules] });
}

/** The default group of a VPC. */
export function defaultSecurityGroup(tx: Tx, vpc: string): SecurityGroupRecord {
  const group = tx.referring('security-group', vpc).find((each) => each.name === 'default');
  return (
    group ?? refuse('InvalidGroup.NotFound', `The security group 'default' does not exist in VPC '${vpc}'`)
  );
}

/** The account's default VPC in this region; refuses where there is none. */
export const defaultVpc = (tx: Tx): VpcRecord =>
  tx.list('vpc').find((vpc) => vpc.isDefault) ??
  refuse(
    'VPCIdNotSpecified',
    'No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.',
  );

/** The group that a request names by id, or by name in the default VPC. */
export function namedGroup(
  tx: Tx,
  { GroupId, GroupName }: { readonly GroupId?: string | undefined; readonly GroupName?: string | undefined },
): SecurityGroupRecord {
  if (GroupId !== undefined) return tx.need('security-group', GroupId);
  if (GroupName === undefined) return missing('groupName or groupId');
  const vpc = defaultVpc(tx);
  const group = tx.referring('security-group', vpc.id).find((each) => each.name === GroupName);
  return (
    group ??
    refuse('InvalidGroup.NotFound', `The security group '${GroupName}' does not exist in VPC '${vpc.id}'`)
  );
}

function ruleFilters(prefix: string, egress: boolean): Filters<SecurityGroupRecord> {
  const each =
    (value: (rule: GroupRuleRecord) => string | number | undefined) =>
    (group: SecurityGroupRecord): Property =>
      group.rules.filter((rule) => rule.egress === egress).map(value);
  const cidr = (rule: GroupRuleRecord, v6: boolean): string | undefined =>
    rule.peer.kind === 'cidr' && rule.peer.cidr.includes(':') === v6 ? rule.peer.cidr : undefined;
  return {
    [`${prefix}.cidr`]: each((rule) => cidr(rule, false)),
    [`${prefix}.ipv6-cidr`]: each((rule) => cidr(rule, true)),
    [`${prefix}.from-port`]: each((rule) => (rule.protocol === -1 ? undefined : rule.fromPort)),
    [`${prefix}.to-port`]: each((rule) => (rule.protocol === -1 ? undefined : rule.toPort)),
    [`${prefix}.protocol`]: each((rule) => protocolName(rule.protocol)),
    [`${prefix}.group-id`]: each((rule) => (rule.peer.kind === 'group' ? rule.peer.group : undefined)),
    [`${prefix}.user-id`]: each((rule) => (rule.peer.kind === 'group' ? rule.peer.account : undefined)),
    [`${prefix}.prefix-list-id`]: each(({ peer }) => (peer.kind === 'prefix-list' ? peer.list : undefined)),
    [`${prefix}.group-name`]: (group, tx) =>
      group.rules
        .filter((rule) => rule.egress === egress)
        .map(({ peer }) => (peer.kind === 'group' ? tx.get('security-group', peer.group)?.name : undefined)),
  };
}

const filters: Filters<SecurityGroupRecord> = {
  description: (group) => group.description,
  'group-id': (group) => group.id,
  'group-name': (group) => group.name,
  'owner-id': (group) => group.account,
  'vpc-id': (group) => group.vpc,
  ...ruleFilters('ip-permission', false),
  ...ruleFilters('egress.ip-permission', true),
};

const arn = (tx: Tx, group: SecurityGroupRecord): string =>
  `arn:aws:ec2:${tx.region}:${group.account}:security-group/${group.id}`;

const shown = (tx: Tx, group: SecurityGroupRecord): SecurityGroup => ({
  GroupId: group.id,
  GroupName: group.name,
  Description: group.description,
  OwnerId: group.account,
  VpcId: group.vpc,
  SecurityGroupArn: arn(tx, group),
  IpPermissions: permissionsOf(group.rules, false),
  IpPermissionsEgress: permissionsOf(group.rules, true),
  Tags: shownTags(group.tags),
});

function checkName(tx: Tx, vpc: VpcRecord, name: string): void {
  if (name === '' || name.length > 255 || !/^[\x20-\x7e]*$/.test(name)) {
    refuse(
      'InvalidParameterValue',
      `Invalid security group name '${name}': 1 to 255 printable ASCII characters.`,
    );
  }
  if (name.startsWith('sg-')) {
    refuse(
      'InvalidParameterValue',
      `Invalid group name '${name}'. Group names may not be in the format sg-*`,
    );
  }
  if (name.toLowerCase() === 'default') {
    refuse('InvalidGroup.Reserved', `The group name '${name}' is reserved`);
  }
  if (tx.referring('security-group', vpc.id).some((group) => group.name === name)) {
    refuse('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${vpc.id}'`);
  }
}

export const securityGroupHandlers: Handlers = {
  CreateSecurityGroup: handler((tx, input: CreateSecurityGroupRequest): CreateSecurityGroupResult => {
    const { GroupName: name = '', Description: description = '', VpcId } = input;
    const vpc = VpcId === undefined ? defaultVpc(tx) : tx.need('vpc', VpcId);
    checkName(tx, vpc, name);
    if (description === '' || description.length > 255 || !/^[\x20-\x7e]*$/.test(description)) {
      refuse(
        'InvalidParameterValue',
        `Invalid security group description '${description}'. Valid descriptions are ` +
          'strings less than 256 characters of printable ASCII.',
      );
    }
    if (tx.count('security-group') >= tx.settings.quotas.securityGroups) {
      refuse('SecurityGroupLimitExceeded', 'You have reached the limit on the number of security groups.');
    }
    const tags = specifiedTags(tx, input.TagSpecifications, 'security-group');
    const group = createSecurityGroup(tx, vpc, { name, description, tags });
    return { GroupId: group.id, SecurityGroupArn: arn(tx, group), Tags: shownTags(tags) };
  }),

  DescribeSecurityGroups: handler(
    (tx, input: DescribeSecurityGroupsRequest): DescribeSecurityGroupsResult => {
      const named = (input.GroupNames ?? []).map((GroupName) => namedGroup(tx, { GroupName }).id);
      const ids = [...(input.GroupIds ?? []), ...named];
      const page = describe(tx, { kind: 'security-group', ids, input, filters, indexed: ['vpc-id'] });
      return { SecurityGroups: page.records.map((group) => shown(tx, group)), ...page.next };
    },
  ),

  DeleteSecurityGroup: handler((tx, input: DeleteSecurityGroupRequest): DeleteSecurityGroupResult => {
    const group = namedGroup(tx, input);
    if (group.name === 'default') {
      refuse(
        'CannotDelete',
        `the specified group: "${group.id}" name: "default" cannot be deleted by a user`,
      );
    }
    const users = tx.referring('network-interface', group.id);
    const others = tx.referring('security-group', group.id).filter((each) => each.id !== group.id);
    if (users.length > 0 || others.length > 0) {
      refuse('DependencyViolation', `resource ${group.id} has a dependent object`);
    }
    tx.remove('security-group', group.id);
    return { Return: true, GroupId: group.id };
  }),
};
