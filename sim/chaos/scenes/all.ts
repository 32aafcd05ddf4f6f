/** Every scenario, by name. */
import type { Scenario } from '../scenario.ts';
import { subnetBgp } from './bgp.ts';
import { egressBfd, egressLease, egressObserver, egressRoutes } from './egress-routes.ts';
import { floatingEni } from './floating-eni.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  [egressRoutes, egressBfd, egressObserver, floatingEni, egressLease, subnetBgp].map((scenario) => [
    scenario.name,
    scenario,
  ]),
);
