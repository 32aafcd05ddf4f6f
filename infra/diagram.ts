/** A plan as text, and what documents say of designs. Pure. */
import type { Design } from './design.ts';
import { endText } from './outputs.ts';
import {
  type AppliancePlan,
  type BgpPlan,
  edgeOf,
  type GroupPlan,
  type Plan,
  type RoutePlan,
  type SubnetPlan,
  type SubnetRole,
  subnetsOf,
  takersOf,
  type VpcPlan,
} from './plan.ts';

/** Where a route leads: `=>` where a group moves it. */
function routeText({ destination, to }: RoutePlan): string {
  switch (to.kind) {
    case 'internet':
      return `${destination} -> Internet gateway`;
    case 'appliance':
      return `${destination} -> ${to.appliance}`;
    case 'floating':
      return `${destination} -> the ENI of ${to.group}`;
    case 'group':
      return `${destination} => the owner of ${to.group}${to.lastResort === undefined ? '' : `, else ${to.lastResort}`}`;
    case 'announced':
      return `${destination} => who announces it`;
    case 'transit':
      return `${destination} -> transit gateway`;
    case 'propagated':
      return `${destination} => VPN gateway, propagated`;
  }
}

/** Who is in a subnet of which the plan says nothing. */
const EMPTY: Readonly<Record<SubnetRole, string>> = {
  workload: '[workload]',
  transit: '(transit gateway)',
  appliance: '',
  observer: '',
};

/** Who is in a subnet. */
function inhabitants(plan: Plan, { name: subnet, role }: SubnetPlan): string {
  const { appliances, observers, groups, natGateways } = plan;
  const takers = takersOf(plan).map((one) => ({ ...one, name: 'workload' }));
  const machines = [...appliances, ...observers, ...takers].filter((one) => one.subnet === subnet);
  const named = (name: string): Pick<AppliancePlan, 'overlay'> =>
    appliances.find((one) => one.name === name) ?? {};
  const floating = groups.filter((group) => group.floating?.subnet === subnet);
  const texts = [
    ...machines.map((one) => {
      const overlay = named(one.name).overlay ?? [];
      return `[${[one.name, one.address, ...overlay].join(' ')}]`;
    }),
    ...(natGateways ?? []).filter((one) => one.subnet === subnet).map(({ name }) => `(NAT gateway ${name})`),
    ...floating.map((group) => `(ENI of ${group.name} ${group.floating?.address})`),
  ];
  return texts.length === 0 ? EMPTY[role] : texts.join(' ');
}

function vpcText(plan: Plan, vpc: VpcPlan): readonly string[] {
  const order: readonly SubnetRole[] = ['workload', 'transit', 'appliance', 'observer'];
  const zones = [...new Set(vpc.subnets.map(({ zone }) => zone))];
  const edge =
    vpc.edge === undefined
      ? []
      : [`  ${edgeOf(vpc)} (Internet gateway)`, ...vpc.edge.map((route) => `    ${routeText(route)}`)];
  return [
    `VPC ${[vpc.name, vpc.cidr].filter((text) => text !== '').join(' ')}`,
    ...edge,
    ...zones.flatMap((zone) => [
      `  zone ${zone}`,
      ...vpc.subnets
        .filter((subnet) => subnet.zone === zone)
        .toSorted((one, two) => order.indexOf(one.role) - order.indexOf(two.role))
        .flatMap((subnet) => [
          `    ${subnet.name} ${subnet.cidr}  ${inhabitants(plan, subnet)}`.trimEnd(),
          ...subnet.routes.map((route) => `      ${routeText(route)}`),
        ]),
    ]),
  ];
}

/** What a group moves, as `routes, an Elastic IP`. */
export function movesText(plan: Plan, group: GroupPlan): string {
  const tables = [...subnetsOf(plan), ...plan.vpcs.map((vpc) => ({ routes: vpc.edge ?? [] }))];
  const routes = tables.flatMap((table) =>
    table.routes.filter(({ to }) => to.kind === 'group' && to.group === group.name),
  ).length;
  return [
    ...(group.floating === undefined ? [] : ['an ENI']),
    ...(group.addresses === undefined ? [] : ['a private address']),
    ...(group.eip === true ? ['an Elastic IP'] : []),
    ...(routes === 0 ? [] : [routes === 1 ? 'a route' : `${routes} routes`]),
  ].join(', ');
}

const TAKERS = { clients: 'workloads', observers: 'observers', gateways: 'VPN gateways' } as const;

/** A gateway without BFD gets more of whoever stands in for the dead. */
const meanwhile = (takers: BgpPlan['takers']): string =>
  takers === 'gateways' ? ', in pieces while those before them are dead' : '';

const bgpText = ({ as, announces, takerAs, takers }: BgpPlan): string =>
  `BGP: appliances of AS ${as} announce ${announces.join(', ')}${meanwhile(takers)}; ` +
  `${TAKERS[takers]} of AS ${takerAs} take it`;

const vpnText = ({ vpn = [] }: Plan): readonly string[] =>
  vpn.map(({ name, vpc, appliance }) => `VPN connection ${name}: VPC ${vpc} to ${appliance}, two tunnels`);

/** The transit gateway: of each table where it leads, and whose traffic it routes. */
const transitText = ({ vpcs, transit = [] }: Plan): readonly string[] =>
  transit.flatMap(({ name, routes }) => {
    const whose = vpcs.filter(({ attachment }) => attachment?.table === name);
    const told = vpcs.filter(({ attachment }) => attachment?.propagates.includes(name));
    return [
      `transit gateway, table ${name}, for what comes from ${whose.map(attachedText).join(', ')}`,
      ...routes.map(({ destination, vpc }) => `  ${destination} -> VPC ${vpc}`),
      ...told.map((vpc) => `  ${vpc.cidr} -> VPC ${vpc.name}, propagated`),
    ];
  });

const attachedText = ({ name, attachment }: VpcPlan): string =>
  `${name}${attachment?.applianceMode === true ? ' (appliance mode)' : ''}`;

/** A plan as lines of text: subnets with who is in them and their routes, then groups and promises. */
export const planText = (plan: Plan): string =>
  [
    ...plan.vpcs.flatMap((vpc) => vpcText(plan, vpc)),
    ...transitText(plan),
    ...vpnText(plan),
    ...plan.groups.map(
      (group) => `group ${group.name}: ${movesText(plan, group)}; members ${group.members.join(', ')}`,
    ),
    ...(plan.bgp === undefined ? [] : [bgpText(plan.bgp)]),
  ].join('\n');

/** Who sends to whom, with how soon that is back. */
export const promisesText = ({ flows }: Plan): readonly string[] =>
  flows.map(({ from, to, objectiveMs }) => `${endText(from)} to ${endText(to)}: ${objectiveMs / 1000} s`);

/** The smallest plan of a design, for documents. */
export const samplePlan = ({ plan, zones: { min } }: Design): Plan =>
  plan({ cidr: '10.0.0.0/16', zones: ['eu-central-1a', 'eu-central-1b'].slice(0, min) });
