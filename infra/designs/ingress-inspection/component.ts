/** The design ingress-inspection as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { ingressInspection } from './plan.ts';

export type IngressInspectionArgs = DesignArgs<never>;

/** See the README of its folder. */
export class IngressInspection extends DesignComponent {
  constructor(name: string, args: IngressInspectionArgs, opts?: pulumi.ComponentResourceOptions) {
    super('IngressInspection', name, { title: 'ingress-inspection', design: ingressInspection }, args, opts);
  }
}
