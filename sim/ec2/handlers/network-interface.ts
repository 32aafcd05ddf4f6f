/** ENIs: create, describe, modify, attach, detach, delete. */
import type {
  AttachNetworkInterfaceRequest,
  AttachNetworkInterfaceResult,
  CreateNetworkInterfaceRequest,
  CreateNetworkInterfaceResult,
  DeleteNetworkInterfaceRequest,
  DescribeNetworkInterfaceAttributeRequest,
  DescribeNetworkInterfaceAttributeResult,
  DetachNetworkInterfaceRequest,
  ModifyNetworkInterfaceAttributeRequest,
  ResetNetworkInterfaceAttributeRequest,
} from '@aws-sdk/client-ec2';
import { type Handlers, handler, type Tx } from '../handler.ts';
import {
  attachInterface,
  detachInterface,
  groupsFor,
  makeInterface,
  type NewInterface,
  removeInterface,
} from '../network-interface.ts';
import type { NetworkInterfaceRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { describeInterfaces, shownAttachment, shownInterface } from './network-interface-describe.ts';

type AddressInput = Pick<
  CreateNetworkInterfaceRequest,
  | 'PrivateIpAddress'
  | 'PrivateIpAddresses'
  | 'SecondaryPrivateIpAddressCount'
  | 'Ipv6Addresses'
  | 'Ipv6AddressCount'
>;

/** The addresses that a request wants for an ENI; also for the ENIs of RunInstances. */
export function wantedAddresses(
  input: AddressInput,
): Pick<NewInterface, 'ipv4' | 'secondaryCount' | 'ipv6' | 'ipv6Count'> {
  const { PrivateIpAddress: single, PrivateIpAddresses: list = [] } = input;
  const { SecondaryPrivateIpAddressCount: secondaryCount, Ipv6AddressCount: ipv6Count } = input;
  const primaries = list.filter((each) => each.Primary === true);
  if (primaries.length > 1 || (single !== undefined && primaries.length > 0)) {
    refuse('InvalidParameterCombination', 'Only one primary private IP address can be specified.');
  }
  if (secondaryCount !== undefined && list.some((each) => each.Primary !== true)) {
    const why = 'Secondary private addresses and their count may not be specified together.';
    refuse('InvalidParameterCombination', why);
  }
  const text = (each: { readonly PrivateIpAddress?: string | undefined }): string =>
    each.PrivateIpAddress ?? missing('privateIpAddresses.privateIpAddress');
  const secondary = list.filter((each) => each.Primary !== true).map(text);
  const primary = single === undefined ? primaries.map(text) : [single];
  if (primary.length === 0 && secondary.length > 0) {
    refuse('InvalidParameterCombination', 'Secondary private addresses need a primary one beside them.');
  }
  const ipv6 = (input.Ipv6Addresses ?? []).map(
    (each) => each.Ipv6Address ?? missing('ipv6Addresses.ipv6Address'),
  );
  return {
    ipv4: [...primary, ...secondary],
    ipv6,
    ...(secondaryCount !== undefined && {
      secondaryCount: bounded('secondaryPrivateIpAddressCount', secondaryCount),
    }),
    ...(ipv6Count !== undefined && { ipv6Count: bounded('ipv6AddressCount', ipv6Count) }),
  };
}

const bounded = (parameter: string, count: number): number =>
  Number.isInteger(count) && count >= 0 && count <= 256
    ? count
    : invalidValue(parameter, count, 'It must be a whole number from 0 to 256.');

function interfaceType(type: string | undefined): NetworkInterfaceRecord['interfaceType'] {
  switch (type) {
    case undefined:
    case 'interface':
      return 'interface';
    case 'efa':
    case 'branch':
    case 'trunk':
    case 'efa-only':
      return type;
    default:
      return invalidValue('interfaceType', type);
  }
}

function create(tx: Tx, input: CreateNetworkInterfaceRequest): CreateNetworkInterfaceResult {
  if (
    input.Ipv4Prefixes?.length ||
    input.Ipv4PrefixCount ||
    input.Ipv6Prefixes?.length ||
    input.Ipv6PrefixCount
  ) {
    refuse('UnsupportedOperation', 'Prefix delegation is not simulated; give addresses.');
  }
  const eni = makeInterface(tx, {
    subnet: input.SubnetId ?? '',
    ...wantedAddresses(input),
    groups: input.Groups ?? [],
    description: input.Description ?? '',
    interfaceType: interfaceType(input.InterfaceType),
    tags: specifiedTags(tx, input.TagSpecifications, 'network-interface'),
  });
  return {
    NetworkInterface: { ...shownInterface(tx, eni), Status: 'pending' as 'available' },
    ...(input.ClientToken && { ClientToken: input.ClientToken }),
  };
}

function attach(tx: Tx, input: AttachNetworkInterfaceRequest): AttachNetworkInterfaceResult {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const instance = tx.need('instance', input.InstanceId ?? '');
  if (instance.state !== 'running' && instance.state !== 'stopped') {
    const why = `The instance '${instance.id}' is in state '${instance.state}'`;
    refuse('IncorrectState', `${why}; it must be 'running' or 'stopped' for this operation.`);
  }
  const { DeviceIndex: deviceIndex = 0, NetworkCardIndex: networkCardIndex = 0 } = input;
  bounded('deviceIndex', deviceIndex);
  const attached = attachInterface(tx, eni, instance, {
    deviceIndex,
    networkCardIndex,
    deleteOnTermination: false,
    atLaunch: false,
  });
  return { AttachmentId: attached.attachment?.id, NetworkCardIndex: networkCardIndex };
}

/** The ENI of an attachment id. */
function needAttachment(tx: Tx, id: string): NetworkInterfaceRecord {
  const eni = tx.referring('network-interface', id).find((each) => each.attachment?.id === id);
  return eni ?? refuse('InvalidAttachmentID.NotFound', `The attachment ID '${id}' does not exist`);
}

function detach(
  tx: Tx,
  { AttachmentId: id = '', Force: force = false }: DetachNetworkInterfaceRequest,
): undefined {
  const eni = needAttachment(tx, id);
  if (eni.attachment?.deviceIndex === 0) {
    refuse('OperationNotPermitted', 'The network interface at device index 0 cannot be detached.');
  }
  if (eni.attachment?.status === 'detaching' && !force) {
    refuse('IncorrectState', `The attachment '${id}' is in state 'detaching'; force it, or wait.`);
  }
  detachInterface(tx, eni, force);
  return undefined;
}

function modifyAttribute(tx: Tx, input: ModifyNetworkInterfaceAttributeRequest): undefined {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const { Attachment: attachment, Description: description, Groups: groups, SourceDestCheck: check } = input;
  const given = [attachment, description, groups, check].filter((each) => each !== undefined);
  if (given.length !== 1) {
    const why =
      given.length === 0 ? 'No attributes specified' : 'Only one attribute can be modified at a time';
    refuse('InvalidParameterCombination', `${why}: attachment, description, groupSet, sourceDestCheck.`);
  }
  if (description !== undefined)
    tx.put('network-interface', { ...eni, description: description.Value ?? '' });
  if (check !== undefined) {
    const sourceDestCheck = check.Value ?? missing('sourceDestCheck.value');
    tx.put('network-interface', { ...eni, sourceDestCheck });
  }
  if (groups !== undefined) tx.put('network-interface', { ...eni, groups: groupsFor(tx, eni.vpc, groups) });
  if (attachment !== undefined) {
    const { AttachmentId: id = '', DeleteOnTermination: deleteOnTermination } = attachment;
    if (eni.attachment === undefined || eni.attachment.id !== id) {
      return refuse('InvalidAttachmentID.NotFound', `The attachment ID '${id}' does not exist`);
    }
    const changed = deleteOnTermination ?? missing('attachment.deleteOnTermination');
    tx.put('network-interface', { ...eni, attachment: { ...eni.attachment, deleteOnTermination: changed } });
  }
  return undefined;
}

function describeAttribute(
  tx: Tx,
  input: DescribeNetworkInterfaceAttributeRequest,
): DescribeNetworkInterfaceAttributeResult {
  const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
  const NetworkInterfaceId = eni.id;
  const attribute = input.Attribute as string | undefined;
  switch (attribute) {
    case 'description':
      return { NetworkInterfaceId, Description: { Value: eni.description } };
    case 'groupSet':
      return { NetworkInterfaceId, Groups: shownInterface(tx, eni).Groups };
    case 'sourceDestCheck':
      return { NetworkInterfaceId, SourceDestCheck: { Value: eni.sourceDestCheck } };
    case 'attachment':
      return { NetworkInterfaceId, ...(eni.attachment && { Attachment: shownAttachment(eni.attachment) }) };
    default:
      return invalidValue('attribute', attribute);
  }
}

export const networkInterfaceHandlers: Handlers = {
  CreateNetworkInterface: handler(create),
  DescribeNetworkInterfaces: handler(describeInterfaces),
  AttachNetworkInterface: handler(attach),
  DetachNetworkInterface: handler(detach),
  ModifyNetworkInterfaceAttribute: handler(modifyAttribute),
  DescribeNetworkInterfaceAttribute: handler(describeAttribute),

  ResetNetworkInterfaceAttribute: handler((tx, input: ResetNetworkInterfaceAttributeRequest) => {
    const eni = tx.need('network-interface', input.NetworkInterfaceId ?? '');
    const { SourceDestCheck: which } = input;
    if (which !== undefined && which !== 'sourceDestCheck') invalidValue('sourceDestCheck', which);
    tx.put('network-interface', { ...eni, sourceDestCheck: true });
    return undefined;
  }),

  DeleteNetworkInterface: handler((tx, { NetworkInterfaceId: id = '' }: DeleteNetworkInterfaceRequest) => {
    const eni = tx.need('network-interface', id);
    if (eni.attachment !== undefined || eni.manager !== undefined) {
      refuse('InvalidParameterValue', `Network interface '${eni.id}' is currently in use.`);
    }
    removeInterface(tx, eni);
    return undefined;
  }),
};
