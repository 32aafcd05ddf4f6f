/**
 * One described resource, read member by member. What is never asked for is known in the end, so that nothing
 * that a description says is dropped in silence.
 */

export interface Item {
  readonly has: (name: string) => boolean;
  readonly text: (name: string) => string | undefined;
  readonly number: (name: string) => number | undefined;
  /** False where it is absent. */
  readonly flag: (name: string) => boolean;
  /** ISO 8601 text or a date; absent where it is neither. */
  readonly date: (name: string) => Date | undefined;
  readonly texts: (name: string) => readonly string[];
  readonly items: (name: string) => readonly Item[];
  /** The member; one without members where it is absent. */
  readonly item: (name: string) => Item;
  /** The member as it was described, with all that is in it; an empty object where it is none. */
  readonly whole: (name: string) => object;
  /** Members that follow from others, or say nothing about the network. */
  readonly ignore: (...names: string[]) => void;
  /** Paths of the members that say something and were never asked for. */
  readonly unread: () => readonly string[];
}

/** Whether a member is as good as absent. */
export const saysNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && !(value instanceof Date) && Object.keys(value).length === 0);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Reads `raw`, an object of a Describe answer. */
export function createItem(raw: unknown): Item {
  const members = isObject(raw) ? raw : {};
  const read = new Set<string>();
  const inner = new Map<string, Item>();
  const get = (name: string): unknown => {
    read.add(name);
    return Object.hasOwn(members, name) ? members[name] : undefined;
  };
  const list = (name: string): readonly unknown[] => {
    const value = get(name);
    return Array.isArray(value) ? value : [];
  };
  const open = (path: string, value: unknown): Item => {
    const known = inner.get(path) ?? createItem(value);
    inner.set(path, known);
    return known;
  };
  return {
    has: (name) => Object.hasOwn(members, name),
    text: (name) => {
      const value = get(name);
      return typeof value === 'string' && value !== '' ? value : undefined;
    },
    number: (name) => {
      const value = get(name);
      const number = typeof value === 'string' && value !== '' ? Number(value) : value;
      return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
    },
    flag: (name) => get(name) === true,
    date: (name) => {
      const value = get(name);
      const date = typeof value === 'string' ? new Date(value) : value;
      return date instanceof Date && !Number.isNaN(date.getTime()) ? date : undefined;
    },
    texts: (name) => list(name).filter((each) => typeof each === 'string'),
    items: (name) => list(name).map((each, index) => open(`${name}.${index}`, each)),
    item: (name) => open(name, get(name)),
    whole: (name) => {
      const value = get(name);
      return isObject(value) ? value : {};
    },
    ignore: (...names) => {
      for (const name of names) read.add(name);
    },
    unread: () => [
      ...Object.keys(members).filter((name) => !read.has(name) && !saysNothing(members[name])),
      ...[...inner].flatMap(([name, item]) => item.unread().map((path) => `${name}.${path}`)),
    ],
  };
}

/** A list of tags as a record has them. */
export const tagsOf = (item: Item, name = 'Tags'): Readonly<Record<string, string>> =>
  Object.fromEntries(item.items(name).map((tag) => [tag.text('Key') ?? '', tag.text('Value') ?? '']));

export const stateOf = (item: Item): string | undefined => item.text('State');

export const enabled = (item: Item, name: string): boolean => item.text(name) === 'enable';
