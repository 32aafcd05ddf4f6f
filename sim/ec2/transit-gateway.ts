/** What the handlers of transit gateways share: attachments, and the routes that they propagate. */
import { overlaps, type Prefix, prefix } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import type { TransitPath } from '../vpc/model.ts';
import { areEqual, comparePaths } from './best-path.ts';
import { bestOfInterfaces } from './direct-connect-paths.ts';
import { setSpeaker } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import { speakersOf } from './record/connect-peer.ts';
import type {
  AttachmentRecord,
  AttachmentState,
  ConnectPeerRecord,
  TransitGatewayRecord,
  TransitRouteTableRecord,
} from './record/connectivity.ts';
import { defined } from './record/kind.ts';
import type { LearntPath } from './record/routing.ts';
import { refuse } from './refusal.ts';

/** How long what was deleted is still shown as that. AWS says about an hour of attachments. */
export const DELETED_VISIBLE_MS = 3_600_000;

/** The attachments of a gateway that are not gone. */
export const attachmentsTo = (tx: Tx, gateway: string): readonly AttachmentRecord[] =>
  tx.referring('transit-gateway-attachment', gateway).filter((each) => each.gateway === gateway);

/** The attachment of a VPC to a gateway, where there is one that works. */
export const vpcAttachment = (tx: Tx, gateway: string, vpc: string): AttachmentRecord | undefined =>
  tx
    .referring('transit-gateway-attachment', vpc)
    .find((each) => each.gateway === gateway && (each.state === 'available' || each.state === 'modifying'));

/** A gateway, attachment or table that a request needs in working order. */
export function needAvailable<R extends { readonly id: string; readonly state: AttachmentState }>(
  record: R,
): R {
  if (record.state !== 'available') refuse('IncorrectState', `${record.id} is in invalid state`);
  return record;
}

/** What an attachment stands for, as EC2 shows it. */
export function resourceOf({ link }: AttachmentRecord) {
  switch (link.kind) {
    case 'vpc':
      return { ResourceId: link.vpc, ResourceType: 'vpc' } as const;
    case 'peering':
      return { ResourceId: link.peerGateway, ResourceType: 'peering' } as const;
    case 'vpn':
      return { ResourceId: link.connection, ResourceType: 'vpn' } as const;
    case 'direct-connect-gateway':
      return { ResourceId: link.gateway, ResourceType: 'direct-connect-gateway' } as const;
    case 'connect':
      return { ResourceId: link.transport, ResourceType: 'connect' } as const;
    default:
      return unreachable(link);
  }
}

/** The peers of a Connect attachment that are not gone. */
export const peersOf = (tx: Tx, attachment: string): readonly ConnectPeerRecord[] =>
  tx.referring('transit-gateway-connect-peer', attachment);

/** A route that an attachment offers to the tables that it propagates to, by one of its ways. */
interface Offer {
  readonly destination: string;
  readonly way: TransitPath;
  readonly kind: AttachmentRecord['link']['kind'];
  /** Of an attachment that speaks BGP. */
  readonly told?: LearntPath;
  /** By a tunnel that is known to be down, though its session has not ended yet. */
  readonly isDown?: boolean;
}

/** Lower wins. "Transit gateway route tables", route evaluation order. */
const RANK = { vpc: 0, 'direct-connect-gateway': 1, connect: 2, vpn: 3, peering: 4 } as const;

/** Most ways that the flows of a route share. "Transit gateway quotas". */
const MOST_PATHS = 50;

