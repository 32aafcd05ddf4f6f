/** The design egress-pair as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { egressPair } from './plan.ts';

export type EgressPairArgs = DesignArgs<'ipv6'>;

/** See the README of its folder. */
export class EgressPair extends DesignComponent {
  constructor(name: string, args: EgressPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super('EgressPair', name, { title: 'egress-pair', design: egressPair }, args, opts);
  }
}
