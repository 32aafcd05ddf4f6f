/** What the handlers of VPN gateways and connections share: the routes that gateways propagate. */
import type { Route } from '../vpc/model.ts';
import type { Tx } from './handler.ts';
import type { RouteTableRecord } from './record/network.ts';

/** The routes that a VPN gateway has learnt: the static ones of its connections. */
const learntBy = (tx: Tx, gateway: string): Route[] => {
  const connections = tx.referring('vpn-connection', gateway).filter((each) => each.state === 'available');
  const destinations = new Set(connections.flatMap((each) => each.routes));
  return [...destinations].map((destination) => ({
    destination,
    target: { kind: 'vpn-gateway', gateway },
    origin: 'EnableVgwRoutePropagation',
    propagatedFrom: 'vpn-static',
  }));
};

/** The routes of a table without those that a VPN gateway propagated to it. */
export const withoutRoutesOf = (table: RouteTableRecord, gateway: string): Route[] =>
  table.routes.filter(
    ({ origin, target }) =>
      origin !== 'EnableVgwRoutePropagation' || target.kind !== 'vpn-gateway' || target.gateway !== gateway,
  );

/** Gives every route table that a VPN gateway propagates to what the gateway knows now. */
export function refreshVpnRoutes(tx: Tx, gateway: string): void {
  for (const table of tx.referring('route-table', gateway)) {
    if (!table.propagating?.includes(gateway)) continue;
    const routes = [...withoutRoutesOf(table, gateway), ...learntBy(tx, gateway)];
    tx.put('route-table', { ...table, routes });
  }
}
