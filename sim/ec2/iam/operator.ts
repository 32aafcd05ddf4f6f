/**
 * Condition operators: whether the values of a key are as a policy wants them. Source: IAM User Guide, "IAM
 * JSON policy elements: Condition operators" and "Conditions with multiple context keys or values".
 */
import { contains, covers, parseAddress, parsePrefix } from '../../../controller/base/ip.ts';
import type { Context } from './context.ts';
import { filled, matches } from './pattern.ts';

/** Whether one value of the request is as one value of the policy, with what the request's variables are. */
type Compare = (wanted: string, found: string, context: Context | undefined) => boolean;

export interface Operator {
  /** `Null` asks whether the key is there. */
  readonly compare: Compare | 'null';
  /** `StringNotEquals` and the like: none of the policy's values may be it. */
  readonly negated: boolean;
  /** `...IfExists`: holds where the key is not there. */
  readonly ifExists: boolean;
  /** `ForAllValues:` or `ForAnyValue:`, for keys with several values. */
  readonly set?: 'all' | 'any';
}

const text =
  (change: (text: string) => string): Compare =>
  (wanted, found, context) => {
    const full = filled(wanted, context);
    return full !== undefined && change(full) === change(found);
  };

const numbers =
  (holds: (found: number, wanted: number) => boolean, read: (text: string) => number = Number): Compare =>
  (wanted, found) => {
    const [a, b] = [read(found), read(wanted)];
    return !Number.isNaN(a) && !Number.isNaN(b) && holds(a, b);
  };

/** ISO 8601, or seconds of Unix time. */
const dateOf = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

/** An address, or a block, within a block or equal to an address. */
const within: Compare = (wanted, found) => {
  const [block, inner] = [blockOf(wanted), blockOf(found)];
  if (block === undefined || inner === undefined || block.address.family !== inner.address.family)
    return false;
  return found.includes('/') ? covers(block, inner) : contains(block, inner.address);
};

function blockOf(text: string) {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    return prefix.ok ? prefix.value : undefined;
  }
  const address = parseAddress(text);
  if (!address.ok) return undefined;
  return { address: address.value, length: address.value.family === 4 ? 32 : 128 };
}

/** ARNs: each of the six parts that colons separate by itself, so that no wildcard spans two. */
const arn: Compare = (wanted, found, context) => {
  const [patterns, parts] = [partsOf(wanted), partsOf(found)];
  return patterns.every((pattern, index) => matches(pattern, parts[index] ?? '', context));
};

/** The first five parts, and the rest. A colon within a variable separates nothing. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const char of text) {
    if (char === '{') depth++;
    else if (char === '}') depth--;
    if (char === ':' && depth === 0 && parts.length < 6) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return [...parts, ...Array.from({ length: 6 - parts.length }, () => '')];
}

const same = (value: string): string => value;
const folded = (value: string): string => value.toLowerCase();

const COMPARE: Readonly<Record<string, Compare>> = {
  StringEquals: text(same),
  StringEqualsIgnoreCase: text(folded),
  StringLike: matches,
  NumericEquals: numbers((a, b) => a === b),
  NumericLessThan: numbers((a, b) => a < b),
  NumericLessThanEquals: numbers((a, b) => a <= b),
  NumericGreaterThan: numbers((a, b) => a > b),
  NumericGreaterThanEquals: numbers((a, b) => a >= b),
  DateEquals: numbers((a, b) => a === b, dateOf),
  DateLessThan: numbers((a, b) => a < b, dateOf),
  DateLessThanEquals: numbers((a, b) => a <= b, dateOf),
  DateGreaterThan: numbers((a, b) => a > b, dateOf),
  DateGreaterThanEquals: numbers((a, b) => a >= b, dateOf),
  Bool: text(folded),
  BinaryEquals: text(same),
  IpAddress: within,
  ArnEquals: arn,
  ArnLike: arn,
};

const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

/** The names of all operators, without prefix and suffix. */
export const OPERATOR_NAMES = [...Object.keys(COMPARE), ...Object.keys(NEGATED), 'Null'] as const;

/** The operator of a name such as `ForAllValues:StringLikeIfExists`; undefined where there is none. */
export function operatorOf(name: string): Operator | undefined {
  const [, prefix, base = '', suffix] =
    /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name) ?? [];
  if (base === 'Null') {
    return suffix === undefined ? { compare: 'null', negated: false, ifExists: false } : undefined;
  }
  const positive = Object.hasOwn(NEGATED, base) ? (NEGATED[base] ?? '') : base;
  const compare = Object.hasOwn(COMPARE, positive) ? COMPARE[positive] : undefined;
  if (compare === undefined) return undefined;
  return {
    compare,
    negated: positive !== base,
    ifExists: suffix !== undefined,
    ...(prefix !== undefined && { set: prefix === 'ForAllValues' ? 'all' : 'any' }),
  };
}

/** Whether a condition holds: any of its values will do, or for a negated operator none may. */
export function holds(
  { compare, negated, ifExists, set }: Operator,
  key: string,
  wanted: readonly string[],
  context: Context,
  variables: boolean,
): boolean {
  const found = context.get(key.toLowerCase());
  if (compare === 'null') return wanted.some((each) => (folded(each) === 'true') === (found === undefined));
  if (found === undefined || found.length === 0)
    return ifExists || set === 'all' || (negated && set !== 'any');
  const isWanted = (value: string): boolean =>
    wanted.some((each) => compare(each, value, variables ? context : undefined));
  const fits = (value: string): boolean => isWanted(value) !== negated;
  if (set === 'all') return found.every(fits);
  if (set === 'any') return found.some(fits);
  return negated ? found.every(fits) : found.some(fits);
}
