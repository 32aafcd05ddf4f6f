/** What a lab tells of the design that it deployed: its machines, and its promised flows between them. */
import { present } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { promisedFlows } from '../drill/promised.ts';
import { type Deployed, PROBED } from '../pulumi/design.ts';
import type { World } from '../world/state.ts';
import { OUTSIDE } from './message.ts';

/** A promised flow between machines of the lab. */
export interface LabFlow {
  readonly name: string;
  /** The machine that sends: an instance, or `outside`. */
  readonly from: string;
  readonly to: string;
  /** Machines that answer, on which address of their own. */
  readonly answerers: readonly string[];
  readonly bind: string;
  readonly objectiveMs: Millis;
}

export interface ToldDesign {
  readonly design: string;
  /** Machines with a daemon. */
  readonly nodes: Deployed['nodes'];
  readonly appliances: Deployed['appliances'];
  readonly flows: readonly LabFlow[];
  /** The zone of each instance. */
  readonly zones: Readonly<Record<string, string>>;
}

/** The private address behind a public one; the address itself where it is none. */
function behind({ records }: World, address: string): string {
  const all = [...records['network-interface'].values()].flatMap(({ publicAddresses }) => publicAddresses);
  return all.find((one) => one.public === address)?.private ?? address;
}

/** Resolves the promises of a design that has been deployed into the world. */
export function toldDesign(world: World, design: string, deployed: Deployed): ToldDesign {
  const { nodes, appliances } = deployed;
  const instances = appliances.map(({ instanceId }) => instanceId);
  const depends = { groups: [], appliances: new Set(instances), probed: new Set<string>(PROBED) };
  const { flows } = promisedFlows(world, deployed.flows, depends);
  const isHost = (address: string): boolean => world.placed.has(address);
  const told = flows.map(({ name, from, to, receiver, objectiveMs }): LabFlow => {
    const places = { name, from: isHost(from) ? OUTSIDE : from, to };
    const objective = { objectiveMs: present(objectiveMs, 'its objective') };
    if (receiver !== undefined) return { ...places, answerers: [receiver], bind: '0.0.0.0', ...objective };
    if (isHost(to)) return { ...places, answerers: [OUTSIDE], bind: to, ...objective };
    return { ...places, answerers: instances, bind: behind(world, to), ...objective };
  });
  const zones = Object.fromEntries(
    [...world.records['network-interface'].values()].flatMap(({ attachment, subnet }) => {
      const zone = world.records.subnet.get(subnet)?.zone;
      return attachment === undefined || zone === undefined ? [] : [[attachment.instance, zone]];
    }),
  );
  return { design, nodes, appliances, flows: told, zones };
}
