/**
 * A plain second opinion on one crossing of the fabric: linear scans over the records, addresses as text and
 * BigInt, nothing shared with the engine but the records. Security groups only as far as rules go: it tracks
 * no flows.
 */
import type {
  NetworkInterface,
  ResourceKind,
  Resources,
  Route,
  RouteTable,
  SecurityGroupRule,
} from '../../sim/vpc/model.ts';

export interface Frame {
  /** ENI id, or undefined for the Internet. */
  readonly from: string | undefined;
  readonly sourceMac: string;
  /** `router`, or a MAC address. */
  readonly to: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly destinationPort: number;
  /** Bytes; IPv4 without DF may be fragmented. */
  readonly lengthBytes: number;
  readonly dontFragment: boolean;
  readonly ttl: number;
  /** Type and code of ICMP; the ports are 0 then. */
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number };
}

export interface Verdict {
  readonly disposition: string;
  readonly to?: string;
  readonly source?: string;
  readonly destination?: string;
}

/** All records of a kind. */
export type All = { readonly [K in ResourceKind]: ReadonlyMap<string, Resources[K]> };

const bits = (text: string): string => {
  if (!text.includes(':')) {
    return text
      .split('.')
      .map((octet) => Number(octet).toString(2).padStart(8, '0'))
      .join('');
  }
  const [head = '', tail = ''] = text.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const middle = text.includes('::') ? 8 - words(head).length - words(tail).length : 0;
  const all = [...words(head), ...Array<string>(middle).fill('0'), ...words(tail)];
  return all.map((word) => Number.parseInt(word, 16).toString(2).padStart(16, '0')).join('');
};

export const inside = (cidr: string, text: string): boolean => {
  const [network = '', length = '0'] = cidr.split('/');
  if (network.includes(':') !== text.includes(':')) return false;
  return bits(text).startsWith(bits(network).slice(0, Number(length)));
};

const any = (cidrs: readonly string[], text: string): boolean => cidrs.some((cidr) => inside(cidr, text));

const NOWHERE = ['224.0.0.0/4', '255.255.255.255/32', 'ff00::/8'];
const RESERVED = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'];
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];

const drop = (disposition: string): Verdict => ({ disposition });

function running(all: All, eni: NetworkInterface): boolean {
  return eni.attachment !== undefined && all.instance.get(eni.attachment.instance)?.state === 'running';
}

function allowed(
  all: All,
  eni: NetworkInterface,
  frame: Frame,
  way: 'ingress' | 'egress',
): string | undefined {
  const groups = eni.securityGroups.map((id) => all['security-group'].get(id));
  if (groups.length === 0) return undefined;
  const rules = groups.flatMap((group) => group?.[way] ?? []);
  if (rules.length === 0) return 'SG_HAS_NO_RULES';
  const peer = way === 'egress' ? frame.destination : frame.source;
  const match = (rule: SecurityGroupRule): boolean => {
    if (rule.protocol !== -1) {
      if (rule.protocol !== frame.protocol) return false;
      if (frame.destinationPort < rule.fromPort || frame.destinationPort > rule.toPort) return false;
    }
    if (rule.peer.kind === 'cidr') return inside(rule.peer.cidr, peer);
    if (rule.peer.kind === 'prefix-list') {
      return any(all['prefix-list'].get(rule.peer.list)?.entries ?? [], peer);
    }
    const { group } = rule.peer;
    const peered = [...all['vpc-peering-connection'].values()].flatMap((each) => {
      const ends = [each.requesterVpc, each.accepterVpc];
      return each.active && ends.includes(eni.vpc) ? ends : [];
    });
    const own = [...all['network-interface'].values()].filter((each) => each.vpc === eni.vpc);
    const far = [...all['network-interface'].values()].filter((each) => peered.includes(each.vpc));
    const other = own.some((each) => each.addresses.includes(peer)) ? own : far;
    const straight = way === 'egress' ? other : other.filter((each) => each.id === frame.from);
    return straight.some((each) => each.addresses.includes(peer) && each.securityGroups.includes(group));
  };
  return rules.some(match) ? undefined : 'ENI_SG_RULES_MISMATCH';
}

