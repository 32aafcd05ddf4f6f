/** Random worlds for the engine and its plain reference. Not a test itself. */
import fc from 'fast-check';
import { present } from '../../controller/base/result.ts';
import type {
  Change,
  NetworkAcl,
  ResourceKind,
  Resources,
  Route,
  SecurityGroupRule,
  TransitPath,
} from '../../sim/vpc/model.ts';
import { ENIS, GATEWAYS, internet, ordinary, routes } from './drawn-routes.ts';
import type { All } from './reference.ts';

const VPCS = ['vpc-1', 'vpc-2'];
const GROUPS = ['sg-1', 'sg-2', 'sg-absent'];
const INSTANCES = ['i-1', 'i-2', 'i-3'];
const ACLS = ['acl-1', 'acl-2'];
const TABLES = ['rtb-1', 'rtb-2', 'rtb-3', 'rtb-4'];

const subnetOf = (vpc: number, n: number): string => `subnet-${vpc}-${n}`;
/** Addresses of both VPCs overlap in IPv4, not in IPv6; hosts 10 to 13 of subnets 0 and 1. */
export const v4 = (n: number, host: number): string => `10.0.${n}.${host}`;
export const v6 = (vpc: number, n: number, host: number): string => `2001:db8:${vpc + 1}:${n + 1}::${host}`;
export const macOf = (eni: number): string => `02:00:00:00:00:${(eni + 16).toString(16)}`;

const rules = fc.array(
  fc.record({
    protocol: fc.constantFrom(-1, -1, 6, 17),
    fromPort: fc.constantFrom(0, 7),
    toPort: fc.constantFrom(7, 65535),
    peer: fc.oneof(
      fc
        .constantFrom('0.0.0.0/0', '::/0', '10.0.0.0/24', '2001:db8:1::/48')
        .map((cidr): SecurityGroupRule['peer'] => ({ kind: 'cidr', cidr })),
      fc.constantFrom(...GROUPS).map((group): SecurityGroupRule['peer'] => ({ kind: 'group', group })),
    ),
  }),
  { maxLength: 4 },
);

interface World {
  readonly all: All;
  readonly changes: readonly Change[];
}

const vpcsIn = (regions: readonly string[]): readonly Resources['vpc'][] =>
  VPCS.map((id, i) => ({
    id,
    account: '1',
    region: regions[i] ?? '',
    cidrs: ['10.0.0.0/16', `2001:db8:${i + 1}::/48`],
  }));
const subnets = VPCS.flatMap((vpc, v) =>
  [0, 1].map((n) => ({
    id: subnetOf(v, n),
    vpc,
    zone: n === 0 ? 'a' : 'b',
    cidrs: [`10.0.${n}.0/24`, `2001:db8:${v + 1}:${n + 1}::/64`],
  })),
);

/** Each ENI `i` owns host 10 + i / 4 of subnet i % 2 in VPC (i >> 1) % 2: no two share an address. */
const eniArbitrary = (i: number) =>
  fc
    .record({
      check: fc.boolean(),
      groups: fc.oneof(
        { weight: 2, arbitrary: fc.constant<string[]>([]) },
        fc.subarray(GROUPS, { minLength: 1 }),
      ),
      families: fc.subarray([4, 6] as const),
      attachment: fc.option(
        fc.record({
          instance: fc.constantFrom(...INSTANCES, ...INSTANCES, ...INSTANCES, 'i-absent'),
          deviceIndex: fc.nat(3),
        }),
        { freq: 12 },
      ),
      isPublic: fc.constantFrom(true, true, false),
    })
    .map(({ check, groups, families, attachment, isPublic }) => {
      const [vpc, n, host] = [(i >> 1) % 2, i % 2, 10 + (i >> 2)];
      const addresses = families.map((family) => (family === 4 ? v4(n, host) : v6(vpc, n, host)));
      const paired = isPublic && families.includes(4);
      return {
        id: present(ENIS[i], 'eni'),
        vpc: present(VPCS[vpc], 'vpc'),
        subnet: subnetOf(vpc, n),
        mac: macOf(i),
        addresses,
        publicAddresses: paired ? [{ private: v4(n, host), public: `198.51.100.${i}` }] : [],
        sourceDestCheck: check,
        securityGroups: groups,
        ...(attachment === null ? {} : { attachment }),
      };
    });

