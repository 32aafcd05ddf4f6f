/** ENIs as EC2 shows them: DescribeNetworkInterfaces and its filters. */
import type {
  DescribeNetworkInterfacesRequest,
  DescribeNetworkInterfacesResult,
  NetworkInterface,
  NetworkInterfaceAssociation,
  NetworkInterfaceAttachment,
  NetworkInterfaceStatus,
  NetworkInterfaceType,
} from '@aws-sdk/client-ec2';
import { byShown, describe, type Filters, shownTags } from '../describe.ts';
import { privateDnsName, publicDnsName } from '../dns-name.ts';
import type { Tx } from '../handler.ts';
import type { EniAttachment, NetworkInterfaceRecord, PublicAddress } from '../record/network.ts';
import { zonesOf } from '../zones.ts';

/** EC2 says `nat_gateway`, where the SDK's type has `natGateway`. */
const natGateway = 'nat_gateway' as string as NetworkInterfaceType;

function status({ attachment, manager }: NetworkInterfaceRecord): NetworkInterfaceStatus {
  if (manager !== undefined) return 'in-use';
  if (attachment === undefined) return 'available';
  return attachment.status === 'attached' ? 'in-use' : attachment.status;
}

const owner = (tx: Tx, pair: PublicAddress): string =>
  pair.allocation === undefined ? 'amazon' : tx.account;

const pairOf = (eni: NetworkInterfaceRecord, address: string | undefined): PublicAddress | undefined =>
  eni.publicAddresses.find((pair) => pair.private === address);

function association(tx: Tx, vpc: string, pair: PublicAddress): NetworkInterfaceAssociation {
  const named = tx.get('vpc', vpc)?.dnsHostnames ?? false;
  return {
    PublicIp: pair.public,
    PublicDnsName: named ? publicDnsName(tx.region, pair.public) : '',
    IpOwnerId: owner(tx, pair),
    ...(pair.allocation !== undefined && { AllocationId: pair.allocation, AssociationId: pair.association }),
  };
}

/** An attachment as EC2 shows it. */
export const shownAttachment = (attachment: EniAttachment): NetworkInterfaceAttachment => ({
  AttachmentId: attachment.id,
  InstanceId: attachment.instance,
  InstanceOwnerId: attachment.instanceOwner,
  DeviceIndex: attachment.deviceIndex,
  NetworkCardIndex: attachment.networkCardIndex,
  Status: attachment.status,
  AttachTime: attachment.attachTime,
  DeleteOnTermination: attachment.deleteOnTermination,
});

/** An ENI as EC2 shows it. */
export function shownInterface(tx: Tx, eni: NetworkInterfaceRecord): NetworkInterface {
  const [primary = ''] = eni.ipv4;
  const publicPrimary = pairOf(eni, primary);
  const named = tx.get('vpc', eni.vpc)?.dnsHostnames ?? false;
  const dnsName = (address: string) => (named ? { PrivateDnsName: privateDnsName(tx.region, address) } : {});
  return {
    NetworkInterfaceId: eni.id,
    OwnerId: eni.account,
    VpcId: eni.vpc,
    SubnetId: eni.subnet,
    AvailabilityZone: eni.zone,
    AvailabilityZoneId: zonesOf(tx).find((zone) => zone.name === eni.zone)?.id,
    MacAddress: eni.mac,
    Description: eni.description,
    InterfaceType: eni.interfaceType === 'nat_gateway' ? natGateway : eni.interfaceType,
    Status: status(eni),
    SourceDestCheck: eni.sourceDestCheck,
    RequesterManaged: eni.manager !== undefined,
    PrivateIpAddress: primary,
    ...dnsName(primary),
    PrivateIpAddresses: eni.ipv4.map((address, index) => {
      const pair = pairOf(eni, address);
      return {
        PrivateIpAddress: address,
        ...dnsName(address),
        Primary: index === 0,
        ...(pair && { Association: association(tx, eni.vpc, pair) }),
      };
    }),
    Ipv6Addresses: eni.ipv6.map((Ipv6Address) => ({ Ipv6Address, IsPrimaryIpv6: false })),
    ...(eni.ipv6[0] !== undefined && { Ipv6Address: eni.ipv6[0] }),
    Groups: eni.groups.map((id) => ({ GroupId: id, GroupName: tx.get('security-group', id)?.name })),
    ...(publicPrimary && { Association: association(tx, eni.vpc, publicPrimary) }),
    ...(eni.attachment && { Attachment: shownAttachment(eni.attachment) }),
    TagSet: shownTags(eni.tags),
  };
}

