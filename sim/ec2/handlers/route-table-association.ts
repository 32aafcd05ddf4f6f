/**
 * Associations of route tables: with subnets (one table each, the main one where there is none), and with
 * gateways, whose edge table serves what enters through them and nothing else.
 */
import type {
  AssociateRouteTableRequest,
  AssociateRouteTableResult,
  DisassociateRouteTableRequest,
  ReplaceRouteTableAssociationRequest,
  ReplaceRouteTableAssociationResult,
} from '@aws-sdk/client-ec2';
import { isLocalRoute, isPropagated } from '../../vpc/route-order.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { RouteTableAssociation, RouteTableRecord } from '../record/network.ts';
import { isMainAssociation } from '../record/projection.ts';
import { missing, refuse } from '../refusal.ts';
import { blockOf, checkEdgeRoute } from './route-destination.ts';
import { isMain } from './route-table.ts';

/** Drops the associations of a subnet or gateway that goes away. */
export function forgetAssociations(tx: Tx, id: string): void {
  for (const table of tx.referring('route-table', id)) {
    const associations = table.associations.filter((each) => each.subnet !== id && each.gateway !== id);
    tx.put('route-table', { ...table, associations });
  }
}

const differ = (table: RouteTableRecord, other: string): never =>
  refuse('InvalidParameterValue', `Route table ${table.id} and ${other} belong to different networks`);

const shown = (association: string): AssociateRouteTableResult => ({
  AssociationId: association,
  AssociationState: { State: 'associated' },
});

type End = Pick<RouteTableAssociation, 'subnet' | 'gateway'>;

/** The subnet or gateway that a request names, checked to be of the table's VPC. */
function endOf(tx: Tx, table: RouteTableRecord, input: AssociateRouteTableRequest): End {
  const { SubnetId: subnet, GatewayId: gateway } = input;
  if (subnet !== undefined && gateway !== undefined) {
    const why = 'The request must contain exactly one of subnetId and gatewayId';
    refuse('InvalidParameterCombination', why);
  }
  if (gateway === undefined) {
    const found = tx.need('subnet', subnet ?? missing('subnetId or gatewayId'));
    return found.vpc === table.vpc ? { subnet: found.id } : differ(table, `subnet ${found.id}`);
  }
  const vpc = vpcOfGateway(tx, gateway);
  if (vpc === undefined) refuse('Gateway.NotAttached', `resource ${gateway} is not attached to any network`);
  if (vpc !== table.vpc) differ(table, `network gateway ${gateway}`);
  checkEdgeTable(tx, table);
  return { gateway };
}

/** The VPC that a gateway which may have an edge table is attached to. */
function vpcOfGateway(tx: Tx, id: string): string | undefined {
  if (id.startsWith('igw-')) return tx.need('internet-gateway', id).vpc;
  const vpn = tx.get('vpn-gateway', id);
  if (vpn !== undefined) return vpn.vpc;
  return refuse('InvalidGatewayID.NotFound', `The gateway ID '${id}' does not exist`);
}

/** Refuses a table that cannot be an edge table. Amazon VPC User Guide, "Gateway route tables". */
function checkEdgeTable(tx: Tx, table: RouteTableRecord): void {
  if (isMain(table)) {
    const why = 'The main route table of a VPC cannot be associated with a gateway.';
    refuse('InvalidParameterValue', `${table.id}: ${why}`);
  }
  for (const route of table.routes) {
    if (isPropagated(route) || table.propagating?.length) {
      const why = 'has propagated routes and cannot be associated with a gateway.';
      refuse('InvalidParameterValue', `Route table ${table.id} ${why}`);
    }
    const { destination: name, target } = route;
    if (!isLocalRoute(route)) checkEdgeRoute(tx, table, { name, ...blockOf(name) }, target);
  }
}

/** The table with one more association. */
function associate(tx: Tx, table: RouteTableRecord, end: End): string {
  const association = tx.newId('rtbassoc');
  tx.put('route-table', { ...table, associations: [...table.associations, { association, ...end }] });
  return association;
}

function associateTable(tx: Tx, input: AssociateRouteTableRequest): AssociateRouteTableResult {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const end = endOf(tx, table, input);
  const id = end.subnet ?? end.gateway ?? '';
  const [holder] = tx.referring('route-table', id);
  const existing = holder?.associations.find((each) => each.subnet === id || each.gateway === id);
  if (holder && existing) {
    if (holder.id === table.id) return shown(existing.association);
    const why = 'conflicts with an existing association';
    refuse('Resource.AlreadyAssociated', `the specified association for route table ${table.id} ${why}`);
  }
  return shown(associate(tx, table, end));
}

/** An association, and its table without it. */
function needAssociation(
  tx: Tx,
  id: string,
): { readonly found: RouteTableAssociation; readonly without: RouteTableRecord } {
  const [table] = tx.referring('route-table', id);
  const found = table?.associations.find((each) => each.association === id);
  if (!table || !found) {
    return refuse('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  }
  const associations = table.associations.filter((each) => each !== found);
  return { found, without: { ...table, associations } };
}

function replaceAssociation(
  tx: Tx,
  input: ReplaceRouteTableAssociationRequest,
): ReplaceRouteTableAssociationResult {
  const { found, without } = needAssociation(tx, input.AssociationId ?? '');
  const target = tx.need('route-table', input.RouteTableId ?? '');
  if (target.vpc !== without.vpc) {
    refuse(
      'InvalidParameterValue',
      `Route tables ${without.id} and ${target.id} belong to different networks`,
    );
  }
  if (found.gateway !== undefined) checkEdgeTable(tx, target);
  if (isMainAssociation(found) && target.associations.some((each) => each.gateway !== undefined)) {
    const why = 'is associated with a gateway and cannot be the main route table.';
    refuse('InvalidParameterValue', `Route table ${target.id} ${why}`);
  }
  tx.put('route-table', without);
  const { association: _, ...end } = found;
  const association = associate(tx, tx.need('route-table', target.id), end);
  return { NewAssociationId: association, AssociationState: { State: 'associated' } };
}

export const routeTableAssociationHandlers: Handlers = {
  AssociateRouteTable: handler(associateTable),

  DisassociateRouteTable: handler((tx, { AssociationId: id = '' }: DisassociateRouteTableRequest) => {
    const { found, without } = needAssociation(tx, id);
    if (isMainAssociation(found)) {
      refuse('InvalidParameterValue', `cannot disassociate the main route table association ${id}`);
    }
    tx.put('route-table', without);
    return undefined;
  }),

  ReplaceRouteTableAssociation: handler(replaceAssociation),
};
