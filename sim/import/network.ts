/** VPCs and what lies in them, from their descriptions. */

import type { NetworkAclEntry, PublicAddress } from '../ec2/record/network.ts';
import type { Route, RouteTarget } from '../vpc/model.ts';
import { type Item, tagsOf } from './item.ts';
import { derivedId, type Made, made, type Place, type Reader } from './place.ts';

const vpc: Reader = (item, { account, region, described, find }) => {
  const id = item.text('VpcId') ?? '';
  const isDefault = item.flag('IsDefault');
  item.ignore('CidrBlock', 'OwnerId', 'State', 'BlockPublicAccessStates');
  const block = (each: Item, name: string) => {
    each.ignore('NetworkBorderGroup', 'Ipv6Pool', 'IpSource', 'Ipv6AddressAttribute');
    const state = each.item(`${name}State`).text('State');
    const found = { association: each.text('AssociationId') ?? '', cidr: each.text(name) ?? '' };
    return state === undefined || state === 'associated' ? [found] : [];
  };
  const attributes = described.get('VpcAttributes')?.filter((each) => each.text('VpcId') === id) ?? [];
  const attribute = (name: string): boolean | undefined => {
    const said = attributes.map((each) => each.item(name)).find((each) => each.has('Value'));
    return said?.flag('Value');
  };
  const [support, hostnames] = [attribute('EnableDnsSupport'), attribute('EnableDnsHostnames')];
  if (support === undefined || hostnames === undefined) {
    find({
      list: 'Vpcs',
      id,
      field: 'EnableDnsSupport, EnableDnsHostnames',
      why: 'only describe-vpc-attribute says both: support is taken to be on, names in default VPCs alone',
    });
  }
  return made('vpc', {
    id,
    tags: tagsOf(item),
    account,
    region,
    isDefault,
    dhcpOptions: item.text('DhcpOptionsId') ?? 'default',
    tenancy: item.text('InstanceTenancy') === 'dedicated' ? 'dedicated' : 'default',
    ipv4: item.items('CidrBlockAssociationSet').flatMap((each) => block(each, 'CidrBlock')),
    ipv6: item.items('Ipv6CidrBlockAssociationSet').flatMap((each) => block(each, 'Ipv6CidrBlock')),
    dnsSupport: support ?? true,
    dnsHostnames: hostnames ?? isDefault,
    networkAddressUsageMetrics: false,
  });
};

const subnet: Reader = (item, { account, region }) => {
  item.ignore('SubnetArn', 'OwnerId', 'AvailabilityZoneId', 'AvailableIpAddressCount', 'State');
  const names = item.item('PrivateDnsNameOptionsOnLaunch');
  const [ipv6] = item.items('Ipv6CidrBlockAssociationSet').filter((each) => {
    each.ignore('Ipv6AddressAttribute', 'IpSource');
    return each.item('Ipv6CidrBlockState').text('State') === 'associated';
  });
  return made('subnet', {
    id: item.text('SubnetId') ?? '',
    tags: tagsOf(item),
    account,
    region,
    vpc: item.text('VpcId') ?? '',
    zone: item.text('AvailabilityZone') ?? '',
    cidr: item.text('CidrBlock') ?? '',
    ...(ipv6 && {
      ipv6: { association: ipv6.text('AssociationId') ?? '', cidr: ipv6.text('Ipv6CidrBlock') ?? '' },
    }),
    defaultForAz: item.flag('DefaultForAz'),
    mapPublicIpOnLaunch: item.flag('MapPublicIpOnLaunch'),
    assignIpv6AddressOnCreation: item.flag('AssignIpv6AddressOnCreation'),
    enableDns64: item.flag('EnableDns64'),
    hostnameType: names.text('HostnameType') === 'resource-name' ? 'resource-name' : 'ip-name',
    resourceNameDnsA: names.flag('EnableResourceNameDnsARecord'),
    resourceNameDnsAaaa: names.flag('EnableResourceNameDnsAAAARecord'),
  });
};

/** The target of a route; undefined where forwarding does not know its kind. */
function targetOf(route: Item): RouteTarget | undefined {
  const gateway = route.text('GatewayId');
  const eni = route.text('NetworkInterfaceId');
  route.ignore('InstanceOwnerId');
  if (eni !== undefined) {
    route.ignore('InstanceId');
    return { kind: 'eni', eni };
  }
  if (gateway === 'local') return { kind: 'local' };
  if (gateway?.startsWith('igw-')) return { kind: 'internet-gateway', gateway };
  if (gateway?.startsWith('vgw-')) return { kind: 'vpn-gateway', gateway };
  if (gateway?.startsWith('vpce-')) return { kind: 'vpc-endpoint', endpoint: gateway };
  const nat = route.text('NatGatewayId');
  if (nat !== undefined) return { kind: 'nat-gateway', gateway: nat };
  const egressOnly = route.text('EgressOnlyInternetGatewayId');
  if (egressOnly !== undefined) return { kind: 'egress-only-gateway', gateway: egressOnly };
  const transit = route.text('TransitGatewayId');
  if (transit !== undefined) return { kind: 'transit-gateway', gateway: transit };
  const connection = route.text('VpcPeeringConnectionId');
  return connection === undefined ? undefined : { kind: 'vpc-peering-connection', connection };
}

