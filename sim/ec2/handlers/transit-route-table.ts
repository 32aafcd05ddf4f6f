/** Transit gateway route tables: who is associated with them, and who propagates to them. */
import type {
  AssociateTransitGatewayRouteTableRequest,
  AssociateTransitGatewayRouteTableResult,
  CreateTransitGatewayRouteTableRequest,
  CreateTransitGatewayRouteTableResult,
  DeleteTransitGatewayRouteTableRequest,
  DeleteTransitGatewayRouteTableResult,
  DescribeTransitGatewayRouteTablesRequest,
  DescribeTransitGatewayRouteTablesResult,
  DisableTransitGatewayRouteTablePropagationRequest,
  DisableTransitGatewayRouteTablePropagationResult,
  DisassociateTransitGatewayRouteTableRequest,
  DisassociateTransitGatewayRouteTableResult,
  EnableTransitGatewayRouteTablePropagationRequest,
  EnableTransitGatewayRouteTablePropagationResult,
  GetTransitGatewayAttachmentPropagationsRequest,
  GetTransitGatewayAttachmentPropagationsResult,
  GetTransitGatewayRouteTableAssociationsRequest,
  GetTransitGatewayRouteTableAssociationsResult,
  GetTransitGatewayRouteTablePropagationsRequest,
  GetTransitGatewayRouteTablePropagationsResult,
  TransitGatewayRouteTable,
} from '@aws-sdk/client-ec2';
import { type DescribeInput, describe, type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { AttachmentRecord, TransitRouteTableRecord } from '../record/connectivity.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import {
  announceTo,
  DELETED_VISIBLE_MS,
  makeTransitTable,
  needAvailable,
  refreshPropagations,
  resourceOf,
} from '../transit-gateway.ts';

const KIND = 'transit-gateway-route-table';
const ATTACHMENT = 'transit-gateway-attachment';

const isDefault = (tx: Tx, table: TransitRouteTableRecord) => {
  const gateway = tx.get('transit-gateway', table.gateway);
  return {
    DefaultAssociationRouteTable: gateway?.associationTable === table.id,
    DefaultPropagationRouteTable: gateway?.propagationTable === table.id,
  };
};

const filters: Filters<TransitRouteTableRecord> = {
  'default-association-route-table': (table, tx) => isDefault(tx, table).DefaultAssociationRouteTable,
  'default-propagation-route-table': (table, tx) => isDefault(tx, table).DefaultPropagationRouteTable,
  state: (table) => table.state,
  'transit-gateway-id': (table) => table.gateway,
  'transit-gateway-route-table-id': (table) => table.id,
};

const shown = (tx: Tx, table: TransitRouteTableRecord): TransitGatewayRouteTable => ({
  TransitGatewayRouteTableId: table.id,
  TransitGatewayId: table.gateway,
  State: table.state,
  ...isDefault(tx, table),
  CreationTime: table.created,
  Tags: shownTags(table.tags),
});

const associated = (tx: Tx, table: string): readonly AttachmentRecord[] =>
  tx.referring(ATTACHMENT, table).filter((each) => each.association === table);

function remove(tx: Tx, id: string): DeleteTransitGatewayRouteTableResult {
  const table = needAvailable(tx.need(KIND, id));
  const { DefaultAssociationRouteTable, DefaultPropagationRouteTable } = isDefault(tx, table);
  if (DefaultAssociationRouteTable || DefaultPropagationRouteTable) {
    refuse('IncorrectState', `${id} is a default route table of ${table.gateway}`);
  }
  const users = associated(tx, id).map((each) => each.id);
  if (users.length > 0) refuse('IncorrectState', `${id} has associated attachments: ${users.join(', ')}`);
  for (const attachment of tx.referring(ATTACHMENT, id)) {
    const propagations = attachment.propagations.filter((each) => each !== id);
    tx.put(ATTACHMENT, { ...attachment, propagations });
  }
  const deleting = tx.put(KIND, { ...table, state: 'deleting', statics: [], propagated: [] });
  tx.after(0, { name: 'transit-table-deleted', id });
  return { TransitGatewayRouteTable: shown(tx, deleting) };
}

