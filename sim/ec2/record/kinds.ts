/**
 * The kinds of stored resource: where each lives, which ids it refers to (the store indexes them), how its id
 * looks, how EC2 spells the errors about it, and what the data plane sees of it.
 */
import type { Change, Resources, SecurityGroupRule } from '../../vpc/model.ts';
import { isPrefixListRoute } from '../../vpc/route-order.ts';
import type { Scope } from './base.ts';
import type { ComputeRecords } from './compute.ts';
import type { ConnectivityRecords } from './connectivity.ts';
import type { EgressRecords } from './egress.ts';
import type { IdentityRecords } from './identity.ts';
import type { NetworkRecords, RouteTableAssociation } from './network.ts';
import type { GroupRuleRecord, SecurityRecords } from './security.ts';

export interface Records
  extends NetworkRecords,
    ConnectivityRecords,
    EgressRecords,
    ComputeRecords,
    SecurityRecords,
    IdentityRecords {}

export type Kind = keyof Records;

export interface KindSpec<K extends Kind> {
  readonly scope: Scope;
  /**
   * Ids that the record names: its parents, peers, associations and attachments. `referring` finds it by
   * them.
   */
  readonly refersTo: (record: Records[K]) => readonly string[];
  /** The start of its ids, without the dash; absent where ids are names. */
  readonly prefix?: string;
  /** The name in TagSpecification and DescribeTags; absent where EC2 tags it not. */
  readonly resourceType?: string;
  /** EC2's irregular error codes. */
  readonly notFound: string;
  readonly malformed: string;
  /** As in "The vpc ID 'vpc-1' does not exist". */
  readonly noun: string;
}

type Projections = { readonly [K in keyof Resources]: (record: Records[K]) => Resources[K] };

const rule = (rule: GroupRuleRecord): SecurityGroupRule => ({
  protocol: rule.protocol,
  fromPort: rule.fromPort,
  toPort: rule.toPort,
  peer: rule.peer.kind === 'cidr' ? rule.peer : { kind: 'group', group: rule.peer.group },
});

/** Whether an association is the one that makes its table the main one. */
export const isMainAssociation = ({ subnet, gateway }: RouteTableAssociation): boolean =>
  subnet === undefined && gateway === undefined;

/** What forwarding sees of each resource. */
const projections: Projections = {
  vpc: (vpc) => ({
    id: vpc.id,
    account: vpc.account,
    region: vpc.region,
    cidrs: [...vpc.ipv4, ...vpc.ipv6].map((block) => block.cidr),
  }),
  subnet: (subnet) => ({
    id: subnet.id,
    vpc: subnet.vpc,
    zone: subnet.zone,
    cidrs: subnet.ipv6 ? [subnet.cidr, subnet.ipv6.cidr] : [subnet.cidr],
  }),
  'route-table': (table) => ({
    id: table.id,
    vpc: table.vpc,
    main: table.associations.some(isMainAssociation),
    routes: table.routes,
    subnets: table.associations.flatMap(({ subnet }) => subnet ?? []),
    gateways: table.associations.flatMap(({ gateway }) => gateway ?? []),
  }),
  'internet-gateway': (gateway) =>
    gateway.vpc === undefined ? { id: gateway.id } : { id: gateway.id, vpc: gateway.vpc },
  'network-interface': (eni) => ({
    id: eni.id,
    vpc: eni.vpc,
    subnet: eni.subnet,
    mac: eni.mac,
    addresses: [...eni.ipv4, ...eni.ipv6],
    publicAddresses: eni.publicAddresses.map((pair) => ({ private: pair.private, public: pair.public })),
    sourceDestCheck: eni.sourceDestCheck,
    securityGroups: eni.groups,
    ...(eni.attachment?.status === 'attached' && {
      attachment: { instance: eni.attachment.instance, deviceIndex: eni.attachment.deviceIndex },
    }),
  }),
  instance: (instance) => ({ id: instance.id, vpc: instance.vpc, state: instance.state }),
  'security-group': (group) => ({
    id: group.id,
    vpc: group.vpc,
    ingress: group.rules.filter((each) => !each.egress).map(rule),
    egress: group.rules.filter((each) => each.egress).map(rule),
  }),
  'network-acl': (acl) => ({
    id: acl.id,
    vpc: acl.vpc,
    entries: acl.entries.map(({ ports, icmp, ...entry }) => ({
      ...entry,
      fromPort: ports?.from ?? icmp?.type ?? -1,
      toPort: ports?.to ?? icmp?.code ?? -1,
    })),
    subnets: acl.associations.map((each) => each.subnet),
  }),
  'vpn-gateway': ({ id, vpc }) => (vpc === undefined ? { id } : { id, vpc }),
  'vpn-connection': ({ id, gateway, customerGateway, routes, state }) => ({
    id,
    gateway,
    customerGateway,
    routes,
    up: state === 'available',
  }),
  'transit-gateway-attachment': ({ id, gateway, state, link, association }) => ({
    id,
    gateway,
    available: state === 'available' || state === 'modifying',
    link:
      link.kind === 'vpc'
        ? { kind: link.kind, vpc: link.vpc, subnets: link.subnets }
        : { kind: link.kind, peer: link.peer },
    applianceMode: link.kind === 'vpc' && link.applianceMode,
    ...(association !== undefined && { routeTable: association }),
  }),
  'transit-gateway-route-table': ({ id, gateway, statics, propagated }) => ({
    id,
    gateway,
    routes: [
      ...statics,
      ...propagated.filter((each) => !statics.some((route) => route.destination === each.destination)),
    ],
  }),
  'vpc-peering-connection': ({ id, requesterVpc, accepterVpc, state }) => ({
    id,
    requesterVpc,
    accepterVpc,
    active: state === 'active',
  }),
  'nat-gateway': ({ id, address, state }) => ({
    id,
    eni: address.eni,
    address: address.private,
    available: state === 'available',
  }),
  'egress-only-gateway': ({ id, vpc }) => ({ id, vpc }),
  'prefix-list': (list) => ({ id: list.id, entries: (list.versions.at(-1) ?? []).map(({ cidr }) => cidr) }),
};