/** Which route server a route is from: one that propagates to the table. */
function advertisedBy(route: Item, table: string, { described, find }: Place): Pick<Route, 'advertised'> {
  const nextHop = route.text('IpAddress') ?? '';
  const server = (described.get('RouteServerPropagations') ?? [])
    .find((each) => each.text('RouteTableId') === table)
    ?.text('RouteServerId');
  if (server !== undefined) return { advertised: { server, nextHop } };
  const why = 'whose routes they are is not known: save those of get-route-server-propagations too';
  find({ list: 'RouteTables', id: table, field: 'Routes.Origin', why });
  return {};
}

const ORIGINS = ['CreateRouteTable', 'CreateRoute', 'EnableVgwRoutePropagation', 'Advertisement'] as const;

function routeOf(route: Item, table: string, place: Place): readonly Route[] {
  const { find } = place;
  const destination =
    route.text('DestinationCidrBlock') ??
    route.text('DestinationIpv6CidrBlock') ??
    route.text('DestinationPrefixListId') ??
    '';
  const target = targetOf(route);
  const given = route.text('Origin');
  route.ignore('State');
  const origin = ORIGINS.find((each) => each === given);
  const advertised = origin === 'Advertisement' ? advertisedBy(route, table, place) : {};
  if (target !== undefined && origin !== undefined) return [{ destination, target, origin, ...advertised }];
  const to = route.unread().join(', ') || route.text('GatewayId') || 'nothing';
  const why = `the route to ${destination} is left out: its target (${to}) or origin (${given}) is not modelled`;
  find({ list: 'RouteTables', id: table, field: 'Routes', why });
  route.ignore(...route.unread());
  return [];
}

const routeTable: Reader = (item, place) => {
  const id = item.text('RouteTableId') ?? '';
  item.ignore('OwnerId');
  const associations = item.items('Associations').flatMap((each) => {
    each.ignore('RouteTableId', 'Main', 'AssociationState');
    const subnet = each.text('SubnetId');
    const gateway = each.text('GatewayId');
    const association = each.text('RouteTableAssociationId') ?? '';
    return [{ association, ...(subnet && { subnet }), ...(gateway && { gateway }) }];
  });
  const propagating = item.items('PropagatingVgws').map((each) => each.text('GatewayId') ?? '');
  return made('route-table', {
    id,
    tags: tagsOf(item),
    account: place.account,
    vpc: item.text('VpcId') ?? '',
    routes: item.items('Routes').flatMap((route) => routeOf(route, id, place)),
    associations,
    ...(propagating.length > 0 && { propagating }),
  });
};

const internetGateway: Reader = (item, { account }) => {
  item.ignore('OwnerId');
  const attached = item.items('Attachments').find((each) => {
    const state = each.text('State');
    return state === 'available' || state === 'attached';
  });
  const vpc = attached?.text('VpcId');
  const id = item.text('InternetGatewayId') ?? '';
  return made('internet-gateway', { id, tags: tagsOf(item), account, ...(vpc !== undefined && { vpc }) });
};

const egressOnly: Reader = (item, { account }) => {
  const [attachment] = item.items('Attachments');
  attachment?.ignore('State');
  return made('egress-only-gateway', {
    id: item.text('EgressOnlyInternetGatewayId') ?? '',
    tags: tagsOf(item),
    account,
    vpc: attachment?.text('VpcId') ?? '',
  });
};

/** A public address is taken as long as somebody has it. */
export const taken = (id: string, holder: string): readonly Made[] => made('taken', { id, tags: {}, holder });

const address: Reader = (item, { account, region, find }) => {
  const publicIp = item.text('PublicIp') ?? '';
  const id = item.text('AllocationId');
  if (id === undefined) {
    item.ignore(...item.unread());
    find({ list: 'Addresses', id: publicIp, why: 'it has no allocation: it is of EC2-Classic' });
    return [];
  }
  item.ignore('InstanceId', 'NetworkInterfaceOwnerId', 'Domain', 'PublicIpv4Pool');
  const eni = item.text('NetworkInterfaceId');
  const association = eni && {
    id: item.text('AssociationId') ?? derivedId('eipassoc', id),
    eni,
    private: item.text('PrivateIpAddress') ?? '',
  };
  const record = {
    id,
    tags: tagsOf(item),
    account,
    publicIp,
    networkBorderGroup: item.text('NetworkBorderGroup') ?? region,
    ...(association && { association }),
  };
  return [...made('address', record), ...taken(publicIp, id)];
};

