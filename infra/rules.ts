/**
 * The rules of a right design (`controller/config/rules.ts`) on a plan, so that a wrong one fails in the
 * preview, with the words and the remedies of `byoa check`. Pure.
 */

import { judgeDesign, type Seen, type SeenAppliance, type SeenTable } from '../controller/config/rules.ts';
import { type Config, parseConfig } from '../controller/config.ts';
import { movedBy, type Plan, subnetsOf, type TablePlan, tablesOf } from './plan.ts';

const zoneOf = (plan: Plan, subnet: string): string | undefined =>
  subnetsOf(plan).find(({ name }) => name === subnet)?.zone;

/** Zones in which several appliances are: each has a spread placement group of theirs. */
export function sharedZones(plan: Plan): readonly string[] {
  const zones = plan.appliances.flatMap(({ subnet }) => zoneOf(plan, subnet) ?? []);
  return [...new Set(zones.filter((zone, index) => zones.indexOf(zone) !== index))];
}

/** An appliance as it will be; its instance type only where that is known already. */
function appliance(plan: Plan, subnet: string, instanceType: string | undefined): SeenAppliance {
  const zone = zoneOf(plan, subnet) ?? '';
  return {
    zone,
    sourceDestCheck: false,
    ...(instanceType !== undefined && { instanceType }),
    placement: sharedZones(plan).includes(zone)
      ? { kind: 'group', name: zone, strategy: 'spread' }
      : { kind: 'none' },
  };
}

function table(plan: Plan, planned: TablePlan): SeenTable {
  const { name, routes } = planned;
  const subnet = subnetsOf(plan).find((one) => one.name === name);
  const v6 = routes.filter(({ destination }) => destination.includes(':')).length;
  return {
    name,
    groups: plan.groups.filter((group) => movedBy(planned, group.name).length > 0).map((group) => group.name),
    zones: subnet === undefined ? [] : [subnet.zone],
    routes: { v4: routes.length - v6, v6 },
    // Appliances and observers have routes that probe by one appliance, on purpose.
    fixed:
      subnet !== undefined && subnet.role !== 'workload'
        ? []
        : routes.flatMap(({ destination, to }) =>
            to.kind === 'appliance' ? [{ destination, appliance: to.appliance }] : [],
          ),
  };
}

/** What the plan will look like once it is deployed. */
export const seenOf = (plan: Plan, instanceType?: string): Seen => ({
  appliances: Object.fromEntries(
    plan.appliances.map(({ name, subnet }) => [name, appliance(plan, subnet, instanceType)]),
  ),
  tables: tablesOf(plan).map((each) => table(plan, each)),
});

/** Throws where the plan, with this configuration of a node, breaks a rule. */
export function judgePlan(plan: Plan, config: Config, instanceType?: string): void {
  const faults = judgeDesign(config, seenOf(plan, instanceType));
  if (faults.length === 0) return;
  const lines = faults.map(({ rule, what, remedy }) => `${what}; ${remedy} (rule ${rule})`);
  throw new Error(`the design breaks its rules:\n${lines.join('\n')}`);
}

/** The same for the text of a configuration, which the parser has taken. */
export function judgeText(plan: Plan, text: string, instanceType?: string): void {
  const config = parseConfig(text, 'configuration');
  if (config.ok) judgePlan(plan, config.value, instanceType);
}
