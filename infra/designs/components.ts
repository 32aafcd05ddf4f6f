/** The component of each design of the catalog. */
import type * as pulumi from '@pulumi/pulumi';
import type { DesignArgs } from '../components/context.ts';
import type { DesignComponent } from '../components/design.ts';
import type { DesignName } from './catalog.ts';
import { EastWestInspection } from './east-west-inspection/component.ts';
import { EgressPair } from './egress-pair/component.ts';
import { EgressPerZone } from './egress-per-zone/component.ts';
import { FloatingAddress } from './floating-address/component.ts';
import { FloatingEni } from './floating-eni/component.ts';
import { IngressInspection } from './ingress-inspection/component.ts';
import { NatFleet } from './nat-fleet/component.ts';
import { OverlayAddress } from './overlay-address/component.ts';
import { RouteSync } from './route-sync/component.ts';
import { SameSubnetBgp } from './same-subnet-bgp/component.ts';
import { TransitHub } from './transit-hub/component.ts';
import { VpnEdge } from './vpn-edge/component.ts';

export type DesignClass = new (
  name: string,
  args: DesignArgs,
  opts?: pulumi.ComponentResourceOptions,
) => DesignComponent;

export const COMPONENTS: Readonly<Record<DesignName, DesignClass>> = {
  'egress-pair': EgressPair,
  'egress-per-zone': EgressPerZone,
  'nat-fleet': NatFleet,
  'floating-eni': FloatingEni,
  'floating-address': FloatingAddress,
  'overlay-address': OverlayAddress,
  'ingress-inspection': IngressInspection,
  'east-west-inspection': EastWestInspection,
  'transit-hub': TransitHub,
  'vpn-edge': VpnEdge,
  'same-subnet-bgp': SameSubnetBgp,
  'route-sync': RouteSync,
};
