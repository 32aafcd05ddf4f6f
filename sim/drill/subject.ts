/**
 * What is drilled: a world, the daemons in it, and the flows that must survive. Builds the same world again
 * for every drill. What the world lacks is added: hosts that probes ask for, machines where nobody would
 * notice that a route is gone, tables of leases.
 */
import { contains, parseAddress, parsePrefix } from '../../controller/base/ip.ts';
import { must, present } from '../../controller/base/result.ts';
import { type Config, type Group, ownAppliance, type ThroughTarget } from '../../controller/config.ts';
import type { Machine } from '../chaos/scenes/network.ts';
import { handle } from '../dynamodb/service.ts';
import type { FlowOutput } from '../pulumi/design.ts';
import { addHost, setProfile } from '../world/guests.ts';
import { HOST_SERVICES, type Service } from '../world/services.ts';
import type { Profile, World } from '../world/state.ts';
import { openWorld, type SavedWorld } from '../world/world-file.ts';
import { type DrilledFlow, flowsOf, placeOfVpc } from './flows.ts';
import { promisedFlows } from './promised.ts';

export interface Subject {
  readonly title: string;
  readonly world: SavedWorld;
  /** One for each daemon. */
  readonly configs: readonly Config[];
  /** The instance that a daemon runs on that is on no appliance, by the name of its node. */
  readonly runsOn: Readonly<Record<string, string>>;
  /** What appliances do of which the world does not say what they do. */
  readonly role: 'nat' | 'router';
  /** The flows that are drilled, where they are known; otherwise those that routes show. */
  readonly promises?: readonly FlowOutput[];
}

export interface Stage {
  readonly world: World;
  readonly machines: Readonly<Record<string, Machine>>;
  readonly appliances: readonly string[];
  readonly daemons: Readonly<Record<string, Config>>;
  readonly groups: readonly Group[];
  readonly flows: readonly DrilledFlow[];
  /** What cannot be drilled, for people. */
  readonly notes: readonly string[];
}

/** Builds the world of a subject, at rest; throws where the configurations do not fit it, and says why. */
export function stageOf(subject: Subject, seed: number): Stage {
  const { configs } = subject;
  const world = openWorld(subject.world, { seed, hosts: [] });
  const appliances = uniqueBy(
    configs.flatMap((config) => config.appliances),
    ({ name }) => name,
  );
  const machines: Record<string, Machine> = {};
  for (const { name, eni, instance } of appliances) {
    const id = instance ?? world.records['network-interface'].get(eni)?.attachment?.instance;
    machines[name] = machineOf(world, id, `appliance ${name} (${eni})`);
    if (!world.profiles.has(machines[name].instance)) applyRole(world, machines[name].instance, subject.role);
  }
  for (const { node } of configs.filter((config) => ownAppliance(config) === undefined)) {
    const on = subject.runsOn[node];
    if (on === undefined)
      throw new Error(`Node ${node} is no appliance: name the instance that it runs on, --on ${node}=i-...`);
    machines[node] = machineOf(world, on, `node ${node}`);
  }
  for (const config of configs) prepare(world, config, present(machines[config.node], config.node).instance);
  const groups = uniqueBy(
    configs.flatMap((config) => config.groups),
    ({ name }) => name,
  );
  const known = new Set(Object.values(machines).map(({ instance }) => instance));
  const depends = {
    groups,
    appliances: new Set(appliances.map(({ name }) => present(machines[name], name).instance)),
    probed: new Set(configs.flatMap((config) => probedThrough(config).map((target) => serviceOf(target)[0]))),
  };
  const { flows, clients, notes } =
    subject.promises === undefined
      ? flowsOf(world, depends)
      : promisedFlows(world, subject.promises, depends);
  for (const [name, instance] of clients)
    if (!known.has(instance)) machines[name] = machineOf(world, instance, name);
  const daemons = Object.fromEntries(configs.map((config) => [config.node, config]));
  return { world, machines, appliances: appliances.map(({ name }) => name), daemons, groups, flows, notes };
}

function uniqueBy<T>(all: readonly T[], keyOf: (one: T) => string): readonly T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()];
}

/** What an instance is to faults. */
function machineOf(world: World, instance: string | undefined, what: string): Machine {
  const enis = [...world.records['network-interface'].values()]
    .filter(({ attachment }) => attachment !== undefined && attachment.instance === instance)
    .sort((a, b) => (a.attachment?.deviceIndex ?? 0) - (b.attachment?.deviceIndex ?? 0));
  const [eni] = enis;
  if (instance === undefined || eni === undefined)
    throw new Error(
      `There is no running instance of ${what} in this world; does it belong to the configuration?`,
    );
  const zone = world.records.subnet.get(eni.subnet)?.zone ?? '';
  return { instance, eni: eni.id, address: eni.addresses[0] ?? '', zone };
}

function applyRole(world: World, instance: string, role: Profile['role']): void {
  must(setProfile(world, instance, { role, services: [] }));
}

const probedThrough = ({ appliances }: Config): readonly ThroughTarget[] =>
  appliances.flatMap(({ probes }) =>
    probes.flatMap((probe) => (probe.kind === 'through' ? [probe.target] : [])),
  );

/** Hosts that probes ask for, and the table of leases. */
function prepare(world: World, config: Config, instance: string): void {
  for (const target of probedThrough(config)) prepareTarget(world, target);
  if (config.leaseStore === undefined) return;
  const { table, region } = config.leaseStore;
  const input = { TableName: table, KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }] };
  const { account } = placeOfVpc(world, present(world.records.instance.get(instance), instance).vpc);
  handle(world.api.tables, { account, region, action: 'CreateTable', input });
}

function prepareTarget(world: World, target: ThroughTarget): void {
  const [address, service] = serviceOf(target);
  const parsed = parseAddress(address);
  const isInside =
    parsed.ok &&
    [...world.records.vpc.values()].some(({ cidrs }) =>
      cidrs.some((cidr) => contains(must(parsePrefix(cidr)), parsed.value)),
    );
  // A host by name stands for itself: its address is not known here.
  if (parsed.ok && !isInside) must(addHost(world, address, [...HOST_SERVICES, ...service]));
}

function serviceOf(target: ThroughTarget): readonly [string, readonly Service[]] {
  if (target.kind === 'icmp') return [target.address, []];
  if (target.kind === 'tcp') return [target.address, [{ kind: 'tcp-echo', port: target.port }]];
  const { hostname, port } = new URL(target.url);
  const [status = 200] = target.expect;
  return [hostname.replace(/^\[|\]$/g, ''), [{ kind: 'http', port: Number(port || 80), status }]];
}
