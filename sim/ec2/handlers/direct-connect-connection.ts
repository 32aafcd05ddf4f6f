/** Direct Connect's connections: ports at a location, here with nothing between order and light. */
import type {
  Connection,
  Connections,
  CreateConnectionRequest,
  DeleteConnectionRequest,
  DescribeConnectionsRequest,
  Locations,
  UpdateConnectionRequest,
} from '@aws-sdk/client-direct-connect';
import { invalid, mergeTags, pageOf, shortId, shownTags } from '../direct-connect.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { DirectConnectConnectionRecord } from '../record/direct-connect.ts';
import { DELETED_VISIBLE_MS } from '../transit-gateway.ts';

const KIND = 'direct-connect-connection';

/** Port speeds of dedicated connections. */
const SPEEDS = ['1Gbps', '10Gbps', '100Gbps', '400Gbps'];
/** Locations of the simulator's own; a connection may name any other. */
const LOCATIONS = ['SIM-A', 'SIM-B'];

const shown = (connection: DirectConnectConnectionRecord): Connection => ({
  ownerAccount: connection.account,
  connectionId: connection.id,
  connectionName: connection.name,
  connectionState: connection.state,
  region: connection.region,
  location: connection.location,
  bandwidth: connection.bandwidth,
  jumboFrameCapable: true,
  hasLogicalRedundancy: 'unknown',
  macSecCapable: false,
  tags: shownTags(connection.tags),
  ...(connection.provider !== undefined && { providerName: connection.provider }),
});

function create(tx: Tx, input: CreateConnectionRequest): Connection {
  const { location = '', bandwidth = '', connectionName: name = '', providerName: provider } = input;
  if (!SPEEDS.includes(bandwidth)) invalid(`Bandwidth ${bandwidth} is not valid: ${SPEEDS.join(', ')}.`);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(location)) invalid(`Location ${location} is not valid.`);
  if (input.lagId !== undefined) invalid('Link aggregation groups are not simulated.');
  const here = tx.list(KIND).filter((each) => each.state !== 'deleted' && each.location === location);
  const { connectionsPerLocation: most } = tx.settings.quotas;
  if (here.length >= most) invalid(`You have reached the maximum of ${most} connections at ${location}.`);
  const connection = tx.put(KIND, {
    id: shortId(tx, 'dxcon'),
    tags: mergeTags(tx, {}, input.tags),
    account: tx.account,
    region: tx.region,
    state: 'requested',
    name,
    location,
    bandwidth,
    ...(provider && { provider }),
  });
  tx.after(tx.settings.directConnectMs, { name: 'direct-connect-connection-made', id: connection.id });
  return shown(connection);
}

function needLive(tx: Tx, id: string): DirectConnectConnectionRecord {
  const connection = tx.need(KIND, id);
  if (connection.state === 'deleted') invalid(`Connection ${id} is deleted.`);
  return connection;
}

function remove(tx: Tx, id: string): Connection {
  const connection = needLive(tx, id);
  const users = tx.referring('virtual-interface', id).filter((each) => each.connection === id);
  if (users.length > 0) {
    const names = users.map((each) => each.id).join(', ');
    invalid(`Connection ${id} has virtual interfaces, delete them first: ${names}.`);
  }
  const deleting = tx.put(KIND, { ...connection, state: 'deleting' });
  tx.after(tx.settings.directConnectMs, { name: 'direct-connect-connection-deleted', id });
  return shown(deleting);
}

function describe(tx: Tx, input: DescribeConnectionsRequest): Connections {
  const { connectionId: id } = input;
  const found = id === undefined ? tx.list(KIND) : [tx.need(KIND, id)];
  const page = pageOf(tx, KIND, found, input);
  return { connections: page.records.map(shown), ...page.next };
}

export const directConnectConnectionHandlers: Handlers = {
  CreateConnection: handler(create),
  DeleteConnection: handler((tx, { connectionId: id = '' }: DeleteConnectionRequest) => remove(tx, id)),
  DescribeConnections: handler(describe),

  UpdateConnection: handler((tx, input: UpdateConnectionRequest): Connection => {
    const connection = needLive(tx, input.connectionId ?? '');
    if (input.encryptionMode !== undefined) invalid('MACsec is not simulated.');
    return shown(tx.put(KIND, { ...connection, name: input.connectionName ?? connection.name }));
  }),

  DescribeLocations: handler(
    (tx): Locations => ({
      locations: LOCATIONS.map((locationCode) => ({
        locationCode,
        locationName: `Simulated location ${locationCode}`,
        region: tx.region,
        availablePortSpeeds: SPEEDS,
        availableProviders: [],
        availableMacSecPortSpeeds: [],
      })),
    }),
  ),
};

export const directConnectConnectionTransitions: Transitions = {
  'direct-connect-connection-made': (tx, id) => {
    const connection = tx.get(KIND, id);
    if (connection?.state === 'requested') tx.put(KIND, { ...connection, state: 'available' });
  },
  'direct-connect-connection-deleted': (tx, id) => {
    const connection = tx.get(KIND, id);
    if (connection?.state !== 'deleting') return;
    tx.put(KIND, { ...connection, state: 'deleted' });
    tx.after(DELETED_VISIBLE_MS, { name: 'direct-connect-connection-forgotten', id });
  },
  'direct-connect-connection-forgotten': (tx, id) => tx.remove(KIND, id),
};
