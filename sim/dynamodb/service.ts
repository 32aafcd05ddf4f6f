/**
 * DynamoDB without I/O, as much as conditional writes need: tables with a partition key, items by it. Answers
 * are those of JSON 1.0; exceptions have DynamoDB's names.
 */
import { z } from 'zod';
import { conditionHolds, type Item, type Names, Unreadable, updated, type Value } from './expression.ts';

export interface Request {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  /** The operation, e.g. `UpdateItem`. */
  readonly action: string;
  readonly input: unknown;
}

export type Reply =
  | { readonly kind: 'ok'; readonly output: object }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly status: number };

interface Table {
  readonly name: string;
  /** The name of the partition key. */
  readonly key: string;
  readonly items: Map<string, Item>;
}

/** All tables, by account, region and name. */
export interface Tables {
  readonly all: Map<string, Table>;
}

export const createTables = (): Tables => ({ all: new Map() });

const value = z.union([
  z.strictObject({ S: z.string() }),
  z.strictObject({ N: z.string().regex(/^-?\d+(\.\d+)?$/) }),
  z.strictObject({ BOOL: z.boolean() }),
  z.strictObject({ NULL: z.literal(true) }),
]);
const item = z.record(z.string(), value);
const named = { TableName: z.string().min(1) };
const condition = {
  ConditionExpression: z.string().optional(),
  ExpressionAttributeNames: z.record(z.string(), z.string()).default({}),
  ExpressionAttributeValues: item.default({}),
};
const returned = { ReturnValues: z.enum(['NONE', 'ALL_OLD', 'ALL_NEW']).default('NONE') };

const INPUT = {
  CreateTable: z.object({
    ...named,
    KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.literal('HASH') })).length(1),
  }),
  DescribeTable: z.object(named),
  DeleteTable: z.object(named),
  GetItem: z.object({ ...named, Key: item, ConsistentRead: z.boolean().optional() }),
  PutItem: z.object({ ...named, Item: item, ...condition, ...returned }),
  UpdateItem: z.object({ ...named, Key: item, UpdateExpression: z.string(), ...condition, ...returned }),
  DeleteItem: z.object({ ...named, Key: item, ...condition, ...returned }),
} as const;

type Action = keyof typeof INPUT;
type Input<A extends Action> = z.output<(typeof INPUT)[A]>;

const error = (code: string, message: string): Reply => ({ kind: 'error', code, message, status: 400 });
const ok = (output: object = {}): Reply => ({ kind: 'ok', output });
const isAction = (action: string): action is Action => Object.hasOwn(INPUT, action);

/** Puts back the item that a request about one item would change; for requests that are tried out. */
export function restorerOf(tables: Tables, { account, region, input }: Request): () => void {
  const { TableName, Key } = input as { readonly TableName: string; readonly Key: Item };
  const table = tables.all.get(`${account}/${region}/${TableName}`);
  if (table === undefined) return () => undefined;
  const key = keyOf(table, Key);
  const before = table.items.get(key);
  return () => {
    if (before === undefined) table.items.delete(key);
    else table.items.set(key, before);
  };
}

/** Handles one request; an error changes nothing. */
export function handle(tables: Tables, { account, region, action, input }: Request): Reply {
  if (!isAction(action)) return error('UnknownOperationException', `${action} is not simulated.`);
  const parsed = INPUT[action].safeParse(input);
  if (!parsed.success) return error('ValidationException', z.prettifyError(parsed.error));
  const at = `${account}/${region}/${parsed.data.TableName}`;
  try {
    if (action === 'CreateTable') return createTable(tables, at, parsed.data as Input<'CreateTable'>);
    const table = tables.all.get(at);
    if (table === undefined)
      return error(
        'ResourceNotFoundException',
        `Requested resource not found: Table: ${parsed.data.TableName} not found`,
      );
    return withTable(tables, at, table, action, parsed.data);
  } catch (thrown) {
    if (thrown instanceof Unreadable) return error('ValidationException', thrown.message);
    throw thrown;
  }
}

function createTable(tables: Tables, at: string, { TableName, KeySchema }: Input<'CreateTable'>): Reply {
  if (tables.all.has(at)) return error('ResourceInUseException', `Table already exists: ${TableName}`);
  const table: Table = { name: TableName, key: KeySchema[0]?.AttributeName ?? '', items: new Map() };
  tables.all.set(at, table);
  return ok({ TableDescription: descriptionOf(table) });
}

const descriptionOf = ({ name, key, items }: Table): object => ({
  TableName: name,
  TableStatus: 'ACTIVE',
  KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
  ItemCount: items.size,
});

function withTable(tables: Tables, at: string, table: Table, action: Action, input: Input<Action>): Reply {
  switch (action) {
    case 'DescribeTable':
      return ok({ Table: descriptionOf(table) });
    case 'DeleteTable':
      tables.all.delete(at);
      return ok({ TableDescription: { ...descriptionOf(table), TableStatus: 'DELETING' } });
    case 'GetItem': {
      const found = table.items.get(keyOf(table, (input as Input<'GetItem'>).Key));
      return ok(found === undefined ? {} : { Item: found });
    }
    case 'PutItem': {
      const put = input as Input<'PutItem'>;
      return write(table, keyOf(table, put.Item), put, () => put.Item as Item);
    }
    case 'UpdateItem': {
      const update = input as Input<'UpdateItem'>;
      const change = (before: Item): Item =>
        updated(update.UpdateExpression, { ...before, ...update.Key }, namesOf(update));
      return write(table, keyOf(table, update.Key), update, change);
    }
    case 'DeleteItem': {
      const gone = input as Input<'DeleteItem'>;
      return write(table, keyOf(table, gone.Key), gone, () => undefined);
    }
    case 'CreateTable':
      throw new Error('assertion failed: CreateTable has no table yet');
  }
}

type Condition = z.output<z.ZodObject<typeof condition>>;

const namesOf = ({ ExpressionAttributeNames, ExpressionAttributeValues }: Condition): Names => ({
  names: ExpressionAttributeNames,
  values: ExpressionAttributeValues as Readonly<Record<string, Value>>,
});

function keyOf({ key }: Table, item: Readonly<Record<string, Value>>): string {
  const found = item[key];
  if (found === undefined || !('S' in found))
    throw new Unreadable(`The provided key element does not match the schema: ${key} must be a string`);
  return found.S;
}

/** A conditional write: the item is replaced by what `change` makes of it, or removed. */
function write(
  table: Table,
  key: string,
  input: Condition & { readonly ReturnValues: 'NONE' | 'ALL_OLD' | 'ALL_NEW' },
  change: (before: Item) => Item | undefined,
): Reply {
  const before = table.items.get(key);
  const { ConditionExpression, ReturnValues } = input;
  if (ConditionExpression !== undefined && !conditionHolds(ConditionExpression, before ?? {}, namesOf(input)))
    return error('ConditionalCheckFailedException', 'The conditional request failed');
  const after = change(before ?? {});
  if (after === undefined) table.items.delete(key);
  else table.items.set(key, after);
  const shown = ReturnValues === 'ALL_NEW' ? after : ReturnValues === 'ALL_OLD' ? before : undefined;
  return ok(shown === undefined ? {} : { Attributes: shown });
}
