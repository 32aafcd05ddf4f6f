/** Every scenario, by name. */
import type { Scenario } from '../scenario.ts';
import { routeSync, subnetBgp } from './bgp.ts';
import { dualStack } from './dual-stack.ts';
import {
  egressBfd,
  egressLastResort,
  egressLease,
  egressObserver,
  egressQuorum,
  egressRole,
  egressRoutes,
} from './egress-routes.ts';
import { floatingEni } from './floating-eni.ts';
import { zones } from './zones.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  [
    egressRoutes,
    egressBfd,
    egressRole,
    egressObserver,
    floatingEni,
    egressLease,
    egressLastResort,
    egressQuorum,
    subnetBgp,
    routeSync,
    dualStack,
    zones,
  ].map((scenario) => [scenario.name, scenario]),
);
