/**
 * The flows that depend on appliances: from every subnet whose routes lead to one, to somebody in each
 * destination of those routes; and through an edge table, from the Internet to whom it protects.
 */
import { contains, parseAddress, parsePrefix } from '../../controller/base/ip.ts';
import { must, present } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { enisOf, type Group, preparedTablesOf, routeSetsOf } from '../../controller/config.ts';
import type { NetworkInterface, Route, RouteTable } from '../vpc/model.ts';
import { addHost } from '../world/guests.ts';
import { call, type Place } from '../world/operator.ts';
import type { World } from '../world/state.ts';

export interface DrilledFlow {
  readonly name: string;
  /** An instance, or the address of a host on the Internet. */
  readonly from: string;
  readonly to: string;
  /** The instance that answers, where it is no appliance. */
  readonly receiver?: string;
  /** The group that it depends on, where the configuration names its table or its ENI; else any of them. */
  readonly group?: string;
  /** How soon it is to be back, where something has promised that. */
  readonly objectiveMs?: Millis;
}

export interface Depends {
  readonly groups: readonly Group[];
  /** Instances. */
  readonly appliances: ReadonlySet<string>;
  /** Addresses that are probed by way of appliances: routes may lead to them by one of these alone. */
  readonly probed: ReadonlySet<string>;
}

export interface Found {
  readonly flows: readonly DrilledFlow[];
  /** Instances that send or receive, by name. */
  readonly clients: ReadonlyMap<string, string>;
  /** What nobody sends to, and why. */
  readonly notes: readonly string[];
}

/** Hosts on the Internet that flows go to where the world has none. */
const HOST = { ipv4: '203.0.113.10', ipv6: '2001:db8:ffff::10' };

/** Finds the flows of a world; a subnet in which nothing runs gets a small instance. */
export function flowsOf(world: World, depends: Depends): Found {
  const flows = new Map<string, DrilledFlow>();
  const clients = new Map<string, string>();
  const notes = new Set<string>();
  const names = namesOf(world);
  const add = (flow: Omit<DrilledFlow, 'name'>, from: string): void => {
    const name = `${from} -> ${flow.to}`;
    flows.set(name, { name, ...flow });
  };
  for (const table of [...world.records['route-table'].values()]) {
    for (const route of table.routes) {
      const eni = eniOfAppliance(world, depends, route);
      if (eni === undefined) continue;
      const group = groupOf(depends.groups, table, eni);
      const owned = group === undefined ? {} : { group };
      for (const cidr of cidrsOf(world, route.destination)) {
        const inside = machinesIn(world, cidr, depends.appliances);
        for (const subnet of subnetsOf(world, table)) {
          const client = clientOf(world, subnet, depends.appliances, names);
          if (client === undefined) continue;
          clients.set(client.name, client.instance);
          const to = destination(world, cidr, client.eni, inside, depends);
          if (to !== undefined) add({ from: client.instance, to, ...owned }, client.name);
          else if (hasFamily(client.eni, cidr))
            notes.add(
              `Nothing runs in ${cidr}, where ${table.id} leads by an appliance: no flow goes there.`,
            );
        }
        if (table.gateways.length === 0) continue;
        const open = inside.flatMap(({ publicAddresses }) => publicAddresses);
        const host = hostOf(world, cidr.includes(':') ? 'ipv6' : 'ipv4', depends);
        for (const { public: to } of open) add({ from: host, to, ...owned }, `Internet ${host}`);
        if (open.length === 0)
          notes.add(`Nothing in ${cidr} has a public address: no flow comes in by ${table.id}.`);
      }
    }
  }
  const served = new Set([...flows.values()].map(({ group }) => group));
  for (const { name } of depends.groups)
    if (!served.has(name))
      notes.add(`No route of a subnet leads by what ${name} moves: no flow depends on it.`);
  return { flows: [...flows.values()], clients, notes: [...notes] };
}

/** The ENI that a route leads to, where it is an appliance's or a group's. */
function eniOfAppliance(world: World, { groups, appliances }: Depends, route: Route): string | undefined {
  if (route.target.kind !== 'eni') return undefined;
  const { eni } = route.target;
  const instance = world.records['network-interface'].get(eni)?.attachment?.instance;
  const isOwned = groups.some((group) => enisOf(group).some(({ id }) => id === eni));
  return isOwned || appliances.has(instance ?? '') ? eni : undefined;
}

/** The group that moves a route, or the ENI that it leads to. */
const groupOf = (groups: readonly Group[], table: RouteTable, eni: string): string | undefined =>
  groups.find(
    (group) =>
      enisOf(group).some(({ id }) => id === eni) ||
      routeSetsOf(group).some((set) => set.table === table.id) ||
      preparedTablesOf(group).includes(table.id),
  )?.name;

const cidrsOf = (world: World, destination: string): readonly string[] =>
  destination.startsWith('pl-')
    ? (world.records['prefix-list'].get(destination)?.entries ?? [])
    : [destination];

