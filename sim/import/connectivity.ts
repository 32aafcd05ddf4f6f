/** What leads out of a VPC, from its descriptions. */
import type { AttachmentLink, AttachmentRecord } from '../ec2/record/connectivity.ts';
import type { NatGatewayRecord } from '../ec2/record/egress.ts';
import type { TransitPath } from '../vpc/model.ts';
import { enabled, type Item, stateOf, tagsOf } from './item.ts';
import { taken } from './network.ts';
import { alive, made, type Place, type Reader } from './place.ts';
import { upPeersOf } from './transit.ts';

const EPOCH = new Date(0);
const natGateway: Reader = (item, { account, find }) => {
  const id = item.text('NatGatewayId') ?? '';
  const [first, ...others] = item.items('NatGatewayAddresses');
  if (others.length > 0) {
    const why = `${others.length} secondary addresses are left out: a simulated NAT gateway has one`;
    find({ list: 'NatGateways', id, field: 'NatGatewayAddresses', why });
    for (const other of others) other.ignore(...other.unread());
  }
  first?.ignore('IsPrimary', 'Status');
  const [allocation, association, shown] = [
    first?.text('AllocationId'),
    first?.text('AssociationId'),
    first?.text('PublicIp'),
  ];
  const record: NatGatewayRecord = {
    id,
    tags: tagsOf(item),
    account,
    vpc: item.text('VpcId') ?? '',
    subnet: item.text('SubnetId') ?? '',
    connectivity: item.text('ConnectivityType') === 'private' ? 'private' : 'public',
    state: 'available',
    address: {
      eni: first?.text('NetworkInterfaceId') ?? '',
      private: first?.text('PrivateIp') ?? '',
      ...(allocation !== undefined && { allocation }),
      ...(association !== undefined && { association }),
      ...(shown !== undefined && { public: shown }),
    },
    createdAt: item.date('CreateTime') ?? EPOCH,
  };
  return made('nat-gateway', record);
};

const peering: Reader = (item, { account, region, find }) => {
  const id = item.text('VpcPeeringConnectionId') ?? '';
  const status = item.item('Status');
  const side = (name: string) => {
    const info = item.item(name);
    info.ignore('CidrBlock', 'CidrBlockSet', 'Ipv6CidrBlockSet');
    const options = info.item('PeeringOptions');
    const [owner, where] = [info.text('OwnerId') ?? account, info.text('Region') ?? region];
    if (owner !== account || where !== region) {
      const why = `it leads to ${owner} in ${where}, which was not read: nothing passes there`;
      find({ list: 'VpcPeeringConnections', id, field: name, why });
    }
    return { vpc: info.text('VpcId') ?? '', dns: options.flag('AllowDnsResolutionFromRemoteVpc') };
  };
  const [requester, accepter] = [side('RequesterVpcInfo'), side('AccepterVpcInfo')];
  const active = status.text('Code') === 'active';
  return made('vpc-peering-connection', {
    id,
    tags: tagsOf(item),
    account,
    region,
    requesterVpc: requester.vpc,
    accepterVpc: accepter.vpc,
    state: active ? 'active' : 'pending-acceptance',
    message: status.text('Message') ?? '',
    expiresAt: item.date('ExpirationTime') ?? EPOCH,
    requesterDns: requester.dns,
    accepterDns: accepter.dns,
  });
};

const vpnGateway: Reader = (item, { account }) => {
  item.ignore('Type');
  const attached = item.items('VpcAttachments').find((each) => each.text('State') === 'attached');
  const [vpc, zone] = [attached?.text('VpcId'), item.text('AvailabilityZone')];
  return made('vpn-gateway', {
    id: item.text('VpnGatewayId') ?? '',
    tags: tagsOf(item),
    account,
    state: 'available',
    asn: item.number('AmazonSideAsn') ?? 64_512,
    ...(zone !== undefined && { zone }),
    ...(vpc !== undefined && { vpc }),
  });
};

const customerGateway: Reader = (item, { account }) => {
  item.ignore('Type');
  const deviceName = item.text('DeviceName');
  return made('customer-gateway', {
    id: item.text('CustomerGatewayId') ?? '',
    tags: tagsOf(item),
    account,
    state: 'available',
    address: item.text('IpAddress') ?? '',
    asn: item.number('BgpAsn') ?? 65_000,
    ...(deviceName !== undefined && { deviceName }),
  });
};

const transitGateway: Reader = (item, { account, region }) => {
  item.ignore('TransitGatewayArn', 'OwnerId');
  const options = item.item('Options');
  options.ignore('DefaultRouteTableAssociation', 'DefaultRouteTablePropagation');
  const [associationTable, propagationTable] = [
    options.text('AssociationDefaultRouteTableId'),
    options.text('PropagationDefaultRouteTableId'),
  ];
  return made('transit-gateway', {
    id: item.text('TransitGatewayId') ?? '',
    tags: tagsOf(item),
    account,
    region,
    state: 'available',
    description: item.text('Description') ?? '',
    created: item.date('CreationTime') ?? EPOCH,
    asn: options.number('AmazonSideAsn') ?? 64_512,
    autoAccept: enabled(options, 'AutoAcceptSharedAttachments'),
    vpnEcmp: enabled(options, 'VpnEcmpSupport'),
    dns: enabled(options, 'DnsSupport'),
    groupReferences: enabled(options, 'SecurityGroupReferencingSupport'),
    multicast: enabled(options, 'MulticastSupport'),
    cidrs: options.texts('TransitGatewayCidrBlocks'),
    ...(associationTable !== undefined && { associationTable }),
    ...(propagationTable !== undefined && { propagationTable }),
  });
};

