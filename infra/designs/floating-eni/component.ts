/** The design floating-eni as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { floatingEni } from './plan.ts';

export type FloatingEniArgs = DesignArgs<'ipv6' | 'appliances'>;

/** See the README of its folder. */
export class FloatingEni extends DesignComponent {
  constructor(name: string, args: FloatingEniArgs, opts?: pulumi.ComponentResourceOptions) {
    super('FloatingEni', name, { title: 'floating-eni', design: floatingEni }, args, opts);
  }
}
