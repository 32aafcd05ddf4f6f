/** A transaction over the store: every write is logged, so that the service can undo it. */
import type { Tx } from './handler.ts';
import { isId, makeId } from './identifier.ts';
import type { Stored } from './record/base.ts';
import type { Kind } from './record/kind.ts';
import { kinds } from './record/kinds.ts';
import { refuse } from './refusal.ts';
import {
  read,
  readAll,
  readOccupied,
  readReferring,
  type Store,
  tablesSeen,
  type Write,
  write,
} from './store.ts';

interface Opening extends Pick<Tx, 'account' | 'region' | 'now' | 'settings' | 'random' | 'after' | 'at'> {
  readonly principal: string | undefined;
  readonly store: Store;
  /** Filled with what is written, in order. */
  readonly log: Write[];
  /** Ids that are not found yet. */
  readonly unseen: ReadonlySet<string> | undefined;
}

/** Opens a transaction for one request or transition. One literal without spreads: there is one a request. */
export function openTransaction(opening: Opening): Tx {
  const { store, log, unseen, account, region, principal, now, settings, random, after, at } = opening;
  const table = tablesSeen(store, account, region);
  const get: Tx['get'] = (kind, id) => read(table(kind), id);
  const put = (kind: Kind, id: string, record: Stored | undefined): void => {
    log.push(write(store, table(kind), id, record, now));
  };
  return {
    account,
    region,
    ...(principal === undefined ? {} : { principal }),
    now,
    settings,
    random,
    after,
    at,
    date: () => new Date(settings.epochMs + now),
    get,
    need: (kind, id) => (unseen?.has(id) ? undefined : get(kind, id)) ?? absent(kind, id),
    list: (kind) => readAll(table(kind)),
    count: (kind) => table(kind).entries.size,
    order: (kind, id) => table(kind).entries.get(id)?.serial ?? -1,
    referring: (kind, id) => readReferring(table(kind), id),
    occupied: (subnet) => readOccupied(table('network-interface'), subnet),
    put: (kind, record) => {
      put(kind, record.id, record);
      return record;
    },
    remove: (kind, id) => {
      if (get(kind, id) !== undefined) put(kind, id, undefined);
    },
    newId: (prefix) => makeId(random, prefix),
  };
}

function absent(kind: Kind, id: string): never {
  const { prefix, malformed, notFound, noun } = kinds[kind];
  if (prefix !== undefined && !isId(prefix, id))
    refuse(malformed, `Invalid id: "${id}" (expecting "${prefix}-...")`);
  return refuse(notFound, `The ${noun} '${id}' does not exist`);
}
