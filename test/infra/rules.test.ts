/** Plans by the rules of designs: all that there are keep them, and wrong ones fail with the remedy. */
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { type Config, checkConfig } from '../../controller/config.ts';
import { daemonConfigInput, unknownIds } from '../../infra/components/daemon-config.ts';
import { DESIGNS, NAMES } from '../../infra/designs/catalog.ts';
import type { Plan, RoutePlan } from '../../infra/plan.ts';
import { judgePlan, sharedZones } from '../../infra/rules.ts';
import type { Settings } from '../../infra/settings.ts';

const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];
const SETTINGS: Settings = {
  cidr: '10.0.0.0/16',
  appliance: { kind: 'nat' },
  observers: false,
  failback: 'never',
  speaker: 'byoa',
  fence: 'none',
  ipv6: false,
  workload: false,
  tags: {},
};

const configOf = (plan: Plan): Config => {
  const name = plan.observers[0]?.name ?? plan.appliances[0]?.name ?? '';
  return must(checkConfig(daemonConfigInput(plan, name, 'eu-central-1', SETTINGS, unknownIds(plan))));
};
const egress = (zones = ZONES.slice(0, 2)): Plan =>
  DESIGNS['egress-pair'].plan({ cidr: '10.0.0.0/16', zones });
const judged = (plan: Plan): void => judgePlan(plan, configOf(plan), 't3.micro');

/** The plan with other subnets. */
const withSubnets = (
  plan: Plan,
  change: (subnet: Plan['vpcs'][number]['subnets'][number]) => object,
): Plan => ({
  ...plan,
  vpcs: plan.vpcs.map((vpc) => ({ ...vpc, subnets: vpc.subnets.map((one) => ({ ...one, ...change(one) })) })),
});

describe('a plan', () => {
  it.each(NAMES)(
    'of %s keeps the rules, with as few and as many zones as it takes, and with observers',
    (name) => {
      const { zones, plan } = DESIGNS[name];
      for (const count of new Set([zones.min, Math.min(zones.max, ZONES.length)]))
        for (const observers of [false, true]) {
          const args = { cidr: '10.0.0.0/16', zones: ZONES.slice(0, count), observers };
          expect(() => judged(plan(args))).not.toThrow();
        }
    },
  );

  it('that puts all appliances into one zone of two fails, and says where one is missing', () => {
    const plan = withSubnets(egress(), ({ role }) => (role === 'appliance' ? { zone: ZONES[0] } : {}));
    expect(sharedZones(plan)).toEqual([ZONES[0]]);
    expect(() => judged(plan)).toThrow(
      /egress: all members \(a, b\) are in eu-central-1a.*put a member into eu-central-1b.*\(rule zones\)/,
    );
  });

  it('with a route of workloads to one appliance for good fails', () => {
    const fixed: RoutePlan = { destination: '192.0.2.0/24', to: { kind: 'appliance', appliance: 'a' } };
    const plan = withSubnets(egress(), ({ role, routes }) =>
      role === 'workload' ? { routes: [...routes, fixed] } : {},
    );
    expect(() => judged(plan)).toThrow(
      /192\.0\.2\.0\/24 in workload-eu-central-1a leads to a and has no standby/,
    );
  });

  it('with more routes than a table takes fails', () => {
    const many = Array.from(
      { length: 500 },
      (_, index): RoutePlan => ({
        destination: `192.${index >> 8}.${index & 255}.0/24`,
        to: { kind: 'group', group: 'egress' },
      }),
    );
    const plan = withSubnets(egress(), ({ role, routes }) =>
      role === 'workload' ? { routes: [...routes, ...many] } : {},
    );
    expect(() => judged(plan)).toThrow(
      /workload-eu-central-1a may have 501 IPv4 routes, and its quota is 500/,
    );
  });
});
