/**
 * One route of a plan. Of a route that the daemons move Pulumi makes the first target and then leaves the
 * target alone, so that neither `pulumi up` nor a refresh undoes a failover; `ignoreChanges` is set here
 * because on a component it would not reach the routes. Never write such routes inline in a route table.
 */
import * as aws from '@pulumi/aws';
import type * as pulumi from '@pulumi/pulumi';

export interface PlannedRouteArgs {
  readonly routeTableId: pulumi.Input<string>;
  /** Canonical CIDR block, IPv4 or IPv6. */
  readonly destination: string;
  readonly target:
    | { readonly gatewayId: pulumi.Input<string> }
    | { readonly networkInterfaceId: pulumi.Input<string> };
  /** Whether the daemons change the target. */
  readonly moves: boolean;
}

/** A child of its parent, named by its table (`name`) and destination. */
export function plannedRoute(
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
    { ...opts, ...(moves ? { ignoreChanges: ['networkInterfaceId'] } : {}) },
  );
}
