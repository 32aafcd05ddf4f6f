/** The design nat-fleet as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { natFleet } from './plan.ts';

export type NatFleetArgs = DesignArgs<'appliances'>;

/** See the README of its folder. */
export class NatFleet extends DesignComponent {
  constructor(name: string, args: NatFleetArgs, opts?: pulumi.ComponentResourceOptions) {
    super('NatFleet', name, { title: 'nat-fleet', design: natFleet }, args, opts);
  }
}
