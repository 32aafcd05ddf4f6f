/** `aws:ec2` NetworkAcl with rules and subnets of its own, NetworkAclRule and NetworkAclAssociation. */
import {
  CreateNetworkAclCommand,
  CreateNetworkAclEntryCommand,
  DeleteNetworkAclCommand,
  DeleteNetworkAclEntryCommand,
  DescribeNetworkAclsCommand,
  type NetworkAcl,
  ReplaceNetworkAclAssociationCommand,
  ReplaceNetworkAclEntryCommand,
} from '@aws-sdk/client-ec2';
import { isObject, type Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until } from './clients.ts';
import { count, type Definition, defined, flag, optionalText, retag, tagging, text, texts } from './type.ts';

async function describeAcl(clients: Clients, id: string): Promise<NetworkAcl | undefined> {
  const command = new DescribeNetworkAclsCommand({ NetworkAclIds: [id] });
  return (await unlessGone(clients.ec2.send(command)))?.NetworkAcls?.[0];
}

/** Names of protocols that an ACL knows by their numbers. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  all: '-1',
  icmp: '1',
  tcp: '6',
  udp: '17',
  icmpv6: '58',
};

/** What an entry lets through, or not, as EC2 is asked for it. */
function matchOf(rule: Properties, action: string) {
  const protocol = text(rule, 'protocol');
  const number = PROTOCOLS[protocol] ?? protocol;
  const hasPorts = number === '6' || number === '17';
  const hasTypes = number === '1' || number === '58';
  return {
    Protocol: number,
    RuleAction: text(rule, action) === 'allow' ? ('allow' as const) : ('deny' as const),
    CidrBlock: optionalText(rule, 'cidrBlock'),
    Ipv6CidrBlock: optionalText(rule, 'ipv6CidrBlock'),
    ...(hasPorts && { PortRange: { From: count(rule, 'fromPort'), To: count(rule, 'toPort') } }),
    ...(hasTypes && { IcmpTypeCode: { Type: count(rule, 'icmpType'), Code: count(rule, 'icmpCode') } }),
  };
}

type Direction = 'ingress' | 'egress';
const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

/** The rules in the ACL's own inputs, by their numbers. */
const inlineOf = (inputs: Properties, direction: Direction): ReadonlyMap<number, Properties> => {
  const given = inputs[direction];
  const rules = Array.isArray(given) ? given.filter(isObject) : [];
  return new Map(rules.map((rule) => [count(rule, 'ruleNo'), rule]));
};

/** Makes the rules of an ACL those of its inputs; rules that are resources of their own are not touched. */
async function changeRules(
  clients: Clients,
  NetworkAclId: string,
  old: Properties,
  inputs: Properties,
): Promise<void> {
  for (const direction of DIRECTIONS) {
    const key = { NetworkAclId, Egress: direction === 'egress' };
    const [before, now] = [inlineOf(old, direction), inlineOf(inputs, direction)];
    for (const RuleNumber of before.keys()) {
      if (now.has(RuleNumber)) continue;
      await unlessGone(clients.ec2.send(new DeleteNetworkAclEntryCommand({ ...key, RuleNumber })));
    }
    for (const [RuleNumber, rule] of now) {
      const held = before.get(RuleNumber);
      if (held !== undefined && JSON.stringify(held) === JSON.stringify(rule)) continue;
      const entry = { ...key, RuleNumber, ...matchOf(rule, 'action') };
      await (held === undefined
        ? clients.ec2.send(new CreateNetworkAclEntryCommand(entry))
        : clients.ec2.send(new ReplaceNetworkAclEntryCommand(entry)));
    }
  }
}

/** The association of a subnet, whichever ACL it is with. */
async function associationOf(clients: Clients, subnet: string) {
  const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
  const [acl] = (await clients.ec2.send(new DescribeNetworkAclsCommand({ Filters }))).NetworkAcls ?? [];
  const found = acl?.Associations?.find((each) => each.SubnetId === subnet);
  return found && { id: found.NetworkAclAssociationId ?? '', acl: acl?.NetworkAclId, vpc: acl?.VpcId };
}

/** Associates a subnet with an ACL, whichever it is with; the new association. */
async function associate(clients: Clients, subnet: string, NetworkAclId: string): Promise<string> {
  const before = await until(`${subnet} has a network ACL`, () => associationOf(clients, subnet));
  const command = new ReplaceNetworkAclAssociationCommand({ AssociationId: before.id, NetworkAclId });
  return need((await clients.ec2.send(command)).NewAssociationId, 'NewAssociationId');
}

