/** DescribeInstances and DescribeInstanceStatus with their filters. Changes nothing. */
import type {
  DescribeInstanceStatusRequest,
  DescribeInstanceStatusResult,
  DescribeInstancesRequest,
  DescribeInstancesResult,
  InstanceStatus,
  Reservation,
} from '@aws-sdk/client-ec2';
import { INSTANCE_TYPES } from '../catalog/instance-types.ts';
import { byShown, describe, type Filters, matcher, type Property, paginate } from '../describe.ts';
import { privateDnsName } from '../dns-name.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { InstanceRecord } from '../record/compute.ts';
import type { NetworkInterfaceRecord } from '../record/network.ts';
import { refuse } from '../refusal.ts';
import { zonesOf } from '../zones.ts';
import { groupsOf, interfacesOf, STATE_CODES, shownInstance, shownNetwork, shownState } from './instance.ts';

const eachInterface =
  (value: (eni: NetworkInterfaceRecord) => string | number | boolean | undefined) =>
  (instance: InstanceRecord, tx: Tx): Property =>
    interfacesOf(tx, instance.id).map((eni) => {
      const found = value(eni);
      return typeof found === 'boolean' ? String(found) : found;
    });

const allAddresses =
  (values: (eni: NetworkInterfaceRecord) => readonly string[]) =>
  (instance: InstanceRecord, tx: Tx): Property =>
    interfacesOf(tx, instance.id).flatMap(values);

const primaryOf = (instance: InstanceRecord, tx: Tx): NetworkInterfaceRecord | undefined =>
  interfacesOf(tx, instance.id)[0];

const groupNames = (instance: InstanceRecord, tx: Tx): Property =>
  interfacesOf(tx, instance.id).flatMap((eni) => groupsOf(tx, eni).map((group) => group.GroupName));

/** Who owns each public address of an instance. */
const addressOwners = (instance: InstanceRecord, tx: Tx): Property =>
  interfacesOf(tx, instance.id).flatMap((eni) =>
    eni.publicAddresses.map((pair) => (pair.allocation === undefined ? 'amazon' : eni.account)),
  );

const publicNames = (instance: InstanceRecord, tx: Tx): Property =>
  shownInstance(tx, instance).NetworkInterfaces?.flatMap(
    (eni) => eni.PrivateIpAddresses?.flatMap((each) => each.Association?.PublicDnsName ?? []) ?? [],
  );

