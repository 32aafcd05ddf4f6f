/** What the data plane sees of each kind of stored resource. */
import { unreachable } from '../../../controller/base/result.ts';
import type {
  Change,
  Resources,
  SecurityGroupRule,
  TransitGatewayAttachment,
  TransitGatewayRoute,
} from '../../vpc/model.ts';
import { speakersOf } from './connect-peer.ts';
import type { AttachmentLink, TransitRouteTableRecord } from './connectivity.ts';
import type { Kind, Records } from './kind.ts';
import type { RouteTableAssociation } from './network.ts';
import { same } from './same.ts';
import type { GroupRuleRecord } from './security.ts';

type Projections = { readonly [K in keyof Resources]: (record: Records[K]) => Resources[K] };

const rule = (rule: GroupRuleRecord): SecurityGroupRule => ({
  protocol: rule.protocol,
  fromPort: rule.fromPort,
  toPort: rule.toPort,
  peer: rule.peer.kind === 'group' ? { kind: 'group', group: rule.peer.group } : rule.peer,
});

/** Whether an association is the one that makes its table the main one. */
export const isMainAssociation = ({ subnet, gateway }: RouteTableAssociation): boolean =>
  subnet === undefined && gateway === undefined;

function farEnd(link: AttachmentLink): TransitGatewayAttachment['link'] {
  switch (link.kind) {
    case 'vpc':
      return { kind: link.kind, vpc: link.vpc, subnets: link.subnets };
    case 'peering':
      return { kind: link.kind, peer: link.peer };
    case 'vpn':
    case 'direct-connect-gateway':
    case 'connect':
      return link;
    default:
      return unreachable(link);
  }
}

const stickinessOf = (
  attributes: Readonly<Record<string, string>>,
): Resources['target-group']['stickiness'] =>
  attributes['stickiness.enabled'] !== 'true'
    ? 'ports'
    : attributes['stickiness.type'] === 'source_ip_dest_ip'
      ? 'addresses'
      : 'protocol';

const staticRoute = (route: TransitRouteTableRecord['statics'][number]): TransitGatewayRoute => ({
  destination: route.destination,
  paths: route.attachment === undefined ? [] : [{ attachment: route.attachment }],
});

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
    ...(eni.machine !== undefined && { attachment: { instance: eni.machine, deviceIndex: 0 } }),
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
  'customer-gateway': ({ id, address }) => ({ id, address }),
  'vpn-connection': (connection) => ({
    id: connection.id,
    account: connection.account,
    region: connection.region,
    gateway: connection.attachment ?? connection.gateway,
    customerGateway: connection.customerGateway,
    routes: connection.routes,
    tunnels: connection.tunnels.map(({ outside, inside, down, up, learnt }) => ({
      outside,
      inside,
      down,
      up,
      routes: learnt,
    })),
  }),
  'virtual-interface': ({ id, account, region, gateway, site, mtuBytes, siteLink, up, routes }) => ({
    id,
    account,
    region,
    gateway,
    site,
    mtuBytes,
    siteLink,
    up,
    routes,
  }),
  'direct-connect-association': ({ id, directConnectGateway, gateway, attachment, state, prefixes }) => ({
    id,
    directConnectGateway,
    gateway: attachment ?? gateway,
    available: state === 'associated' || state === 'updating',
    ...(prefixes !== undefined && { prefixes }),
  }),
  'transit-gateway-attachment': ({ id, gateway, state, link, association }) => ({
    id,
    gateway,
    available: state === 'available' || state === 'modifying',
    link: farEnd(link),
    applianceMode: link.kind === 'vpc' && link.applianceMode,
    ...(association !== undefined && { routeTable: association }),
  }),
  'transit-gateway-connect-peer': (peer) => {
    const { id, account, region, attachment, gatewayAddress, peerAddress } = peer;
    const speakers = peer.state === 'available' ? speakersOf(peer) : [];
    return { id, account, region, attachment, gatewayAddress, peerAddress, speakers };
  },
  'transit-gateway-multicast-domain': ({ id, state, staticSources, associations, members, sources }) => ({
    id,
    available: state === 'available',
    staticSources,
    associations,
    members,
    sources,
  }),
  'transit-gateway-route-table': ({ id, gateway, statics, propagated }) => {
    const isShadowed = ({ destination }: { readonly destination: string }): boolean =>
      statics.some((route) => route.destination === destination);
    return {
      id,
      gateway,
      routes: [...statics.map(staticRoute), ...propagated.filter((each) => !isShadowed(each))],
      shadowed: propagated.filter(isShadowed),
    };
  },
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
  'gateway-speaker': ({ tags: _, sessions: _sessions, paths: _paths, ...speaker }) => speaker,
  'vpc-endpoint': ({ id, vpc, state, address, interfaces, loadBalancer }) => ({
    id,
    vpc,
    available: state === 'available',
    ...(address !== undefined && { address }),
    enis: interfaces.map(({ eni }) => eni),
    ...(loadBalancer !== undefined && { loadBalancer }),
  }),
  'load-balancer': ({ id, state, attributes, zones, targetGroup, tcpIdleS }) => ({
    id,
    available: state === 'active',
    crossZone: attributes['load_balancing.cross_zone.enabled'] === 'true',
    enis: zones.map(({ eni }) => eni),
    ...(targetGroup !== undefined && { targetGroup }),
    tcpIdleMs: tcpIdleS * 1000,
  }),
  'target-group': ({ id, account, region, health, targets, attributes, loadBalancers }) => ({
    id,
    account,
    region,
    loadBalancers,
    targets: targets.map(({ streak: _, ...target }) => target),
    stickiness: stickinessOf(attributes),
    rebalanceUnhealthy: attributes['target_failover.on_unhealthy'] === 'rebalance',
    rebalanceDeregistered: attributes['target_failover.on_deregistration'] === 'rebalance',
    health,
  }),
  'prefix-list': (list) => ({ id: list.id, entries: (list.versions.at(-1) ?? []).map(({ cidr }) => cidr) }),
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
