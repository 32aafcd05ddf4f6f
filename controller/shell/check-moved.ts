/** What `byoa check --aws` says of addresses, Elastic IPs and transit gateway routes that groups move. */
import { unreachable } from '../base/result.ts';
import {
  type Appliance,
  type Config,
  type EipResource,
  type Group,
  type InRealm,
  type Resource,
  sameRealm,
  type TransitRouteSet,
} from '../config.ts';
import type { ObservedEip, ObservedEni, ObservedTransitRoute, Write } from '../ec2/call.ts';
import { homeOf } from '../failover/sources.ts';
import type { AwsReader } from './check-reader.ts';
import { bad, type Finding, fine } from './finding.ts';

const membersOf = ({ members }: Group, { appliances }: Config): readonly Appliance[] =>
  appliances.filter(({ name }) => members.includes(name));

/** The ENIs that have an address, also in other VPCs. */
async function holdersOf(reader: AwsReader, address: string, home: InRealm): Promise<readonly ObservedEni[]> {
  const addresses = [address];
  const value = await reader.read({ kind: 'describe-network-interfaces', addresses, ...sameRealm(home) });
  return value.kind === 'network-interfaces' ? value.enis : [];
}

async function eipOf(reader: AwsReader, allocation: string, home: InRealm): Promise<ObservedEip | undefined> {
  const allocations = [allocation];
  const value = await reader.read({ kind: 'describe-addresses', allocations, ...sameRealm(home) });
  return value.kind === 'addresses' ? value.addresses[0] : undefined;
}

async function transitRoutesOf(
  reader: AwsReader,
  { table, destinations, ...set }: TransitRouteSet,
): Promise<readonly ObservedTransitRoute[]> {
  const value = await reader.read({
    kind: 'search-transit-gateway-routes',
    table,
    destinations,
    ...sameRealm(set),
  });
  return value.kind === 'transit-routes' ? value.routes : [];
}

/** An address moves within its subnet only. */
export async function* checkAddress(
  reader: AwsReader,
  group: Group,
  address: string,
  config: Config,
  enis: ReadonlyMap<string, ObservedEni | undefined>,
): AsyncGenerator<Finding> {
  const seen = membersOf(group, config).flatMap(({ name, eni }) => {
    const found = enis.get(eni);
    return found === undefined ? [] : [{ name, eni: found }];
  });
  const subnets = [...new Set(seen.map(({ eni }) => eni.subnet))];
  if (subnets.length > 1)
    yield bad(
      `${group.name}: ${address} cannot move, for its members are in ${subnets.join(' and ')}`,
      'an address stays in its subnet: use eips or routes instead',
    );
  const vpcs = seen.map(({ eni }) => eni.vpc);
  const holder = (await holdersOf(reader, address, homeOf(membersOf(group, config)))).find(({ vpc }) =>
    vpcs.includes(vpc),
  );
  const owner = seen.find(({ eni }) => eni.id === holder?.id);
  if (holder === undefined)
    yield bad(
      `${group.name}: no ENI has the address ${address}`,
      'assign it once to the preferred member; the daemon then moves it',
    );
  else if (owner === undefined)
    yield bad(`${group.name}: ${address} is an address of ${holder.id}, no member`, 'correct `addresses`');
  else if (holder.addresses[0] === address)
    yield bad(
      `${group.name}: ${address} is the primary address of ${holder.id}, which cannot move`,
      'name a secondary address',
    );
  else yield fine(`${group.name}: ${address} is an address of ${owner.name}`);
}

export async function* checkEip(
  reader: AwsReader,
  group: Group,
  { allocation, address }: EipResource,
  config: Config,
): AsyncGenerator<Finding> {
  const eip = await eipOf(reader, allocation, homeOf(membersOf(group, config)));
  const owner = membersOf(group, config).find(({ eni }) => eni === eip?.eni);
  if (eip === undefined) yield bad(`${group.name}: ${allocation} does not exist`, 'correct `eips`');
  else if (owner === undefined)
    yield bad(
      `${group.name}: ${allocation} leads to ${eip.eni ?? 'nothing'}, no appliance`,
      'associate it once with the preferred member; the daemon then moves it',
    );
  else if (address !== undefined && eip.address !== address)
    yield bad(
      `${group.name}: ${allocation} leads to ${eip.address} of ${owner.name}, not to ${address}`,
      'associate it with that address, or correct `eips`',
    );
  else yield fine(`${group.name}: ${allocation} leads to ${owner.name}`);
}

export async function* checkTransitRoutes(
  reader: AwsReader,
  group: Group,
  sets: readonly TransitRouteSet[],
  config: Config,
): AsyncGenerator<Finding> {
  for (const set of sets) {
    const routes = await transitRoutesOf(reader, set);
    for (const destination of set.destinations) {
      const route = routes.find((one) => one.destination === destination);
      const owner = membersOf(group, config).find(
        ({ attachment }) => attachment !== undefined && attachment === route?.attachment,
      );
      const where = `${group.name}: ${destination} in ${set.table}`;
      if (route === undefined)
        yield bad(
          `${where} does not exist as a static route`,
          "create it once, to the preferred member's attachment; the daemon then moves it",
        );
      else if (owner === undefined && route.attachment !== undefined && route.attachment === set.lastResort)
        yield fine(`${where} leads to its last resort, ${route.attachment}`);
      else if (owner === undefined)
        yield bad(`${where} leads to ${route.attachment ?? 'a blackhole'}, no appliance`, 'correct it');
      else yield fine(`${where} leads to ${owner.name}`);
    }
  }
}

/** The writes by which `own` would get the resource, for dry runs. */
export async function writesOfResource(
  reader: AwsReader,
  resource: Extract<Resource, { kind: 'address' | 'eip' | 'transit-routes' }>,
  own: Appliance,
): Promise<readonly Write[]> {
  const { eni, attachment = '' } = own;
  const home = sameRealm(own);
  switch (resource.kind) {
    case 'address': {
      const { address } = resource;
      if (!address.includes(':')) return [{ kind: 'assign-private-ip-addresses', eni, address, ...home }];
      const [holder] = await holdersOf(reader, address, home);
      const held = holder === undefined ? [] : [holder.id];
      return [
        ...held.map((id): Write => ({ kind: 'unassign-ipv6-addresses', eni: id, address, ...home })),
        { kind: 'assign-ipv6-addresses', eni, address, ...home },
      ];
    }
    case 'eip':
      // Without its address, which the ENI need not have yet.
      return [{ kind: 'associate-address', allocation: resource.allocation, eni, ...home }];
    case 'transit-routes':
      return resource.sets.flatMap((set): readonly Write[] => {
        const { table, lastResort, destinations } = set;
        const route = { table, destination: destinations[0] ?? '', ...sameRealm(set) };
        const ends = [attachment, ...(lastResort === undefined ? [] : [lastResort])];
        return [
          { kind: 'create-transit-gateway-route', ...route, attachment },
          ...ends.map((end) => ({
            kind: 'replace-transit-gateway-route' as const,
            ...route,
            attachment: end,
          })),
        ];
      });
    default:
      return unreachable(resource);
  }
}
