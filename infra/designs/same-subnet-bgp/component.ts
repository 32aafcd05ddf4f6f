/** The design same-subnet-bgp as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { sameSubnetBgp } from './plan.ts';

export type SameSubnetBgpArgs = DesignArgs<'ipv6' | 'appliances'>;

/** See the README of its folder. */
export class SameSubnetBgp extends DesignComponent {
  constructor(name: string, args: SameSubnetBgpArgs, opts?: pulumi.ComponentResourceOptions) {
    super('SameSubnetBgp', name, { title: 'same-subnet-bgp', design: sameSubnetBgp }, args, opts);
  }
}
