/** The design floating-address as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { floatingAddress } from './plan.ts';

export type FloatingAddressArgs = DesignArgs<'appliances'>;

/** See the README of its folder. */
export class FloatingAddress extends DesignComponent {
  constructor(name: string, args: FloatingAddressArgs, opts?: pulumi.ComponentResourceOptions) {
    super('FloatingAddress', name, { title: 'floating-address', design: floatingAddress }, args, opts);
  }
}
