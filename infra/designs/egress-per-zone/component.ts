/** The design egress-per-zone as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { egressPerZone } from './plan.ts';

export type EgressPerZoneArgs = DesignArgs<'ipv6'>;

/** See the README of its folder. */
export class EgressPerZone extends DesignComponent {
  constructor(name: string, args: EgressPerZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super('EgressPerZone', name, { title: 'egress-per-zone', design: egressPerZone }, args, opts);
  }
}