/** Few entries, so that most packets meet one, and most ACLs let everything else pass. */
const acl = fc.record({
  entries: fc.uniqueArray(
    fc.record({
      number: fc.constantFrom(100, 110, 120, 200),
      egress: fc.boolean(),
      protocol: fc.constantFrom(-1, 1, 6, 17, 47),
      action: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
      cidr: fc.constantFrom('0.0.0.0/0', '::/0', '10.0.1.0/24', '10.0.0.10/32', '2001:db8:1:1::/64'),
      fromPort: fc.constantFrom(-1, 8),
      toPort: fc.constantFrom(-1, 7, 65535),
    }),
    { selector: (entry) => `${entry.number} ${entry.egress}`, maxLength: 4 },
  ),
  open: fc.constantFrom(true, true, true, false),
  subnets: fc.subarray([subnetOf(0, 0), subnetOf(0, 1), subnetOf(1, 1)]),
});

const openEntries: NetworkAcl['entries'] = ['0.0.0.0/0', '::/0'].flatMap((cidr) =>
  [true, false].map((egress) => ({
    number: 1000,
    egress,
    cidr,
    protocol: -1,
    action: 'allow',
    fromPort: -1,
    toPort: -1,
  })),
);

/** The addresses outside of the tunnels of each connection. */
const TUNNELS = ['203.0.113.1', '203.0.113.2'] as const;

const vpnRoutes = fc.constantFrom(
  ['0.0.0.0/0'],
  ['8.8.0.0/16', '192.168.0.0/16'],
  ['8.8.8.0/24', '10.0.0.0/16'],
);

const records = fc.record({
  acls: fc.tuple(acl, acl),
  enis: fc.tuple(...ENIS.map((_, i) => fc.option(eniArbitrary(i), { freq: 12 }))),
  groups: fc.tuple(
    fc.record({ ingress: rules, egress: rules }),
    fc.record({ ingress: rules, egress: rules }),
  ),
  gateways: fc.constantFrom([0, 1], [0, 1], [1, 0], [null, 0], [0, null]),
  states: fc.tuple(
    ...INSTANCES.map(() => fc.constantFrom(...Array<string>(8).fill('running'), 'stopped', 'pending')),
  ),
  tables: fc.tuple(routes, routes, routes, routes),
  explicit: fc.subarray([0, 1]),
  peering: fc.constantFrom(null, false, true, true),
  regions: fc.constantFrom(['r', 'r'], ['r', 's']),
  edges: fc.array(fc.constantFrom(...ENIS), { minLength: 2, maxLength: 2 }),
  redirects: fc.subarray([2, 3]),
  nats: fc.tuple(fc.constantFrom(true, true, false), fc.constantFrom(4, 5, 6, 7)),
  eigw: fc.constantFrom(0, 1),
  out6: fc.subarray([0, 1, 2, 3]),
  attachments: fc.array(
    fc.record({
      available: fc.constantFrom(true, true, true, false),
      zones: fc.constantFrom([0], [1], [0, 1], [0, 1]),
      associated: fc.constantFrom(true, true, true, false),
    }),
    { minLength: 2, maxLength: 2 },
  ),
  transit: fc.uniqueArray(
    fc.record({
      destination: fc.constantFrom('0.0.0.0/0', '10.0.0.0/16', '10.0.1.0/24', '2001:db8:1::/48', '::/0'),
      to: fc.constantFrom<(readonly TransitPath[])[]>(
        ...[0, 1].map((n) => [{ attachment: `tgw-attach-${n}` }]),
        [{ attachment: 'tgw-attach-vpn-2' }],
        [{ attachment: 'tgw-attach-vpn-3', tunnel: TUNNELS[1] }],
        ['vpn-2', 'vpn-3'].flatMap((vpn) =>
          TUNNELS.map((tunnel) => ({ attachment: `tgw-attach-${vpn}`, tunnel })),
        ),
        [],
      ),
    }),
    { selector: (each) => each.destination, maxLength: 4 },
  ),
  vpns: fc.array(
    fc.record({
      gateway: fc.constantFrom('vgw-1', 'vgw-2'),
      routes: vpnRoutes,
      tunnels: fc.tuple(
        ...TUNNELS.map((outside) =>
          fc.record({
            outside: fc.constant(outside),
            ...{ inside: fc.constant('169.254.10.0/30'), down: fc.constant(false) },
            up: fc.constantFrom(true, true, false),
            routes: fc.oneof(fc.constant([]), vpnRoutes),
          }),
        ),
      ),
    }),
    { minLength: 4, maxLength: 4 },
  ),
  lists: fc.tuple(fc.subarray(['8.8.0.0/16', '10.0.0.0/16']), fc.subarray(['10.0.1.0/24', '::/0'])),
});