/** Subnets that a table serves. */
function subnetsOf(world: World, table: RouteTable): readonly string[] {
  if (!table.main) return table.subnets;
  const named = new Set([...world.records['route-table'].values()].flatMap(({ subnets }) => subnets));
  const all = [...world.records.subnet.values()].filter(({ vpc, id }) => vpc === table.vpc && !named.has(id));
  return [...table.subnets, ...all.map(({ id }) => id)];
}

interface Client {
  readonly name: string;
  readonly instance: string;
  readonly eni: NetworkInterface;
}

const instanceOf = ({ attachment }: NetworkInterface): string => attachment?.instance ?? '';

const enisIn = (world: World, subnet: string): readonly NetworkInterface[] =>
  [...world.records['network-interface'].values()].filter(
    (eni) => eni.subnet === subnet && world.records.instance.get(instanceOf(eni))?.state === 'running',
  );

/** Who notices what happens in a subnet; nobody, in one where only appliances are. */
export function clientOf(
  world: World,
  subnet: string,
  appliances: ReadonlySet<string>,
  names: ReadonlyMap<string, string>,
): Client | undefined {
  const running = enisIn(world, subnet);
  const eni = running.find((one) => !appliances.has(instanceOf(one)));
  if (eni !== undefined) {
    const instance = instanceOf(eni);
    return { name: names.get(instance) ?? instance, instance, eni };
  }
  if (running.length > 0) return undefined;
  const { vpc } = present(world.records.subnet.get(subnet), subnet);
  const instance = launch(world, subnet, placeOfVpc(world, vpc));
  const made = present(
    enisIn(world, subnet).find((one) => instanceOf(one) === instance),
    'the ENI of a client',
  );
  return { name: `client in ${subnet}`, instance, eni: made };
}

function launch(world: World, SubnetId: string, place: Place): string {
  const input = {
    ImageId: 'ami-0123456789abcdef0',
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    SubnetId,
  };
  const { Instances } = call<{ Instances: { InstanceId: string }[] }>(world, place, 'RunInstances', input);
  return present(Instances[0], 'an instance').InstanceId;
}

interface Described {
  readonly Reservations?: readonly {
    readonly Instances: readonly {
      readonly InstanceId: string;
      readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
    }[];
  }[];
}

/** The names of instances that have one. */
export function namesOf(world: World): ReadonlyMap<string, string> {
  const places = [...world.records.vpc.values()].map(({ account, region }) => `${account} ${region}`);
  const found = [...new Set(places)].flatMap((place) => {
    const [account = '', region = ''] = place.split(' ');
    const { Reservations = [] } = call<Described>(world, { account, region }, 'DescribeInstances', {});
    return Reservations.flatMap(({ Instances }) => Instances);
  });
  return new Map(
    found.flatMap(({ InstanceId, Tags = [] }) => {
      const name = Tags.find(({ Key }) => Key === 'Name')?.Value;
      return name ? [[InstanceId, name]] : [];
    }),
  );
}

/** Whose account and region a VPC is in. */
export function placeOfVpc(world: World, id: string): Place {
  const { account, region } = present(world.records.vpc.get(id), id);
  return { account, region };
}

/** ENIs with an address in a block, of machines that are no appliances. */
const machinesIn = (
  world: World,
  cidr: string,
  appliances: ReadonlySet<string>,
): readonly NetworkInterface[] =>
  [...world.records['network-interface'].values()].filter(
    (eni) =>
      eni.attachment !== undefined && !appliances.has(instanceOf(eni)) && addressIn(eni, cidr) !== undefined,
  );

const addressIn = ({ addresses }: NetworkInterface, cidr: string): string | undefined => {
  const block = must(parsePrefix(cidr));
  return addresses.find((address) => contains(block, must(parseAddress(address))));
};

const hasFamily = ({ addresses }: NetworkInterface, cidr: string): boolean =>
  addresses.some((address) => address.includes(':') === cidr.includes(':'));

/** Somebody in a block for a client to talk to. */
function destination(
  world: World,
  cidr: string,
  from: NetworkInterface,
  inside: readonly NetworkInterface[],
  depends: Depends,
): string | undefined {
  if (!hasFamily(from, cidr)) return undefined;
  if (cidr === '0.0.0.0/0') return hostOf(world, 'ipv4', depends);
  if (cidr === '::/0') return hostOf(world, 'ipv6', depends);
  const other = inside.find(({ subnet }) => subnet !== from.subnet);
  if (other !== undefined) return addressIn(other, cidr);
  const block = must(parsePrefix(cidr));
  return [...world.placed.keys()].find((host) => contains(block, must(parseAddress(host))));
}

/** A host on the Internet, if possible none that is probed. */
export function hostOf(world: World, family: 'ipv4' | 'ipv6', { probed }: Pick<Depends, 'probed'>): string {
  const known = [...world.placed.values()].find(
    ({ address, behind }) =>
      behind === undefined && address.includes(':') === (family === 'ipv6') && !probed.has(address),
  );
  if (known !== undefined) return known.address;
  if (!world.placed.has(HOST[family])) must(addHost(world, HOST[family]));
  return HOST[family];
}
