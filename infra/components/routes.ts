/**
 * Routes whose target the daemons move. Pulumi makes them with their first target and then leaves the target
 * alone, so that neither `pulumi up` nor a refresh undoes a failover; `ignoreChanges` is set here because on
 * a component it would not reach the routes. Never write such routes inline in a route table.
 */
import * as aws from '@pulumi/aws';
import type * as pulumi from '@pulumi/pulumi';

export interface MovedRouteArgs {
  readonly routeTableId: pulumi.Input<string>;
  /** Canonical CIDR block, IPv4 or IPv6. */
  readonly destination: string;
  /** ENI that the route leads to until the daemons decide. */
  readonly firstTarget: pulumi.Input<string>;
}

/** One such route, a child of `parent`, named by its table and destination. */
export function movedRoute(
  name: string,
  args: MovedRouteArgs,
  opts: { readonly parent: pulumi.Resource; readonly dependsOn?: pulumi.Resource[] },
): aws.ec2.Route {
  const { destination } = args;
  return new aws.ec2.Route(
    `${name}-${destination}`,
    {
      routeTableId: args.routeTableId,
      networkInterfaceId: args.firstTarget,
      ...(destination.includes(':')
        ? { destinationIpv6CidrBlock: destination }
        : { destinationCidrBlock: destination }),
    },
    { ...opts, ignoreChanges: ['networkInterfaceId'] },
  );
}
