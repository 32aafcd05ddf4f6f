/** VPN gateways: created, attached to one VPC, detached, deleted; and which route tables learn from them. */
import type {
  AttachVpnGatewayRequest,
  AttachVpnGatewayResult,
  CreateVpnGatewayRequest,
  CreateVpnGatewayResult,
  DeleteVpnGatewayRequest,
  DescribeVpnGatewaysRequest,
  DescribeVpnGatewaysResult,
  DetachVpnGatewayRequest,
  DisableVgwRoutePropagationRequest,
  EnableVgwRoutePropagationRequest,
  VpnGateway,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { VpnGatewayRecord } from '../record/connectivity.ts';
import { invalidValue, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { DELETED_VISIBLE_MS } from '../transit-gateway.ts';
import { refreshVpn, withoutRoutesOf } from '../vpn.ts';
import { forgetAssociations } from './route-table-association.ts';

const KIND = 'vpn-gateway';

const filters: Filters<VpnGatewayRecord> = {
  'amazon-side-asn': (gateway) => gateway.asn,
  'attachment.state': (gateway) => gateway.vpc && 'attached',
  'attachment.vpc-id': (gateway) => gateway.vpc,
  'availability-zone': (gateway) => gateway.zone,
  state: (gateway) => gateway.state,
  type: () => 'ipsec.1',
  'vpn-gateway-id': (gateway) => gateway.id,
};

const shown = (gateway: VpnGatewayRecord): VpnGateway => ({
  VpnGatewayId: gateway.id,
  Type: 'ipsec.1',
  State: gateway.state,
  AmazonSideAsn: gateway.asn,
  ...(gateway.zone !== undefined && { AvailabilityZone: gateway.zone }),
  VpcAttachments: gateway.vpc === undefined ? [] : [{ VpcId: gateway.vpc, State: 'attached' }],
  Tags: shownTags(gateway.tags),
});

function create(tx: Tx, input: CreateVpnGatewayRequest): CreateVpnGatewayResult {
  const { Type: type, AmazonSideAsn: asn = 64_512, AvailabilityZone: zone } = input;
  if (type !== 'ipsec.1') invalidValue('type', type);
  const { vpnGateways: most } = tx.settings.quotas;
  if (tx.list(KIND).filter((each) => each.state !== 'deleted').length >= most) {
    refuse('VpnGatewayLimitExceeded', `The maximum number of virtual private gateways is ${most}.`);
  }
  const gateway = tx.put(KIND, {
    id: tx.newId('vgw'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    state: 'available',
    asn,
    ...(zone && { zone }),
  });
  return { VpnGateway: { ...shown(gateway), State: 'pending' } };
}

/** A gateway that is not deleted: a deleted one is only to be looked at. */
function needLive(tx: Tx, id: string): VpnGatewayRecord {
  const gateway = tx.need(KIND, id);
  if (gateway.state !== 'available') {
    refuse('InvalidVpnGatewayID.NotFound', `The vpnGateway ID '${id}' does not exist`);
  }
  return gateway;
}

function attach(tx: Tx, input: AttachVpnGatewayRequest): AttachVpnGatewayResult {
  const gateway = needLive(tx, input.VpnGatewayId ?? '');
  const vpc = tx.need('vpc', input.VpcId ?? '');
  if (gateway.vpc !== undefined && gateway.vpc !== vpc.id) {
    refuse(
      'VpnGatewayAttachmentLimitExceeded',
      `resource ${gateway.id} is already attached to ${gateway.vpc}`,
    );
  }
  const other = tx.referring(KIND, vpc.id).find((each) => each.id !== gateway.id);
  if (other !== undefined) {
    refuse('InvalidVpcState', `Network ${vpc.id} already has a virtual private gateway: ${other.id}`);
  }
  tx.put(KIND, { ...gateway, vpc: vpc.id });
  refreshVpn(tx, gateway.id);
  return { VpcAttachment: { VpcId: vpc.id, State: 'attaching' } };
}

function detach(tx: Tx, input: DetachVpnGatewayRequest): undefined {
  const { vpc, ...gateway } = needLive(tx, input.VpnGatewayId ?? '');
  if (vpc === undefined || vpc !== input.VpcId) {
    const why = `The attachment with vpn gateway ID '${gateway.id}' and vpc ID '${input.VpcId}' does not exist`;
    refuse('InvalidVpnGatewayAttachment.NotFound', why);
  }
  tx.put(KIND, gateway);
  for (const table of tx.referring('route-table', gateway.id))
    setPropagation(tx, table.id, gateway.id, false);
  forgetAssociations(tx, gateway.id);
  refreshVpn(tx, gateway.id);
  return undefined;
}

function remove(tx: Tx, id: string): undefined {
  const gateway = needLive(tx, id);
  if (gateway.vpc !== undefined) {
    refuse(
      'IncorrectState',
      `The virtual private gateway '${id}' is in use: it is attached to ${gateway.vpc}`,
    );
  }
  const used = tx.referring('vpn-connection', id);
  if (used.length > 0) {
    const names = used.map((each) => each.id).join(', ');
    refuse('IncorrectState', `The virtual private gateway '${id}' is in use by VPN connections: ${names}`);
  }
  const lines = [...tx.referring('virtual-interface', id), ...tx.referring('direct-connect-association', id)];
  if (lines.length > 0) {
    const names = lines.map((each) => each.id).join(', ');
    refuse('IncorrectState', `The virtual private gateway '${id}' is in use by Direct Connect: ${names}`);
  }
  tx.put(KIND, { ...gateway, state: 'deleted' });
  tx.after(DELETED_VISIBLE_MS, { name: 'vpn-gateway-forgotten', id });
  return undefined;
}

/** Puts a gateway among those that propagate to a table, or takes it out, with its routes. */
function setPropagation(tx: Tx, tableId: string, gateway: string, on: boolean): void {
  const table = tx.need('route-table', tableId);
  const others = (table.propagating ?? []).filter((each) => each !== gateway);
  if (!on) {
    tx.put('route-table', { ...table, propagating: others, routes: withoutRoutesOf(table, gateway) });
    return;
  }
  if (table.associations.some((each) => each.gateway !== undefined)) {
    const why = 'is associated with a gateway and cannot have propagated routes.';
    refuse('InvalidParameterValue', `Route table ${tableId} ${why}`);
  }
  tx.put('route-table', { ...table, propagating: [...others, gateway] });
  refreshVpn(tx, gateway);
}

export const vpnGatewayHandlers: Handlers = {
  CreateVpnGateway: handler(create),
  AttachVpnGateway: handler(attach),
  DetachVpnGateway: handler(detach),
  DeleteVpnGateway: handler((tx, { VpnGatewayId: id = '' }: DeleteVpnGatewayRequest) => remove(tx, id)),
  DescribeVpnGateways: handler((tx, input: DescribeVpnGatewaysRequest): DescribeVpnGatewaysResult => {
    const page = describe(tx, { kind: KIND, ids: input.VpnGatewayIds, input, filters });
    return { VpnGateways: page.records.map(shown) };
  }),
  EnableVgwRoutePropagation: handler((tx, input: EnableVgwRoutePropagationRequest) => {
    const table = tx.need('route-table', input.RouteTableId ?? '');
    const gateway = needLive(tx, input.GatewayId ?? '');
    if (gateway.vpc !== table.vpc) {
      refuse('Gateway.NotAttached', `resource ${gateway.id} is not attached to network ${table.vpc}`);
    }
    setPropagation(tx, table.id, gateway.id, true);
    return undefined;
  }),
  DisableVgwRoutePropagation: handler((tx, input: DisableVgwRoutePropagationRequest) => {
    setPropagation(tx, input.RouteTableId ?? '', tx.need(KIND, input.GatewayId ?? '').id, false);
    return undefined;
  }),
};

export const vpnGatewayTransitions: Transitions = {
  'vpn-gateway-forgotten': (tx, id) => tx.remove(KIND, id),
};
