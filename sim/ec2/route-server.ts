/**
 * What the handlers of route servers share: the routing database, which of its routes are installed in which
 * table, and how long routes outlive the sessions. Amazon VPC User Guide, "Dynamic routing in your VPC with
 * VPC Route Server".
 */
import { covers, prefix } from '../../controller/base/ip.ts';
import { unreachable } from '../../controller/base/result.ts';
import type { Route } from '../vpc/model.ts';
import { isLocalRoute, isPropagated } from '../vpc/route-order.ts';
import { bestPaths } from './best-path.ts';
import { type Speaking, setSpeaker } from './gateway-speaker.ts';
import type { Transitions, Tx } from './handler.ts';
import type { RouteTableRecord } from './record/network.ts';
import type {
  RouteServerEndpointRecord,
  RouteServerPath,
  RouteServerPeerRecord,
  RouteServerRecord,
} from './record/routing.ts';
import { refuse } from './refusal.ts';
import { DELETED_VISIBLE_MS } from './transit-gateway.ts';

/** What a route server's endpoints propose as Hold Time, s. AWS does not publish it. */
const HOLD_TIME_S = 90;

/** A path of the forwarding table in a route table: installed by a route, or why it was rejected. */
export interface Installation {
  readonly path: RouteServerPath;
  readonly table: string;
  readonly route?: Route;
  readonly reason?: string;
}

const MINUTE_MS = 60_000;

/** The best paths of a route server, in the order in which prefixes came. */
export const forwardingTable = (server: RouteServerRecord): readonly RouteServerPath[] => [
  ...bestPaths(server.paths).values(),
];

/** What becomes of each best path in one route table. */
export function installationsIn(tx: Tx, server: RouteServerRecord, table: RouteTableRecord): Installation[] {
  const others = table.routes.filter((each) => isPropagated(each) && each.advertised?.server !== server.id);
  const local = table.routes.filter(isLocalRoute).map((each) => prefix(each.destination));
  const enis = enisOf(tx, server);
  let room = tx.settings.quotas.propagatedRoutesPerTable - others.length;
  return forwardingTable(server).map((path): Installation => {
    const found = { path, table: table.id };
    const eni = enis.get(path.nextHop);
    if (eni === undefined) return { ...found, reason: `no network interface has ${path.nextHop}` };
    if (local.some((each) => covers(each, prefix(path.prefix))))
      return { ...found, reason: 'the local route of the table covers it' };
    if (room === 0) return { ...found, reason: 'the table has as many propagated routes as it can have' };
    room -= 1;
    const advertised = { server: server.id, nextHop: path.nextHop };
    const target = { kind: 'eni', eni } as const;
    return { ...found, route: { destination: path.prefix, target, origin: 'Advertisement', advertised } };
  });
}

/** The ENIs of the server's VPC by their private addresses. */
function enisOf(tx: Tx, { vpc = '' }: RouteServerRecord): Map<string, string> {
  const enis = new Map<string, string>();
  for (const eni of tx.referring('network-interface', vpc)) {
    for (const address of [...eni.ipv4, ...eni.ipv6]) enis.set(address, eni.id);
  }
  return enis;
}

/** The routes of a table without those of a route server. */
const withoutRoutesOf = (table: RouteTableRecord, server: string): Route[] =>
  table.routes.filter((route) => route.advertised?.server !== server);

/** Takes a route server's routes out of a table that it does not propagate to any more. */
export function withdrawFrom(tx: Tx, server: string, tableId: string): void {
  const table = tx.get('route-table', tableId);
  if (table !== undefined) tx.put('route-table', { ...table, routes: withoutRoutesOf(table, server) });
}

/** Learns anew what the endpoints of a route server know, and gives its tables what is best. */
export function refreshRouteServer(tx: Tx, id: string): void {
  const before = tx.get('route-server', id);
  if (before === undefined || before.state === 'deleted') return;
  const server = tx.put('route-server', known(tx, before));
  for (const name of server.tables) {
    const table = tx.get('route-table', name);
    if (table === undefined) continue;
    const routes = installationsIn(tx, server, table).flatMap(({ route }) => route ?? []);
    tx.put('route-table', { ...table, routes: [...withoutRoutesOf(table, id), ...routes] });
  }
}

/**
 * The server with what is known now. Routes that persist stay when the last session ends, and for some
 * minutes once the first one is back.
 */
