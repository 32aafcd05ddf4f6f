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

function tableOf(all: All, eni: NetworkInterface): RouteTable | undefined {
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
  if (from.sourceDestCheck && !from.addresses.includes(frame.source)) {
    return drop('ENI_SOURCE_DEST_CHECK_RESTRICTION');
  }
  const refusal = allowed(all, from, frame, 'egress');
  if (refusal !== undefined) return drop(refusal);
  if (frame.to !== 'router') {
    const peer = enis.find((eni) => eni.mac === frame.to && eni.subnet === from.subnet);
    return peer === undefined ? drop('L2_UNKNOWN_MAC') : arrive(all, peer, frame);
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

function byRoute(all: All, enis: NetworkInterface[], from: NetworkInterface, frame: Frame): Verdict {
  const best = bestRoute(all, tableOf(all, from), frame.destination);
  const own = enis.filter((eni) => eni.vpc === from.vpc);
  const next =
    best?.target.kind === 'local'
      ? own.find((eni) => eni.addresses.includes(frame.destination))
      : best?.target.kind === 'eni'
        ? all['network-interface'].get(best.target.eni)
        : undefined;
  if (next?.subnet !== from.subnet && !crosses(all, from.subnet, frame, true)) {
    return drop('SUBNET_ACL_RESTRICTION');
  }
  if (best === undefined) return drop('NO_ROUTE_TO_DESTINATION');
  if (best.target.kind === 'local') {
    return next === undefined ? drop('NO_POSSIBLE_DESTINATION') : enter(all, from.subnet, next, frame);
  }
  if (best.target.kind === 'eni') {
    return next?.attachment === undefined ? drop('BAD_STATE_ROUTE') : enter(all, from.subnet, next, frame);
  }
  const { kind } = best.target;
  if (kind === 'transit-gateway' || kind === 'vpn-gateway' || kind === 'vpc-endpoint') {
    throw new Error(`the reference knows no ${kind}`);
  }
  if (best.target.kind === 'vpc-peering-connection')
    return byPeering(all, best.target.connection, from, frame);
  if (all['internet-gateway'].get(best.target.gateway)?.vpc !== from.vpc) return drop('BAD_STATE_ROUTE');
  if (any(PRIVATE, frame.destination)) return drop('IGW_PRIVATE_DESTINATION');
  const owner = own.find((eni) => eni.addresses.includes(frame.source));
  const edge = edgeOf(all, best.target.gateway);
  const back = bestRoute(all, edge, frame.source)?.target;
  if (back !== undefined && back.kind !== 'local' && owner?.subnet === from.subnet) {
    const appliance = back.kind === 'eni' ? all['network-interface'].get(back.eni)?.attachment : undefined;
    if (appliance?.instance !== owner.attachment?.instance) return drop('INGRESS_RTB_TRAFFIC_REDIRECTION');
  }
  const out = { disposition: 'TO_INTERNET', destination: frame.destination };
  if (frame.source.includes(':')) {
    if (!inside('2000::/3', frame.source)) return drop('IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS');
    return owner === undefined ? drop('GATEWAY_REJECTS_SPOOFED_TRAFFIC') : { ...out, source: frame.source };
  }
  const seen = owner?.publicAddresses.find((pair) => pair.private === frame.source)?.public;
  return seen === undefined ? drop('IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS') : { ...out, source: seen };
}

function byPeering(all: All, id: string, from: NetworkInterface, frame: Frame): Verdict {
  const connection = all['vpc-peering-connection'].get(id);
  const ends = connection === undefined ? [] : [connection.requesterVpc, connection.accepterVpc];
  if (connection?.active !== true || !ends.includes(from.vpc)) return drop('BAD_STATE_ROUTE');
  const far = ends.find((vpc) => vpc !== from.vpc) ?? '';
  const cidrs = all.vpc.get(far)?.cidrs ?? [];
  if (!any(cidrs, frame.destination) && !any(cidrs, frame.source)) {
    return drop('PCX_REQUIRES_ADDRESS_IN_VPC_CIDR');
  }
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
