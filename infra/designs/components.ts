/** The component of each design of the catalog. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../components/context.ts';
import type { DesignComponent } from '../components/design.ts';
import type { DesignName } from './catalog.ts';
import { EgressPair } from './egress-pair/component.ts';
import { FloatingEni } from './floating-eni/component.ts';

export type DesignClass = new (
  name: string,
  args: DesignArgs,
  opts?: pulumi.ComponentResourceOptions,
) => DesignComponent;

export const COMPONENTS: Readonly<Record<DesignName, DesignClass>> = {
  'egress-pair': EgressPair,
  'floating-eni': FloatingEni,
};