const defined = (ids: readonly (string | undefined)[]): readonly string[] =>
  ids.filter((id): id is string => id !== undefined);

export const kinds: { readonly [K in Kind]: KindSpec<K> } = {
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
    prefix: 'eni',
    resourceType: 'network-interface',
    notFound: 'InvalidNetworkInterfaceID.NotFound',
    malformed: 'InvalidNetworkInterfaceId.Malformed',
    noun: 'networkInterface ID',
  },
  address: {
    scope: 'region',
    refersTo: (address) => defined([address.publicIp, address.association?.id, address.association?.eni]),
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
  'nat-gateway': {
    scope: 'region',
    refersTo: ({ state, vpc, subnet, address }) =>
      state === 'deleted' || state === 'failed' ? [] : [vpc, subnet, address.eni],
    prefix: 'nat',
    resourceType: 'natgateway',
    notFound: 'NatGatewayNotFound',
    malformed: 'NatGatewayMalformed',
    noun: 'Nat Gateway',
  },
  'egress-only-gateway': {
    scope: 'region',
    refersTo: (gateway) => [gateway.vpc],
    prefix: 'eigw',
    resourceType: 'egress-only-internet-gateway',
    notFound: 'InvalidGatewayID.NotFound',
    malformed: 'InvalidEgressOnlyInternetGatewayId.Malformed',
    noun: 'eigw ID',
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
  'vpn-gateway': {
    scope: 'region',
    refersTo: (gateway) => defined([gateway.vpc]),
    prefix: 'vgw',
    resourceType: 'vpn-gateway',
    notFound: 'InvalidVpnGatewayID.NotFound',
    malformed: 'InvalidVpnGatewayID.Malformed',
    noun: 'vpnGateway ID',
  },
  'customer-gateway': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'cgw',
    resourceType: 'customer-gateway',
    notFound: 'InvalidCustomerGatewayID.NotFound',
    malformed: 'InvalidCustomerGatewayId.Malformed',
    noun: 'customerGateway ID',
  },
  'vpn-connection': {
    scope: 'region',
    refersTo: ({ state, gateway, customerGateway }) =>
      state === 'deleted' ? [] : [gateway, customerGateway],
    prefix: 'vpn',
    resourceType: 'vpn-connection',
    notFound: 'InvalidVpnConnectionID.NotFound',
    malformed: 'InvalidVpnConnectionID.Malformed',
    noun: 'vpnConnection ID',
  },
  'transit-gateway': {
    scope: 'region',
    refersTo: (gateway) => defined([gateway.associationTable, gateway.propagationTable]),
    prefix: 'tgw',
    resourceType: 'transit-gateway',
    notFound: 'InvalidTransitGatewayID.NotFound',
    malformed: 'InvalidTransitGatewayID.Malformed',
    noun: 'transitGateway ID',
  },
  'transit-gateway-attachment': {
    scope: 'region',
    refersTo: ({ state, gateway, link, association, propagations }) =>
      ['deleted', 'rejected', 'failed'].includes(state)
        ? []
        : defined([
            gateway,
            ...(link.kind === 'vpc' ? [link.vpc, ...link.subnets] : [link.peer, link.peerGateway]),
            association,
            ...propagations,
          ]),
    prefix: 'tgw-attach',
    resourceType: 'transit-gateway-attachment',
    notFound: 'InvalidTransitGatewayAttachmentID.NotFound',
    malformed: 'InvalidTransitGatewayAttachmentID.Malformed',
    noun: 'transitGatewayAttachment ID',
  },
  'transit-gateway-route-table': {
    scope: 'region',
    refersTo: ({ state, gateway }) => (state === 'deleted' ? [] : [gateway]),
    prefix: 'tgw-rtb',
    resourceType: 'transit-gateway-route-table',
    notFound: 'InvalidRouteTableID.NotFound',
    malformed: 'InvalidRouteTableId.Malformed',
    noun: 'transitGatewayRouteTable ID',
  },
  'vpc-peering-connection': {
    scope: 'region',
    refersTo: ({ state, requesterVpc, accepterVpc }) =>
      ['rejected', 'expired', 'failed', 'deleted'].includes(state) ? [] : [requesterVpc, accepterVpc],
    prefix: 'pcx',
    resourceType: 'vpc-peering-connection',
    notFound: 'InvalidVpcPeeringConnectionID.NotFound',
    malformed: 'InvalidVpcPeeringConnectionId.Malformed',
    noun: 'vpcPeeringConnection ID',
  },
  taken: {
    scope: 'cloud',
    refersTo: () => [],
    notFound: 'InvalidAddress.NotFound',
    malformed: 'InvalidAddress.Malformed',
    noun: 'address',
  },
  instance: {
    scope: 'region',
    refersTo: (instance) =>
      instance.state === 'terminated'
        ? [instance.reservation]
        : defined([instance.vpc, instance.subnet, instance.reservation, instance.profile?.association]),
    prefix: 'i',
    resourceType: 'instance',
    notFound: 'InvalidInstanceID.NotFound',
    malformed: 'InvalidInstanceID.Malformed',
    noun: 'instance ID',
  },
  volume: {
    scope: 'region',
    refersTo: (volume) => defined([volume.instance]),
    prefix: 'vol',
    resourceType: 'volume',
    notFound: 'InvalidVolume.NotFound',
    malformed: 'InvalidParameterValue',
    noun: 'volume',
  },
  'security-group': {
    scope: 'region',
    refersTo: (group) => [
      group.vpc,
      ...group.rules.flatMap((each) => (each.peer.kind === 'group' ? [each.id, each.peer.group] : [each.id])),
    ],
    prefix: 'sg',
    resourceType: 'security-group',
    notFound: 'InvalidGroup.NotFound',
    malformed: 'InvalidGroupId.Malformed',
    noun: 'security group',
  },
  'key-pair': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'key',
    resourceType: 'key-pair',
    notFound: 'InvalidKeyPair.NotFound',
    malformed: 'InvalidKeyPair.Format',
    noun: 'key pair ID',
  },
  role: {
    scope: 'account',
    refersTo: () => [],
    notFound: 'NoSuchEntity',
    malformed: 'ValidationError',
    noun: 'role with name',
  },
  'instance-profile': {
    scope: 'account',
    refersTo: (profile) => profile.roles,
    notFound: 'NoSuchEntity',
    malformed: 'ValidationError',
    noun: 'instance profile',
  },
};

/** What a write changed in the data plane; undefined where forwarding does not see the difference. */
export function changeOf<K extends Kind>(
  kind: K,
  id: string,
  before: Records[K] | undefined,
  after: Records[K] | undefined,
): Change | undefined {
  const project = (projections as Readonly<Record<string, ((record: unknown) => unknown) | undefined>>)[kind];
  if (project === undefined) return undefined;
  const was = before && project(before);
  const is = after && project(after);
  return same(was, is) ? undefined : ({ kind, id, value: is } as Change);
}

/** Deep equality of plain data, quick where parts are shared. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length || Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  return keys.every((key) => key in right && same(left[key], right[key]));
}