interface Pair {
  readonly TransitGatewayRouteTableId: string | undefined;
  readonly TransitGatewayAttachmentId?: string | undefined;
}

/** The table and attachment of a request, both in working order and of one gateway. */
function needPair(tx: Tx, { TransitGatewayRouteTableId: id, TransitGatewayAttachmentId: other }: Pair) {
  const table = needAvailable(tx.need(KIND, id ?? ''));
  const attachment = needAvailable(tx.need(ATTACHMENT, other ?? missing('transitGatewayAttachmentId')));
  if (attachment.gateway !== table.gateway) {
    refuse('InvalidParameterValue', `${attachment.id} and ${table.id} are of different transit gateways`);
  }
  const words = { ...resourceOf(attachment), TransitGatewayAttachmentId: attachment.id };
  return { table, attachment, words: { ...words, TransitGatewayRouteTableId: table.id } };
}

function associate(
  tx: Tx,
  input: AssociateTransitGatewayRouteTableRequest,
): AssociateTransitGatewayRouteTableResult {
  const { table, attachment, words } = needPair(tx, input);
  if (attachment.association !== undefined) {
    const why = `is already associated to a route table: ${attachment.association}.`;
    refuse('Resource.AlreadyAssociated', `Transit Gateway Attachment ${attachment.id} ${why}`);
  }
  announceTo(tx, tx.put(ATTACHMENT, { ...attachment, association: table.id }));
  return { Association: { ...words, State: 'associating' } };
}

function disassociate(
  tx: Tx,
  input: DisassociateTransitGatewayRouteTableRequest,
): DisassociateTransitGatewayRouteTableResult {
  const { table, attachment, words } = needPair(tx, input);
  const { association, ...rest } = attachment;
  if (association !== table.id) {
    refuse('InvalidAssociation.NotFound', `${attachment.id} is not associated with ${table.id}`);
  }
  announceTo(tx, tx.put(ATTACHMENT, rest));
  return { Association: { ...words, State: 'disassociating' } };
}

function enable(
  tx: Tx,
  input: EnableTransitGatewayRouteTablePropagationRequest,
): EnableTransitGatewayRouteTablePropagationResult {
  const { table, attachment, words } = needPair(tx, input);
  if (attachment.link.kind === 'peering') {
    refuse('InvalidParameterValue', `Peering attachment ${attachment.id} takes static routes only`);
  }
  if (attachment.propagations.includes(table.id)) {
    const why = `Propagation ${attachment.id} already exists in Transit Gateway Route Table ${table.id}`;
    refuse('TransitGatewayRouteTablePropagation.Duplicate', why);
  }
  tx.put(ATTACHMENT, { ...attachment, propagations: [...attachment.propagations, table.id] });
  refreshPropagations(tx, [table.id]);
  return { Propagation: { ...words, State: 'enabled' } };
}

function disable(
  tx: Tx,
  input: DisableTransitGatewayRouteTablePropagationRequest,
): DisableTransitGatewayRouteTablePropagationResult {
  const { table, attachment, words } = needPair(tx, input);
  if (!attachment.propagations.includes(table.id)) {
    const why = `Propagation ${attachment.id} does not exist in Transit Gateway Route Table ${table.id}`;
    refuse('TransitGatewayRouteTablePropagation.NotFound', why);
  }
  const propagations = attachment.propagations.filter((each) => each !== table.id);
  tx.put(ATTACHMENT, { ...attachment, propagations });
  refreshPropagations(tx, [table.id]);
  return { Propagation: { ...words, State: 'disabled' } };
}

const relationFilters: Filters<AttachmentRecord> = {
  'resource-id': (attachment) => resourceOf(attachment).ResourceId,
  'resource-type': (attachment) => resourceOf(attachment).ResourceType,
  'transit-gateway-attachment-id': (attachment) => attachment.id,
};

const relations = (tx: Tx, found: readonly AttachmentRecord[], input: DescribeInput) =>
  paginate(found.filter(matcher(tx, input.Filters ?? [], relationFilters)), input, ({ id }) => [
    tx.order(ATTACHMENT, id),
  ]);

