/** Subnets whose routes stand in tables that were prepared, one for each of two appliances, on the stage. */
import type { ConfigInput } from '../../controller/config.ts';
import { type Design, design } from './designs.ts';
import { addDaemon, type Daemon, ec2, run, type Stage } from './stage.ts';

type Loose = { readonly [key: string]: Loose } & { readonly [index: number]: Loose } & string;
export const api = (stage: Stage, action: string, input: object): Loose =>
  ec2(stage, action, input) as unknown as Loose;

type Routes = NonNullable<NonNullable<ConfigInput['groups']>[number]['routes']>;

export interface PreparedDesign extends Design {
  readonly subnets: readonly string[];
  /** By member, a table for each subnet. */
  readonly prepared: Readonly<Record<'a' | 'b', readonly string[]>>;
  readonly routes: Routes;
  /** Members by their tables, of each subnet that is associated. */
  readonly uses: () => readonly string[];
}

export interface Options extends NonNullable<Parameters<typeof design>[0]> {
  readonly count?: number;
  readonly perTable?: readonly string[];
  /** Whether one pair of tables serves all subnets. */
  readonly shared?: boolean;
  /** Whether the tables of b are filled beforehand. */
  readonly filled?: boolean;
}

export const prefixes = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `172.16.${n}.0/24`);

const keyOf = (destination: string): string =>
  destination.startsWith('pl-') ? 'DestinationPrefixListId' : 'DestinationCidrBlock';

/** Adds a route as an operator would. */
export const addRoute = (stage: Stage, table: string, destination: string, target: object): unknown =>
  ec2(stage, 'CreateRoute', { RouteTableId: table, [keyOf(destination)]: destination, ...target });

/** The tables of `a` are in use. */
export function preparedDesign(options: Options = {}): PreparedDesign {
  const { count = 1, perTable = prefixes(3), filled = true, shared = false, ...rest } = options;
  const made = design({ ...rest, tables: 0 });
  const { stage, enis } = made;
  const vpc = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [enis.a] })
    .NetworkInterfaces?.[0]?.VpcId;
  const table = (member: 'a' | 'b'): string => {
    const id = api(stage, 'CreateRouteTable', { VpcId: vpc }).RouteTable?.RouteTableId ?? '';
    if (member === 'a' || filled)
      for (const one of perTable) addRoute(stage, id, one, { NetworkInterfaceId: enis[member] });
    return id;
  };
  const subnets = Array.from({ length: count }, (_, n) => {
    const block = { VpcId: vpc, CidrBlock: `10.0.${n + 1}.0/24`, AvailabilityZone: 'eu-central-1a' };
    return api(stage, 'CreateSubnet', block).Subnet?.SubnetId ?? '';
  });
  const sets = shared ? [subnets] : subnets.map((subnet) => [subnet]);
  const prepared = { a: sets.map(() => table('a')), b: sets.map(() => table('b')) };
  sets.forEach((set, n) => {
    for (const SubnetId of set) ec2(stage, 'AssociateRouteTable', { SubnetId, RouteTableId: prepared.a[n] });
  });
  const routes = sets.map((set, n) => ({
    subnets: [...set],
    tables: { a: prepared.a[n] ?? '', b: prepared.b[n] ?? '' },
    destinations: [...perTable],
  }));
  return {
    ...made,
    subnets,
    prepared,
    routes,
    uses: () => subnets.map((subnet) => useOf(stage, subnet, prepared)),
  };
}

function useOf(stage: Stage, subnet: string, prepared: PreparedDesign['prepared']): string {
  const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
  const table = api(stage, 'DescribeRouteTables', { Filters }).RouteTables?.[0]?.RouteTableId ?? '';
  if (prepared.a.includes(table)) return 'a';
  return prepared.b.includes(table) ? 'b' : table || 'none';
}

/** The association of a subnet changes to a table, by an operator. */
export function associate(stage: Stage, subnet: string, table: string): void {
  const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
  const found = api(stage, 'DescribeRouteTables', { Filters }).RouteTables?.[0]?.Associations;
  const list = (found ?? []) as unknown as readonly { SubnetId?: string; RouteTableAssociationId: string }[];
  const AssociationId = list.find(({ SubnetId }) => SubnetId === subnet)?.RouteTableAssociationId;
  ec2(stage, 'ReplaceRouteTableAssociation', { AssociationId, RouteTableId: table });
}

export interface PreparedPair extends PreparedDesign {
  readonly a: Daemon;
  readonly b: Daemon;
}

type Group = Partial<NonNullable<ConfigInput['groups']>[number]>;

/** With both daemons, after ten seconds; `before` is what an operator did. */
export function preparedPair(
  options: Options = {},
  group: Group = {},
  before: (made: PreparedDesign) => void = () => undefined,
): PreparedPair {
  const made = preparedDesign(options);
  before(made);
  const config = { members: ['a', 'b'], routes: made.routes, ...group };
  const a = addDaemon(made.stage, made.config('a', config));
  const b = addDaemon(made.stage, made.config('b', config));
  run(made.stage, 10_000);
  return { ...made, a, b };
}
