/**
 * What drills do to a design in a lab, and how that is undone. The owner is who has the flows: of groups
 * their first one's owner, else the first appliance, which all prefer.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { present } from '../../../controller/base/result.ts';
import { API_ADDRESS } from '../../ec2/catalog/services.ts';
import { type LabStage, peopleOf, signalDaemon, until } from './stage.ts';

export interface Struck {
  /** Machines without power, or that stand still. */
  readonly gone: readonly string[];
  /** A machine whose programs stand still: what they served is not answered. */
  readonly mute?: string;
  readonly undo: () => Promise<void>;
}

export interface LabFailure {
  readonly name: string;
  /** Whether it is an order instead of a failure: its time is not split. */
  readonly planned?: true;
  /** Whether all daemons live through it. */
  readonly isMild?: true;
  /** Why a design is spared, where it is. */
  readonly spares?: (stage: LabStage) => string | undefined;
  readonly strike: (stage: LabStage, owner: string) => Promise<Struck>;
}

const MOVE_MS = 60_000;

export const instanceOf = ({ told }: LabStage, name: string): string =>
  present(
    [...told.appliances, ...told.nodes].find((one) => one.name === name),
    name,
  ).instanceId;

const nothing: Struck = { gone: [], undo: async () => undefined };

/** A verb for the owner's machine, and the verb that takes it back. */
const verb =
  (how: 'kill' | 'freeze' | 'hang', back: 'start' | 'resume'): LabFailure['strike'] =>
  async (stage, owner) => {
    const machine = instanceOf(stage, owner);
    await stage.tell(machine, how);
    const undo = (): Promise<void> => stage.tell(machine, back);
    return how === 'hang' ? { gone: [], mute: machine, undo } : { gone: [machine], undo };
  };

const needsGroups = ({ moves }: LabStage): string | undefined => (moves ? undefined : 'no group is moved');

/** The group that the owner has, and who else may have it. */
async function groupOf(stage: LabStage, owner: string): Promise<{ name: string; others: readonly string[] }> {
  for (const { name } of stage.told.nodes) {
    const status = await stage.status(name);
    const group = status?.groups.find(({ ownerMember }) => ownerMember === owner);
    if (group !== undefined)
      return { name: group.name, others: group.members.filter((member) => member !== owner) };
  }
  throw new Error(`no daemon says what ${owner} owns`);
}

/** The names of all nodes. */
const speakers = ({ told }: LabStage): readonly string[] => told.nodes.map(({ name }) => name);

async function switchOver(stage: LabStage, owner: string): Promise<Struck> {
  const { name: group, others } = await groupOf(stage, owner);
  const to = present(others[0], 'another member');
  const asked = speakers(stage).includes(to) ? to : present(speakers(stage)[0], 'a daemon');
  await stage.order(asked, { kind: 'switchover', group, to });
  return nothing;
}

const isHealthy = async (stage: LabStage, name: string): Promise<boolean> => {
  for (const node of speakers(stage)) {
    const seen = (await stage.status(node))?.appliances.find((one) => one.name === name);
    if (seen?.verdict !== 'healthy') return false;
  }
  return true;
};

/** Each appliance in turn shuts down, which hands over what it has, and boots anew, as in a replacement. */
async function replaceAll(stage: LabStage): Promise<Struck> {
  for (const { name, instanceId } of stage.told.appliances) {
    await stage.tell(instanceId, 'stop');
    await stage.tell(instanceId, 'start');
    if (peopleOf(stage.told).includes(instanceId)) await stage.traffic(instanceId);
    await until(`${name} is healthy`, MOVE_MS, () => isHealthy(stage, name));
  }
  return nothing;
}

async function loseZone(stage: LabStage, owner: string): Promise<Struck> {
  const { zones } = stage.told;
  const zone = zones[instanceOf(stage, owner)];
  const machines = Object.keys(zones).filter((machine) => zones[machine] === zone);
  await Promise.all(machines.map((machine) => stage.tell(machine, 'kill')));
  return {
    gone: machines,
    undo: async () => {
      for (const machine of machines) await stage.tell(machine, 'start');
    },
  };
}

const oneZone = ({ told }: LabStage): string | undefined =>
  new Set(told.appliances.map(({ zone }) => zone)).size > 1 ? undefined : 'all appliances are in one zone';

/** Long enough for a supervisor, and for whoever would take it for a death. */
const QUIET_MS = 3000;

export const FAILURES: readonly LabFailure[] = [
  { name: 'killed', strike: verb('kill', 'start') },
  { name: 'frozen', isMild: true, strike: verb('freeze', 'resume') },
  { name: 'programs stopped', isMild: true, strike: verb('hang', 'resume') },
  {
    name: 'link down',
    strike: async (stage, owner) => {
      const machine = instanceOf(stage, owner);
      await stage.run(machine, 'ip link set eth0 down');
      // Its routes have gone with the link.
      return { gone: [], undo: () => stage.tell(machine, 'reboot') };
    },
  },
  { name: 'zone lost', spares: oneZone, strike: loseZone },
  {
    name: 'daemon killed',
    spares: ({ told }) =>
      told.nodes.some(({ name }) => told.appliances.some((one) => one.name === name))
        ? undefined
        : 'no appliance runs one',
    strike: async (stage, owner) => {
      await signalDaemon(stage, instanceOf(stage, owner), 'KILL');
      await pause(QUIET_MS);
      return nothing;
    },
  },
  {
    name: "EC2's API away",
    isMild: true,
    strike: async (stage) => {
      const undo = await stage.cut('*', API_ADDRESS);
      await pause(QUIET_MS);
      return { gone: [], undo };
    },
  },
  { name: 'switchover', planned: true, isMild: true, spares: needsGroups, strike: switchOver },
  { name: 'all replaced', planned: true, strike: replaceAll },
];
