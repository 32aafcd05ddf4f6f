/** Transit gateways: created, modified, deleted. They are not shared between accounts here. */
import type {
  CreateTransitGatewayRequest,
  CreateTransitGatewayResult,
  DeleteTransitGatewayRequest,
  DeleteTransitGatewayResult,
  DescribeTransitGatewaysRequest,
  DescribeTransitGatewaysResult,
  ModifyTransitGatewayRequest,
  ModifyTransitGatewayResult,
  TransitGateway,
} from '@aws-sdk/client-ec2';
import { formatPrefix } from '../../../controller/base/ip.ts';
import { cidrParameter } from '../addressing.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { TransitGatewayRecord } from '../record/connectivity.ts';
import { invalidValue, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import {
  attachmentsTo,
  DELETED_VISIBLE_MS,
  makeTransitTable,
  needAvailable,
  refreshPropagations,
} from '../transit-gateway.ts';

const KIND = 'transit-gateway';

const enabled = (on: boolean) => (on ? 'enable' : 'disable');

const filters: Filters<TransitGatewayRecord> = {
  'options.propagation-default-route-table-id': (gateway) => gateway.propagationTable,
  'options.amazon-side-asn': (gateway) => gateway.asn,
  'options.association-default-route-table-id': (gateway) => gateway.associationTable,
  'options.auto-accept-shared-attachments': (gateway) => enabled(gateway.autoAccept),
  'options.default-route-table-association': (gateway) => enabled(gateway.associationTable !== undefined),
  'options.default-route-table-propagation': (gateway) => enabled(gateway.propagationTable !== undefined),
  'options.dns-support': (gateway) => enabled(gateway.dns),
  'options.vpn-ecmp-support': (gateway) => enabled(gateway.vpnEcmp),
  'owner-id': (gateway) => gateway.account,
  state: (gateway) => gateway.state,
  'transit-gateway-id': (gateway) => gateway.id,
};

const shown = (gateway: TransitGatewayRecord): TransitGateway => ({
  TransitGatewayId: gateway.id,
  TransitGatewayArn: `arn:aws:ec2:${gateway.region}:${gateway.account}:transit-gateway/${gateway.id}`,
  State: gateway.state,
  OwnerId: gateway.account,
  Description: gateway.description,
  CreationTime: gateway.created,
  Options: {
    AmazonSideAsn: gateway.asn,
    AutoAcceptSharedAttachments: enabled(gateway.autoAccept),
    DefaultRouteTableAssociation: enabled(gateway.associationTable !== undefined),
    DefaultRouteTablePropagation: enabled(gateway.propagationTable !== undefined),
    VpnEcmpSupport: enabled(gateway.vpnEcmp),
    DnsSupport: enabled(gateway.dns),
    SecurityGroupReferencingSupport: enabled(gateway.groupReferences),
    MulticastSupport: enabled(gateway.multicast),
    ...(gateway.cidrs.length > 0 && { TransitGatewayCidrBlocks: [...gateway.cidrs] }),
    ...(gateway.associationTable && { AssociationDefaultRouteTableId: gateway.associationTable }),
    ...(gateway.propagationTable && { PropagationDefaultRouteTableId: gateway.propagationTable }),
  },
  Tags: shownTags(gateway.tags),
});

/** A private AS number: 64512 to 65534, or 4200000000 to 4294967294. */
function checkedAsn(asn: number): number {
  const isPrivate = (asn >= 64_512 && asn <= 65_534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);
  return isPrivate ? asn : invalidValue('amazonSideAsn', asn, 'It is no private AS number.');
}

/** CIDR blocks of a gateway: /24 or larger, of IPv6 /64 or larger. */
const checkedBlocks = (blocks: readonly string[]): readonly string[] =>
  blocks.map((text) => {
    const name = 'transitGatewayCidrBlocks';
    const block = cidrParameter(name, text, text.includes(':') ? 6 : 4);
    const longest = block.address.family === 4 ? 24 : 64;
    if (block.length > longest) invalidValue(name, text, `It must be a /${longest} or larger.`);
    return formatPrefix(block);
  });

function create(tx: Tx, input: CreateTransitGatewayRequest): CreateTransitGatewayResult {
  const { Options: options = {} } = input;
  const { transitGateways: most } = tx.settings.quotas;
  if (tx.list(KIND).filter((each) => each.state !== 'deleted').length >= most) {
    refuse(
      'TransitGatewayLimitExceeded',
      `The maximum number of transit gateways has been reached (${most}).`,
    );
  }
  const id = tx.newId('tgw');
  const wanted = (value: string | undefined): boolean => value !== 'disable';
  const associates = wanted(options.DefaultRouteTableAssociation);
  const propagates = wanted(options.DefaultRouteTablePropagation);
  const table = associates || propagates ? makeTransitTable(tx, { id }).id : undefined;
  const gateway = tx.put(KIND, {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    region: tx.region,
    state: 'pending',
    description: input.Description ?? '',
    created: tx.date(),
    asn: checkedAsn(options.AmazonSideAsn ?? 64_512),
    autoAccept: options.AutoAcceptSharedAttachments === 'enable',
    vpnEcmp: wanted(options.VpnEcmpSupport),
    dns: wanted(options.DnsSupport),
    groupReferences: options.SecurityGroupReferencingSupport === 'enable',
    multicast: options.MulticastSupport === 'enable',
    cidrs: checkedBlocks(options.TransitGatewayCidrBlocks ?? []),
    ...(table !== undefined && associates && { associationTable: table }),
    ...(table !== undefined && propagates && { propagationTable: table }),
  });
  tx.after(0, { name: 'transit-gateway-available', id });
  return { TransitGateway: shown(gateway) };
}

/** The default table that a modification leaves: none, the one named, or the one that was. */
function defaultTable(
  tx: Tx,
  gateway: string,
  old: string | undefined,
  asked: { readonly support: string | undefined; readonly table: string | undefined },
): string | undefined {
  if (asked.support === 'disable') return undefined;
  if (asked.table === undefined) {
    if (asked.support === 'enable' && old === undefined) {
      const why = 'The request must name the default route table that it enables.';
      refuse('InvalidParameterCombination', why);
    }
    return old;
  }
  const table = tx.need('transit-gateway-route-table', asked.table);
  if (table.gateway !== gateway) {
    refuse('InvalidParameterValue', `${table.id} is no route table of ${gateway}`);
  }
  return table.id;
}

function modify(tx: Tx, input: ModifyTransitGatewayRequest): ModifyTransitGatewayResult {
  const gateway = needAvailable(tx.need(KIND, input.TransitGatewayId ?? ''));
  const { Options: asked = {} } = input;
  const flag = (value: string | undefined, old: boolean): boolean =>
    value === undefined ? old : value === 'enable';
  const { associationTable, propagationTable, ...rest } = gateway;
  const association = defaultTable(tx, gateway.id, associationTable, {
    support: asked.DefaultRouteTableAssociation,
    table: asked.AssociationDefaultRouteTableId,
  });
  const propagation = defaultTable(tx, gateway.id, propagationTable, {
    support: asked.DefaultRouteTablePropagation,
    table: asked.PropagationDefaultRouteTableId,
  });
  const kept = gateway.cidrs.filter((cidr) => !asked.RemoveTransitGatewayCidrBlocks?.includes(cidr));
  const changed = tx.put(KIND, {
    ...rest,
    description: input.Description ?? gateway.description,
    asn: asked.AmazonSideAsn === undefined ? gateway.asn : checkedAsn(asked.AmazonSideAsn),
    autoAccept: flag(asked.AutoAcceptSharedAttachments, gateway.autoAccept),
    vpnEcmp: flag(asked.VpnEcmpSupport, gateway.vpnEcmp),
    dns: flag(asked.DnsSupport, gateway.dns),
    groupReferences: flag(asked.SecurityGroupReferencingSupport, gateway.groupReferences),
    cidrs: [...new Set([...kept, ...checkedBlocks(asked.AddTransitGatewayCidrBlocks ?? [])])],
    ...(association !== undefined && { associationTable: association }),
    ...(propagation !== undefined && { propagationTable: propagation }),
  });
  if (changed.vpnEcmp !== gateway.vpnEcmp) {
    const tables = tx.referring('transit-gateway-route-table', gateway.id);
    refreshPropagations(
      tx,
      tables.map((each) => each.id),
    );
  }
  return { TransitGateway: { ...shown(changed), State: 'modifying' } };
}

function remove(tx: Tx, id: string): DeleteTransitGatewayResult {
  const gateway = needAvailable(tx.need(KIND, id));
  const attachments = attachmentsTo(tx, gateway.id);
  if (attachments.length > 0) {
    const names = attachments.map((each) => each.id).join(', ');
    refuse('IncorrectState', `${gateway.id} has non-deleted Transit Gateway Attachments: ${names}.`);
  }
  const tables = tx.referring('transit-gateway-route-table', gateway.id);
  const own = tables.filter(
    (each) => ![gateway.associationTable, gateway.propagationTable].includes(each.id),
  );
  if (own.length > 0) {
    const names = own.map((each) => each.id).join(', ');
    refuse('IncorrectState', `${gateway.id} has non-deleted Transit Gateway Route Tables: ${names}.`);
  }
  const domains = tx.referring('transit-gateway-multicast-domain', gateway.id).map((each) => each.id);
  if (domains.length > 0) {
    refuse('IncorrectState', `${gateway.id} has non-deleted multicast domains: ${domains.join(', ')}.`);
  }
  for (const table of tables) tx.remove('transit-gateway-route-table', table.id);
  const deleting = tx.put(KIND, { ...gateway, state: 'deleting' });
  tx.after(0, { name: 'transit-gateway-deleted', id });
  return { TransitGateway: shown(deleting) };
}

export const transitGatewayHandlers: Handlers = {
  CreateTransitGateway: handler(create),
  ModifyTransitGateway: handler(modify),
  DeleteTransitGateway: handler((tx, { TransitGatewayId: id = '' }: DeleteTransitGatewayRequest) =>
    remove(tx, id),
  ),
  DescribeTransitGateways: handler(
    (tx, input: DescribeTransitGatewaysRequest): DescribeTransitGatewaysResult => {
      const page = describe(tx, { kind: KIND, ids: input.TransitGatewayIds, input, filters });
      return { TransitGateways: page.records.map(shown), ...page.next };
    },
  ),
};

export const transitGatewayTransitions: Transitions = {
  'transit-gateway-available': (tx, id) => {
    const gateway = tx.get(KIND, id);
    if (gateway?.state === 'pending') tx.put(KIND, { ...gateway, state: 'available' });
  },
  'transit-gateway-deleted': (tx, id) => {
    const gateway = tx.get(KIND, id);
    if (gateway?.state !== 'deleting') return;
    tx.put(KIND, { ...gateway, state: 'deleted' });
    tx.after(DELETED_VISIBLE_MS, { name: 'transit-gateway-forgotten', id });
  },
  'transit-gateway-forgotten': (tx, id) => tx.remove(KIND, id),
};
