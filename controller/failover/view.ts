/** Who owns a group, as EC2 was last seen: derived from observations, never from what was sent. */
import { unreachable } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { Appliance, Config, Group } from '../config.ts';
import type { Observed } from './observe.ts';
import type { Held, Part } from './part.ts';
import { partsOf, sourcesOfGroup } from './parts.ts';
import { type PreparedView, preparedOf } from './prepared.ts';

export type Owner =
  /** Nothing has been seen yet. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** Its parts are with several members, or some are missing: a move that was not completed. */
  | { readonly kind: 'split'; readonly members: readonly string[]; readonly reason: string }
  /** One member has all of it, nobody has anything, or all of it serves somebody else on purpose. */
  | Held;

export interface GroupView {
  /** When the oldest observation in it was sent; absent before the first. */
  readonly observedAt?: Instant;
  /** The request number of that observation: the view shows what was applied before it was sent. */
  readonly seen: number;
  readonly sources: readonly string[];
  readonly owner: Owner;
  /** All that it owns, in the order in which it is moved. */
  readonly parts: readonly Part[];
  /** Its prepared tables. */
  readonly prepared: readonly PreparedView[];
  /** Members that could carry nothing when EC2 was asked at `askedAt`: no instance has their ENI. */
  readonly unplugged: { readonly askedAt: Instant; readonly members: readonly string[] };
}

/** Each step asks several times; a view depends on nothing but what it is kept by. */
const views = new WeakMap<Observed, Map<Group, GroupView>>();

/** The view of `group`, whose configuration is `config`. */
export function viewGroup(config: Config, group: Group, observed: Observed): GroupView {
  const known = views.get(observed) ?? new Map<Group, GroupView>();
  views.set(observed, known);
  const view = known.get(group) ?? newView(config, group, observed);
  known.set(group, view);
  return view;
}

function newView(config: Config, group: Group, observed: Observed): GroupView {
  const members = group.members.flatMap((name) => config.appliances.find((one) => one.name === name) ?? []);
  const sources = sourcesOfGroup(group, members);
  const unplugged = unpluggedOf(members, observed);
  const seen = sources.map((source) => observed.sources[source]?.seen);
  const times = seen.flatMap((one) => one?.at ?? []);
  if (times.length < sources.length) {
    const owner: Owner = { kind: 'unknown', reason: 'EC2 has not been seen yet' };
    return { seen: -1, sources, owner, parts: [], prepared: [], unplugged };
  }
  const parts = partsOf(group, members, observed);
  return {
    observedAt: Math.min(...times),
    seen: Math.min(...seen.map((one) => one?.request ?? -1)),
    sources,
    owner: ownerOf(parts),
    parts,
    prepared: preparedOf(group, members, observed),
    unplugged,
  };
}

function unpluggedOf(members: readonly Appliance[], { sources, enis }: Observed): GroupView['unplugged'] {
  const askedAt = sources.enis?.seen?.at;
  if (askedAt === undefined) return { askedAt: Number.NEGATIVE_INFINITY, members: [] };
  const without = members.filter(({ eni }) => {
    const { attachment } = enis[eni] ?? {};
    return attachment === undefined || attachment.status === 'detached';
  });
  return { askedAt, members: without.map(({ name }) => name) };
}

const PHASES = ['settled', 'arriving', 'leaving'] as const;

/** Who has all parts; those that somebody leads elsewhere do not count, unless all are. */
function ownerOf(parts: readonly Part[]): Owner {
  const held = parts.map((part) => part.held);
  if (held.length === 0) return { kind: 'none', reason: 'no route table was found' };
  const ours = held.filter((one) => one.kind !== 'foreign');
  const [elsewhere] = held.filter((one) => one.kind === 'foreign');
  if (ours.length === 0 && elsewhere !== undefined) return elsewhere;
  const members = [...new Set(ours.flatMap((one) => (one.kind === 'member' ? one.member : [])))];
  const missing = ours.find((one) => one.kind === 'none');
  const [member] = members;
  if (member === undefined) return missing ?? { kind: 'none', reason: 'nobody has anything of it' };
  if (members.length === 1 && missing === undefined) {
    const phases = ours.map((one) => (one.kind === 'member' ? PHASES.indexOf(one.phase) : 0));
    return { kind: 'member', member, phase: PHASES[Math.max(...phases)] ?? 'settled' };
  }
  return {
    kind: 'split',
    members,
    reason: missing?.reason ?? `parts of it are with ${members.join(' and ')}`,
  };
}

/** Whether no member owns all of it for good: somebody is moving it, or was. */
export const isInTransition = (owner: Owner): boolean =>
  owner.kind === 'none' || owner.kind === 'split' || (owner.kind === 'member' && owner.phase !== 'settled');

/** `a`, `nobody (rtb-1 0.0.0.0/0 does not exist)`: for sentences. */
export function describeOwner(owner: Owner): string {
  switch (owner.kind) {
    case 'member':
      return owner.phase === 'settled' ? owner.member : `${owner.member} (${owner.phase})`;
    case 'split':
      return `nobody as a whole (${owner.reason})`;
    case 'none':
      return `nobody (${owner.reason})`;
    case 'foreign':
      return `none of its members (${owner.reason})`;
    case 'unknown':
      return `unknown (${owner.reason})`;
    default:
      return unreachable(owner);
  }
}
