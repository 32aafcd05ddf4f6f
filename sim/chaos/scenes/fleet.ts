/**
 * Many groups over five daemons that share their leases and watch pairs of appliances from outside. No seed
 * draws it: with 1,000 groups it takes minutes (`npm run bench -- chaos`).
 */
import { must, present } from '../../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig } from '../../../controller/config.ts';
import { setKnobs } from '../../world/api.ts';
import type { World } from '../../world/state.ts';
import type { OwnedGroup, Scenario, Scene } from '../scenario.ts';
import { createLeases } from './leases.ts';
import {
  ask,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  forwardFor,
  HOST,
  type Machine,
  makePublic,
  PLACE,
  type Site,
} from './network.ts';

const LEASES = 'leases';
const DAEMONS = ['d1', 'd2', 'd3', 'd4', 'd5'] as const;
/** Far fewer than EC2 lets a table have (500), so that there are many tables. */
const ROUTES_PER_TABLE = 40;
/** Of a lease, s. */
export const FLEET_TERM_S = 6;

export interface Size {
  readonly groups: number;
  /** Of appliances, two of which every group has as its members. */
  readonly pairs: number;
}

interface Owned {
  readonly name: string;
  readonly members: readonly [string, string];
  readonly table: string;
  readonly destination: string;
}

const pairOf = (index: number): readonly [string, string] => [`a${index}`, `b${index}`];

/** An appliance that is watched and carries routes; nobody goes out by it but by that of the first pair. */
function createMember(site: Site, SubnetId: string, address: string): Machine {
  const machine = createMachine(site, { SubnetId, address, zone: 'a' }, { role: 'nat', services: [] });
  forwardFor(site.world, machine.eni);
  return machine;
}

/** Of a pair, each member is preferred for every other group. */
function createGroups(
  site: Site,
  { groups, pairs }: Size,
  members: Readonly<Record<string, Machine>>,
): Owned[] {
  const tables: string[] = [];
  return Array.from({ length: groups }, (_, index) => {
    const [a, b] = pairOf(index % pairs);
    const isFirst = Math.floor(index / pairs) % 2 === 0;
    const [owner, other] = isFirst ? [a, b] : [b, a];
    if (index % ROUTES_PER_TABLE === 0) tables.push(createTable(site, { GatewayId: site.gateway }));
    const table = present(tables.at(-1), 'a table');
    const destination = index === 0 ? `${HOST}/32` : `100.64.${index >> 6}.${(index & 63) * 4}/30`;
    ask(site.world, 'CreateRoute', {
      RouteTableId: table,
      DestinationCidrBlock: destination,
      NetworkInterfaceId: members[owner]?.eni,
    });
    return { name: `g${index}`, members: [owner, other], table, destination };
  });
}

function configOf(
  node: string,
  members: Readonly<Record<string, Machine>>,
  groups: readonly Owned[],
): Config {
  const input: ConfigInput = {
    version: 1,
    node,
    aws: { region: PLACE.region },
    lease: { kind: 'dynamodb', table: LEASES, term: `${FLEET_TERM_S}s` },
    appliances: Object.entries(members).map(([name, { address, eni }]) => ({
      name,
      address,
      eni,
      probes: [{ kind: 'icmp', interval: '1s', timeout: '500ms' }],
    })),
    groups: groups.map(({ name, members: both, table, destination }) => ({
      name,
      members: [...both],
      routes: [{ table, destinations: [destination] }],
    })),
  };
  return must(checkConfig(input));
}

function build(world: World, size: Size): Scene {
  // An account has five Elastic IPs where it has not asked for more.
  setKnobs(world.api, { quotas: 'off' });
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const SubnetId = createSubnet(site, '10.0.0.0/24', 'a', edge);
  const members: Record<string, Machine> = {};
  for (let index = 0; index < size.pairs; index++)
    for (const [side, name] of pairOf(index).entries())
      members[name] = createMember(site, SubnetId, `10.0.0.${20 + 2 * index + side}`);
  for (const name of pairOf(0)) makePublic(world, present(members[name], name).eni);
  const watchers = DAEMONS.map((name, index): [string, Machine] => {
    const at = { SubnetId, address: `10.0.0.${100 + index}`, zone: 'a' };
    const machine = createMachine(site, at, { role: 'host', services: [] });
    makePublic(world, machine.eni);
    return [name, machine];
  });
  createLeases(world, LEASES);
  const groups = createGroups(site, size, members);
  const inside = createSubnet(site, '10.0.10.0/24', 'c', present(groups[0], 'a group').table);
  const at = { SubnetId: inside, address: '10.0.10.10', zone: 'c' };
  const client = createMachine(site, at, { role: 'host', services: [] });
  return {
    machines: { ...members, ...Object.fromEntries(watchers), client },
    appliances: Object.keys(members),
    daemons: Object.fromEntries(DAEMONS.map((name) => [name, configOf(name, members, groups)])),
    groups: groups.map(
      ({ name, members: both, table, destination }): OwnedGroup => ({
        name,
        members: both,
        parts: [{ kind: 'route', table, destination }],
      }),
    ),
    flows: [{ from: 'client', to: HOST }],
  };
}

/** Groups of pairs of appliances over five daemons. */
export const fleetOf = (size: Size): Scenario => ({
  name: 'fleet',
  what: `${size.groups} groups of ${size.pairs} pairs of appliances, and five daemons outside that share leases`,
  seesDrops: false,
  build: (world) => build(world, size),
  writes: ['ReplaceRoute'],
  freshMs: 6000,
  recoverMs: 20_000,
});
