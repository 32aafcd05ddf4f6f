/** What `byoa check --aws` says of addresses, Elastic IPs and transit gateway routes that groups move. */
import { unreachable } from '../base/result.ts';
import type { Appliance, Config, EipResource, Group, Resource, TransitRouteSet } from '../config.ts';
import type { Call, ObservedEip, ObservedEni, ObservedTransitRoute } from '../ec2/call.ts';
import type { AwsReader } from './check-reader.ts';
import type { Finding } from './finding.ts';

const fine = (what: string): Finding => ({ ok: true, what });
const bad = (what: string, remedy: string): Finding => ({ ok: false, what, remedy });

const membersOf = ({ members }: Group, { appliances }: Config): readonly Appliance[] =>
  appliances.filter(({ name }) => members.includes(name));

/** The ENIs that have an address, also in other VPCs. */
async function holdersOf(reader: AwsReader, address: string): Promise<readonly ObservedEni[]> {
  const value = await reader.read({ kind: 'describe-network-interfaces', addresses: [address] });
  return value.kind === 'network-interfaces' ? value.enis : [];
}

async function eipOf(reader: AwsReader, allocation: string): Promise<ObservedEip | undefined> {
  const value = await reader.read({ kind: 'describe-addresses', allocations: [allocation] });
  return value.kind === 'addresses' ? value.addresses[0] : undefined;
}

async function transitRoutesOf(
  reader: AwsReader,
  { table, destinations }: TransitRouteSet,
): Promise<readonly ObservedTransitRoute[]> {
  const value = await reader.read({ kind: 'search-transit-gateway-routes', table, destinations });
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
  const holder = (await holdersOf(reader, address)).find(({ vpc }) => vpcs.includes(vpc));
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
  const eip = await eipOf(reader, allocation);
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
): Promise<readonly Call[]> {
  const { eni, attachment = '' } = own;
  switch (resource.kind) {
    case 'address': {
      const { address } = resource;
      if (!address.includes(':')) return [{ kind: 'assign-private-ip-addresses', eni, address }];
      const [holder] = await holdersOf(reader, address);
      const held = holder === undefined ? [] : [holder.id];
      return [
        ...held.map((id): Call => ({ kind: 'unassign-ipv6-addresses', eni: id, address })),
        { kind: 'assign-ipv6-addresses', eni, address },
      ];
    }
    case 'eip':
      // Without its address, which the ENI need not have yet.
      return [{ kind: 'associate-address', allocation: resource.allocation, eni }];
    case 'transit-routes':
      return resource.sets.flatMap(
        ({ table, lastResort, destinations: [destination = ''] }): readonly Call[] => [
          { kind: 'replace-transit-gateway-route', table, destination, attachment },
          { kind: 'create-transit-gateway-route', table, destination, attachment },
          ...(lastResort === undefined
            ? []
            : [
                {
                  kind: 'replace-transit-gateway-route' as const,
                  table,
                  destination,
                  attachment: lastResort,
                },
              ]),
        ],
      );
    default:
      return unreachable(resource);
  }
}