/** Whether the ACL of a subnet, if it has one, lets a frame over its border. */
function crosses(all: All, subnet: string, frame: Frame, egress: boolean): boolean {
  const acl = [...all['network-acl'].values()].find((each) => each.subnets.includes(subnet));
  if (acl === undefined) return true;
  const peer = egress ? frame.destination : frame.source;
  const matching = acl.entries.filter((entry) => {
    if (entry.egress !== egress || !inside(entry.cidr, peer)) return false;
    if (entry.protocol !== -1 && entry.protocol !== frame.protocol) return false;
    if (entry.protocol === 6 || entry.protocol === 17) {
      return entry.fromPort <= frame.destinationPort && frame.destinationPort <= entry.toPort;
    }
    if (entry.protocol !== 1) return true;
    const typed = entry.fromPort === -1 || entry.fromPort === frame.icmp?.type;
    return typed && (entry.toPort === -1 || entry.toPort === frame.icmp?.code);
  });
  const lowest = Math.min(...matching.map((entry) => entry.number));
  return matching.find((entry) => entry.number === lowest)?.action === 'allow';
}

/** What the router hands to an ENI crosses the border of its subnet, unless it comes from there. */
function enter(all: All, from: string | undefined, to: NetworkInterface, frame: Frame): Verdict {
  if (from !== to.subnet && !crosses(all, to.subnet, frame, false)) return drop('SUBNET_ACL_RESTRICTION');
  const nat = [...all['nat-gateway'].values()].find((each) => each.eni === to.id);
  if (nat !== undefined) {
    // No flow was opened from inside: the reference remembers none.
    return drop(to.addresses.includes(frame.destination) ? 'NGW_NO_FLOW' : 'ENI_ADDRESS_RESTRICTION');
  }
  return arrive(all, to, frame);
}

function arrive(all: All, to: NetworkInterface, frame: Frame): Verdict {
  if (!running(all, to)) return drop('BAD_STATE_ATTACHMENT');
  const refusal = allowed(all, to, frame, 'ingress');
  if (refusal !== undefined) return drop(refusal);
  if (to.sourceDestCheck && !to.addresses.includes(frame.destination)) {
    return drop('ENI_SOURCE_DEST_CHECK_RESTRICTION');
  }
  return { disposition: 'DELIVERED', to: to.id, source: frame.source, destination: frame.destination };
}

function tableOf(all: All, eni: Pick<NetworkInterface, 'vpc' | 'subnet'>): RouteTable | undefined {
  const tables = [...all['route-table'].values()];
  return (
    tables.find((table) => table.subnets.includes(eni.subnet)) ??
    tables.find((table) => table.main && table.vpc === eni.vpc)
  );
}

const edgeOf = (all: All, gateway: string): RouteTable | undefined =>
  [...all['route-table'].values()].find((table) => table.gateways.includes(gateway));

/** One crossing, as `transit` does it. */
export function reference(all: All, frame: Frame): Verdict {
  const enis = [...all['network-interface'].values()];
  if (frame.from === undefined) return fromInternet(all, enis, frame);
  const from = all['network-interface'].get(frame.from);
  if (from === undefined || !running(all, from)) return drop('BAD_STATE_ATTACHMENT');
  if (frame.sourceMac !== from.mac) return drop('L2_SOURCE_MAC');
  const firstOctet = frame.to === 'router' ? 2 : Number.parseInt(frame.to.slice(0, 2), 16);
  if (firstOctet % 2 === 1 || any(NOWHERE, frame.destination)) return drop('L2_BUM');
  if (any(RESERVED, frame.destination)) return drop('RESERVED_ADDRESS');
  if (frame.lengthBytes > 9001) return drop('MTU_EXCEEDED');
  if (from.sourceDestCheck && !from.addresses.includes(frame.source)) {
    return drop('ENI_SOURCE_DEST_CHECK_RESTRICTION');
  }
  const refusal = allowed(all, from, frame, 'egress');
  if (refusal !== undefined) return drop(refusal);
  if (frame.to !== 'router') {
    const peer = enis.find((eni) => eni.mac === frame.to && eni.subnet === from.subnet);
    return peer === undefined ? drop('L2_UNKNOWN_MAC') : enter(all, from.subnet, peer, frame);
  }
  return byRoute(all, enis, from, frame);
}

/** The route of a table that an address takes: prefix lists written out, the longest, then by origin. */
function bestRoute(all: All, table: RouteTable | undefined, address: string): Route | undefined {
  const length = (cidr: string): number => Number(cidr.split('/')[1]);
  const local = table?.routes.filter((route) => route.origin === 'CreateRouteTable') ?? [];
  const candidates = (table?.routes ?? []).flatMap((route) => {
    const list = route.destination.startsWith('pl-');
    const cidrs = list ? (all['prefix-list'].get(route.destination)?.entries ?? []) : [route.destination];
    const propagated = route.origin === 'EnableVgwRoutePropagation' || route.origin === 'Advertisement';
    const order = route.origin === 'CreateRouteTable' ? 0 : propagated ? 3 : list ? 2 : 1;
    return cidrs
      .filter((cidr) => inside(cidr, address))
      .filter(
        (cidr) =>
          !propagated ||
          !local.some(
            ({ destination: outer }) =>
              length(outer) <= length(cidr) && inside(outer, cidr.split('/')[0] ?? ''),
          ),
      )
      .map((cidr) => ({ route, length: length(cidr), order }));
  });
  return candidates.sort((a, b) => b.length - a.length || a.order - b.order)[0]?.route;
}