/** The same routes, IPv6 leaving by the egress-only gateway where told. */
const outBySix = (drawn: readonly Route[], egressOnly: boolean): readonly Route[] =>
  drawn.map((route) =>
    egressOnly && route.destination === '::/0'
      ? { ...route, target: { kind: 'egress-only-gateway', gateway: 'eigw-1' } }
      : route,
  );

/** What an edge table holds: each subnet redirected to an ENI. */
const redirecting = (enis: readonly string[]): Route[] => [
  ...ordinary(internet('igw-absent')).filter((route) => route.target.kind === 'local'),
  ...enis.map(
    (eni, n): Route => ({
      destination: `10.0.${n}.0/24`,
      target: { kind: 'eni', eni },
      origin: 'CreateRoute',
    }),
  ),
];

type Drawn = typeof records extends fc.Arbitrary<infer T> ? T : never;

/** NAT gateway 1 has an ENI as long as that exists and has an IPv4 address; nat-2 is never there. */
function natsOf({ nats: [available, number], enis }: Drawn): Resources['nat-gateway'][] {
  const eni = enis[number];
  const address = eni?.addresses.find((text) => !text.includes(':'));
  return address === undefined || !eni ? [] : [{ id: 'nat-1', eni: eni.id, address, available }];
}

/** The ENI of a NAT gateway is attached to no instance. */
const unattached = (eni: Resources['network-interface']): Resources['network-interface'] => {
  const { attachment: _, ...rest } = eni;
  return { ...rest, securityGroups: [] };
};

