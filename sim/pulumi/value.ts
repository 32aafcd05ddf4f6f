/** Property values as Pulumi sends them: JSON, in which secrets and values not yet known are marked. */

export type Value = null | boolean | number | string | readonly Value[] | Properties;
export interface Properties {
  readonly [key: string]: Value;
}

/** Pulumi's protocol: the key that marks special objects, and what it says. */
export const SIGNATURE = '4dabf18193072939515e22adb298388d';
export const SECRET = '1b47061264138c4ac30d75fd1eb44270';
/** Stands for a value that only the deployment will know. */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export const isObject = (value: Value | undefined): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isSecret = (value: Value | undefined): value is Properties =>
  isObject(value) && value[SIGNATURE] === SECRET;

export const secret = (value: Value): Properties => ({ [SIGNATURE]: SECRET, value });

/** Applies `change` to each member of an object or list. */
function mapMembers(value: Value, change: (member: Value) => Value): Value {
  if (Array.isArray(value)) return value.map((member: Value) => change(member));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member)]));
}

/** The value with all secrets laid open; refuses kinds of values that this engine does not know. */
export function revealed(value: Value): Value {
  if (isSecret(value)) return revealed(value.value ?? null);
  if (isObject(value) && SIGNATURE in value) {
    throw new Error('the test engine knows no assets, archives or resource references as property values');
  }
  return mapMembers(value, revealed);
}

/** The same for all properties of a resource. */
export const revealedProperties = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, revealed(value)]));

/** Whether anything in the value is not known yet. */
export function hasUnknown(value: Value): boolean {
  if (value === UNKNOWN) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).some((member: Value) => hasUnknown(member))
  );
}

/** Whether anything in the value is secret. */
export function hasSecret(value: Value): boolean {
  if (isSecret(value)) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).some((member: Value) => hasSecret(member))
  );
}

/** The outputs with those marked secret whose names are given. */
export const markSecret = (outputs: Properties, names: ReadonlySet<string>): Properties =>
  Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [
      key,
      names.has(key) && !isSecret(value) ? secret(value) : value,
    ]),
  );

/** Deep equality; an absent member equals nothing but an absent one. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((member: Value, index: number) => equal(member, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal(a[key], b[key]));
}

/** Names of the properties that differ, sorted. */
export const changedKeys = (old: Properties, now: Properties): readonly string[] =>
  [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((key) => !equal(old[key], now[key])).sort();

/** Splits a property path: `tags.Name`, `tags["a.b"]`, `list[0].name`. */
export function pathSegments(path: string): readonly string[] {
  const found = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g);
  return [...found].map((match) => match[1]?.replaceAll('\\"', '"') ?? match[2] ?? match[3] ?? '');
}

/** `now` with what `path` names taken from `old`; where `old` has nothing there, it is taken away. */
export function keepOld(now: Value, old: Value | undefined, path: readonly string[]): Value {
  const [head, ...rest] = path;
  if (head === undefined) return old ?? null;
  if (Array.isArray(now)) {
    const oldList: readonly Value[] = Array.isArray(old) ? old : [];
    return now.map((member: Value, index: number) =>
      head === '*' || head === String(index) ? keepOld(member, oldList[index], rest) : member,
    );
  }
  if (!isObject(now)) return now;
  const before = isObject(old) ? old : {};
  if (head === '*')
    return Object.keys(now).reduce<Value>((all, key) => keepOld(all, old, [key, ...rest]), now);
  const member = now[head];
  if (rest.length === 0 || member === undefined) {
    const { [head]: _, ...others } = now;
    const kept = rest.length === 0 ? before[head] : undefined;
    return kept === undefined ? others : { ...others, [head]: kept };
  }
  return { ...now, [head]: keepOld(member, before[head], rest) };
}
