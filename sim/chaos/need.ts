/** Whether a group had to leave its owner, or all members: by the truth, and by what could be seen of it. */
import type { Millis } from '../../controller/base/time.ts';
import type { Daemon } from '../world/node.ts';
import type { Fault } from './fault.ts';
import type { OwnedGroup } from './scenario.ts';
import { isFit, recentFaults, type Truth } from './truth.ts';

/** After a disturbance, so long nothing is called needless, ms. */
const CALM_MS: Millis = 10_000;

interface Taking {
  readonly name: string;
  readonly daemon: Daemon;
  readonly group: string;
  readonly owner: string;
}

/** Why a daemon that begins to take a group from its owner had no need to; undefined where it may have. */
export function needlessness(truth: Truth, { name, daemon, group, owner }: Taking): string | undefined {
  if (!hasForwarded(truth, owner)) return undefined;
  const text = `${name} takes ${group} from ${owner}, which forwards`;
  if (truth.world.cuts.size === 0 && truth.world.now - truth.disturbedAt > CALM_MS) return text;
  const { quorum } = daemon.node.config;
  const misled = Object.keys(truth.scene.daemons).filter(
    (source) => source !== owner && mayBeMistaken(truth, source, owner),
  );
  if (quorum === 1 || misled.length >= quorum) return undefined;
  return `${text}; ${quorum} must agree, and ${misled.join() || 'nobody'} could be mistaken`;
}

/** A member that forwards, and that a daemon must see to do so; undefined where none does. */
export const aliveFor = (truth: Truth, name: string, { members }: OwnedGroup): string | undefined =>
  members.find((one) => hasForwarded(truth, one) && !mayBeMistaken(truth, name, one));

/** Whether a group that has a last resort is to be with it: no member has had power for `forMs`. */
export function isLastResortDue(truth: Truth, group: string | undefined, forMs: Millis): boolean {
  const { world, scene, lastFit } = truth;
  const owned = scene.groups.find(({ name }) => name === group);
  if (!owned?.hasLastResort) return false;
  // A zone takes those with it who watch.
  if (recentFaults(truth, forMs).some(({ kind }) => kind === 'zone')) return false;
  return owned.members.every((name) => {
    const guest = world.network.guests.get(scene.machines[name]?.instance ?? '');
    return guest?.power !== 'running' && world.now - (lastFit.get(name) ?? 0) > forMs;
  });
}

const hasForwarded = (truth: Truth, name: string): boolean => {
  const since = truth.fitSince.get(name);
  return isFit(truth, name) && since !== undefined && truth.world.now - since > CALM_MS;
};

/** Whether a daemon may find a machine dead that is not: it was in trouble itself, or the way to it. */
const mayBeMistaken = (truth: Truth, source: string, about: string): boolean =>
  recentFaults(truth, CALM_MS).some((fault) => misleads(fault, source, about));

function misleads(fault: Fault, source: string, about: string): boolean {
  if (fault.kind === 'daemon' || fault.kind === 'machine' || fault.kind === 'leave')
    return fault.machine === source;
  if (fault.kind === 'upgrade' || fault.kind === 'zone') return true;
  if (fault.kind !== 'link' && fault.kind !== 'path') return false;
  const ends = [fault.from, fault.to];
  if (ends.includes('*')) return ends.includes(source) || ends.includes(about);
  return ends.includes(source) && ends.includes(about);
}
