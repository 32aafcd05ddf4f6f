/** Which designs a lab can be of, and why not of the others. */
import { DESIGNS, type DesignName } from '../pulumi/designs.ts';

const NOT_IN_LABS: Readonly<Partial<Record<DesignName, string>>> = {
  'vpn-edge':
    'VPN gateways are in the simulated part of the world, where no packets of a lab get; ' +
    '`byoa drill --design vpn-edge` drills it there',
};

/** Why a lab cannot be of a design; undefined where it can. */
export const whyNotInLabs = (design: DesignName): string | undefined => NOT_IN_LABS[design];

export const LAB_DESIGNS: readonly DesignName[] = DESIGNS.filter((name) => whyNotInLabs(name) === undefined);
