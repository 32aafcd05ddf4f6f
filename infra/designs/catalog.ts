/** The one list of designs: configuration, commands, documents and tests take their names from here. Pure. */
import type { Design } from '../design.ts';
import { egressPair } from './egress-pair/plan.ts';
import { floatingEni } from './floating-eni/plan.ts';

export const DESIGNS = {
  'egress-pair': egressPair,
  'floating-eni': floatingEni,
} as const satisfies Readonly<Record<string, Design>>;

export type DesignName = keyof typeof DESIGNS;

export const NAMES = Object.keys(DESIGNS) as readonly DesignName[];

export const isDesign = (name: string): name is DesignName => Object.hasOwn(DESIGNS, name);
