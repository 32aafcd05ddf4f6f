/**
 * The configuration of the daemons of a plan; checked by the daemon's own parser, so that a file that the
 * daemon would refuse fails in the preview. Pure.
 */
import { type ConfigInput, formatConfig, formatConfigError, parseConfig } from '../../controller/config.ts';
import { type AppliancePlan, type GroupPlan, movedBy, type Plan, type RoutePlan, tablesOf } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { bgpInput } from './bgp-config.ts';

type GroupInput = NonNullable<ConfigInput['groups']>[number];
type ApplianceInput = NonNullable<ConfigInput['appliances']>[number];
type ProbeInput = NonNullable<ApplianceInput['probes']>[number];

/** Ids by what they are of, as `idsOf` names it. */
export type Ids = Readonly<Record<string, string>>;

/** What a configuration names, by key, and how such ids begin. */
export const idsOf = (plan: Plan): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...plan.appliances.map(({ name }) => [`eni ${name}`, 'eni']),
    ...(plan.natGateways === undefined ? [] : plan.observers).map(({ name }) => [`eni ${name}`, 'eni']),
    ...(plan.natGateways ?? []).map(({ name }) => [`nat ${name}`, 'nat']),
    ...tablesOf(plan).map(({ name }) => [`table ${name}`, 'rtb']),
    ...plan.groups.flatMap(({ name, floating, eip }) => [
      ...(floating === undefined ? [] : [[`floating ${name}`, 'eni']]),
      ...(eip === true ? [[`eip ${name}`, 'eipalloc']] : []),
    ]),
  ]);

/** Stand for ids that are not known before the deployment, so that a preview can check the rest. */
export const unknownIds = (plan: Plan): Ids =>
  Object.fromEntries(
    Object.entries(idsOf(plan)).map(([key, prefix], index) => [
      key,
      `${prefix}-${index.toString(16).padStart(17, '0')}`,
    ]),
  );

/** Port on which a daemon tells of its appliance's health. */
export const HEALTH_PORT = 8179;

/** Whether daemons run beside the appliances instead of on them. */
const isObserved = ({ observers, bgp }: Plan): boolean => observers.length > 0 && bgp === undefined;

const FAST = { interval: '200ms', timeout: '180ms', rise: 3, fall: 3 } as const;

/** `speaks`: another program than the daemon speaks BGP there. */
function probes({ through }: AppliancePlan, observed: boolean, speaks: boolean): ProbeInput[] {
  return [
    { kind: 'icmp', ...FAST },
    ...(speaks ? [{ kind: 'speaker', advisory: true } as const] : []),
    ...(observed ? [] : [{ kind: 'daemon', port: HEALTH_PORT, ...FAST } as const]),
    ...(through === undefined
      ? []
      : [
          {
            kind: 'through',
            target: { icmp: through.target },
            by: through.by,
            from: through.from,
            interval: '500ms',
            timeout: '450ms',
          } as const,
        ]),
  ];
}

/** Where the routes of a table lead while every member is dead. */
function lastResortOf(moved: readonly RoutePlan[], ids: Ids): { readonly lastResort?: string } {
  const [name] = moved.flatMap(({ to }) => (to.kind === 'group' ? (to.lastResort ?? []) : []));
  return name === undefined ? {} : { lastResort: ids[`nat ${name}`] ?? '' };
}

/**
 * Observers of a design with a last resort know each other: who reaches another one is not cut off, and may
 * believe that every appliance is dead.
 */
const beside = ({ natGateways, observers }: Plan, node: string, ids: Ids): readonly ApplianceInput[] =>
  (natGateways === undefined ? [] : observers)
    .filter(({ name }) => name !== node)
    .map(({ name, address }) => ({
      name,
      address,
      eni: ids[`eni ${name}`] ?? '',
      probes: [{ kind: 'icmp', ...FAST }],
    }));

function groupOf(plan: Plan, group: GroupPlan, settings: Settings, ids: Ids): GroupInput {
  const { name, members, floating, addresses, eip } = group;
  const routes = tablesOf(plan).flatMap((table) => {
    const moved = movedBy(table, name);
    // Of one table those that move alike stand together.
    const courses = new Map(
      moved.map(({ direction, symmetric }) => [`${direction} ${symmetric}`, { direction, symmetric }]),
    );
    return [...courses.values()].map(({ direction, symmetric }) => ({
      table: ids[`table ${table.name}`] ?? '',
      destinations: moved
        .filter((route) => route.direction === direction && route.symmetric === symmetric)
        .map(({ destination }) => destination),
      ...(direction === undefined ? {} : { direction }),
      ...(symmetric === undefined ? {} : { symmetric }),
      ...lastResortOf(moved, ids),
    }));
  });
  const [address] = addresses ?? [];
  const { fence, failback } = settings;
  return {
    name,
    members: [...members],
    ...(floating === undefined ? {} : { eni: { id: ids[`floating ${name}`] ?? '', deviceIndex: 1 } }),
    ...(addresses === undefined ? {} : { addresses: [...addresses] }),
    ...(eip === true
      ? { eips: [{ allocation: ids[`eip ${name}`] ?? '', ...(address === undefined ? {} : { address }) }] }
      : {}),
    ...(routes.length === 0 ? {} : { routes }),
    ...(fence === 'none' ? {} : { fence }),
    failback: failback === 'never' ? 'never' : { after: failback.after },
  };
}

/** Where another program speaks BGP on the appliances, their daemons do not. */
function spokenBy(plan: Plan, node: string, settings: Settings, ids: Ids): ReturnType<typeof bgpInput> {
  const isAppliance = plan.appliances.some(({ name }) => name === node);
  if (isAppliance && settings.speaker !== 'byoa') return {};
  return bgpInput(plan, node, settings, (name) => ids[`table ${name}`] ?? '');
}

/** The configuration of one node as data. */
export function daemonConfigInput(
  plan: Plan,
  node: string,
  region: string,
  settings: Settings,
  ids: Ids,
): ConfigInput {
  const { endpoint, leaseTable } = settings;
  const observed = isObserved(plan);
  return {
    version: 1,
    node,
    aws: { region, ...(endpoint === undefined ? {} : { endpoint }) },
    appliances: [
      ...plan.appliances.map((appliance) => ({
        name: appliance.name,
        address: appliance.address,
        eni: ids[`eni ${appliance.name}`] ?? '',
        ...(appliance.capacity === undefined ? {} : { capacity: appliance.capacity }),
        probes: probes(appliance, observed, settings.speaker !== 'byoa' && appliance.name === node),
      })),
      ...beside(plan, node, ids),
    ],
    groups: plan.groups.map((group) => groupOf(plan, group, settings, ids)),
    ...spokenBy(plan, node, settings, ids),
    ...(leaseTable === undefined ? {} : { lease: { kind: 'dynamodb', table: leaseTable } }),
    ...(observed ? {} : { health: { listen: `0.0.0.0:${HEALTH_PORT}` } }),
  };
}

/** The configuration file of one node, YAML; throws the parser's error where the daemon would refuse it. */
export function daemonConfig(...args: Parameters<typeof daemonConfigInput>): string {
  const [, node] = args;
  const text = formatConfig(daemonConfigInput(...args));
  const parsed = parseConfig(text, `configuration of node ${node}`);
  if (parsed.ok) return text;
  throw new Error(
    `the daemon would refuse its configuration:\n${parsed.error.map(formatConfigError).join('\n')}`,
  );
}
