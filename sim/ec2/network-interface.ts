/**
 * What can be done with an ENI, for the handlers of ENIs and of instances: create, attach, detach, delete.
 * Attaching and detaching take the time of the settings; the data plane sees an ENI on its instance only
 * while it is `attached`.
 */
import { freeIpv4, freeIpv6, namedAddresses } from './addressing.ts';
import { INSTANCE_TYPES } from './catalog/instance-types.ts';
import type { Transitions, Tx } from './handler.ts';
import { defaultSecurityGroup } from './handlers/security-group.ts';
import { makeMac } from './identifier.ts';
import { cutPublicAddress } from './public-address.ts';
import type { Tags } from './record/base.ts';
import type { InstanceRecord } from './record/compute.ts';
import type { EniAttachment, NetworkInterfaceRecord, SubnetRecord } from './record/network.ts';
import { refuse } from './refusal.ts';

export interface NewInterface {
  readonly subnet: string;
  /** Private IPv4 addresses, primary first; where there is none, EC2 picks the primary. */
  readonly ipv4?: readonly string[];
  /** Secondary IPv4 addresses that EC2 picks. */
  readonly secondaryCount?: number;
  readonly ipv6?: readonly string[];
  readonly ipv6Count?: number;
  /** Security groups; where there is none, the default group of the VPC. */
  readonly groups?: readonly string[];
  readonly description?: string;
  readonly interfaceType?: NetworkInterfaceRecord['interfaceType'];
  readonly tags?: Tags;
}

/** Makes an ENI that is attached to nothing. */
export function makeInterface(tx: Tx, wanted: NewInterface): NetworkInterfaceRecord {
  if (tx.count('network-interface') >= tx.settings.quotas.networkInterfaces) {
    refuse('NetworkInterfaceLimitExceeded', 'The maximum number of network interfaces has been reached.');
  }
  const subnet = tx.need('subnet', wanted.subnet);
  return tx.put('network-interface', {
    id: tx.newId('eni'),
    tags: wanted.tags ?? {},
    account: tx.account,
    vpc: subnet.vpc,
    subnet: subnet.id,
    zone: subnet.zone,
    mac: makeMac(tx.random),
    description: wanted.description ?? '',
    interfaceType: wanted.interfaceType ?? 'interface',
    ipv4: ipv4Of(tx, subnet, wanted),
    ipv6: ipv6Of(tx, subnet, wanted),
    publicAddresses: [],
    groups: groupsFor(tx, subnet.vpc, wanted.groups ?? []),
    sourceDestCheck: true,
  });
}

function ipv4Of(tx: Tx, subnet: SubnetRecord, { ipv4 = [], secondaryCount = 0 }: NewInterface): string[] {
  const named = namedAddresses(tx, subnet, ipv4, 4);
  const picked = freeIpv4(tx, subnet, secondaryCount + (named.length === 0 ? 1 : 0), named);
  return [...named, ...picked];
}

function ipv6Of(tx: Tx, subnet: SubnetRecord, { ipv6 = [], ipv6Count }: NewInterface): string[] {
  const named = namedAddresses(tx, subnet, ipv6, 6);
  const automatic = subnet.assignIpv6AddressOnCreation && named.length === 0 ? 1 : 0;
  const count = ipv6Count ?? automatic;
  return count > 0 ? [...named, ...freeIpv6(tx, subnet, count)] : named;
}

/** Checks that the security groups exist in the VPC; none means the default group. */
export function groupsFor(tx: Tx, vpc: string, ids: readonly string[]): readonly string[] {
  if (ids.length === 0) return [defaultSecurityGroup(tx, vpc).id];
  const unique = [...new Set(ids)];
  for (const id of unique) {
    if (tx.need('security-group', id).vpc !== vpc) {
      refuse(
        'InvalidParameter',
        `You have specified two resources that belong to different networks: ${id}, ${vpc}.`,
      );
    }
  }
  if (unique.length > tx.settings.quotas.groupsPerInterface) {
    const most = `The maximum number of security groups per interface has been reached (${unique.length}).`;
    refuse('SecurityGroupsPerInterfaceLimitExceeded', most);
  }
  return unique;
}