const filters: Filters<InstanceRecord> = {
  architecture: (instance) => INSTANCE_TYPES.get(instance.type)?.architecture,
  'availability-zone': (instance) => instance.zone,
  'block-device-mapping.device-name': (instance) => instance.devices.map((each) => each.device),
  'block-device-mapping.volume-id': (instance) => instance.devices.map((each) => each.volume),
  'client-token': (instance) => instance.clientToken,
  'dns-name': (instance, tx) => shownNetwork(tx, instance).PublicDnsName,
  'iam-instance-profile.arn': (instance) => instance.profile?.arn,
  'iam-instance-profile.id': (instance) => instance.profile?.id,
  'image-id': (instance) => instance.image,
  'instance-id': (instance) => instance.id,
  'instance-state-code': (instance) => STATE_CODES[instance.state],
  'instance-state-name': (instance) => instance.state,
  'instance-type': (instance) => instance.type,
  'instance.group-id': allAddresses((eni) => eni.groups),
  'instance.group-name': groupNames,
  'ip-address': (instance, tx) => shownNetwork(tx, instance).PublicIpAddress,
  'key-name': (instance) => instance.keyName,
  'launch-index': (instance) => instance.launchIndex,
  'launch-time': (instance) => instance.launchTime.toISOString(),
  'metadata-options.http-endpoint': (instance) => instance.metadata.httpEndpoint,
  'metadata-options.http-tokens': (instance) => instance.metadata.httpTokens,
  'monitoring-state': (instance) => (instance.monitoring ? 'enabled' : 'disabled'),
  'network-interface.addresses.association.allocation-id': allAddresses((eni) =>
    eni.publicAddresses.flatMap((pair) => pair.allocation ?? []),
  ),
  'network-interface.addresses.association.public-ip': allAddresses((eni) =>
    eni.publicAddresses.map((pair) => pair.public),
  ),
  'network-interface.addresses.private-ip-address': allAddresses((eni) => eni.ipv4),
  'network-interface.association.public-ip': allAddresses((eni) =>
    eni.publicAddresses.map((pair) => pair.public),
  ),
  'network-interface.attachment.attachment-id': eachInterface((eni) => eni.attachment?.id),
  'network-interface.attachment.delete-on-termination': eachInterface(
    (eni) => eni.attachment?.deleteOnTermination,
  ),
  'network-interface.attachment.device-index': eachInterface((eni) => eni.attachment?.deviceIndex),
  'network-interface.attachment.status': eachInterface((eni) => eni.attachment?.status),
  'network-interface.availability-zone': eachInterface((eni) => eni.zone),
  'network-interface.description': eachInterface((eni) => eni.description),
  'network-interface.group-id': allAddresses((eni) => eni.groups),
  'network-interface.group-name': groupNames,
  'network-interface.ipv6-addresses.ipv6-address': allAddresses((eni) => eni.ipv6),
  'network-interface.mac-address': eachInterface((eni) => eni.mac),
  'network-interface.network-interface-id': eachInterface((eni) => eni.id),
  'network-interface.owner-id': eachInterface((eni) => eni.account),
  'network-interface.private-ip-address': eachInterface((eni) => eni.ipv4[0]),
  'network-interface.source-dest-check': eachInterface((eni) => eni.sourceDestCheck),
  'network-interface.subnet-id': eachInterface((eni) => eni.subnet),
  'network-interface.vpc-id': eachInterface((eni) => eni.vpc),
  'owner-id': (instance) => instance.account,
  'private-dns-name': (instance, tx) => shownNetwork(tx, instance).PrivateDnsName,
  'private-ip-address': (instance, tx) => primaryOf(instance, tx)?.ipv4[0],
  'reservation-id': (instance) => instance.reservation,
  'root-device-name': (instance) => instance.rootDevice,
  'root-device-type': () => 'ebs',
  'source-dest-check': (instance, tx) => primaryOf(instance, tx)?.sourceDestCheck,
  'subnet-id': (instance) => (instance.state === 'terminated' ? undefined : instance.subnet),
  tenancy: (instance) => instance.tenancy,
  'virtualization-type': () => 'hvm',
  'availability-zone-id': (instance, tx) => zonesOf(tx).find((zone) => zone.name === instance.zone)?.id,
  'block-device-mapping.attach-time': (instance) =>
    instance.devices.map((each) => each.attachTime.toISOString()),
  'block-device-mapping.delete-on-termination': (instance) =>
    instance.devices.map((each) => String(each.deleteOnTermination)),
  'block-device-mapping.status': (instance) => instance.devices.map(() => 'attached'),
  'ipv6-address': allAddresses((eni) => eni.ipv6),
  'network-interface.ipv6-address': allAddresses((eni) => eni.ipv6),
  'network-interface.addresses.association.association-id': allAddresses((eni) =>
    eni.publicAddresses.flatMap((pair) => pair.association ?? []),
  ),
  'network-interface.association.allocation-id': allAddresses((eni) =>
    eni.publicAddresses.flatMap((pair) => pair.allocation ?? []),
  ),
  'network-interface.association.association-id': allAddresses((eni) =>
    eni.publicAddresses.flatMap((pair) => pair.association ?? []),
  ),
  'network-interface.attachment.instance-id': eachInterface((eni) => eni.attachment?.instance),
  'network-interface.attachment.instance-owner-id': eachInterface((eni) => eni.attachment?.instanceOwner),
  'network-interface.addresses.association.ip-owner-id': (instance, tx) => addressOwners(instance, tx),
  'network-interface.addresses.association.public-dns-name': (instance, tx) => publicNames(instance, tx),
  'network-interface.addresses.primary': allAddresses((eni) =>
    eni.ipv4.map((_, index) => String(index === 0)),
  ),
  'network-interface.addresses.private-dns-name': (instance, tx) =>
    interfacesOf(tx, instance.id).flatMap((eni) => eni.ipv4.map((ip) => privateDnsName(tx.region, ip))),
  'network-interface.tag-key': allAddresses((eni) => Object.keys(eni.tags)),
  'network-interface.tag-value': allAddresses((eni) => Object.values(eni.tags)),
  'placement-group-name': (instance) => instance.placementGroup,
  'state-reason-code': (instance) => instance.stateReason?.code,
  'state-reason-message': (instance) => instance.stateReason?.message,
  reason: (instance) => instance.transitionReason,
  ...byShown(
    shownInstance,
    'affinity',
    'boot-mode',
    'capacity-reservation-id',
    'capacity-reservation-specification.capacity-reservation-preference',
    'capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id',
    'capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn',
    'current-instance-boot-mode',
    'ebs-optimized',
    'ena-support',
    'enclave-options.enabled',
    'hibernation-options.configured',
    'host-id',
    'hypervisor',
    'instance-lifecycle',
    'kernel-id',
    'maintenance-options.auto-recovery',
    'metadata-options.http-protocol-ipv4',
    'metadata-options.http-protocol-ipv6',
    'metadata-options.http-put-response-hop-limit',
    'metadata-options.instance-metadata-tags',
    'metadata-options.state',
    'network-interface.addresses.association.carrier-ip',
    'network-interface.addresses.association.customer-owned-ip',
    'network-interface.association.carrier-ip',
    'network-interface.association.customer-owned-ip',
    'network-interface.association.ip-owner-id',
    'network-interface.association.public-dns-name',
    'network-interface.attachment.attach-time',
    'network-interface.attachment.network-card-index',
    'network-interface.deny-all-igw-traffic',
    'network-interface.ipv4-prefixes.ipv4-prefix',
    'network-interface.ipv6-addresses.is-primary-ipv6',
    'network-interface.ipv6-native',
    'network-interface.ipv6-prefixes.ipv6-prefix',
    'network-interface.operator.managed',
    'network-interface.operator.principal',
    'network-interface.outpost-arn',
    'network-interface.private-dns-name',
    'network-interface.public-dns-name',
    'network-interface.requester-id',
    'network-interface.requester-managed',
    'network-interface.status',
    'network-performance-options.bandwidth-weighting',
    'operator.managed',
    'operator.principal',
    'outpost-arn',
    'placement-partition-number',
    'platform',
    'platform-details',
    'private-dns-name-options.enable-resource-name-dns-a-record',
    'private-dns-name-options.enable-resource-name-dns-aaaa-record',
    'private-dns-name-options.hostname-type',
    'product-code',
    'product-code.type',
    'ramdisk-id',
    'requester-id',
    'spot-instance-request-id',
    'tpm-support',
    'usage-operation',
    'usage-operation-update-time',
  ),
  'vpc-id': (instance) => (instance.state === 'terminated' ? undefined : instance.vpc),
};

