/** `aws:ec2` NetworkInterface, NetworkInterfaceAttachment, Eip and EipAssociation. */
import {
  AllocateAddressCommand,
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  AttachNetworkInterfaceCommand,
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  DescribeAddressesCommand,
  DescribeNetworkInterfacesCommand,
  DetachNetworkInterfaceCommand,
  DisassociateAddressCommand,
  ModifyNetworkInterfaceAttributeCommand,
  ReleaseAddressCommand,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { arn } from './network.ts';
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
  texts,
} from './type.ts';

const describe = async (clients: Clients, id: string) => {
  const command = new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [id] });
  return (await unlessGone(clients.ec2.send(command)))?.NetworkInterfaces?.[0];
};

/** Makes the secondary addresses, description, groups and source/dest check those of the inputs. */
async function changeInterface(
  clients: Clients,
  id: string,
  old: Properties,
  inputs: Properties,
): Promise<void> {
  const NetworkInterfaceId = id;
  const modify = (change: Omit<ModifyInput, 'NetworkInterfaceId'>) =>
    clients.ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, ...change }));
  if (differs(old, inputs, 'sourceDestCheck')) {
    await modify({ SourceDestCheck: { Value: flag(inputs, 'sourceDestCheck') } });
  }
  if (differs(old, inputs, 'description'))
    await modify({ Description: { Value: text(inputs, 'description') } });
  if (differs(old, inputs, 'securityGroups')) await modify({ Groups: texts(inputs, 'securityGroups') });
  const [before, now] = [texts(old, 'privateIps'), texts(inputs, 'privateIps')];
  const gone = before.filter((address) => !now.includes(address));
  const added = now.filter((address) => !before.includes(address));
  if (gone.length > 0) {
    await clients.ec2.send(
      new UnassignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: gone }),
    );
  }
  if (added.length > 0) {
    await clients.ec2.send(
      new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: added }),
    );
  }
}

type ModifyInput = ConstructorParameters<typeof ModifyNetworkInterfaceAttributeCommand>[0];

/** Takes an ENI off the instance that a daemon attached it to; succeeds where it is free. */
async function release(clients: Clients, id: string): Promise<void> {
  const AttachmentId = (await describe(clients, id))?.Attachment?.AttachmentId;
  if (AttachmentId === undefined) return;
  await unlessGone(clients.ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId, Force: true })));
  await until(`ENI ${id} is detached`, async () => {
    const now = await describe(clients, id);
    return now === undefined || now.Status === 'available' ? true : undefined;
  });
}

export const networkInterface: Definition = {
  inputs: ['privateIps', 'securityGroups', 'sourceDestCheck', 'description', 'tags'],
  fixed: ['subnetId', 'ipv6AddressCount'],
  defaults: { sourceDestCheck: true, description: 'Managed by Pulumi' },
  // The primary address comes first, and an ENI keeps it for life.
  replaces: (property, old, inputs) =>
    property === 'privateIps' && texts(old, property)[0] !== texts(inputs, property)[0],
  create: async (clients, inputs) => {
    const addresses = texts(inputs, 'privateIps');
    const answer = await clients.ec2.send(
      new CreateNetworkInterfaceCommand({
        SubnetId: text(inputs, 'subnetId'),
        Description: text(inputs, 'description'),
        Groups: 'securityGroups' in inputs ? texts(inputs, 'securityGroups') : undefined,
        PrivateIpAddresses: addresses.map((PrivateIpAddress, index) => ({
          PrivateIpAddress,
          Primary: index === 0,
        })),
        ...('ipv6AddressCount' in inputs ? { Ipv6AddressCount: count(inputs, 'ipv6AddressCount') } : {}),
        ClientToken: crypto.randomUUID(),
        ...tagging('network-interface', inputs),
      }),
    );
    const id = need(answer.NetworkInterface?.NetworkInterfaceId, 'NetworkInterfaceId');
    await until(`ENI ${id} is available`, async () =>
      (await describe(clients, id))?.Status === 'available' ? true : undefined,
    );
    await changeInterface(clients, id, { ...inputs, sourceDestCheck: true }, inputs);
    return until(`ENI ${id} is there`, () => networkInterface.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = await describe(clients, id);
    if (found === undefined) return undefined;
    const addresses = (found.PrivateIpAddresses ?? []).flatMap((one) => one.PrivateIpAddress ?? []);
    const ipv6Addresses = (found.Ipv6Addresses ?? []).flatMap((one) => one.Ipv6Address ?? []);
    const outputs = defined({
      arn: arn(clients, found.OwnerId, 'network-interface', id),
      ownerId: found.OwnerId,
      subnetId: found.SubnetId,
      macAddress: found.MacAddress,
      privateIp: found.PrivateIpAddress,
      privateIps: addresses,
      ipv6Addresses,
      ipv6AddressCount: ipv6Addresses.length,
      securityGroups: (found.Groups ?? []).flatMap((one) => one.GroupId ?? []),
      sourceDestCheck: found.SourceDestCheck,
      description: found.Description,
      tags: tagsFrom(found.TagSet),
      tagsAll: tagsFrom(found.TagSet),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await changeInterface(clients, id, old, inputs);
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id) => {
    await release(clients, id);
    const codes = ['InvalidNetworkInterface.InUse', 'InvalidParameterValue'];
    const work = () => clients.ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id }));
    await unlessGone(whileRefused(codes, work, 10_000));
  },
};

