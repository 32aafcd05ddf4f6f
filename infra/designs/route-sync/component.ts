/** The design route-sync as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { routeSync } from './plan.ts';

export type RouteSyncArgs = DesignArgs<'ipv6' | 'appliances'>;

/** See the README of its folder. */
export class RouteSync extends DesignComponent {
  constructor(name: string, args: RouteSyncArgs, opts?: pulumi.ComponentResourceOptions) {
    super('RouteSync', name, { title: 'route-sync', design: routeSync }, args, opts);
  }
}
