/** Every scenario, by name. */
import type { Scenario } from '../scenario.ts';
import { egressBfd, egressLease, egressObserver, egressRoutes } from './egress-routes.ts';
import { floatingEni } from './floating-eni.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  [egressRoutes, egressBfd, egressObserver, floatingEni, egressLease].map((scenario) => [
    scenario.name,
    scenario,
  ]),
);
