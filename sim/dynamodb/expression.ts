/**
 * DynamoDB's condition and update expressions, as far as conditional writes of flat items need them:
 * comparisons, `attribute_exists`, `attribute_not_exists`, `if_not_exists`, NOT, AND, OR, parentheses; SET
 * (with + and -) and REMOVE. What is not understood is refused.
 */

/** An attribute value in DynamoDB's JSON: a string, a number as text, a truth value, or nothing. */
export type Value =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true };
export type Item = Readonly<Record<string, Value>>;

export interface Names {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, Value>>;
}

/** Why an expression cannot be evaluated: a ValidationException. */
export class Unreadable extends Error {}

type Token = string;
const TOKEN = /\s*(<>|<=|>=|[=<>+,()-]|[#:]?[A-Za-z_][A-Za-z0-9_]*)/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text)?.[1];
    if (found === undefined) throw new Unreadable(`Syntax error; near: ${text.slice(at, at + 20)}`);
    tokens.push(found);
  }
  return tokens;
}

/** Reads tokens one after another. */
interface Reader {
  peek(): string | undefined;
  take(expected?: string): string;
  takes(word: string): boolean;
}

function reader(text: string): Reader {
  const tokens = tokensOf(text);
  let index = 0;
  const is = (word: string): boolean => tokens[index]?.toUpperCase() === word.toUpperCase();
  return {
    peek: () => tokens[index],
    take: (expected) => {
      const token = tokens[index];
      if (token === undefined || (expected !== undefined && !is(expected)))
        throw new Unreadable(
          `Syntax error; token: ${token ?? '<EOF>'}, expected: ${expected ?? 'an operand'}`,
        );
      index += 1;
      return token;
    },
    takes: (word) => {
      if (!is(word)) return false;
      index += 1;
      return true;
    },
  };
}

function pathOf(token: string, { names }: Names): string {
  if (!token.startsWith('#')) return token;
  const name = names[token];
  if (name === undefined)
    throw new Unreadable(
      `An expression attribute name used in the document path is not defined; attribute name: ${token}`,
    );
  return name;
}

function operandOf(item: Item, token: string, names: Names): Value | undefined {
  if (!token.startsWith(':')) return item[pathOf(token, names)];
  const value = names.values[token];
  if (value === undefined)
    throw new Unreadable(
      `An expression attribute value used in expression is not defined; attribute value: ${token}`,
    );
  return value;
}

/** Whether a condition holds for an item; `{}` is one that does not exist. */
export function conditionHolds(text: string, item: Item, names: Names): boolean {
  const read = reader(text);
  const holds = either(read, item, names);
  if (read.peek() !== undefined) throw new Unreadable(`Syntax error; token: ${read.peek()}`);
  return holds;
}

function either(read: Reader, item: Item, names: Names): boolean {
  let holds = both(read, item, names);
  while (read.takes('OR')) holds = both(read, item, names) || holds;
  return holds;
}

function both(read: Reader, item: Item, names: Names): boolean {
  let holds = term(read, item, names);
  while (read.takes('AND')) holds = term(read, item, names) && holds;
  return holds;
}

function term(read: Reader, item: Item, names: Names): boolean {
  if (read.takes('NOT')) return !term(read, item, names);
  if (read.takes('(')) {
    const holds = either(read, item, names);
    read.take(')');
    return holds;
  }
  for (const [word, wanted] of [
    ['attribute_exists', true],
    ['attribute_not_exists', false],
  ] as const) {
    if (!read.takes(word)) continue;
    read.take('(');
    const exists = item[pathOf(read.take(), names)] !== undefined;
    read.take(')');
    return exists === wanted;
  }
  const left = operandOf(item, read.take(), names);
  const operator = read.take();
  return compares(operator, left, operandOf(item, read.take(), names));
}

/** Values of different types are unequal, and in no order. */
function compares(operator: string, left: Value | undefined, right: Value | undefined): boolean {
  const order = orderOf(left, right);
  switch (operator) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order !== undefined && order < 0;
    case '<=':
      return order !== undefined && order <= 0;
    case '>':
      return order !== undefined && order > 0;
    case '>=':
      return order !== undefined && order >= 0;
    default:
      throw new Unreadable(`Syntax error; token: ${operator}, expected a comparison`);
  }
}

function orderOf(left: Value | undefined, right: Value | undefined): number | undefined {
  if (left === undefined || right === undefined) return undefined;
  if ('N' in left && 'N' in right) return Number(left.N) - Number(right.N);
  if ('S' in left && 'S' in right) return left.S < right.S ? -1 : left.S > right.S ? 1 : 0;
  return JSON.stringify(left) === JSON.stringify(right) ? 0 : undefined;
}

/** The item after an update expression. */
export function updated(text: string, item: Item, names: Names): Item {
  const read = reader(text);
  const next: Record<string, Value> = { ...item };
  while (read.peek() !== undefined) {
    if (read.takes('SET')) {
      do {
        const path = pathOf(read.take(), names);
        read.take('=');
        next[path] = assigned(read, item, names);
      } while (read.takes(','));
    } else if (read.takes('REMOVE')) {
      do Reflect.deleteProperty(next, pathOf(read.take(), names));
      while (read.takes(','));
    } else throw new Unreadable(`Syntax error; token: ${read.peek()}; only SET and REMOVE are simulated`);
  }
  return next;
}

function assigned(read: Reader, item: Item, names: Names): Value {
  const first = single(read, item, names);
  const sign = read.takes('+') ? 1 : read.takes('-') ? -1 : 0;
  if (sign === 0) return first;
  const second = single(read, item, names);
  if (!('N' in first) || !('N' in second))
    throw new Unreadable('An operand in the update expression has an incorrect data type');
  return { N: String(Number(first.N) + sign * Number(second.N)) };
}

function single(read: Reader, item: Item, names: Names): Value {
  const token = read.take();
  let value: Value | undefined;
  if (token.toLowerCase() === 'if_not_exists') {
    read.take('(');
    value = item[pathOf(read.take(), names)];
    read.take(',');
    value ??= operandOf(item, read.take(), names);
    read.take(')');
  } else value = operandOf(item, token, names);
  if (value === undefined)
    throw new Unreadable('The provided expression refers to an attribute that does not exist in the item');
  return value;
}