/** Where the router stands: a subnet of a VPC. */
type Place = Pick<NetworkInterface, 'vpc' | 'subnet'>;

/** Whether a border of this MTU drops the frame; `keeps` is one that does not fragment. */
const tooLong = (frame: Frame, mtuBytes: number, keeps = false): boolean =>
  frame.lengthBytes > mtuBytes && (keeps || frame.dontFragment || frame.destination.includes(':'));

function byRoute(all: All, enis: NetworkInterface[], from: Place, frame: Frame): Verdict {
  const best = bestRoute(all, tableOf(all, from), frame.destination);
  const own = enis.filter((eni) => eni.vpc === from.vpc);
  const next =
    best?.target.kind === 'local'
      ? own.find((eni) => eni.addresses.includes(frame.destination))
      : best?.target.kind === 'eni'
        ? all['network-interface'].get(best.target.eni)
        : best?.target.kind === 'nat-gateway'
          ? all['network-interface'].get(all['nat-gateway'].get(best.target.gateway)?.eni ?? '')
          : undefined;
  if (next?.subnet !== from.subnet && !crosses(all, from.subnet, frame, true)) {
    return drop('SUBNET_ACL_RESTRICTION');
  }
  if (best === undefined) return drop('NO_ROUTE_TO_DESTINATION');
  if (best.target.kind === 'local') {
    return next === undefined ? drop('NO_POSSIBLE_DESTINATION') : enter(all, from.subnet, next, frame);
  }
  if (best.target.kind === 'eni') {
    const nat = [...all['nat-gateway'].values()].some((each) => each.eni === next?.id);
    const live = next !== undefined && (next.attachment !== undefined || nat);
    return live ? enter(all, from.subnet, next, frame) : drop('BAD_STATE_ROUTE');
  }
  const { target } = best;
  switch (target.kind) {
    case 'vpc-peering-connection':
      return byPeering(all, target.connection, from, frame);
    case 'nat-gateway':
      return byNat(all, target.gateway, from, frame);
    case 'egress-only-gateway':
      return byEgressOnly(all, target.gateway, from, frame);
    case 'transit-gateway':
      return byTransitGateway(all, target.gateway, from, frame);
    case 'vpn-gateway':
      return byVpn(all, target.gateway, from, frame);
    case 'internet-gateway':
      return byInternet(all, target.gateway, from, frame);
    default:
      throw new Error(`the reference knows no ${target.kind}`);
  }
}

function byInternet(all: All, gateway: string, from: Place, frame: Frame): Verdict {
  const own = [...all['network-interface'].values()].filter((eni) => eni.vpc === from.vpc);
  if (all['internet-gateway'].get(gateway)?.vpc !== from.vpc) return drop('BAD_STATE_ROUTE');
  if (any(PRIVATE, frame.destination)) return drop('IGW_PRIVATE_DESTINATION');
  const owner = own.find((eni) => eni.addresses.includes(frame.source));
  const edge = edgeOf(all, gateway);
  const back = bestRoute(all, edge, frame.source)?.target;
  if (back !== undefined && back.kind !== 'local' && owner?.subnet === from.subnet) {
    const appliance = back.kind === 'eni' ? all['network-interface'].get(back.eni)?.attachment : undefined;
    if (appliance?.instance !== owner.attachment?.instance) return drop('INGRESS_RTB_TRAFFIC_REDIRECTION');
  }
  const out = { disposition: 'TO_INTERNET', destination: frame.destination };
  if (frame.source.includes(':')) {
    if (!inside('2000::/3', frame.source)) return drop('IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS');
    if (owner === undefined) return drop('GATEWAY_REJECTS_SPOOFED_TRAFFIC');
    return tooLong(frame, 1500) ? drop('MTU_EXCEEDED') : { ...out, source: frame.source };
  }
  const seen = owner?.publicAddresses.find((pair) => pair.private === frame.source)?.public;
  if (seen === undefined) return drop('IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS');
  return tooLong(frame, 1500) ? drop('MTU_EXCEEDED') : { ...out, source: seen };
}

