/** Direct Connect gateways: global, between virtual interfaces and gateways of any region. */
import type {
  CreateDirectConnectGatewayRequest,
  CreateDirectConnectGatewayResult,
  DeleteDirectConnectGatewayRequest,
  DeleteDirectConnectGatewayResult,
  DescribeDirectConnectGatewayAttachmentsRequest,
  DescribeDirectConnectGatewayAttachmentsResult,
  DescribeDirectConnectGatewaysRequest,
  DescribeDirectConnectGatewaysResult,
  DirectConnectGateway,
  DirectConnectGatewayAttachment,
  UpdateDirectConnectGatewayRequest,
  UpdateDirectConnectGatewayResponse,
} from '@aws-sdk/client-direct-connect';
import { invalid, mergeTags, pageOf, shownTags, uuid } from '../direct-connect.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { DirectConnectGatewayRecord, VirtualInterfaceRecord } from '../record/direct-connect.ts';
import { DELETED_VISIBLE_MS } from '../transit-gateway.ts';

const KIND = 'direct-connect-gateway';

const shown = (gateway: DirectConnectGatewayRecord): DirectConnectGateway => ({
  directConnectGatewayId: gateway.id,
  directConnectGatewayName: gateway.name,
  amazonSideAsn: gateway.asn,
  ownerAccount: gateway.account,
  directConnectGatewayState: gateway.state,
  tags: shownTags(gateway.tags),
});

const isPrivateAs = (asn: number): boolean =>
  (asn >= 64_512 && asn <= 65_534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);

function create(tx: Tx, input: CreateDirectConnectGatewayRequest): CreateDirectConnectGatewayResult {
  const { directConnectGatewayName: name = '', amazonSideAsn: asn = 64_512 } = input;
  if (!/^[\w .:/=+@-]{1,100}$/.test(name)) invalid(`Direct Connect gateway name '${name}' is not valid.`);
  if (!isPrivateAs(asn)) invalid(`ASN ${asn} is not valid: 64512 to 65534, or 4200000000 to 4294967294.`);
  const { directConnectGateways: most } = tx.settings.quotas;
  if (tx.list(KIND).filter((each) => each.state !== 'deleted').length >= most)
    invalid(`You have reached the maximum of ${most} Direct Connect gateways.`);
  const gateway = tx.put(KIND, {
    id: uuid(tx),
    tags: mergeTags(tx, {}, input.tags),
    account: tx.account,
    state: 'pending',
    name,
    asn,
  });
  tx.after(tx.settings.directConnectMs, { name: 'direct-connect-gateway-made', id: gateway.id });
  return { directConnectGateway: shown(gateway) };
}

function needLive(tx: Tx, id: string): DirectConnectGatewayRecord {
  const gateway = tx.need(KIND, id);
  if (gateway.state === 'deleted') invalid(`Direct Connect gateway ${id} is deleted.`);
  return gateway;
}

function remove(tx: Tx, id: string): DeleteDirectConnectGatewayResult {
  const gateway = needLive(tx, id);
  const users = [
    ...tx.referring('virtual-interface', id),
    ...tx.referring('direct-connect-association', id),
  ].map((each) => each.id);
  if (users.length > 0)
    invalid(`Direct Connect gateway ${id} has attachments or associations: ${users.join(', ')}.`);
  const deleting = tx.put(KIND, { ...gateway, state: 'deleting' });
  tx.after(tx.settings.directConnectMs, { name: 'direct-connect-gateway-deleted', id });
  return { directConnectGateway: shown(deleting) };
}

/** How an attachment is while its virtual interface is that. */
const ATTACHMENT_STATES = {
  pending: 'attaching',
  available: 'attached',
  deleting: 'detaching',
  deleted: 'detached',
} as const;

const shownAttachment = (line: VirtualInterfaceRecord): DirectConnectGatewayAttachment => ({
  directConnectGatewayId: line.gateway,
  virtualInterfaceId: line.id,
  virtualInterfaceRegion: line.region,
  virtualInterfaceOwnerAccount: line.account,
  attachmentState: ATTACHMENT_STATES[line.state],
  attachmentType: line.type === 'transit' ? 'TransitVirtualInterface' : 'PrivateVirtualInterface',
});

function attachments(
  tx: Tx,
  input: DescribeDirectConnectGatewayAttachmentsRequest,
): DescribeDirectConnectGatewayAttachmentsResult {
  const { directConnectGatewayId: gateway, virtualInterfaceId: id } = input;
  if (gateway === undefined && id === undefined)
    invalid('Name a Direct Connect gateway or a virtual interface.');
  if (gateway !== undefined) tx.need(KIND, gateway);
  const lines = id === undefined ? tx.list('virtual-interface') : [tx.need('virtual-interface', id)];
  const found = lines.filter(
    (each) => !each.gateway.startsWith('vgw-') && each.gateway === (gateway ?? each.gateway),
  );
  const page = pageOf(tx, 'virtual-interface', found, input);
  return { directConnectGatewayAttachments: page.records.map(shownAttachment), ...page.next };
}

export const directConnectGatewayHandlers: Handlers = {
  CreateDirectConnectGateway: handler(create),
  DeleteDirectConnectGateway: handler((tx, input: DeleteDirectConnectGatewayRequest) =>
    remove(tx, input.directConnectGatewayId ?? ''),
  ),
  DescribeDirectConnectGatewayAttachments: handler(attachments),

  UpdateDirectConnectGateway: handler(
    (tx, input: UpdateDirectConnectGatewayRequest): UpdateDirectConnectGatewayResponse => {
      const gateway = needLive(tx, input.directConnectGatewayId ?? '');
      const named = tx.put(KIND, { ...gateway, name: input.newDirectConnectGatewayName ?? '' });
      return { directConnectGateway: shown(named) };
    },
  ),

  DescribeDirectConnectGateways: handler(
    (tx, input: DescribeDirectConnectGatewaysRequest): DescribeDirectConnectGatewaysResult => {
      const { directConnectGatewayId: id } = input;
      const found = id === undefined ? tx.list(KIND) : [tx.need(KIND, id)];
      const page = pageOf(tx, KIND, found, input);
      return { directConnectGateways: page.records.map(shown), ...page.next };
    },
  ),
};

export const directConnectGatewayTransitions: Transitions = {
  'direct-connect-gateway-made': (tx, id) => {
    const gateway = tx.get(KIND, id);
    if (gateway?.state === 'pending') tx.put(KIND, { ...gateway, state: 'available' });
  },
  'direct-connect-gateway-deleted': (tx, id) => {
    const gateway = tx.get(KIND, id);
    if (gateway?.state !== 'deleting') return;
    tx.put(KIND, { ...gateway, state: 'deleted' });
    tx.after(DELETED_VISIBLE_MS, { name: 'direct-connect-gateway-forgotten', id });
  },
  'direct-connect-gateway-forgotten': (tx, id) => tx.remove(KIND, id),
};