/** The records as maps. Tables 0 and 1 are the main tables of the VPCs, 2 and 3 those of their subnet 1. */
function toAll(drawn: Drawn): All {
  const byId = <T extends { readonly id: string }>(list: readonly T[]): Map<string, T> =>
    new Map(list.map((each) => [each.id, each]));
  return {
    vpc: byId(vpcsIn(drawn.regions)),
    subnet: byId(subnets),
    'network-interface': byId(
      drawn.enis
        .filter((each) => each !== null)
        .map((each) => (natsOf(drawn).some(({ eni }) => eni === each.id) ? unattached(each) : each)),
    ),
    'security-group': byId(drawn.groups.map((group, i) => ({ id: GROUPS[i] ?? '', vpc: 'vpc-1', ...group }))),
    'nat-gateway': byId(natsOf(drawn)),
    'egress-only-gateway': byId([{ id: 'eigw-1', vpc: VPCS[drawn.eigw] ?? '' }]),
    ...{ 'gateway-speaker': new Map(), 'transit-gateway-connect-peer': new Map() },
    'transit-gateway-multicast-domain': new Map(),
    'prefix-list': byId(drawn.lists.map((entries, i) => ({ id: `pl-${i + 1}`, entries }))),
    'network-acl': byId(
      drawn.acls.map(({ entries, open, subnets: guarded }, i) => ({
        id: ACLS[i] ?? '',
        vpc: 'vpc-1',
        entries: open ? [...entries, ...openEntries] : entries,
        subnets: guarded.filter((each) => i === 0 || drawn.acls[0]?.subnets.includes(each) !== true),
      })),
    ),
    'internet-gateway': byId(
      GATEWAYS.map((id, i) => {
        const vpc = drawn.gateways[i];
        return vpc === null || vpc === undefined ? { id } : { id, vpc: VPCS[vpc] ?? '' };
      }),
    ),
    instance: byId(
      INSTANCES.map((id, i) => ({ id, vpc: 'vpc-1', state: (drawn.states[i] ?? 'stopped') as 'running' })),
    ),
    ...{ 'virtual-interface': new Map(), 'direct-connect-association': new Map() },
    'vpc-endpoint': new Map(),
    'load-balancer': new Map(),
    'target-group': new Map(),
    'transit-gateway-attachment': byId([
      ...[2, 3].map((n) => ({
        id: `tgw-attach-vpn-${n}`,
        gateway: 'tgw-1',
        available: true,
        link: { kind: 'vpn' as const, connection: `vpn-${n}` },
        applianceMode: false,
      })),
      ...drawn.attachments.map(({ available, zones, associated }, v) => ({
        id: `tgw-attach-${v}`,
        gateway: 'tgw-1',
        available,
        link: { kind: 'vpc' as const, vpc: VPCS[v] ?? '', subnets: zones.map((n) => subnetOf(v, n)) },
        applianceMode: false,
        ...(associated && { routeTable: 'tgw-rtb-1' }),
      })),
    ]),
    'customer-gateway': new Map(),
    'vpn-gateway': byId(VPCS.map((vpc, v) => ({ id: `vgw-${v + 1}`, vpc }))),
    'vpn-connection': byId(
      drawn.vpns.map((vpn, i) => {
        const whose = { account: '111122223333', region: 'eu-central-1' };
        const gateway = i < 2 ? vpn.gateway : `tgw-attach-vpn-${i}`;
        return { id: `vpn-${i}`, ...whose, customerGateway: `cgw-${i}`, ...vpn, gateway };
      }),
    ),
    'transit-gateway-route-table': byId([
      {
        id: 'tgw-rtb-1',
        gateway: 'tgw-1',
        routes: drawn.transit.map(({ destination, to }) => ({ destination, paths: to })),
      },
    ]),
    'vpc-peering-connection': byId(
      drawn.peering === null
        ? []
        : [{ id: 'pcx-1', requesterVpc: 'vpc-1', accepterVpc: 'vpc-2', active: drawn.peering }],
    ),
    'route-table': byId(
      TABLES.map((id, i) => ({
        id,
        gateways: drawn.redirects.includes(i) ? [GATEWAYS[i % 2] ?? ''] : [],
        vpc: VPCS[i % 2] ?? '',
        main: i < 2,
        routes: drawn.redirects.includes(i)
          ? redirecting(drawn.edges)
          : outBySix(drawn.tables[i] ?? [], drawn.out6.includes(i)),
        subnets: i >= 2 && drawn.explicit.includes(i % 2) ? [subnetOf(i % 2, 1)] : [],
      })),
    ),
  };
}

const KINDS = [
  'vpc',
  'subnet',
  'route-table',
  'network-interface',
  'instance',
  'internet-gateway',
  'security-group',
  'network-acl',
  'vpc-peering-connection',
  'prefix-list',
  'nat-gateway',
  'egress-only-gateway',
  'transit-gateway-attachment',
  'transit-gateway-route-table',
  'vpn-gateway',
  'vpn-connection',
] as const;

const changeOf = (kind: ResourceKind, id: string, value: unknown): Change =>
  ({ kind, id, value }) as unknown as Change;

/** The changes that lead from one set of records to another. */
const changesTo = (before: All | undefined, after: All): Change[] =>
  KINDS.flatMap((kind) => [
    ...[...(before?.[kind].keys() ?? [])]
      .filter((id) => !after[kind].has(id))
      .map((id) => changeOf(kind, id, undefined)),
    ...[...after[kind]].map(([id, value]) => changeOf(kind, id, value)),
  ]);

/** First one set of records, then another over it, each set's changes in an order of its own. */
export const world: fc.Arbitrary<World> = fc
  .tuple(records, records, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })))
  .map(([first, second, dice]) => {
    const [a, b] = [toAll(first), toAll(second)];
    const shuffled = (changes: Change[]): Change[] =>
      changes
        .map((change) => ({ change, at: present(dice.next().value, 'a draw') }))
        .sort((x, y) => x.at - y.at)
        .map(({ change }) => change);
    return { all: b, changes: [...shuffled(changesTo(undefined, a)), ...shuffled(changesTo(a, b))] };
  });