/** The ENI of an attachment. */
async function attachedBy(clients: Clients, attachment: string) {
  const Filters = [{ Name: 'attachment.attachment-id', Values: [attachment] }];
  return (await clients.ec2.send(new DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces?.[0];
}

export const networkInterfaceAttachment: Definition = {
  inputs: [],
  fixed: ['networkInterfaceId', 'instanceId', 'deviceIndex'],
  create: async (clients, inputs) => {
    const command = new AttachNetworkInterfaceCommand({
      NetworkInterfaceId: text(inputs, 'networkInterfaceId'),
      InstanceId: text(inputs, 'instanceId'),
      DeviceIndex: count(inputs, 'deviceIndex'),
    });
    const id = need((await clients.ec2.send(command)).AttachmentId, 'AttachmentId');
    return until(`attachment ${id} is attached`, async () => {
      const made = await networkInterfaceAttachment.read(clients, id, inputs);
      return made?.outputs.status === 'attached' ? made : undefined;
    });
  },
  read: async (clients, id) => {
    const found = await attachedBy(clients, id);
    if (found === undefined) return undefined;
    const outputs = defined({
      attachmentId: id,
      networkInterfaceId: found.NetworkInterfaceId,
      instanceId: found.Attachment?.InstanceId,
      deviceIndex: found.Attachment?.DeviceIndex,
      status: found.Attachment?.Status,
    });
    return { id, outputs };
  },
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId: id, Force: true })));
    await until(`attachment ${id} is gone`, async () =>
      (await attachedBy(clients, id)) === undefined ? true : undefined,
    );
  },
};

const describeAddress = async (clients: Clients, Filters: { Name: string; Values: string[] }[]) =>
  (await clients.ec2.send(new DescribeAddressesCommand({ Filters }))).Addresses?.[0];

export const eip: Definition = {
  inputs: ['tags'],
  fixed: ['domain'],
  defaults: { domain: 'vpc' },
  create: async (clients, inputs) => {
    const command = new AllocateAddressCommand({ Domain: 'vpc', ...tagging('elastic-ip', inputs) });
    const id = need((await clients.ec2.send(command)).AllocationId, 'AllocationId');
    return until(`EIP ${id} is there`, () => eip.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = await describeAddress(clients, [{ Name: 'allocation-id', Values: [id] }]);
    if (found === undefined) return undefined;
    const outputs = defined({
      allocationId: id,
      // An answer names the owner of what the address leads to, not its own.
      arn: arn(clients, await clients.account(), 'elastic-ip', id),
      domain: found.Domain,
      publicIp: found.PublicIp,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: retag,
  remove: async (clients, id) => {
    // As the real provider: what something else has associated is disassociated first.
    const found = await describeAddress(clients, [{ Name: 'allocation-id', Values: [id] }]);
    const AssociationId = found?.AssociationId;
    if (AssociationId !== undefined)
      await unlessGone(clients.ec2.send(new DisassociateAddressCommand({ AssociationId })));
    const work = () => clients.ec2.send(new ReleaseAddressCommand({ AllocationId: id }));
    await unlessGone(whileRefused(['InvalidIPAddress.InUse'], work, 10_000));
  },
};

export const eipAssociation: Definition = {
  inputs: [],
  fixed: ['allocationId', 'networkInterfaceId', 'instanceId', 'privateIpAddress', 'allowReassociation'],
  create: async (clients, inputs) => {
    const command = new AssociateAddressCommand({
      AllocationId: text(inputs, 'allocationId'),
      NetworkInterfaceId: optionalText(inputs, 'networkInterfaceId'),
      InstanceId: optionalText(inputs, 'instanceId'),
      PrivateIpAddress: optionalText(inputs, 'privateIpAddress'),
      AllowReassociation: flag(inputs, 'allowReassociation'),
    });
    const id = need((await clients.ec2.send(command)).AssociationId, 'AssociationId');
    return until(`association ${id} is there`, () => eipAssociation.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = await describeAddress(clients, [{ Name: 'association-id', Values: [id] }]);
    if (found === undefined) return undefined;
    const outputs = defined({
      allocationId: found.AllocationId,
      networkInterfaceId: found.NetworkInterfaceId,
      instanceId: found.InstanceId,
      privateIpAddress: found.PrivateIpAddress,
      publicIp: found.PublicIp,
    });
    return { id, outputs };
  },
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DisassociateAddressCommand({ AssociationId: id })));
  },
};
