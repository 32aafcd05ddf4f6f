/** The design overlay-address as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { overlayAddress } from './plan.ts';

export type OverlayAddressArgs = DesignArgs<'overlay'>;

/** See the README of its folder. */
export class OverlayAddress extends DesignComponent {
  constructor(name: string, args: OverlayAddressArgs, opts?: pulumi.ComponentResourceOptions) {
    super('OverlayAddress', name, { title: 'overlay-address', design: overlayAddress }, args, opts);
  }
}
