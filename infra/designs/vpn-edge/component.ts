/** The design vpn-edge as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { vpnEdge } from './plan.ts';

export type VpnEdgeArgs = DesignArgs<'spokes'>;

/** See the README of its folder. */
export class VpnEdge extends DesignComponent {
  constructor(name: string, args: VpnEdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('VpnEdge', name, { title: 'vpn-edge', design: vpnEdge }, args, opts);
  }
}
