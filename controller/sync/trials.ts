/** Writes that stand for those of route sync in dry runs: one of each kind on each table. */
import { type Config, ownAppliance } from '../config.ts';
import type { ObservedRouteTable, Tryable } from '../ec2/call.ts';
import type { Observed } from '../failover/observe.ts';
import { placesOf } from './places.ts';

/** Documentation space: a dry run changes nothing, whatever it names. RFC 5737. */
const UNUSED = '192.0.2.0/24';

/** A route that can be named as one that is there: EC2 refuses to replace or delete any other. */
export const staticRoute = ({ routes }: ObservedRouteTable): string | undefined =>
  routes.find(
    ({ destination, target, propagated }) =>
      target !== 'local' && propagated === undefined && destination.includes('/'),
  )?.destination;

/** The writes to a table that can be tried. `eni`: one that routes may lead to. */
export function trialsOfTable(seen: ObservedRouteTable, eni: string | undefined): readonly Tryable[] {
  const table = seen.id;
  const destination = staticRoute(seen);
  return [
    ...(eni === undefined ? [] : [{ kind: 'create-route', table, destination: UNUSED, eni } as const]),
    ...(destination === undefined ? [] : [{ kind: 'delete-route', table, destination } as const]),
    ...(destination === undefined || eni === undefined
      ? []
      : [{ kind: 'replace-route', table, destination, eni } as const]),
  ];
}

/** An appliance of this VPC that routes may lead to: the own one, where there is one. */
export const anyEni = (config: Config): string | undefined =>
  (ownAppliance(config) ?? config.appliances[0])?.eni;

/** The writes to all tables that follow best paths, as far as they have been seen. */
export const syncTrials = (config: Config, observed: Observed): readonly Tryable[] =>
  placesOf(config, observed).flatMap(({ table }) => trialsOfTable(table, anyEni(config)));
