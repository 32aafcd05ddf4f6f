/**
 * What is written to bring a group to a member, and in which order: of what was prepared, that which takes
 * the fewest calls. Where many routes of a table have to lead elsewhere, what uses the table changes to the
 * one that was prepared for the member, if that is complete; otherwise, and where EC2 refuses the change for
 * good, the routes are replaced one by one. Pure: `byoa plan` and the daemon ask the same function.
 */
import type { Operation } from './group.ts';
import { isWith, LAST_RESORT, type Part } from './part.ts';
import { associationPart, inOrder } from './parts.ts';
import { flawOf, type PreparedTable, type PreparedView } from './prepared.ts';
import type { GroupView } from './view.ts';

export type Aim = Pick<Operation, 'to' | 'cause' | 'steps'>;

/** The parts that are written, or were; those that are with the member already are among them. */
export function partsToMove(aim: Aim, { parts, prepared }: GroupView): readonly Part[] {
  const changes = prepared.flatMap((view) => changesOf(aim, view));
  const replaced = new Set(changes.flatMap(({ instead }) => instead));
  const kept = parts.filter((part) => !replaced.has(part.key) && mayWrite(aim, part));
  return inOrder([...changes.map(({ part }) => part), ...kept]);
}

/**
 * What somebody leads elsewhere is left alone unless an operator asks; and in any case what uses a table of
 * somebody else.
 */
const mayWrite = ({ cause }: Aim, { held, thing }: Part): boolean =>
  held.kind !== 'foreign' || (cause === 'switchover' && thing.kind === 'route');

interface Change {
  readonly part: Part;
  /** The routes that need not be written for it. */
  readonly instead: readonly string[];
}

/** Each subnet or gateway that changes to the table of the member, or was told to. */
function changesOf(aim: Aim, view: PreparedView): readonly Change[] {
  const { set, rank, uses, tables } = view;
  const isLast = aim.to === LAST_RESORT && set.prepared?.lastResort !== undefined;
  return uses.flatMap((use): Change[] => {
    const table = tables.find(({ id }) => id === use.table);
    if (table === undefined) return [];
    const changes = isLast || isWorthwhile(aim, view, table);
    if (!changes && aim.steps[use.place] === undefined) return [];
    // The routes of prepared tables have no last resort of their own, which they could lead to instead.
    if (!isLast && isRefused(aim, use.place)) return [];
    const held = { kind: 'member', member: table.member, phase: 'settled' } as const;
    const part = associationPart(use.place, set, rank, use, held);
    return [{ part, instead: changes ? table.routes.map(({ key }) => key) : [] }];
  });
}

/** Whether what uses `table` changes to the one for the member, rather than that its routes are replaced. */
function isWorthwhile(aim: Aim, { uses, tables }: PreparedView, table: PreparedTable): boolean {
  const next = tables.find(({ member }) => member === aim.to);
  const due = table.routes.filter((part) => !isWith(part, aim.to));
  const places = uses.flatMap((use) => (use.table === table.id ? [use.place] : []));
  if (next === undefined || next.id === table.id) return false;
  if (due.length === 0 || due.length < places.length) return false;
  // What was begun is carried on: a route that has been written is not taken back by changing tables.
  if (table.routes.some(({ key }) => aim.steps[key] !== undefined)) return false;
  if (places.some((place) => isRefused(aim, place))) return false;
  return due.every((part) => mayWrite(aim, part)) && flawOf(table, next) === undefined;
}

const isRefused = ({ steps }: Aim, place: string): boolean => steps[place]?.state === 'failed';
