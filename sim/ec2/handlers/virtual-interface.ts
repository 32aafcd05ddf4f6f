/**
 * Virtual interfaces: a VLAN of a connection, from the customer's router to a VPN gateway or to a Direct
 * Connect gateway. Public ones are refused.
 */
import type {
  CreatePrivateVirtualInterfaceRequest,
  CreatePublicVirtualInterfaceRequest,
  CreateTransitVirtualInterfaceRequest,
  CreateTransitVirtualInterfaceResult,
  DeleteVirtualInterfaceRequest,
  DeleteVirtualInterfaceResponse,
  DescribeVirtualInterfacesRequest,
  NewPrivateVirtualInterface,
  UpdateVirtualInterfaceAttributesRequest,
  VirtualGateways,
  VirtualInterface,
  VirtualInterfaces,
} from '@aws-sdk/client-direct-connect';
import { invalid, mergeTags, pageOf, refreshDirectConnect, shortId } from '../direct-connect.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { DirectConnectConnectionRecord, VirtualInterfaceRecord } from '../record/direct-connect.ts';
import { DELETED_VISIBLE_MS } from '../transit-gateway.ts';
import { changeInterface, needInterface, newPeer, shownInterface } from '../virtual-interface.ts';

const KIND = 'virtual-interface';

type LineType = VirtualInterfaceRecord['type'];

/** Bytes; the larger is that of jumbo frames. */
const MTUS = { private: [1500, 9001], transit: [1500, 8500] } as const;

function checkMtu(type: LineType, mtuBytes: number): number {
  const known: readonly number[] = MTUS[type];
  return known.includes(mtuBytes)
    ? mtuBytes
    : invalid(`MTU ${mtuBytes} is not valid: ${known.join(' or ')}.`);
}

/** The tag of a connection that names the customer gateway at whose site its router is. */
const SITE_TAG = 'byoa:site';

/** Where the routers of a connection's lines are. */
export const siteOfConnection = ({ id, tags }: DirectConnectConnectionRecord): string => tags[SITE_TAG] ?? id;

/** The gateway at the end of a new line, fit for its type. */
function checkedGateway(tx: Tx, type: LineType, asked: NewPrivateVirtualInterface): string {
  const { virtualGatewayId: vpnGateway, directConnectGatewayId: direct } = asked;
  if ((vpnGateway === undefined) === (direct === undefined))
    return invalid('A virtual interface ends at either a virtual gateway or a Direct Connect gateway.');
  if (vpnGateway !== undefined) {
    if (type === 'transit') return invalid('A transit virtual interface ends at a Direct Connect gateway.');
    if (tx.get('vpn-gateway', vpnGateway)?.state === 'available') return vpnGateway;
    return invalid(`The VirtualGateway ${vpnGateway} does not exist.`);
  }
  const gateway = tx.need('direct-connect-gateway', direct ?? '');
  if (gateway.state !== 'available') invalid(`Direct Connect gateway ${gateway.id} is not available.`);
  const lines = tx.referring(KIND, gateway.id);
  const { interfacesPerDirectConnectGateway: most } = tx.settings.quotas;
  if (lines.length >= most)
    invalid(`You have reached the maximum of ${most} virtual interfaces per Direct Connect gateway.`);
  const isTransit = [
    ...lines.map((each) => each.type === 'transit'),
    ...tx.referring('direct-connect-association', gateway.id).map((each) => each.gateway.startsWith('tgw-')),
  ];
  if (isTransit.some((each) => each !== (type === 'transit'))) {
    const others = type === 'transit' ? 'private ones' : 'transit ones';
    invalid(`Direct Connect gateway ${gateway.id} has ${others}: no ${type} virtual interface fits.`);
  }
  return gateway.id;
}

function checkRoom(tx: Tx, connection: string, type: LineType, vlan: number): void {
  if (!Number.isInteger(vlan) || vlan < 1 || vlan > 4094) invalid(`VLAN ${vlan} is not valid: 1 to 4094.`);
  const lines = tx.referring(KIND, connection).filter((each) => each.connection === connection);
  if (lines.some((each) => each.vlan === vlan)) invalid(`VLAN ${vlan} is already in use on ${connection}.`);
  const { interfacesPerConnection: most, transitInterfacesPerConnection: mostTransit } = tx.settings.quotas;
  if (lines.length >= most) invalid(`You have reached the maximum of ${most} virtual interfaces.`);
  if (type === 'transit' && lines.filter((each) => each.type === type).length >= mostTransit)
    invalid(`You have reached the maximum of ${mostTransit} transit virtual interfaces.`);
}

