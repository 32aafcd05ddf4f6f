/** `aws:ec2` NetworkAcl (its rules apart), NetworkAclRule, NetworkAclAssociation and ManagedPrefixList. */
import {
  type AddPrefixListEntry,
  CreateManagedPrefixListCommand,
  CreateNetworkAclCommand,
  CreateNetworkAclEntryCommand,
  DeleteManagedPrefixListCommand,
  DeleteNetworkAclCommand,
  DeleteNetworkAclEntryCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkAclsCommand,
  GetManagedPrefixListEntriesCommand,
  ModifyManagedPrefixListCommand,
  type NetworkAcl,
  ReplaceNetworkAclAssociationCommand,
} from '@aws-sdk/client-ec2';
import { isObject, type Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until } from './clients.ts';
import {
  count,
  type Definition,
  defined,
  differs,
  flag,
  optionalText,
  retag,
  tagging,
  text,
} from './type.ts';

async function describeAcl(clients: Clients, id: string): Promise<NetworkAcl | undefined> {
  const command = new DescribeNetworkAclsCommand({ NetworkAclIds: [id] });
  return (await unlessGone(clients.ec2.send(command)))?.NetworkAcls?.[0];
}

export const networkAcl: Definition = {
  inputs: ['tags'],
  fixed: ['vpcId'],
  create: async (clients, inputs) => {
    const command = new CreateNetworkAclCommand({
      VpcId: text(inputs, 'vpcId'),
      ...tagging('network-acl', inputs),
    });
    const id = need((await clients.ec2.send(command)).NetworkAcl?.NetworkAclId, 'NetworkAclId');
    return until(`network ACL ${id} is there`, () => networkAcl.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = await describeAcl(clients, id);
    if (found === undefined) return undefined;
    const outputs = defined({
      vpcId: found.VpcId,
      ownerId: found.OwnerId,
      subnetIds: (found.Associations ?? []).map((each) => each.SubnetId ?? ''),
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteNetworkAclCommand({ NetworkAclId: id })));
  },
};

const ruleKey = (inputs: Properties) => ({
  NetworkAclId: text(inputs, 'networkAclId'),
  RuleNumber: count(inputs, 'ruleNumber'),
  Egress: flag(inputs, 'egress'),
});

/** Names of protocols that an ACL knows by their numbers. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  all: '-1',
  icmp: '1',
  tcp: '6',
  udp: '17',
  icmpv6: '58',
};

export const networkAclRule: Definition = {
  inputs: [],
  fixed: [
    ...['networkAclId', 'ruleNumber', 'egress', 'protocol', 'ruleAction', 'cidrBlock', 'ipv6CidrBlock'],
    ...['fromPort', 'toPort', 'icmpType', 'icmpCode'],
  ],
  create: async (clients, inputs) => {
    const protocol = text(inputs, 'protocol');
    const number = PROTOCOLS[protocol] ?? protocol;
    const hasPorts = number === '6' || number === '17';
    const hasTypes = number === '1' || number === '58';
    const command = new CreateNetworkAclEntryCommand({
      ...ruleKey(inputs),
      Protocol: number,
      RuleAction: text(inputs, 'ruleAction') === 'allow' ? 'allow' : 'deny',
      CidrBlock: optionalText(inputs, 'cidrBlock'),
      Ipv6CidrBlock: optionalText(inputs, 'ipv6CidrBlock'),
      ...(hasPorts && { PortRange: { From: count(inputs, 'fromPort'), To: count(inputs, 'toPort') } }),
      ...(hasTypes && { IcmpTypeCode: { Type: count(inputs, 'icmpType'), Code: count(inputs, 'icmpCode') } }),
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

/** The association of a subnet, whichever ACL it is with. */
async function associationOf(clients: Clients, subnet: string) {
  const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
  const [acl] = (await clients.ec2.send(new DescribeNetworkAclsCommand({ Filters }))).NetworkAcls ?? [];
  const found = acl?.Associations?.find((each) => each.SubnetId === subnet);
  return found && { id: found.NetworkAclAssociationId ?? '', acl: acl?.NetworkAclId, vpc: acl?.VpcId };
}

export const networkAclAssociation: Definition = {
  inputs: [],
  fixed: ['networkAclId', 'subnetId'],
  create: async (clients, inputs) => {
    const subnet = text(inputs, 'subnetId');
    const before = await until(`${subnet} has a network ACL`, () => associationOf(clients, subnet));
    const NetworkAclId = text(inputs, 'networkAclId');
    const command = new ReplaceNetworkAclAssociationCommand({ AssociationId: before.id, NetworkAclId });
    const id = need((await clients.ec2.send(command)).NewAssociationId, 'NewAssociationId');
    return until(`association ${id} is there`, () => networkAclAssociation.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const found = await associationOf(clients, text(inputs, 'subnetId'));
    return found?.id === id ? { id, outputs: inputs } : undefined;
  },
  remove: async (clients, id, inputs) => {
    const found = await associationOf(clients, text(inputs, 'subnetId'));
    if (found?.id !== id) return;
    const Filters = [
      { Name: 'vpc-id', Values: [found.vpc ?? ''] },
      { Name: 'default', Values: ['true'] },
    ];
    const [first] = (await clients.ec2.send(new DescribeNetworkAclsCommand({ Filters }))).NetworkAcls ?? [];
    const NetworkAclId = need(first?.NetworkAclId, 'the default network ACL');
    await clients.ec2.send(new ReplaceNetworkAclAssociationCommand({ AssociationId: id, NetworkAclId }));
  },
};

const entriesOf = (inputs: Properties): AddPrefixListEntry[] =>
  (Array.isArray(inputs.entries) ? inputs.entries : []).filter(isObject).map((entry) => ({
    Cidr: text(entry, 'cidr'),
    Description: optionalText(entry, 'description'),
  }));

async function describeList(clients: Clients, id: string) {
  const command = new DescribeManagedPrefixListsCommand({ PrefixListIds: [id] });
  return (await unlessGone(clients.ec2.send(command)))?.PrefixLists?.[0];
}

export const managedPrefixList: Definition = {
  inputs: ['name', 'entries', 'maxEntries', 'tags'],
  fixed: ['addressFamily'],
  named: 'name',
  create: async (clients, inputs) => {
    const command = new CreateManagedPrefixListCommand({
      PrefixListName: text(inputs, 'name'),
      AddressFamily: text(inputs, 'addressFamily'),
      MaxEntries: count(inputs, 'maxEntries'),
      Entries: entriesOf(inputs),
      ...tagging('prefix-list', inputs),
    });
    const id = need((await clients.ec2.send(command)).PrefixList?.PrefixListId, 'PrefixListId');
    return until(`prefix list ${id} is there`, async () => {
      const found = await describeList(clients, id);
      return found?.State === 'create-complete' ? managedPrefixList.read(clients, id, inputs) : undefined;
    });
  },
  read: async (clients, id) => {
    const found = await describeList(clients, id);
    if (found === undefined) return undefined;
    const command = new GetManagedPrefixListEntriesCommand({ PrefixListId: id });
    const entries = (await unlessGone(clients.ec2.send(command)))?.Entries ?? [];
    const outputs = defined({
      name: found.PrefixListName,
      addressFamily: found.AddressFamily,
      maxEntries: found.MaxEntries,
      version: found.Version,
      arn: found.PrefixListArn,
      ownerId: found.OwnerId,
      entries: entries.map(({ Cidr = '', Description = '' }) => ({ cidr: Cidr, description: Description })),
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await retag(clients, id, old, inputs);
    const idle = () =>
      until(`prefix list ${id} is idle`, async () => {
        const found = await describeList(clients, id);
        return found?.State?.endsWith('-complete') ? found : undefined;
      });
    const change = async (what: object): Promise<void> => {
      await clients.ec2.send(new ModifyManagedPrefixListCommand({ PrefixListId: id, ...what }));
      await idle();
    };
    if (differs(old, inputs, 'name')) await change({ PrefixListName: text(inputs, 'name') });
    if (differs(old, inputs, 'maxEntries')) await change({ MaxEntries: count(inputs, 'maxEntries') });
    if (!differs(old, inputs, 'entries')) return;
    const { Version: CurrentVersion } = await idle();
    const RemoveEntries = entriesOf(old).map(({ Cidr }) => ({ Cidr }));
    await change({ CurrentVersion, RemoveEntries, AddEntries: entriesOf(inputs) });
  },
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteManagedPrefixListCommand({ PrefixListId: id })));
    await until(`prefix list ${id} is gone`, async () =>
      (await describeList(clients, id)) === undefined ? true : undefined,
    );
  },
};
