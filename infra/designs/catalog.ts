/** The one list of designs: configuration, commands, documents and tests take their names from here. Pure. */
import type { Design } from '../design.ts';
import { eastWestInspection } from './east-west-inspection/plan.ts';
import { egressPair } from './egress-pair/plan.ts';
import { egressPerZone } from './egress-per-zone/plan.ts';
import { floatingAddress } from './floating-address/plan.ts';
import { floatingEni } from './floating-eni/plan.ts';
import { ingressInspection } from './ingress-inspection/plan.ts';
import { natFleet } from './nat-fleet/plan.ts';
import { overlayAddress } from './overlay-address/plan.ts';
import { routeSync } from './route-sync/plan.ts';
import { sameSubnetBgp } from './same-subnet-bgp/plan.ts';
import { transitHub } from './transit-hub/plan.ts';
import { vpnEdge } from './vpn-edge/plan.ts';

export const DESIGNS = {
  'egress-pair': egressPair,
  'egress-per-zone': egressPerZone,
  'nat-fleet': natFleet,
  'floating-eni': floatingEni,
  'floating-address': floatingAddress,
  'overlay-address': overlayAddress,
  'ingress-inspection': ingressInspection,
  'east-west-inspection': eastWestInspection,
  'transit-hub': transitHub,
  'vpn-edge': vpnEdge,
  'same-subnet-bgp': sameSubnetBgp,
  'route-sync': routeSync,
} as const satisfies Readonly<Record<string, Design>>;

export type DesignName = keyof typeof DESIGNS;

export const NAMES = Object.keys(DESIGNS) as readonly DesignName[];

export const isDesign = (name: string): name is DesignName => Object.hasOwn(DESIGNS, name);