function offersOf(tx: Tx, { id: attachment, link }: AttachmentRecord): readonly Offer[] {
  const { kind } = link;
  switch (link.kind) {
    case 'vpc': {
      const vpc = tx.get('vpc', link.vpc);
      const blocks = [...(vpc?.ipv4 ?? []), ...(vpc?.ipv6 ?? [])];
      return blocks.map(({ cidr: destination }) => ({ destination, kind, way: { attachment } }));
    }
    case 'vpn': {
      const tunnels = tx.get('vpn-connection', link.connection)?.tunnels ?? [];
      const down = new Set(tunnels.flatMap((tunnel) => (tunnel.down ? tunnel.outside : [])));
      return (tx.get('gateway-speaker', link.connection)?.paths ?? []).map((told) => {
        const way = { attachment, tunnel: told.neighbor };
        return { destination: told.prefix, kind, way, told, isDown: down.has(told.neighbor) };
      });
    }
    case 'direct-connect-gateway': {
      const paths = bestOfInterfaces(tx, link.gateway);
      return Array.from(paths, ([destination, told]) => ({ destination, kind, way: { attachment }, told }));
    }
    case 'connect':
      return peersOf(tx, attachment).flatMap((peer) =>
        speakersOf(peer)
          .flatMap(({ id }) => tx.get('gateway-speaker', id)?.paths ?? [])
          .map((told) => ({ destination: told.prefix, kind, way: { attachment, peer: peer.id }, told })),
      );
    case 'peering':
      return [];
    default:
      return unreachable(link);
  }
}

/** Below zero where `a` wins; offers of VPCs are as good as they come. */
const compareOffers = (a: Offer, b: Offer): number =>
  RANK[a.kind] - RANK[b.kind] ||
  Number(a.isDown ?? false) - Number(b.isDown ?? false) ||
  (a.told === undefined || b.told === undefined ? 0 : comparePaths(a.told, b.told));

/**
 * The ways of a destination: the best offer's, and those of offers that are as good (ECMP): of Connect
 * attachments always, of VPNs where the gateway is told so. Both sessions of a Connect peer are one way.
 * "How transit gateways work", equal-cost multipath routing.
 */
function waysOf(offers: readonly Offer[], vpnEcmp: boolean): readonly TransitPath[] {
  const sorted = offers.toSorted(compareOffers);
  const [best] = sorted;
  if (best === undefined) return [];
  const { told, kind, isDown } = best;
  const shares = told !== undefined && (kind === 'connect' || (kind === 'vpn' && vpnEcmp));
  const equal = sorted.filter(
    (each) =>
      shares && each.told && each.kind === kind && each.isDown === isDown && areEqual(each.told, told),
  );
  const ways = new Map([best, ...equal].map(({ way }) => [way.tunnel ?? way.peer, way]));
  return [...ways.values()].slice(0, MOST_PATHS);
}

/**
 * Learns anew what each table's attachments propagate. The blocks of VPCs come first, oldest attachment
 * first; a block that overlaps one of an older attachment is left out ("Transit gateway VPC attachments"). Of
 * routes that BGP told, the better kind of attachment wins, then the better path. Then the tables' speakers
 * tell their sites.
 */
export function refreshPropagations(tx: Tx, tables: readonly string[]): void {
  for (const id of tables) {
    const table = tx.get('transit-gateway-route-table', id);
    if (table === undefined) continue;
    const attachments = tx
      .referring('transit-gateway-attachment', id)
      .filter((each) => each.propagations.includes(id))
      .sort((a, b) => RANK[a.link.kind] - RANK[b.link.kind]);
    const taken: Prefix[] = [];
    const offered = new Map<string, Offer[]>();
    for (const attachment of attachments) {
      const offers = offersOf(tx, attachment);
      const free =
        attachment.link.kind === 'vpc'
          ? offers.filter(({ destination }) => !taken.some((each) => overlaps(each, prefix(destination))))
          : offers;
      if (attachment.link.kind === 'vpc') taken.push(...free.map(({ destination }) => prefix(destination)));
      for (const offer of free) {
        const others = offered.get(offer.destination);
        if (others === undefined) offered.set(offer.destination, [offer]);
        else others.push(offer);
      }
    }
    const vpnEcmp = tx.get('transit-gateway', table.gateway)?.vpnEcmp ?? false;
    const propagated = [...offered].map(([destination, offers]) => ({
      destination,
      paths: waysOf(offers, vpnEcmp),
    }));
    tx.put('transit-gateway-route-table', { ...table, propagated });
    announceTable(tx, id);
  }
}