/** Gives a subnet that is with the ACL back to the default one of its VPC. */
async function release(clients: Clients, subnet: string, acl: string): Promise<void> {
  const found = await associationOf(clients, subnet);
  if (found?.acl !== acl) return;
  const Filters = [
    { Name: 'vpc-id', Values: [found.vpc ?? ''] },
    { Name: 'default', Values: ['true'] },
  ];
  const [first] = (await clients.ec2.send(new DescribeNetworkAclsCommand({ Filters }))).NetworkAcls ?? [];
  await associate(clients, subnet, need(first?.NetworkAclId, 'the default network ACL'));
}

async function changeSubnets(clients: Clients, id: string, old: Properties, inputs: Properties) {
  const [before, now] = [texts(old, 'subnetIds'), texts(inputs, 'subnetIds')];
  for (const subnet of before) if (!now.includes(subnet)) await release(clients, subnet, id);
  for (const subnet of now) if (!before.includes(subnet)) await associate(clients, subnet, id);
}

/** The rules of the inputs that are still there: an engine that reads them again sees which have gone. */
function inlineFound({ Entries = [] }: NetworkAcl, inputs: Properties): Properties {
  const found = DIRECTIONS.filter((direction) => direction in inputs).map((direction) => {
    const isThere = (number: number): boolean =>
      Entries.some((each) => each.RuleNumber === number && each.Egress === (direction === 'egress'));
    return [direction, [...inlineOf(inputs, direction)].flatMap(([n, rule]) => (isThere(n) ? [rule] : []))];
  });
  return Object.fromEntries(found);
}

export const networkAcl: Definition = {
  inputs: ['tags', 'ingress', 'egress', 'subnetIds'],
  fixed: ['vpcId'],
  create: async (clients, inputs) => {
    const command = new CreateNetworkAclCommand({
      VpcId: text(inputs, 'vpcId'),
      ...tagging('network-acl', inputs),
    });
    const id = need((await clients.ec2.send(command)).NetworkAcl?.NetworkAclId, 'NetworkAclId');
    await until(`network ACL ${id} is there`, () => networkAcl.read(clients, id, inputs));
    await changeRules(clients, id, {}, inputs);
    await changeSubnets(clients, id, {}, inputs);
    return until(`network ACL ${id} is there`, () => networkAcl.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const found = await describeAcl(clients, id);
    if (found === undefined) return undefined;
    const outputs = defined({
      vpcId: found.VpcId,
      ownerId: found.OwnerId,
      ...inlineFound(found, inputs),
      subnetIds: (found.Associations ?? []).map((each) => each.SubnetId ?? ''),
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await changeRules(clients, id, old, inputs);
    await changeSubnets(clients, id, old, inputs);
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id) => {
    const found = await describeAcl(clients, id);
    for (const { SubnetId = '' } of found?.Associations ?? []) await release(clients, SubnetId, id);
    await unlessGone(clients.ec2.send(new DeleteNetworkAclCommand({ NetworkAclId: id })));
  },
};

const ruleKey = (inputs: Properties) => ({
  NetworkAclId: text(inputs, 'networkAclId'),
  RuleNumber: count(inputs, 'ruleNumber'),
  Egress: flag(inputs, 'egress'),
});

export const networkAclRule: Definition = {
  inputs: [],
  fixed: [
    ...['networkAclId', 'ruleNumber', 'egress', 'protocol', 'ruleAction', 'cidrBlock', 'ipv6CidrBlock'],
    ...['fromPort', 'toPort', 'icmpType', 'icmpCode'],
  ],
  create: async (clients, inputs) => {
    const command = new CreateNetworkAclEntryCommand({
      ...ruleKey(inputs),
      ...matchOf(inputs, 'ruleAction'),
    });
    await clients.ec2.send(command);
    const { NetworkAclId, RuleNumber, Egress } = ruleKey(inputs);
    const id = `nacl-${NetworkAclId}-${RuleNumber}-${Egress}`;
    return until(`rule ${id} is there`, () => networkAclRule.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const { NetworkAclId, RuleNumber, Egress } = ruleKey(inputs);
    const acl = await describeAcl(clients, NetworkAclId);
    const found = acl?.Entries?.find((each) => each.RuleNumber === RuleNumber && each.Egress === Egress);
    return found === undefined ? undefined : { id, outputs: { ...inputs, egress: Egress } };
  },
  remove: async (clients, _id, inputs) => {
    await unlessGone(clients.ec2.send(new DeleteNetworkAclEntryCommand(ruleKey(inputs))));
  },
};

export const networkAclAssociation: Definition = {
  inputs: [],
  fixed: ['networkAclId', 'subnetId'],
  create: async (clients, inputs) => {
    const id = await associate(clients, text(inputs, 'subnetId'), text(inputs, 'networkAclId'));
    return until(`association ${id} is there`, () => networkAclAssociation.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const found = await associationOf(clients, text(inputs, 'subnetId'));
    return found?.id === id ? { id, outputs: inputs } : undefined;
  },
  remove: (clients, _id, inputs) => release(clients, text(inputs, 'subnetId'), text(inputs, 'networkAclId')),
};