/** Into the subnet of the NAT gateway, source NAT to its address, and on by that subnet's table. */
function byNat(all: All, id: string, from: Place, frame: Frame): Verdict {
  const nat = all['nat-gateway'].get(id);
  const eni = all['network-interface'].get(nat?.eni ?? '');
  const subnet = nat === undefined ? undefined : (eni?.subnet ?? '');
  if (subnet !== undefined && subnet !== from.subnet && !crosses(all, subnet, frame, false)) {
    return drop('SUBNET_ACL_RESTRICTION');
  }
  if (nat === undefined || !nat.available) return drop('BAD_STATE_ROUTE');
  if (frame.destination.includes(':') || ![1, 6, 17].includes(frame.protocol)) return drop('NGW_PROTOCOL');
  const sender = all['network-interface'].get(frame.from ?? '');
  if (sender?.vpc === from.vpc && !any(all.vpc.get(from.vpc)?.cidrs ?? [], frame.source)) {
    return drop('NGW_REQUIRES_SOURCE_IN_VPC');
  }
  if (tooLong(frame, 1500)) return drop('MTU_EXCEEDED');
  if (frame.ttl <= 1) return drop('TTL');
  const place = eni ?? { vpc: '', subnet: '' };
  const enis = [...all['network-interface'].values()];
  return byRoute(all, enis, place, { ...frame, source: nat.address, ttl: frame.ttl - 1 });
}

function byEgressOnly(all: All, id: string, from: Place, frame: Frame): Verdict {
  if (all['egress-only-gateway'].get(id)?.vpc !== from.vpc) return drop('BAD_STATE_ROUTE');
  if (inside('fc00::/7', frame.destination)) return drop('IGW_PRIVATE_DESTINATION');
  const enis = [...all['network-interface'].values()].filter((eni) => eni.vpc === from.vpc);
  if (!enis.some((eni) => eni.addresses.includes(frame.source)))
    return drop('GATEWAY_REJECTS_SPOOFED_TRAFFIC');
  if (tooLong(frame, 1500)) return drop('MTU_EXCEEDED');
  return { disposition: 'TO_INTERNET', source: frame.source, destination: frame.destination };
}

function byVpn(all: All, id: string, from: Place, frame: Frame): Verdict {
  if (all['vpn-gateway'].get(id)?.vpc !== from.vpc) return drop('BAD_STATE_ROUTE');
  if (frame.destination.includes(':')) return drop('VGW_IPV4_ONLY');
  const enis = [...all['network-interface'].values()].filter((eni) => eni.vpc === from.vpc);
  if (!enis.some((eni) => eni.addresses.includes(frame.source))) {
    return drop('VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS');
  }
  const ways = [...all['vpn-connection'].values()]
    .filter((connection) => connection.gateway === id)
    .flatMap(({ tunnels, routes }) => [
      { up: tunnels.some((tunnel) => tunnel.up), routes },
      ...tunnels.map((tunnel) => ({ up: tunnel.up, routes: tunnel.routes })),
    ])
    .flatMap(({ up, routes }) => routes.map((cidr) => ({ up, cidr, length: Number(cidr.split('/')[1]) })))
    .filter(({ cidr }) => inside(cidr, frame.destination))
    .sort((a, b) => b.length - a.length || Number(b.up) - Number(a.up));
  if (ways[0] === undefined) return drop('NO_ROUTE_TO_DESTINATION');
  if (!ways[0].up) return drop('BAD_STATE_VPN');
  return drop(tooLong(frame, 1500) ? 'MTU_EXCEEDED' : 'TO_SITE');
}