/** The sites behind the attachments that a table serves hear the routes that it holds now. */
export function announceTable(tx: Tx, table: string): void {
  for (const attachment of tx.referring('transit-gateway-attachment', table)) {
    if (attachment.association === table) announceTo(tx, attachment);
  }
}

/**
 * The site or the appliances behind an attachment hear the routes of the attachment's table, but those that
 * lead back to it.
 */
export function announceTo(tx: Tx, attachment: AttachmentRecord): void {
  const speakers = speakersAt(tx, attachment).flatMap((id) => tx.get('gateway-speaker', id) ?? []);
  if (speakers.length === 0) return;
  const table = tx.get('transit-gateway-route-table', attachment.association ?? '');
  const fixed = (table?.statics ?? []).filter(
    (route) => route.attachment !== undefined && route.attachment !== attachment.id,
  );
  const learnt = (table?.propagated ?? []).filter(({ paths }) =>
    paths.every((path) => path.attachment !== attachment.id),
  );
  const announces = [...new Set([...fixed, ...learnt].map(({ destination }) => destination))];
  for (const speaker of speakers) setSpeaker(tx, { ...speaker, announces });
}

/** The ids of the gateway's speakers at an attachment. */
function speakersAt(tx: Tx, { id, link }: AttachmentRecord): readonly string[] {
  switch (link.kind) {
    case 'vpn':
      return [link.connection];
    case 'connect':
      return peersOf(tx, id).flatMap((peer) => speakersOf(peer).map((each) => each.id));
    // The allowed prefixes of the association are told, whatever the table holds.
    case 'direct-connect-gateway':
    case 'vpc':
    case 'peering':
      return [];
    default:
      return unreachable(link);
  }
}

/** A new attachment works: it gets what the gateway gives by default. */
export function openAttachment(tx: Tx, attachment: AttachmentRecord): void {
  const gateway = tx.get('transit-gateway', attachment.gateway);
  const { associationTable, propagationTable } = gateway ?? {};
  const propagates = propagationTable !== undefined && attachment.link.kind !== 'peering';
  const propagations = propagates ? [propagationTable] : [];
  tx.put('transit-gateway-attachment', {
    ...attachment,
    state: 'available',
    propagations,
    ...(associationTable !== undefined && { association: associationTable }),
  });
  refreshPropagations(tx, [...new Set([...propagations, ...defined([associationTable])])]);
}

/** An attachment is gone: so are its association and what it propagated; static routes turn blackhole. */
export function closeAttachment(tx: Tx, attachment: AttachmentRecord, state: 'deleted' | 'rejected'): void {
  const { association: _, ...rest } = attachment;
  tx.put('transit-gateway-attachment', { ...rest, state, propagations: [] });
  refreshPropagations(tx, attachment.propagations);
  tx.after(DELETED_VISIBLE_MS, { name: 'transit-attachment-forgotten', id: attachment.id });
}

/** Makes a route table of a gateway; `pending` until its transition. */
export function makeTransitTable(
  tx: Tx,
  gateway: Pick<TransitGatewayRecord, 'id'>,
  tags = {},
): TransitRouteTableRecord {
  const { tablesPerTransitGateway: most } = tx.settings.quotas;
  if (tx.referring('transit-gateway-route-table', gateway.id).length >= most) {
    const why = `The maximum number of route tables of ${gateway.id} has been reached (${most}).`;
    refuse('TransitGatewayRouteTableLimitExceeded', why);
  }
  const table = tx.put('transit-gateway-route-table', {
    id: tx.newId('tgw-rtb'),
    tags,
    gateway: gateway.id,
    state: 'pending',
    created: tx.date(),
    statics: [],
    propagated: [],
  });
  tx.after(0, { name: 'transit-table-available', id: table.id });
  return table;
}