function create(
  tx: Tx,
  type: LineType,
  connectionId: string,
  asked: NewPrivateVirtualInterface,
): VirtualInterface {
  const connection = tx.need('direct-connect-connection', connectionId);
  if (connection.state !== 'available') invalid(`Connection ${connectionId} is ${connection.state}.`);
  const { vlan = 0, virtualInterfaceName: name = '', mtu = 1500 } = asked;
  if (name === '' || name.length > 100) invalid(`Virtual interface name '${name}' is not valid.`);
  checkRoom(tx, connectionId, type, vlan);
  const gateway = checkedGateway(tx, type, asked);
  if (asked.enableSiteLink === true && gateway.startsWith('vgw-'))
    invalid('SiteLink needs a Direct Connect gateway.');
  const line = tx.put(KIND, {
    id: shortId(tx, 'dxvif'),
    tags: mergeTags(tx, {}, asked.tags),
    account: tx.account,
    region: tx.region,
    connection: connectionId,
    type,
    state: 'pending',
    name,
    vlan,
    mtuBytes: checkMtu(type, mtu),
    siteLink: asked.enableSiteLink ?? false,
    gateway,
    peers: [newPeer(tx, asked, [])],
    site: siteOfConnection(connection),
    down: false,
    up: false,
    routes: [],
  });
  tx.after(tx.settings.directConnectMs, { name: 'virtual-interface-made', id: line.id });
  return shownInterface(tx, line);
}

function update(tx: Tx, input: UpdateVirtualInterfaceAttributesRequest): VirtualInterface {
  const line = needInterface(tx, input.virtualInterfaceId);
  const { mtu = line.mtuBytes, enableSiteLink: siteLink = line.siteLink } = input;
  if (siteLink && line.gateway.startsWith('vgw-')) invalid('SiteLink needs a Direct Connect gateway.');
  const changed = {
    ...line,
    mtuBytes: checkMtu(line.type, mtu),
    siteLink,
    name: input.virtualInterfaceName ?? line.name,
  };
  return shownInterface(tx, changeInterface(tx, changed));
}

function remove(tx: Tx, id: string | undefined): DeleteVirtualInterfaceResponse {
  const line = needInterface(tx, id);
  tx.remove('gateway-speaker', line.id);
  changeInterface(tx, { ...line, state: 'deleting', up: false, routes: [] });
  tx.after(tx.settings.directConnectMs, { name: 'virtual-interface-deleted', id: line.id });
  return { virtualInterfaceState: 'deleting' };
}

function describe(tx: Tx, input: DescribeVirtualInterfacesRequest): VirtualInterfaces {
  const { virtualInterfaceId: id, connectionId: connection } = input;
  if (connection !== undefined) tx.need('direct-connect-connection', connection);
  const found = (id === undefined ? tx.list(KIND) : [tx.need(KIND, id)]).filter(
    (each) => each.region === tx.region && each.connection === (connection ?? each.connection),
  );
  const page = pageOf(tx, KIND, found, input);
  return { virtualInterfaces: page.records.map((each) => shownInterface(tx, each)), ...page.next };
}

export const virtualInterfaceHandlers: Handlers = {
  CreatePrivateVirtualInterface: handler(
    (tx, input: CreatePrivateVirtualInterfaceRequest): VirtualInterface => {
      const { connectionId = '', newPrivateVirtualInterface: asked } = input;
      return create(tx, 'private', connectionId, asked as NewPrivateVirtualInterface);
    },
  ),

  CreateTransitVirtualInterface: handler(
    (tx, input: CreateTransitVirtualInterfaceRequest): CreateTransitVirtualInterfaceResult => {
      const { connectionId = '', newTransitVirtualInterface: asked } = input;
      const line = create(tx, 'transit', connectionId, asked as NewPrivateVirtualInterface);
      return { virtualInterface: line };
    },
  ),

  CreatePublicVirtualInterface: handler((tx, input: CreatePublicVirtualInterfaceRequest) => {
    tx.need('direct-connect-connection', input.connectionId ?? '');
    return invalid('Public virtual interfaces are not simulated: use a private or a transit one.');
  }),

  UpdateVirtualInterfaceAttributes: handler(update),
  DeleteVirtualInterface: handler((tx, input: DeleteVirtualInterfaceRequest) =>
    remove(tx, input.virtualInterfaceId),
  ),
  DescribeVirtualInterfaces: handler(describe),

  DescribeVirtualGateways: handler(
    (tx): VirtualGateways => ({
      virtualGateways: tx
        .list('vpn-gateway')
        .map(({ id, state }) => ({ virtualGatewayId: id, virtualGatewayState: state })),
    }),
  ),
};

export const virtualInterfaceTransitions: Transitions = {
  'virtual-interface-made': (tx, id) => {
    const line = tx.get(KIND, id);
    if (line?.state === 'pending') changeInterface(tx, { ...line, state: 'available' });
  },
  'virtual-interface-deleted': (tx, id) => {
    const line = tx.get(KIND, id);
    if (line?.state !== 'deleting') return;
    tx.put(KIND, { ...line, state: 'deleted' });
    refreshDirectConnect(tx, line.gateway);
    tx.after(DELETED_VISIBLE_MS, { name: 'virtual-interface-forgotten', id });
  },
  'virtual-interface-forgotten': (tx, id) => tx.remove(KIND, id),
};
