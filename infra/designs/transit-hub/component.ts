/** The design transit-hub as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { transitHub } from './plan.ts';

export type TransitHubArgs = DesignArgs<'spokes'>;

/** See the README of its folder. */
export class TransitHub extends DesignComponent {
  constructor(name: string, args: TransitHubArgs, opts?: pulumi.ComponentResourceOptions) {
    super('TransitHub', name, { title: 'transit-hub', design: transitHub }, args, opts);
  }
}