/** Instances by their reservation, in order of launch. */
function reservations(tx: Tx, instances: readonly InstanceRecord[]): Reservation[] {
  const found = new Map<string, InstanceRecord[]>();
  for (const instance of instances) {
    const others = found.get(instance.reservation);
    if (others) others.push(instance);
    else found.set(instance.reservation, [instance]);
  }
  return Array.from(found, ([id, members]) => ({
    ReservationId: id,
    OwnerId: tx.account,
    Groups: [],
    Instances: members.map((instance) => shownInstance(tx, instance)),
  }));
}

const statusFilters: Filters<InstanceRecord> = {
  'availability-zone': (instance) => instance.zone,
  'instance-state-code': (instance) => STATE_CODES[instance.state],
  'instance-state-name': (instance) => instance.state,
  'instance-status.reachability': (instance) => reachability(instance).reachability,
  'instance-status.status': (instance) => reachability(instance).status,
  'system-status.reachability': (instance) => reachability(instance).reachability,
  'system-status.status': (instance) => reachability(instance).status,
  'attached-ebs-status.status': (instance) => reachability(instance).status,
  'availability-zone-id': (instance, tx) => zonesOf(tx).find((zone) => zone.name === instance.zone)?.id,
  ...byShown(
    (_, instance: InstanceRecord) => shownStatus(instance),
    'application-status.status',
    'event.code',
    'event.description',
    'event.instance-event-id',
    'event.not-after',
    'event.not-before',
    'event.not-before-deadline',
    'operator.managed',
    'operator.principal',
  ),
};

function reachability({ state }: InstanceRecord): {
  readonly status: 'ok' | 'initializing' | 'not-applicable';
  readonly reachability?: 'passed' | 'initializing';
} {
  if (state === 'running') return { status: 'ok', reachability: 'passed' };
  return state === 'pending'
    ? { status: 'initializing', reachability: 'initializing' }
    : { status: 'not-applicable' };
}

function shownStatus(instance: InstanceRecord): InstanceStatus {
  const { status, reachability: found } = reachability(instance);
  const summary = {
    Status: status,
    ...(found !== undefined && { Details: [{ Name: 'reachability' as const, Status: found }] }),
  };
  return {
    InstanceId: instance.id,
    AvailabilityZone: instance.zone,
    InstanceState: shownState(instance.state),
    InstanceStatus: summary,
    SystemStatus: summary,
    AttachedEbsStatus: summary,
    Events: [],
  };
}

/**
 * Status checks say what the API knows; a guest that hangs passes them, so health needs probes of its own.
 */
function describeStatus(tx: Tx, input: DescribeInstanceStatusRequest): DescribeInstanceStatusResult {
  const { InstanceIds: ids = [], IncludeAllInstances: all = false } = input;
  if (ids.length > 0 && input.MaxResults !== undefined) {
    refuse(
      'InvalidParameterCombination',
      'The parameter instancesSet and the parameter maxResults cannot be used in the same request',
    );
  }
  const candidates = ids.length > 0 ? ids.map((id) => tx.need('instance', id)) : tx.list('instance');
  const found = candidates
    .filter((instance) => all || instance.state === 'running')
    .filter(matcher(tx, input.Filters ?? [], statusFilters));
  const page = paginate(found, input, ({ id }) => [tx.order('instance', id)]);
  return { InstanceStatuses: page.records.map(shownStatus), ...page.next };
}

export const instanceDescribeHandlers: Handlers = {
  DescribeInstances: handler((tx, input: DescribeInstancesRequest): DescribeInstancesResult => {
    const { InstanceIds: ids } = input;
    const indexed = ['vpc-id', 'subnet-id', 'reservation-id'];
    const page = describe(tx, { kind: 'instance', ids, input, filters, indexed });
    return { Reservations: reservations(tx, page.records), ...page.next };
  }),
  DescribeInstanceStatus: handler(describeStatus),
};