function known(tx: Tx, server: RouteServerRecord): RouteServerRecord {
  const endpoints = tx.referring('route-server-endpoint', server.id);
  const speakers = endpoints.flatMap((each) => tx.get('gateway-speaker', each.id) ?? []);
  const live = speakers.flatMap(({ id, paths }) => paths.map((path) => ({ ...path, endpoint: id })));
  const isUp = speakers.some(({ sessions }) => Object.values(sessions).some(({ bgp }) => bgp === 'up'));
  const { persisted: held, ...rest } = server;
  const persisted = server.persist.on ? kept(tx, server, isUp) : undefined;
  const keyOf = (path: RouteServerPath): string => `${path.endpoint} ${path.neighbor} ${path.prefix}`;
  const fresh = new Set(live.map(keyOf));
  const peers = new Set(tx.referring('route-server-peer', server.id).map((peer) => peer.id));
  const isGone = (path: RouteServerPath): boolean => fresh.has(keyOf(path)) || !peers.has(path.neighbor);
  const old = (persisted?.paths ?? []).filter((path) => !isGone(path));
  if (persisted?.until !== undefined && held?.until === undefined) {
    tx.after(persisted.until - tx.now, { name: 'route-server-unpersisted', id: server.id });
  }
  return { ...rest, paths: [...live, ...old], ...(persisted && { persisted }) };
}

function kept(
  tx: Tx,
  { persist, persisted, paths }: RouteServerRecord,
  isUp: boolean,
): RouteServerRecord['persisted'] {
  if (!isUp) return paths.length > 0 ? { paths } : undefined;
  return persisted && { until: tx.now + persist.minutes * MINUTE_MS, ...persisted };
}

/** What the speaker of an endpoint is to be: all the endpoint's peers, which dial. */
export const endpointSpeaker = (
  endpoint: RouteServerEndpointRecord,
  asn: number,
  peers: readonly RouteServerPeerRecord[],
): Speaking => ({
  id: endpoint.id,
  place: { kind: 'eni', eni: endpoint.eni },
  as: asn,
  routerId: endpoint.address,
  neighbors: peers.map((peer) => ({
    name: peer.id,
    address: peer.address,
    as: peer.asn,
    holdTimeS: HOLD_TIME_S,
    bfd: peer.liveness === 'bfd',
  })),
  announces: [],
});

/** The speaker of an endpoint follows the endpoint's peers. */
export function refreshEndpoint(tx: Tx, endpoint: RouteServerEndpointRecord): void {
  const asn = tx.get('route-server', endpoint.server)?.asn ?? 0;
  setSpeaker(tx, endpointSpeaker(endpoint, asn, tx.referring('route-server-peer', endpoint.id)));
  refreshRouteServer(tx, endpoint.server);
}

export type PartKind = 'route-server' | 'route-server-endpoint' | 'route-server-peer';

const kindOf = (id: string): PartKind => {
  if (id.startsWith('rse-')) return 'route-server-endpoint';
  return id.startsWith('rsp-') ? 'route-server-peer' : 'route-server';
};

/** A part of a route server that a request needs in working order. */
export function needPart<K extends PartKind>(tx: Tx, kind: K, id: string) {
  const part = tx.need(kind, id);
  if (part.state !== 'available') refuse('IncorrectState', `${id} is ${part.state}`);
  return part;
}

/** A new part becomes available when its request is answered. */
export const begin = (tx: Tx, id: string): void => tx.after(0, { name: 'route-server-part-available', id });

/** A part is deleted, and shown as that for a while. */
export function retire(tx: Tx, id: string): void {
  setState(tx, id, 'deleted');
  tx.after(DELETED_VISIBLE_MS, { name: 'route-server-part-forgotten', id });
}

function setState(tx: Tx, id: string, state: 'available' | 'deleted'): void {
  const kind = kindOf(id);
  switch (kind) {
    case 'route-server': {
      const server = tx.get(kind, id);
      if (server) tx.put(kind, { ...server, state });
      break;
    }
    case 'route-server-endpoint': {
      const endpoint = tx.get(kind, id);
      if (endpoint) tx.put(kind, { ...endpoint, state });
      break;
    }
    case 'route-server-peer': {
      const peer = tx.get(kind, id);
      if (peer) tx.put(kind, { ...peer, state });
      break;
    }
    default:
      unreachable(kind);
  }
}

const isPending = (tx: Tx, id: string): boolean => tx.get(kindOf(id), id)?.state === 'pending';

export const routeServerTransitions: Transitions = {
  'route-server-part-available': (tx, id) => {
    if (isPending(tx, id)) setState(tx, id, 'available');
  },
  'route-server-part-forgotten': (tx, id) => tx.remove(kindOf(id), id),
  'route-server-unpersisted': (tx, id) => {
    const server = tx.get('route-server', id);
    if (server?.persisted?.until === undefined || server.persisted.until > tx.now) return;
    const { persisted: _, ...rest } = server;
    tx.put('route-server', rest);
    refreshRouteServer(tx, id);
  },
};