/** In by the zone's subnet of the attachment, by the gateway's table, out in the same zone where it can. */
function byTransitGateway(all: All, gateway: string, from: Place, frame: Frame): Verdict {
  const attachments = [...all['transit-gateway-attachment'].values()];
  const subnetsOf = (link: (typeof attachments)[number]['link']): readonly string[] =>
    link.kind === 'vpc' ? link.subnets : [];
  const entry = attachments.find(
    ({ link, available, gateway: of }) =>
      of === gateway && available && link.kind === 'vpc' && link.vpc === from.vpc,
  );
  if (entry === undefined) return drop('BAD_STATE_ROUTE');
  const zone = (subnet: string): string => all.subnet.get(subnet)?.zone ?? '';
  const door = subnetsOf(entry.link).find((subnet) => zone(subnet) === zone(from.subnet));
  if (door === undefined) return drop('TGW_ROUTE_AZ_RESTRICTION');
  if (door !== from.subnet && !crosses(all, door, frame, false)) return drop('SUBNET_ACL_RESTRICTION');
  if (tooLong(frame, 8500, true)) return drop('MTU_EXCEEDED');
  if (frame.ttl <= 1) return drop('TTL');
  const table = all['transit-gateway-route-table'].get(entry.routeTable ?? '');
  if (table === undefined) return drop('TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION');
  const best = table.routes
    .filter(({ destination }) => inside(destination, frame.destination))
    .sort((a, b) => Number(b.destination.split('/')[1]) - Number(a.destination.split('/')[1]))[0];
  if (best === undefined) return drop('TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT');
  const exits = best.paths.flatMap((path) =>
    attachments
      .filter(({ id, available }) => id === path.attachment && available)
      .map(({ link }) => ({ link, tunnel: path.tunnel })),
  );
  const [exit] = exits;
  if (exit === undefined) return drop('TGW_RTB_BAD_STATE_ROUTE');
  if (exit.link.kind === 'vpn') {
    const isUp = exits.some(({ link, tunnel }) =>
      link.kind === 'vpn'
        ? all['vpn-connection']
            .get(link.connection)
            ?.tunnels.some(({ outside, up }) => up && (tunnel === undefined || tunnel === outside))
        : false,
    );
    return drop(!isUp ? 'BAD_STATE_VPN' : tooLong(frame, 1500) ? 'MTU_EXCEEDED' : 'TO_SITE');
  }
  if (exit.link.kind !== 'vpc') throw new Error(`the reference knows no ${exit.link.kind} attachment`);
  const out =
    subnetsOf(exit.link).find((subnet) => zone(subnet) === zone(from.subnet)) ?? exit.link.subnets[0];
  const place = { vpc: exit.link.vpc, subnet: out ?? '' };
  const enis = [...all['network-interface'].values()];
  return byRoute(all, enis, place, { ...frame, ttl: frame.ttl - 1 });
}

function byPeering(all: All, id: string, from: Place, frame: Frame): Verdict {
  const connection = all['vpc-peering-connection'].get(id);
  const ends = connection === undefined ? [] : [connection.requesterVpc, connection.accepterVpc];
  if (connection?.active !== true || !ends.includes(from.vpc)) return drop('BAD_STATE_ROUTE');
  const far = ends.find((vpc) => vpc !== from.vpc) ?? '';
  const cidrs = all.vpc.get(far)?.cidrs ?? [];
  if (!any(cidrs, frame.destination) && !any(cidrs, frame.source)) {
    return drop('PCX_REQUIRES_ADDRESS_IN_VPC_CIDR');
  }
  const isFar = all.vpc.get(far)?.region !== all.vpc.get(from.vpc)?.region;
  if (isFar && tooLong(frame, 8500)) return drop('MTU_EXCEEDED');
  const enis = [...all['network-interface'].values()];
  const to = enis.find((eni) => eni.vpc === far && eni.addresses.includes(frame.destination));
  return to === undefined ? drop('NO_POSSIBLE_DESTINATION') : enter(all, undefined, to, frame);
}

function fromInternet(all: All, enis: NetworkInterface[], frame: Frame): Verdict {
  const v6 = frame.destination.includes(':');
  const pairs = enis.flatMap((eni) => eni.publicAddresses.map((pair) => ({ eni, ...pair })));
  const pair = pairs.find((each) => each.public === frame.destination);
  const to = v6 ? enis.find((eni) => eni.addresses.includes(frame.destination)) : pair?.eni;
  if (to === undefined) return drop('IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS');
  if (frame.lengthBytes > 1500) return drop('MTU_EXCEEDED');
  if (v6 && bestRoute(all, tableOf(all, to), frame.source)?.target.kind === 'egress-only-gateway') {
    return drop('EIGW_NO_FLOW');
  }
  const gateway = [...all['internet-gateway'].values()].find((igw) => igw.vpc === to.vpc);
  if (gateway === undefined) return drop('BAD_STATE_ATTACHMENT');
  const inner = { ...frame, destination: pair?.private ?? frame.destination };
  const target = bestRoute(all, edgeOf(all, gateway.id), inner.destination)?.target;
  if (target === undefined || target.kind === 'local') return enter(all, undefined, to, inner);
  const next = target.kind === 'eni' ? all['network-interface'].get(target.eni) : undefined;
  if (next?.attachment === undefined) return drop('BAD_STATE_ROUTE');
  if (!v6 && next.publicAddresses.length === 0) return drop('INGRESS_RTB_NO_PUBLIC_IP');
  return enter(all, undefined, next, inner);
}
