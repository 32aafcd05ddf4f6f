/** What the handlers of transit gateways share: attachments, and the routes that they propagate. */
import { overlaps, type Prefix, prefix } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import { bestPaths, comparePaths } from './best-path.ts';
import { bestOfConnect, peersOf } from './connect-paths.ts';
import { setSpeaker } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import { speakersOf } from './record/connect-peer.ts';
import type {
  AttachmentRecord,
  AttachmentState,
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
    case 'connect':
      return { ResourceId: link.transport, ResourceType: 'connect' } as const;
    default:
      return unreachable(link);
  }
}

/** A route that an attachment offers to the tables that it propagates to. */
interface Offer {
  readonly destination: string;
  readonly attachment: string;
  /** Of an attachment that speaks BGP. */
  readonly path?: LearntPath;
}

/** Lower wins. "Transit gateway route tables", route evaluation order. */
const RANK = { vpc: 0, connect: 1, vpn: 2, peering: 3 } as const;

function offersOf(tx: Tx, { id, link }: AttachmentRecord): readonly Offer[] {
  switch (link.kind) {
    case 'vpc': {
      const vpc = tx.get('vpc', link.vpc);
      const blocks = [...(vpc?.ipv4 ?? []), ...(vpc?.ipv6 ?? [])];
      return blocks.map(({ cidr }) => ({ destination: cidr, attachment: id }));
    }
    case 'vpn': {
      const paths = bestPaths(tx.get('gateway-speaker', link.connection)?.paths ?? []);
      return [...paths.values()].map((path) => ({ destination: path.prefix, attachment: id, path }));
    }
    case 'connect':
      return bestOfConnect(tx, id).map((path) => ({ destination: path.prefix, attachment: id, path }));
    case 'peering':
      return [];
    default:
      return unreachable(link);
  }
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
    const best = new Map<string, Offer>();
    for (const attachment of attachments) {
      const offers = offersOf(tx, attachment);
      const free =
        attachment.link.kind === 'vpc'
          ? offers.filter(({ destination }) => !taken.some((each) => overlaps(each, prefix(destination))))
          : offers;
      if (attachment.link.kind === 'vpc') taken.push(...free.map(({ destination }) => prefix(destination)));
      for (const offer of free) {
        const held = best.get(offer.destination);
        if (held === undefined || isBetter(offer, held)) best.set(offer.destination, offer);
      }
    }
    const propagated = [...best.values()].map(({ destination, attachment }) => ({ destination, attachment }));
    tx.put('transit-gateway-route-table', { ...table, propagated });
    announceTable(tx, id);
  }
}

/**
 * Offers come in the order of their attachments' kinds, so that only those of one kind differ by their paths.
 */
const isBetter = (offer: Offer, held: Offer): boolean =>
  offer.path !== undefined && held.path !== undefined && comparePaths(offer.path, held.path) < 0;

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
  const routes = [...(table?.statics ?? []), ...(table?.propagated ?? [])].filter(
    (route) => route.attachment !== undefined && route.attachment !== attachment.id,
  );
  const announces = [...new Set(routes.map(({ destination }) => destination))];
  for (const speaker of speakers) setSpeaker(tx, { ...speaker, announces });
}

/** The ids of the gateway's speakers at an attachment. */
function speakersAt(tx: Tx, { id, link }: AttachmentRecord): readonly string[] {
  switch (link.kind) {
    case 'vpn':
      return [link.connection];
    case 'connect':
      return peersOf(tx, id).flatMap((peer) => speakersOf(peer).map((each) => each.id));
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
