/** What other Pulumi programs import as `byoa/infra`: each design as a component, and the stack's keys. */
export { EastWestInspection } from './designs/east-west-inspection/component.ts';
export { EgressPair } from './designs/egress-pair/component.ts';
export { EgressPerZone } from './designs/egress-per-zone/component.ts';
export { FloatingAddress } from './designs/floating-address/component.ts';
export { FloatingEni } from './designs/floating-eni/component.ts';
export { IngressInspection } from './designs/ingress-inspection/component.ts';
export { NatFleet } from './designs/nat-fleet/component.ts';
export { OverlayAddress } from './designs/overlay-address/component.ts';
export { RouteSync } from './designs/route-sync/component.ts';
export { SameSubnetBgp } from './designs/same-subnet-bgp/component.ts';
export { TransitHub } from './designs/transit-hub/component.ts';
export { VpnEdge } from './designs/vpn-edge/component.ts';
export { stackArgs } from './stack.ts';