/** The tables that an attachment propagates to; the names of files say which table an answer is about. */
const propagationsOf = (id: string, { described }: Place): readonly string[] =>
  [...described].flatMap(([list, items]) => {
    const table = /^TransitGatewayRouteTablePropagations (.+)$/.exec(list)?.[1];
    const has = items.some((each) => {
      each.ignore('ResourceId', 'ResourceType', 'State');
      return each.text('TransitGatewayAttachmentId') === id;
    });
    return table !== undefined && has ? [table] : [];
  });

/** What attachments of every kind have. */
function commonOf(item: Item, place: Place): Omit<AttachmentRecord, 'link'> {
  const id = item.text('TransitGatewayAttachmentId') ?? '';
  const table = item.item('Association').text('TransitGatewayRouteTableId');
  return {
    id,
    tags: tagsOf(item),
    account: place.account,
    region: place.region,
    gateway: item.text('TransitGatewayId') ?? '',
    state: 'available',
    created: item.date('CreationTime') ?? EPOCH,
    ...(table !== undefined && { association: table }),
    propagations: propagationsOf(id, place),
  };
}

/** The attachment of a VPN connection to its transit gateway. */
const vpnAttachmentOf = (connection: string, { described }: Place): string | undefined =>
  (described.get('TransitGatewayAttachments') ?? [])
    .find((each) => each.text('ResourceType') === 'vpn' && each.text('ResourceId') === connection)
    ?.text('TransitGatewayAttachmentId');

/** What an attachment of a VPN or Connect leads to; undefined for the others. */
function linkOf(item: Item, type: string | undefined, { described }: Place): AttachmentLink | undefined {
  if (type === 'vpn') return { kind: 'vpn', connection: item.text('ResourceId') ?? '' };
  const id = item.text('TransitGatewayAttachmentId');
  const connect = (described.get('TransitGatewayConnects') ?? []).find(
    (each) => each.text('TransitGatewayAttachmentId') === id,
  );
  connect?.ignore('TransitGatewayId', 'State', 'CreationTime', 'Options', 'Tags');
  const transport = connect?.text('TransportTransitGatewayAttachmentId');
  return transport === undefined ? undefined : { kind: 'connect', transport };
}

const UNKNOWN: Readonly<Record<string, string>> = {
  vpc: 'its subnets are not known: save those of describe-transit-gateway-vpc-attachments too',
  connect: 'what carries it is not known: save those of describe-transit-gateway-connects too',
};

const attachment: Reader = (item, place) => {
  const id = item.text('TransitGatewayAttachmentId') ?? '';
  const vpcOnes = place.described.get('TransitGatewayVpcAttachments') ?? [];
  const detail = vpcOnes.find((each) => each.text('TransitGatewayAttachmentId') === id);
  item.ignore('TransitGatewayOwnerId', 'ResourceOwnerId', 'ResourceId');
  const type = item.text('ResourceType');
  const association = item.item('Association');
  const link = linkOf(item, type, place);
  if (link !== undefined) {
    association.ignore('State');
    return made('transit-gateway-attachment', { ...commonOf(item, place), link });
  }
  if (detail === undefined) {
    const why = UNKNOWN[type ?? ''] ?? `attachments to ${type} are not imported`;
    item.ignore(...item.unread());
    place.find({ list: 'TransitGatewayAttachments', id, why });
    return [];
  }
  detail.ignore('TransitGatewayId', 'VpcOwnerId', 'State', 'CreationTime', 'Tags');
  association.ignore('State');
  const options = detail.item('Options');
  const record: AttachmentRecord = {
    ...commonOf(item, place),
    link: {
      kind: 'vpc',
      vpc: detail.text('VpcId') ?? '',
      subnets: detail.texts('SubnetIds'),
      dns: enabled(options, 'DnsSupport'),
      groupReferences: enabled(options, 'SecurityGroupReferencingSupport'),
      ipv6: enabled(options, 'Ipv6Support'),
      applianceMode: enabled(options, 'ApplianceModeSupport'),
    },
  };
  return made('transit-gateway-attachment', record);
};

/** The ways of an attachment: of a Connect attachment by each peer whose sessions are up. */
function waysThrough(attachment: string, place: Place): readonly TransitPath[] {
  const peers = upPeersOf(attachment, place);
  return peers.length === 0 ? [{ attachment }] : peers.map((peer) => ({ attachment, peer }));
}