const relation = (attachment: AttachmentRecord) => ({
  TransitGatewayAttachmentId: attachment.id,
  ...resourceOf(attachment),
});

export const transitRouteTableHandlers: Handlers = {
  CreateTransitGatewayRouteTable: handler(
    (tx, input: CreateTransitGatewayRouteTableRequest): CreateTransitGatewayRouteTableResult => {
      const gateway = needAvailable(tx.need('transit-gateway', input.TransitGatewayId ?? ''));
      const table = makeTransitTable(tx, gateway, specifiedTags(tx, input.TagSpecifications, KIND));
      return { TransitGatewayRouteTable: shown(tx, table) };
    },
  ),
  DescribeTransitGatewayRouteTables: handler(
    (tx, input: DescribeTransitGatewayRouteTablesRequest): DescribeTransitGatewayRouteTablesResult => {
      const page = describe(tx, { kind: KIND, ids: input.TransitGatewayRouteTableIds, input, filters });
      return { TransitGatewayRouteTables: page.records.map((each) => shown(tx, each)), ...page.next };
    },
  ),
  DeleteTransitGatewayRouteTable: handler(
    (tx, { TransitGatewayRouteTableId: id = '' }: DeleteTransitGatewayRouteTableRequest) => remove(tx, id),
  ),
  AssociateTransitGatewayRouteTable: handler(associate),
  DisassociateTransitGatewayRouteTable: handler(disassociate),
  EnableTransitGatewayRouteTablePropagation: handler(enable),
  DisableTransitGatewayRouteTablePropagation: handler(disable),

  GetTransitGatewayRouteTableAssociations: handler(
    (
      tx,
      input: GetTransitGatewayRouteTableAssociationsRequest,
    ): GetTransitGatewayRouteTableAssociationsResult => {
      const table = tx.need(KIND, input.TransitGatewayRouteTableId ?? '');
      const page = relations(tx, associated(tx, table.id), input);
      const Associations = page.records.map((each) => ({ ...relation(each), State: 'associated' as const }));
      return { Associations, ...page.next };
    },
  ),
  GetTransitGatewayRouteTablePropagations: handler(
    (
      tx,
      input: GetTransitGatewayRouteTablePropagationsRequest,
    ): GetTransitGatewayRouteTablePropagationsResult => {
      const { id } = tx.need(KIND, input.TransitGatewayRouteTableId ?? '');
      const found = tx.referring(ATTACHMENT, id).filter((each) => each.propagations.includes(id));
      const page = relations(tx, found, input);
      const records = page.records.map((each) => ({ ...relation(each), State: 'enabled' as const }));
      return { TransitGatewayRouteTablePropagations: records, ...page.next };
    },
  ),
  GetTransitGatewayAttachmentPropagations: handler(
    (
      tx,
      input: GetTransitGatewayAttachmentPropagationsRequest,
    ): GetTransitGatewayAttachmentPropagationsResult => {
      const { propagations } = tx.need(ATTACHMENT, input.TransitGatewayAttachmentId ?? '');
      const rows = propagations.map((id) => ({ id, tags: {} }));
      const byTable: Filters<(typeof rows)[number]> = { 'transit-gateway-route-table-id': (row) => row.id };
      const page = paginate(rows.filter(matcher(tx, input.Filters ?? [], byTable)), input, ({ id }) => [
        tx.order(KIND, id),
      ]);
      const records = page.records.map(({ id }) => {
        return { TransitGatewayRouteTableId: id, State: 'enabled' as const };
      });
      return { TransitGatewayAttachmentPropagations: records, ...page.next };
    },
  ),
};

export const transitRouteTableTransitions: Transitions = {
  'transit-table-available': (tx, id) => {
    const table = tx.get(KIND, id);
    if (table?.state === 'pending') tx.put(KIND, { ...table, state: 'available' });
  },
  'transit-table-deleted': (tx, id) => {
    const table = tx.get(KIND, id);
    if (table?.state !== 'deleting') return;
    tx.put(KIND, { ...table, state: 'deleted' });
    tx.after(DELETED_VISIBLE_MS, { name: 'transit-table-forgotten', id });
  },
  'transit-table-forgotten': (tx, id) => tx.remove(KIND, id),
};
