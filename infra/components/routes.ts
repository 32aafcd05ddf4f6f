/**
 * The routes of a plan. Of a route that the daemons move Pulumi makes the first target and then leaves the
 * target alone, so that neither `pulumi up` nor a refresh undoes a failover; `ignoreChanges` is set here
 * because on a component it would not reach the routes. Never write such routes inline in a route table.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { named, type Plan, type RoutePlan, tablesOf } from '../plan.ts';
import type { ApplianceInstance } from './appliance.ts';
import type { Context, Machine, Moved } from './context.ts';
import type { Network, Table } from './network.ts';

interface PlannedRouteArgs {
  readonly routeTableId: pulumi.Input<string>;
  /** Canonical CIDR block, IPv4 or IPv6. */
  readonly destination: string;
  readonly target:
    | { readonly gatewayId: pulumi.Input<string> }
    | { readonly networkInterfaceId: pulumi.Input<string> }
    | { readonly transitGatewayId: pulumi.Input<string> };
  /** The targets that the daemons give it; empty where they leave it alone. */
  readonly moves: readonly ('networkInterfaceId' | 'natGatewayId')[];
}

/** A child of its parent, named by its table (`name`) and destination. */
function plannedRoute(
  name: string,
  { routeTableId, destination, target, moves }: PlannedRouteArgs,
  opts: { readonly parent: pulumi.Resource; readonly dependsOn?: pulumi.Resource[] },
): aws.ec2.Route {
  const family = destination.includes(':')
    ? { destinationIpv6CidrBlock: destination }
    : { destinationCidrBlock: destination };
  return new aws.ec2.Route(
    `${name}-${destination}`,
    { routeTableId, ...target, ...family },
    { ...opts, ...(moves.length === 0 ? {} : { ignoreChanges: [...moves] }) },
  );
}

interface Home {
  readonly parent: pulumi.ComponentResource;
  readonly prefix: string;
  readonly plan: Plan;
  readonly network: Network;
}

/** The routes of a table that lead to the Internet gateway: an instance needs them when it boots. */
export function internetRoutes(
  { parent, prefix, plan, network }: Home,
  table: Table,
): readonly pulumi.Resource[] {
  const subnet = network.subnets.find((one) => one.plan.name === table.name);
  // A table that exists has its way out already.
  const routes =
    subnet?.plan.brought?.table === undefined
      ? named(tablesOf(plan), table.name).routes.filter(({ to }) => to.kind === 'internet')
      : [];
  const made = routes.map(({ destination }) =>
    plannedRoute(
      `${prefix}-${table.name}`,
      { routeTableId: table.id, destination, target: { gatewayId: table.vpc.gatewayId }, moves: [] },
      { parent },
    ),
  );
  const association = subnet?.association;
  return [...(association === undefined ? [] : [association]), ...made];
}

const movesOf = (to: RoutePlan['to']): PlannedRouteArgs['moves'] => {
  if (to.kind !== 'group') return [];
  return to.lastResort === undefined ? ['networkInterfaceId'] : ['networkInterfaceId', 'natGatewayId'];
};

interface Made {
  readonly moved: Moved;
  readonly seats: readonly Machine[];
  readonly instances: readonly ApplianceInstance[];
}

type Led = Pick<PlannedRouteArgs, 'target'> & { readonly dependsOn: readonly pulumi.Resource[] };

/** All other routes; they wait for the instances, since a route to an ENI without one is a black hole. */
export function otherRoutes(context: Context, { moved, seats, instances }: Made): pulumi.Resource[] {
  const { parent, prefix, plan, network, transit } = context;
  const eniOf = (name: string | undefined): Led => {
    const seat = seats.find((one) => one.plan.name === name);
    return toEni(seat?.port.networkInterfaceId ?? pulumi.output(''));
  };
  const toEni = (networkInterfaceId: pulumi.Output<string>): Led => ({
    target: { networkInterfaceId },
    dependsOn: instances,
  });
  const led = ({ to }: RoutePlan, { vpc }: Table): Led | undefined => {
    switch (to.kind) {
      case 'internet':
      case 'announced':
      case 'propagated':
        return undefined;
      case 'appliance':
        return eniOf(to.appliance);
      case 'floating':
        return toEni(moved.floating[to.group]?.id ?? pulumi.output(''));
      case 'group':
        return eniOf(named(plan.groups, to.group).members[0]);
      case 'transit': {
        const attachment = transit?.attachments[vpc.plan.name];
        return {
          target: { transitGatewayId: transit?.gatewayId ?? '' },
          dependsOn: attachment === undefined ? [] : [attachment],
        };
      }
    }
  };
  return network.tables.flatMap((table) =>
    named(tablesOf(plan), table.name).routes.flatMap((route) => {
      const way = led(route, table);
      if (way === undefined) return [];
      const { destination, to } = route;
      return [
        plannedRoute(
          `${prefix}-${table.name}`,
          { routeTableId: table.id, destination, target: way.target, moves: movesOf(to) },
          { parent, dependsOn: [...way.dependsOn] },
        ),
      ];
    }),
  );
}