/** Routes come by SearchTransitGatewayRoutes; the file's name says of which table. */
const transitTable: Reader = (item, place) => {
  const { described, find } = place;
  const id = item.text('TransitGatewayRouteTableId') ?? '';
  item.ignore('DefaultAssociationRouteTable', 'DefaultPropagationRouteTable');
  const given = described.get(`Routes ${id}`);
  if (given === undefined) {
    const why =
      'its routes are not known: save those of search-transit-gateway-routes in a file named after it';
    find({ list: 'TransitGatewayRouteTables', id, field: 'Routes', why });
  }
  const routes = (given ?? []).map((route) => {
    const attachments = route.items('TransitGatewayAttachments');
    for (const each of attachments) each.ignore('ResourceId', 'ResourceType');
    return {
      destination: route.text('DestinationCidrBlock') ?? '',
      attachments: attachments.flatMap((each) => each.text('TransitGatewayAttachmentId') ?? []),
      isStatic: route.text('Type') === 'static',
      state: route.text('State'),
    };
  });
  const statics = routes
    .filter(({ isStatic }) => isStatic)
    .map(({ destination, attachments: [to] }) => ({
      destination,
      ...(to !== undefined && { attachment: to }),
    }));
  const propagated = routes
    .filter(({ isStatic, attachments }) => !isStatic && attachments.length > 0)
    .map(({ destination, attachments }) => ({
      destination,
      paths: [...new Set(attachments)].flatMap((each) => waysThrough(each, place)),
    }));
  return made('transit-gateway-route-table', {
    id,
    tags: tagsOf(item),
    gateway: item.text('TransitGatewayId') ?? '',
    state: 'available',
    created: item.date('CreationTime') ?? EPOCH,
    statics,
    propagated,
  });
};

const vpnConnection: Reader = (item, place) => {
  const { account, region, find } = place;
  const id = item.text('VpnConnectionId') ?? '';
  const transit = item.text('TransitGatewayId');
  const gateway = item.text('VpnGatewayId') ?? transit;
  const attachment = transit === undefined ? undefined : vpnAttachmentOf(id, place);
  if (gateway === undefined || (transit !== undefined && attachment === undefined)) {
    item.ignore(...item.unread());
    const why =
      gateway === undefined
        ? 'it ends at no gateway of a VPC: such connections are not imported'
        : 'its attachment is not known: save those of describe-transit-gateway-attachments too';
    find({ list: 'VpnConnections', id, why });
    return [];
  }
  item.ignore('Type', 'Category', 'CustomerGatewayConfiguration', 'GatewayAssociationState', 'VgwTelemetry');
  const options = item.item('Options');
  options.ignore('LocalIpv4NetworkCidr', 'RemoteIpv4NetworkCidr', 'OutsideIpAddressType');
  options.ignore('TunnelInsideIpVersion');
  const staticOnly = options.flag('StaticRoutesOnly');
  if (!staticOnly) {
    const why = 'what its BGP sessions learn is not imported: nothing is announced to it';
    find({ list: 'VpnConnections', id, field: 'Options.StaticRoutesOnly', why });
  }
  const tunnels = options.items('TunnelOptions').map((tunnel) => ({
    outside: tunnel.text('OutsideIpAddress') ?? '',
    inside: tunnel.text('TunnelInsideCidr') ?? '',
    key: tunnel.text('PreSharedKey') ?? '',
    down: false,
    changedAt: new Date(0),
    up: staticOnly,
    learnt: [],
  }));
  const routes = item.items('Routes').map((route) => {
    route.ignore('Source', 'State');
    return route.text('DestinationCidrBlock') ?? '';
  });
  const record = {
    id,
    tags: tagsOf(item),
    account,
    region,
    gateway,
    ...(attachment !== undefined && { attachment }),
    customerGateway: item.text('CustomerGatewayId') ?? '',
    state: 'available' as const,
    staticOnly,
    routes,
    tunnels,
  };
  return [...made('vpn-connection', record), ...tunnels.flatMap(({ outside }) => taken(outside, id))];
};

const peeringState = (item: Item): string | undefined => item.item('Status').text('Code');

export const connectivityReaders: Readonly<Record<string, Reader>> = {
  NatGateways: alive('NatGateways', 'NatGatewayId', stateOf, natGateway),
  VpcPeeringConnections: alive('VpcPeeringConnections', 'VpcPeeringConnectionId', peeringState, peering),
  VpnGateways: alive('VpnGateways', 'VpnGatewayId', stateOf, vpnGateway),
  CustomerGateways: alive('CustomerGateways', 'CustomerGatewayId', stateOf, customerGateway),
  VpnConnections: alive('VpnConnections', 'VpnConnectionId', stateOf, vpnConnection),
  TransitGateways: alive('TransitGateways', 'TransitGatewayId', stateOf, transitGateway),
  TransitGatewayAttachments: alive(
    'TransitGatewayAttachments',
    'TransitGatewayAttachmentId',
    stateOf,
    attachment,
  ),
  TransitGatewayRouteTables: alive(
    'TransitGatewayRouteTables',
    'TransitGatewayRouteTableId',
    stateOf,
    transitTable,
  ),
};
