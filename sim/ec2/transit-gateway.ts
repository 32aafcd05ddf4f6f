/** What the handlers of transit gateways share: attachments, and the routes that they propagate. */
import { overlaps, type Prefix, prefix } from '../../controller/base/ip.ts';
import type { Tx } from './handler.ts';
import type {
  AttachmentRecord,
  AttachmentState,
  TransitGatewayRecord,
  TransitRouteTableRecord,
} from './record/connectivity.ts';
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
export const resourceOf = ({ link }: AttachmentRecord) =>
  link.kind === 'vpc'
    ? ({ ResourceId: link.vpc, ResourceType: 'vpc' } as const)
    : ({ ResourceId: link.peerGateway, ResourceType: 'peering' } as const);

/**
 * Learns anew what each table's attachments propagate: the blocks of their VPCs, oldest attachment first; a
 * block that overlaps one of an older attachment is left out. "Transit gateway VPC attachments".
 */
export function refreshPropagations(tx: Tx, tables: readonly string[]): void {
  for (const id of tables) {
    const table = tx.get('transit-gateway-route-table', id);
    if (table === undefined) continue;
    const propagated: { destination: string; attachment: string }[] = [];
    const taken: Prefix[] = [];
    for (const attachment of tx.referring('transit-gateway-attachment', id)) {
      if (!attachment.propagations.includes(id) || attachment.link.kind !== 'vpc') continue;
      const vpc = tx.get('vpc', attachment.link.vpc);
      const blocks = [...(vpc?.ipv4 ?? []), ...(vpc?.ipv6 ?? [])].map(({ cidr }) => cidr);
      const free = blocks.filter((cidr) => !taken.some((each) => overlaps(each, prefix(cidr))));
      taken.push(...free.map(prefix));
      propagated.push(...free.map((destination) => ({ destination, attachment: attachment.id })));
    }
    tx.put('transit-gateway-route-table', { ...table, propagated });
  }
}

/** A new attachment works: it gets what the gateway gives by default. */
export function openAttachment(tx: Tx, attachment: AttachmentRecord): void {
  const gateway = tx.get('transit-gateway', attachment.gateway);
  const { associationTable, propagationTable } = gateway ?? {};
  const propagates = propagationTable !== undefined && attachment.link.kind === 'vpc';
  const propagations = propagates ? [propagationTable] : [];
  tx.put('transit-gateway-attachment', {
    ...attachment,
    state: 'available',
    propagations,
    ...(associationTable !== undefined && { association: associationTable }),
  });
  refreshPropagations(tx, propagations);
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