const ofPublic =
  (property: (pair: PublicAddress, tx: Tx) => string | undefined) =>
  (eni: NetworkInterfaceRecord, tx: Tx): (string | undefined)[] =>
    eni.publicAddresses.map((pair) => property(pair, tx));

const filters: Filters<NetworkInterfaceRecord> = {
  'association.allocation-id': ofPublic((pair) => pair.allocation),
  'association.association-id': ofPublic((pair) => pair.association),
  'association.ip-owner-id': ofPublic((pair, tx) => owner(tx, pair)),
  'association.public-ip': ofPublic((pair) => pair.public),
  'addresses.association.public-ip': ofPublic((pair) => pair.public),
  'addresses.association.owner-id': ofPublic((pair, tx) => owner(tx, pair)),
  'addresses.primary': (eni) => eni.ipv4.map((_, index) => String(index === 0)),
  'addresses.private-ip-address': (eni) => eni.ipv4,
  'attachment.attachment-id': (eni) => eni.attachment?.id,
  'attachment.attach-time': (eni) => eni.attachment?.attachTime.toISOString(),
  'attachment.delete-on-termination': (eni) => eni.attachment?.deleteOnTermination,
  'attachment.device-index': (eni) => eni.attachment?.deviceIndex,
  'attachment.instance-id': (eni) => eni.attachment?.instance,
  'attachment.instance-owner-id': (eni) => eni.attachment?.instanceOwner,
  'attachment.status': (eni) => eni.attachment?.status,
  'availability-zone': (eni) => eni.zone,
  description: (eni) => eni.description,
  'group-id': (eni) => eni.groups,
  'group-name': (eni, tx) => eni.groups.map((id) => tx.get('security-group', id)?.name),
  'ipv6-addresses.ipv6-address': (eni) => eni.ipv6,
  'interface-type': (eni) => eni.interfaceType,
  'mac-address': (eni) => eni.mac,
  'network-interface-id': (eni) => eni.id,
  'owner-id': (eni) => eni.account,
  'private-dns-name': (eni, tx) => eni.ipv4.map((address) => privateDnsName(tx.region, address)),
  'private-ip-address': (eni) => eni.ipv4,
  'requester-id': () => undefined,
  'requester-managed': (eni) => eni.manager !== undefined,
  'source-dest-check': (eni) => eni.sourceDestCheck,
  status,
  'subnet-id': (eni) => eni.subnet,
  'vpc-id': (eni) => eni.vpc,
  ...byShown(
    shownInterface,
    'association.public-dns-name',
    'availability-zone-id',
    'operator.managed',
    'operator.principal',
  ),
};

const indexed = ['attachment.attachment-id', 'attachment.instance-id', 'group-id', 'subnet-id', 'vpc-id'];

/** DescribeNetworkInterfaces. A detached ENI no longer matches a filter by its attachment. */
export function describeInterfaces(
  tx: Tx,
  input: DescribeNetworkInterfacesRequest,
): DescribeNetworkInterfacesResult {
  const { NetworkInterfaceIds: ids } = input;
  const page = describe(tx, { kind: 'network-interface', ids, input, filters, indexed });
  return { NetworkInterfaces: page.records.map((eni) => shownInterface(tx, eni)), ...page.next };
}
