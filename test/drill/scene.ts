/** A world with two appliances in two zones and a private subnet behind each, saved as a file would be. */
import { must } from '../../controller/base/result.ts';
import { type Config, type ConfigInput, checkConfig, formatConfigError } from '../../controller/config.ts';
import {
  ask,
  createAppliance,
  createMachine,
  createSite,
  createSubnet,
  createTable,
  HOST,
  type Machine,
  PLACE,
} from '../../sim/chaos/scenes/network.ts';
import type { Subject } from '../../sim/drill/subject.ts';
import { createWorld } from '../../sim/world/world.ts';
import { parseWorldFile, worldLines } from '../../sim/world/world-file.ts';

type Probes = NonNullable<NonNullable<ConfigInput['appliances']>[number]['probes']>;

const quick = { interval: '200ms', timeout: '180ms' };
const own = { kind: 'through', target: { icmp: HOST }, by: 'route', from: 'self', ...quick } as const;

function configOf(node: string, [a, b]: readonly [Machine, Machine], tables: readonly string[]): Config {
  const probes: Probes = [{ kind: 'icmp', ...quick }, ...(node === 'observer' ? [] : [own])];
  const input: ConfigInput = {
    version: 1,
    node,
    aws: { region: PLACE.region },
    appliances: [
      { name: 'a', address: a.address, eni: a.eni, probes },
      { name: 'b', address: b.address, eni: b.eni, probes },
    ],
    groups: [
      {
        name: 'egress',
        members: ['a', 'b'],
        routes: tables.map((table) => ({ table, destinations: ['0.0.0.0/0'] })),
      },
    ],
  };
  const checked = checkConfig(input);
  if (!checked.ok) throw new Error(checked.error.map(formatConfigError).join('\n'));
  return checked.value;
}

export interface Drilled {
  readonly subject: Subject;
  readonly file: string;
  readonly observer: string;
}

/** `by`: daemons on the appliances, or one beside them. The second private subnet is empty. */
export function pair(by: 'appliances' | 'observer'): Drilled {
  const world = createWorld({ seed: 7 });
  const site = createSite(world);
  const edge = createTable(site, { GatewayId: site.gateway });
  const subnets = ['a', 'b'].map((zone, index) => createSubnet(site, `10.0.${index}.0/24`, zone, edge));
  const [a, b] = ['a', 'b'].map((zone, index) =>
    createAppliance(site, { SubnetId: subnets[index] ?? '', address: `10.0.${index}.10`, zone }),
  ) as [Machine, Machine];
  const tables = [1, 2].map(() => createTable(site, { NetworkInterfaceId: a.eni }));
  const [busy = ''] = tables.map((table, index) =>
    createSubnet(site, `10.0.1${index}.0/24`, 'ab'[index] ?? 'a', table),
  );
  const host = { role: 'host', services: [] } as const;
  const client = createMachine(site, { SubnetId: busy, address: '10.0.10.10', zone: 'a' }, host);
  ask(world, 'CreateTags', { Resources: [client.instance], Tags: [{ Key: 'Name', Value: 'shop' }] });
  const watcher = createMachine(site, { SubnetId: subnets[1] ?? '', address: '10.0.1.20', zone: 'b' }, host);
  const { AllocationId } = ask<{ AllocationId: string }>(world, 'AllocateAddress', {});
  ask(world, 'AssociateAddress', { AllocationId, NetworkInterfaceId: watcher.eni });
  const file = [...worldLines(world, 0)].join('');
  const nodes = by === 'observer' ? ['observer'] : ['a', 'b'];
  return {
    file,
    observer: watcher.instance,
    subject: {
      title: 'pair',
      world: must(parseWorldFile(file, 'pair')),
      configs: nodes.map((node) => configOf(node, [a, b], tables)),
      runsOn: by === 'observer' ? { observer: watcher.instance } : {},
      role: 'nat',
    },
  };
}

export { HOST };
