/**
 * What the daemons of a plan say to each other by BGP: appliances announce, and wait for whoever dials from
 * the subnets of those who take it. Pure.
 */
import type { ConfigInput } from '../../controller/config.ts';
import { halves, tunnelAddress } from '../layout.ts';
import {
  announcedIn,
  type BgpPlan,
  type ObserverPlan,
  type Plan,
  subnetsOf,
  type TakerPlan,
  tablesOf,
  takersOf,
} from '../plan.ts';
import type { Settings } from '../settings.ts';

type BgpInput = Pick<ConfigInput, 'bgp' | 'kernel' | 'routeSync' | 'drain'>;
type Neighbor = NonNullable<NonNullable<ConfigInput['bgp']>['neighbors']>[number];
type Families = NonNullable<Neighbor['families']>;
type Secrets = Pick<Settings, 'bgpPasswordParameter' | 'bfdKeyParameter'>;

/** Between appliances, so that there is room for another value. */
const MED_STEP = 10;
/** Below what DHCP gives a route on the usual images. */
const METRIC = 20;
const POLICY = 'announced';
/** An appliance that is back is of use once it has its sessions. */
const CONNECT_RETRY = '1s';

const familiesOf = ({ announces }: BgpPlan): Families =>
  announces.some((prefix) => prefix.includes(':')) ? ['ipv4', 'ipv6'] : ['ipv4'];

const takingOf = (plan: Plan, bgp: BgpPlan): readonly (TakerPlan | ObserverPlan)[] =>
  bgp.takers === 'clients' ? takersOf(plan) : plan.observers;

/** Who speaks, and what its sessions are protected by. */
interface Speaks {
  readonly routerId: string;
  readonly secret: Pick<Neighbor, 'password' | 'bfd'>;
}

/** An appliance announces, and takes nothing; a BFD session watches each that takes it. */
function announcer(plan: Plan, bgp: BgpPlan, index: number, own: Speaks): BgpInput {
  const homes = new Set(takingOf(plan, bgp).map(({ subnet }) => subnet));
  return {
    bgp: {
      as: bgp.as,
      routerId: own.routerId,
      originate: bgp.announces.map((prefix) => ({ prefix, med: index * MED_STEP })),
      dynamic: subnetsOf(plan)
        .filter(({ name }) => homes.has(name))
        .map(({ name, cidr }) => ({
          name,
          prefix: cidr,
          as: [bgp.takerAs],
          export: 'all',
          families: familiesOf(bgp),
          ...own.secret,
        })),
    },
    drain: { how: 'graceful-shutdown' },
  };
}

/** For so long an appliance that is back is still stood in for: its sessions are there before. */
const LINGER = '1m';

/** A prefix in 2, 4, 8... parts. */
const partsOf = (prefix: string, times: number): readonly string[] =>
  times === 0 ? [prefix] : halves(prefix).flatMap((half) => partsOf(half, times - 1));

/**
 * What a VPN gateway is told: each appliance's routes in the order of appliances, and while all before it are
 * dead longer ones, which beat those that the gateway still has of them. It has no BFD.
 */
function originationsOf({ appliances }: Plan, { announces }: BgpPlan, index: number) {
  const before = appliances.slice(0, index).map(({ name }) => name);
  return [
    ...announces.map((prefix) => ({ prefix, med: index * MED_STEP })),
    ...(index === 0 ? [] : announces.flatMap((prefix) => partsOf(prefix, index))).map((prefix) => ({
      prefix,
      med: index * MED_STEP,
      whileDead: before,
      linger: LINGER,
    })),
  ];
}

/** An appliance that dials the VPN gateways through all of its tunnels, and routes to their VPCs. */
function router(plan: Plan, bgp: BgpPlan, index: number, routerId: string): BgpInput {
  const node = plan.appliances[index]?.name;
  const spokes = plan.vpcs.filter(({ hasVpnGateway }) => hasVpnGateway === true);
  return {
    bgp: {
      as: bgp.as,
      routerId,
      originate: originationsOf(plan, bgp, index),
      prefixLists: { [POLICY]: spokes.map(({ cidr }) => ({ prefix: cidr })) },
      policies: [{ name: POLICY, rules: [{ match: { prefixList: POLICY }, action: 'accept' }] }],
      neighbors: (plan.vpn ?? [])
        .filter(({ appliance }) => appliance === node)
        .flatMap(({ name, inside }) =>
          inside.map((block, tunnel) => ({
            name: `${name}-${tunnel + 1}`.replaceAll('.', '-'),
            address: tunnelAddress(block, 1),
            localAddress: tunnelAddress(block, 2),
            as: bgp.takerAs,
            import: POLICY,
            export: 'all',
            holdTime: '30s',
            echo: true,
          })),
        ),
    },
    kernel: { metric: METRIC },
    drain: { how: 'withdraw' },
  };
}

/** Takes what the plan says that appliances announce, and nothing else. */
function taker(plan: Plan, bgp: BgpPlan, own: Speaks, table: (name: string) => string): BgpInput {
  const spoken: NonNullable<ConfigInput['bgp']> = {
    as: bgp.takerAs,
    routerId: own.routerId,
    prefixLists: { [POLICY]: bgp.announces.map((prefix) => ({ prefix })) },
    policies: [{ name: POLICY, rules: [{ match: { prefixList: POLICY }, action: 'accept' }] }],
    neighbors: plan.appliances.map(({ name }) => ({
      appliance: name,
      as: bgp.as,
      import: POLICY,
      families: familiesOf(bgp),
      connectRetry: CONNECT_RETRY,
      ...own.secret,
    })),
  };
  if (bgp.takers === 'clients') return { bgp: spoken, kernel: { metric: METRIC } };
  const followed = tablesOf(plan).filter((one) => announcedIn(one).length > 0);
  const ranges = bgp.announces.map((prefix) => ({ prefix }));
  return {
    bgp: spoken,
    // All who write here have the same view, and each may find what another has written.
    routeSync: [
      { tables: followed.map((one) => ({ table: table(one.name) })), prefixes: ranges, adopt: ranges },
    ],
  };
}

const secretOf = ({ bgpPasswordParameter, bfdKeyParameter }: Secrets): Speaks['secret'] => ({
  ...(bgpPasswordParameter === undefined ? {} : { password: { ssm: bgpPasswordParameter } }),
  bfd:
    bfdKeyParameter === undefined
      ? true
      : { auth: { type: 'meticulous-sha1', key: { ssm: bfdKeyParameter } } },
});

/** Of the node's configuration what BGP is; `table` gives the id of a table. */
export function bgpInput(
  plan: Plan,
  node: string,
  settings: Secrets,
  table: (name: string) => string,
): BgpInput {
  const { bgp, appliances } = plan;
  if (bgp === undefined) return {};
  const index = appliances.findIndex(({ name }) => name === node);
  const own = appliances[index];
  if (bgp.takers === 'gateways') return own === undefined ? {} : router(plan, bgp, index, own.address);
  const secret = secretOf(settings);
  if (own !== undefined) return announcer(plan, bgp, index, { routerId: own.address, secret });
  const taking = takingOf(plan, bgp).find(({ name }) => name === node);
  return taking === undefined ? {} : taker(plan, bgp, { routerId: taking.address, secret }, table);
}
