/** How route servers, and speakers beside gateways, are written in a world file. */
import { z } from 'zod';
import type { GatewayNeighbor } from '../../vpc/model.ts';
import type {
  GatewaySpeakerRecord,
  LearntPath,
  RouteServerEndpointRecord,
  RouteServerPath,
  RouteServerPeerRecord,
  RouteServerRecord,
  RoutingRecords,
  SessionState,
} from './routing.ts';
import {
  account,
  address,
  byKind,
  date,
  exactly,
  flag,
  int,
  region,
  type Schemas,
  stored,
  text,
  texts,
} from './schema.ts';

const partState = z.enum(['pending', 'available', 'deleting', 'deleted']);
const upDown = z.enum(['up', 'down']);

const learnt = {
  neighbor: text,
  prefix: text,
  nextHop: text,
  asPath: text,
  origin: z.enum(['igp', 'egp', 'incomplete']),
  med: int.exactOptional(),
  communities: texts,
};
const path = exactly<RouteServerPath>({ ...learnt, endpoint: text });

const speaker = exactly<GatewaySpeakerRecord>({
  ...stored,
  account,
  region,
  place: byKind<GatewaySpeakerRecord['place']>({
    eni: { eni: text },
    'connect-peer': { peer: text },
    site: { site: text },
  }),
  as: int,
  routerId: address,
  neighbors: z.array(
    exactly<GatewayNeighbor>({
      name: text,
      address,
      localAddress: address.exactOptional(),
      as: int,
      holdTimeS: z.number(),
      authKey: text.exactOptional(),
      bfd: flag,
      down: flag.exactOptional(),
      maxPrefixes: int.exactOptional(),
    }),
  ),
  announces: texts,
  relays: z.record(text, text).exactOptional(),
  described: flag.exactOptional(),
  sessions: z.record(text, exactly<SessionState>({ bgp: upDown, bfd: upDown, changedAt: date })),
  paths: z.array(exactly<LearntPath>(learnt)),
});

const server = exactly<RouteServerRecord>({
  ...stored,
  account,
  state: partState,
  asn: int,
  persist: z.strictObject({ on: flag, minutes: z.number() }),
  notifies: flag,
  vpc: text.exactOptional(),
  tables: texts,
  paths: z.array(path),
  persisted: z.strictObject({ paths: z.array(path), until: z.number().exactOptional() }).exactOptional(),
});

export const routingSchemas: Schemas<keyof RoutingRecords> = {
  'gateway-speaker': speaker,
  'route-server': server,
  'route-server-endpoint': exactly<RouteServerEndpointRecord>({
    ...stored,
    account,
    state: partState,
    server: text,
    vpc: text,
    subnet: text,
    eni: text,
    address,
  }),
  'route-server-peer': exactly<RouteServerPeerRecord>({
    ...stored,
    account,
    state: partState,
    server: text,
    endpoint: text,
    address,
    asn: int,
    liveness: z.enum(['bfd', 'bgp-keepalive']),
  }),
};
