/** A transaction over the store: every write is logged, so that the service can undo it. */
import type { Tx } from './handler.ts';
import { isId, makeId } from './identifier.ts';
import type { Stored } from './record/base.ts';
import type { Kind } from './record/kind.ts';
import { kinds } from './record/kinds.ts';
import { refuse } from './refusal.ts';
import { read, readAll, readReferring, type Store, tableOf, type Write, write } from './store.ts';

interface Opening extends Pick<Tx, 'account' | 'region' | 'now' | 'settings' | 'random' | 'after'> {
  readonly store: Store;
  /** Filled with what is written, in order. */
  readonly log: Write[];
  /** Ids that are not found yet. */
  readonly unseen?: ReadonlySet<string>;
}

/** Opens a transaction for one request or transition. */
export function openTransaction({ store, log, unseen, ...given }: Opening): Tx {
  const { account, region, now, settings, random } = given;
  const table = (kind: Kind): ReturnType<typeof tableOf> => tableOf(store, kind, account, region);
  const get: Tx['get'] = (kind, id) => read(table(kind), id);
  const put = (kind: Kind, id: string, record: Stored | undefined): void => {
    log.push(write(store, table(kind), id, record, now));
  };
  return {
    ...given,
    date: () => new Date(settings.epochMs + now),
    get,
    need: (kind, id) => (unseen?.has(id) ? undefined : get(kind, id)) ?? absent(kind, id),
    list: (kind) => readAll(table(kind)),
    order: (kind, id) => table(kind).entries.get(id)?.serial ?? -1,
    referring: (kind, id) => readReferring(table(kind), id),
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
