/** The design east-west-inspection as a Pulumi component. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../../components/context.ts';
import { DesignComponent } from '../../components/design.ts';
import { eastWestInspection } from './plan.ts';

export type EastWestInspectionArgs = DesignArgs<never>;

/** See the README of its folder. */
export class EastWestInspection extends DesignComponent {
  constructor(name: string, args: EastWestInspectionArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      'EastWestInspection',
      name,
      { title: 'east-west-inspection', design: eastWestInspection },
      args,
      opts,
    );
  }
}