function aclEntry(item: Item): NetworkAclEntry {
  const ports = item.item('PortRange');
  const icmp = item.item('IcmpTypeCode');
  const [from, to, type, code] = [
    ports.number('From'),
    ports.number('To'),
    icmp.number('Type'),
    icmp.number('Code'),
  ];
  return {
    number: item.number('RuleNumber') ?? 0,
    egress: item.flag('Egress'),
    protocol: item.number('Protocol') ?? -1,
    action: item.text('RuleAction') === 'allow' ? 'allow' : 'deny',
    cidr: item.text('CidrBlock') ?? item.text('Ipv6CidrBlock') ?? '',
    ...(from !== undefined && to !== undefined && { ports: { from, to } }),
    ...(type !== undefined && code !== undefined && { icmp: { type, code } }),
  };
}

const networkAcl: Reader = (item, { account }) => {
  item.ignore('OwnerId');
  return made('network-acl', {
    id: item.text('NetworkAclId') ?? '',
    tags: tagsOf(item),
    account,
    vpc: item.text('VpcId') ?? '',
    isDefault: item.flag('IsDefault'),
    entries: item.items('Entries').map(aclEntry),
    associations: item.items('Associations').map((each) => {
      each.ignore('NetworkAclId');
      return {
        association: each.text('NetworkAclAssociationId') ?? '',
        subnet: each.text('SubnetId') ?? '',
      };
    }),
  });
};

/** Entries come by GetManagedPrefixListEntries; the file's name says of which list. */
const prefixList: Reader = (item, { account, region, described, find }) => {
  const id = item.text('PrefixListId') ?? '';
  item.ignore('PrefixListArn', 'Version', 'State');
  const ofAws = item.text('OwnerId') === 'AWS';
  const given = described.get(`Entries ${id}`);
  if (given === undefined) {
    const why = `its entries are not known: save those of get-managed-prefix-list-entries in a file named after it`;
    find({ list: 'PrefixLists', id, field: 'Entries', why });
  }
  const entries = (given ?? []).map((each) => {
    const description = each.text('Description');
    return { cidr: each.text('Cidr') ?? '', ...(description !== undefined && { description }) };
  });
  return made('prefix-list', {
    id,
    tags: tagsOf(item),
    account: ofAws ? 'AWS' : account,
    region,
    name: item.text('PrefixListName') ?? id,
    family: item.text('AddressFamily') === 'IPv6' ? 6 : 4,
    maxEntries: item.number('MaxEntries') ?? entries.length,
    state: 'create',
    busy: false,
    versions: [entries],
  });
};

const dhcpOptions: Reader = (item, { account }) => {
  item.ignore('OwnerId');
  const configurations = item.items('DhcpConfigurations').map((each) => ({
    key: each.text('Key') ?? '',
    values: each.items('Values').map((value) => value.text('Value') ?? ''),
  }));
  const servers = configurations.find(({ key }) => key === 'domain-name-servers')?.values ?? [];
  return made('dhcp-options', {
    id: item.text('DhcpOptionsId') ?? '',
    tags: tagsOf(item),
    account,
    isDefault: servers.length === 1 && servers[0] === 'AmazonProvidedDNS' && configurations.length === 2,
    configurations,
  });
};

/** The public addresses of a network interface, one for a private address. */
export function publicAddressesOf(item: Item): readonly PublicAddress[] {
  return item.items('PrivateIpAddresses').flatMap((each) => {
    const association = each.item('Association');
    association.ignore('PublicDnsName', 'IpOwnerId');
    const shown = association.text('PublicIp');
    const allocation = association.text('AllocationId');
    const id = association.text('AssociationId');
    if (shown === undefined) return [];
    const names = { ...(allocation && { allocation }), ...(allocation && id && { association: id }) };
    return [{ private: each.text('PrivateIpAddress') ?? '', public: shown, ...names }];
  });
}

export const networkReaders: Readonly<Record<string, Reader>> = {
  Vpcs: vpc,
  Subnets: subnet,
  RouteTables: routeTable,
  InternetGateways: internetGateway,
  EgressOnlyInternetGateways: egressOnly,
  Addresses: address,
  NetworkAcls: networkAcl,
  PrefixLists: prefixList,
  DhcpOptions: dhcpOptions,
};
