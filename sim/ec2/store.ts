/**
 * The records of a cloud, by scope and kind, each with an index of the ids that it refers to. Every write is
 * logged with what stood there before, so that a failing handler, a dry run and a stale read can be undone
 * exactly.
 */
import type { Instant } from '../../controller/base/time.ts';
import { nobody, type Occupied, occupy, vacate } from './occupied.ts';
import type { Scope, Stored } from './record/base.ts';
import type { Held, Kind, Records } from './record/kind.ts';
import { kinds } from './record/kinds.ts';

interface Entry {
  /** Order of creation: lists are in this order. */
  readonly serial: number;
  readonly record: Stored;
}

export interface Table {
  readonly kind: Kind;
  /** An account and region, an account, or `cloud`. */
  readonly scope: string;
  readonly entries: Map<string, Entry>;
  readonly referring: Map<string, Set<string>>;
  /** Addresses that the records hold, by subnet. */
  readonly occupied: Map<string, Occupied>;
  /** The highest serial ever placed here. */
  newest: number;
  /** False after an undone removal; the next list sorts. */
  sorted: boolean;
}

/** One write: what stood there and what stands there now. */
export interface Write {
  readonly table: Table;
  readonly id: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  readonly at: Instant;
}

export interface Store {
  readonly scopes: Map<string, Map<Kind, Table>>;
  serial: number;
}

export const createStore = (): Store => ({ scopes: new Map(), serial: 0 });

export const scopeName = (scope: Scope, account: string, region: string): string =>
  scope === 'region' ? `${account}/${region}` : scope === 'account' ? account : 'cloud';

/** The table of a kind as seen from an account and region. */
export const tableOf = (store: Store, kind: Kind, account: string, region: string): Table =>
  tableIn(store, kind, scopeName(kinds[kind].scope, account, region));

/** The table of a kind in a scope: an account and region, an account, or `cloud`. */
export function tableIn(store: Store, kind: Kind, name: string): Table {
  let scope = store.scopes.get(name);
  if (scope === undefined) {
    scope = new Map();
    store.scopes.set(name, scope);
  }
  let table = scope.get(kind);
  if (table === undefined) {
    const [entries, referring, occupied] = [new Map(), new Map(), new Map()];
    table = { kind, scope: name, entries, referring, occupied, newest: -1, sorted: true };
    scope.set(kind, table);
  }
  return table;
}

/** The tables that an account and region see; each is looked for once. */
export function tablesSeen(store: Store, account: string, region: string): (kind: Kind) => Table {
  const seen = new Map<Kind, Table>();
  return (kind) => {
    let table = seen.get(kind);
    if (table === undefined) {
      table = tableOf(store, kind, account, region);
      seen.set(kind, table);
    }
    return table;
  };
}

export const read = <K extends Kind>(table: Table, id: string): Records[K] | undefined =>
  table.entries.get(id)?.record as Records[K] | undefined;

/** All records in order of creation. */
export function readAll<K extends Kind>(table: Table): Records[K][] {
  if (!table.sorted) {
    const ordered = [...table.entries].sort(([, a], [, b]) => a.serial - b.serial);
    table.entries.clear();
    for (const [id, entry] of ordered) table.entries.set(id, entry);
    table.sorted = true;
  }
  return Array.from(table.entries.values(), (entry) => entry.record as Records[K]);
}

/** The records that refer to `id`, in order of creation. */
export function readReferring<K extends Kind>(table: Table, id: string): Records[K][] {
  const ids = table.referring.get(id);
  if (ids === undefined) return [];
  const entries = Array.from(ids, (each) => table.entries.get(each)).filter((entry) => entry !== undefined);
  return entries.sort((a, b) => a.serial - b.serial).map((entry) => entry.record as Records[K]);
}

/** The addresses that the records of a kind hold in a subnet. */
export function readOccupied(table: Table, subnet: string): Occupied {
  let occupied = table.occupied.get(subnet);
  if (occupied === undefined) {
    occupied = nobody();
    table.occupied.set(subnet, occupied);
  }
  return occupied;
}

/** Puts a record under its id, or removes it where `record` is undefined; returns the write for the log. */
export function write(
  store: Store,
  table: Table,
  id: string,
  record: Stored | undefined,
  at: Instant,
): Write {
  const before = table.entries.get(id);
  const after = record && { serial: before?.serial ?? store.serial++, record };
  place(table, id, before, after);
  return { table, id, before, after, at };
}

export const undo = (done: Write): void => place(done.table, done.id, done.after, done.before);
export const redo = (undone: Write): void => place(undone.table, undone.id, undone.before, undone.after);

function place(table: Table, id: string, from: Entry | undefined, to: Entry | undefined): void {
  const { refersTo, holds } = kinds[table.kind] as unknown as Indices;
  const old = from ? refersTo(from.record) : [];
  const now = to ? refersTo(to.record) : [];
  if (old.length !== now.length || old.some((each, index) => each !== now[index])) {
    for (const target of old) unlink(table, target, id);
    for (const target of now) link(table, target, id);
  }
  if (holds !== undefined) {
    if (to) forEachHeld(table, holds(to.record), occupy);
    if (from) forEachHeld(table, holds(from.record), vacate);
  }
  if (to === undefined) {
    table.entries.delete(id);
  } else {
    if (from === undefined && to.serial < table.newest) table.sorted = false;
    table.newest = Math.max(table.newest, to.serial);
    table.entries.set(id, to);
  }
}

/** What `kinds` says of how its records are found, with their type forgotten. */
interface Indices {
  readonly refersTo: (record: Stored) => readonly string[];
  readonly holds?: (record: Stored) => Held;
}

function forEachHeld(
  table: Table,
  { subnet, addresses }: Held,
  run: (occupied: Occupied, address: string) => void,
): void {
  const occupied = readOccupied(table, subnet);
  for (const address of addresses) run(occupied, address);
}

function link(table: Table, target: string, id: string): void {
  const ids = table.referring.get(target);
  if (ids) ids.add(id);
  else table.referring.set(target, new Set([id]));
}

function unlink(table: Table, target: string, id: string): void {
  const ids = table.referring.get(target);
  if (ids?.delete(id) && ids.size === 0) table.referring.delete(target);
}
