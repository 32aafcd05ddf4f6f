/** The kinds of the networking resources; kind.ts says what each field is. */
import { isPrefixListRoute } from '../../vpc/route-order.ts';
import { defined, type KindTable } from './kind.ts';
import type { NetworkRecords } from './network.ts';

export const networkKinds: KindTable<keyof NetworkRecords> = {
  vpc: {
    scope: 'region',
    refersTo: (vpc) => [vpc.dhcpOptions, ...[...vpc.ipv4, ...vpc.ipv6].map((block) => block.association)],
    prefix: 'vpc',
    resourceType: 'vpc',
    notFound: 'InvalidVpcID.NotFound',
    malformed: 'InvalidVpcID.Malformed',
    noun: 'vpc ID',
  },
  subnet: {
    scope: 'region',
    refersTo: (subnet) => defined([subnet.vpc, subnet.ipv6?.association]),
    prefix: 'subnet',
    resourceType: 'subnet',
    notFound: 'InvalidSubnetID.NotFound',
    malformed: 'InvalidSubnetID.Malformed',
    noun: 'subnet ID',
  },
  'route-table': {
    scope: 'region',
    refersTo: (table) =>
      defined([
        table.vpc,
        ...table.associations.flatMap((each) => [each.association, each.subnet, each.gateway]),
        ...(table.propagating ?? []),
        ...table.routes.filter(isPrefixListRoute).map((route) => route.destination),
        ...table.routes.map(({ target }) => (target.kind === 'vpc-endpoint' ? target.endpoint : undefined)),
      ]),
    prefix: 'rtb',
    resourceType: 'route-table',
    notFound: 'InvalidRouteTableID.NotFound',
    malformed: 'InvalidRouteTableId.Malformed',
    noun: 'routeTable ID',
  },
  'internet-gateway': {
    scope: 'region',
    refersTo: (gateway) => defined([gateway.vpc]),
    prefix: 'igw',
    resourceType: 'internet-gateway',
    notFound: 'InvalidInternetGatewayID.NotFound',
    malformed: 'InvalidInternetGatewayId.Malformed',
    noun: 'internetGateway ID',
  },
  'network-interface': {
    scope: 'region',
    refersTo: (eni) =>
      defined([eni.vpc, eni.subnet, ...eni.groups, eni.attachment?.id, eni.attachment?.instance]),
    holds: ({ subnet, ipv4, ipv6 }) => ({ subnet, addresses: [...ipv4, ...ipv6] }),
    prefix: 'eni',
    resourceType: 'network-interface',
    notFound: 'InvalidNetworkInterfaceID.NotFound',
    malformed: 'InvalidNetworkInterfaceId.Malformed',
    noun: 'networkInterface ID',
  },
  address: {
    scope: 'region',
    refersTo: ({ publicIp, association, formerAssociation }) =>
      defined([publicIp, association?.id, association?.eni, formerAssociation]),
    prefix: 'eipalloc',
    resourceType: 'elastic-ip',
    notFound: 'InvalidAllocationID.NotFound',
    malformed: 'InvalidAllocationID.Malformed',
    noun: 'allocation ID',
  },
  'network-acl': {
    scope: 'region',
    refersTo: (acl) => [acl.vpc, ...acl.associations.flatMap((each) => [each.association, each.subnet])],
    prefix: 'acl',
    resourceType: 'network-acl',
    notFound: 'InvalidNetworkAclID.NotFound',
    malformed: 'InvalidNetworkAclId.Malformed',
    noun: 'networkAcl ID',
  },
  'prefix-list': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'pl',
    resourceType: 'prefix-list',
    notFound: 'InvalidPrefixListID.NotFound',
    malformed: 'InvalidPrefixListId.Malformed',
    noun: 'prefix list ID',
  },
  'dhcp-options': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'dopt',
    resourceType: 'dhcp-options',
    notFound: 'InvalidDhcpOptionID.NotFound',
    malformed: 'InvalidDhcpOptionsId.Malformed',
    noun: 'dhcpOption ID',
  },
  taken: {
    scope: 'cloud',
    refersTo: () => [],
    notFound: 'InvalidAddress.NotFound',
    malformed: 'InvalidAddress.Malformed',
    noun: 'address',
  },
};