/** Refuses more private addresses than the type of the instance, that the ENI is attached to, can have. */
export function checkAddressLimit(tx: Tx, eni: NetworkInterfaceRecord): void {
  const instance = eni.attachment && tx.get('instance', eni.attachment.instance);
  const limit = instance && INSTANCE_TYPES.get(instance.type)?.ipv4PerInterface;
  if (limit !== undefined && (eni.ipv4.length > limit || eni.ipv6.length > limit)) {
    const why = `Number of private addresses will exceed limit of ${limit}`;
    refuse('PrivateIpAddressLimitExceeded', `${why} for instance type ${instance?.type}.`);
  }
}

export interface Attaching {
  readonly deviceIndex: number;
  readonly networkCardIndex?: number;
  readonly deleteOnTermination: boolean;
  /** At launch the ENI is there at once; otherwise it takes `attachMs`. */
  readonly atLaunch: boolean;
}

/** Attaches an available ENI to an instance that may have it; refuses in EC2's words. */
export function attachInterface(
  tx: Tx,
  eni: NetworkInterfaceRecord,
  instance: Pick<InstanceRecord, 'id' | 'zone' | 'type' | 'account'>,
  { deviceIndex, networkCardIndex = 0, deleteOnTermination, atLaunch }: Attaching,
): NetworkInterfaceRecord {
  const taken = eni.attachment !== undefined || eni.manager !== undefined;
  if (taken) refuse('InvalidNetworkInterface.InUse', `Interface: [${eni.id}] in use.`);
  if (eni.zone !== instance.zone) {
    const why =
      'You may not attach a network interface to an instance if they are not in the same availability zone';
    refuse('InvalidParameterCombination', why);
  }
  const present = tx.referring('network-interface', instance.id);
  if (present.some((each) => each.attachment?.deviceIndex === deviceIndex)) {
    const why = `already has an interface attached at device index '${deviceIndex}'.`;
    refuse('InvalidParameterValue', `Instance '${instance.id}' ${why}`);
  }
  const limit = INSTANCE_TYPES.get(instance.type)?.interfaces;
  if (limit !== undefined && present.length >= limit) {
    refuse(
      'AttachmentLimitExceeded',
      `Interface count ${present.length + 1} exceeds the limit for ${instance.type}`,
    );
  }
  const attachment: EniAttachment = {
    id: tx.newId('eni-attach'),
    instance: instance.id,
    instanceOwner: instance.account,
    deviceIndex,
    networkCardIndex,
    status: atLaunch ? 'attached' : 'attaching',
    attachTime: tx.date(),
    deleteOnTermination,
  };
  if (!atLaunch) tx.after(tx.settings.attachMs, { name: 'interface-attached', id: attachment.id });
  const attached = { ...eni, attachment };
  tx.put('network-interface', attached);
  checkAddressLimit(tx, attached);
  return attached;
}

/** Starts to detach an ENI; `force` takes the time of the settings for that. */
export function detachInterface(tx: Tx, eni: NetworkInterfaceRecord, force: boolean): void {
  const { attachment } = eni;
  if (attachment === undefined) return;
  tx.put('network-interface', { ...eni, attachment: { ...attachment, status: 'detaching' } });
  const delay = force ? tx.settings.forceDetachMs : tx.settings.detachMs;
  tx.after(delay, { name: 'interface-detached', id: attachment.id });
}

/** Cuts an ENI from its instance at once, as termination does. */
export function cutInterface(tx: Tx, eni: NetworkInterfaceRecord): NetworkInterfaceRecord {
  const { attachment: _, ...free } = eni;
  return tx.put('network-interface', free);
}

/** Removes an ENI with all its addresses; the caller has checked that it may. */
export function removeInterface(tx: Tx, eni: NetworkInterfaceRecord): void {
  for (const address of eni.ipv4) cutPublicAddress(tx, eni.id, address);
  tx.remove('network-interface', eni.id);
}

export const interfaceTransitions: Transitions = {
  'interface-attached': (tx, id) => {
    const [eni] = tx.referring('network-interface', id);
    if (eni?.attachment?.id !== id || eni.attachment.status !== 'attaching') return;
    tx.put('network-interface', { ...eni, attachment: { ...eni.attachment, status: 'attached' } });
  },
  'interface-detached': (tx, id) => {
    const [eni] = tx.referring('network-interface', id);
    if (eni?.attachment?.id === id && eni.attachment.status === 'detaching') cutInterface(tx, eni);
  },
};
