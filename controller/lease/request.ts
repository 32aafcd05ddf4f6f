/**
 * Requests about leases as DynamoDB has them: one item for each group, conditional updates, consistent reads.
 * Pure; the shell sends them. Expressions: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/
 */
import { unreachable } from '../base/result.ts';
import { type Failure, toOutcome } from '../ec2/failure.ts';
import type { LeaseCall, LeaseOutcome, LeaseRecord } from './call.ts';

/** An attribute: a string, or a number as text. */
export type Attribute = { readonly S: string } | { readonly N: string };
export type Item = Readonly<Record<string, Attribute>>;

export type LeaseRequest =
  | { readonly action: 'GetItem'; readonly input: object }
  | { readonly action: 'UpdateItem'; readonly input: object };

const text = (S: string): Attribute => ({ S });
const number = (value: number): Attribute => ({ N: String(value) });

/** The request for a call. All names stand for themselves: some are words of the language. */
export function toLeaseRequest(call: LeaseCall, table: string): LeaseRequest {
  const at = { TableName: table, Key: { group: text(call.group) } };
  switch (call.kind) {
    case 'read':
      return { action: 'GetItem', input: { ...at, ConsistentRead: true } };
    case 'wish': {
      const { by, fitness } = call.wish;
      return update(at, '#token = :expected', {
        names: ['token'],
        expected: { ':expected': number(call.token) },
        set: { wantedBy: text(by), wantedFitness: number(fitness) },
        remove: [],
      });
    }
    case 'write': {
      const { expect, next } = call;
      const isNew = expect === 'absent';
      const keeps = !isNew && expect.token === next.token;
      return update(
        at,
        isNew ? 'attribute_not_exists(#group)' : '#token = :token_was AND #beat = :beat_was',
        {
          names: isNew ? ['group'] : [],
          expected: isNew ? {} : { ':token_was': number(expect.token), ':beat_was': number(expect.beat) },
          set: {
            token: number(next.token),
            beat: number(next.beat),
            fitness: number(next.fitness),
            ...(next.holder === undefined ? {} : { holder: text(next.holder) }),
          },
          remove: [
            ...(next.holder === undefined ? ['holder'] : []),
            ...(keeps ? [] : ['wantedBy', 'wantedFitness']),
          ],
        },
      );
    }
    default:
      return unreachable(call);
  }
}

interface Update {
  /** Attributes of the condition that are not set. */
  readonly names: readonly string[];
  readonly expected: Item;
  readonly set: Item;
  readonly remove: readonly string[];
}

function update(at: object, condition: string, { names, expected, set, remove }: Update): LeaseRequest {
  const assigned = Object.keys(set).map((name) => `#${name} = :${name}`);
  const removed = remove.length === 0 ? '' : ` REMOVE ${remove.map((name) => `#${name}`).join(', ')}`;
  const all = new Set([...names, ...Object.keys(set), ...remove]);
  const values = Object.entries(set).map(([name, value]): [string, Attribute] => [`:${name}`, value]);
  return {
    action: 'UpdateItem',
    input: {
      ...at,
      ConditionExpression: condition,
      UpdateExpression: `SET ${assigned.join(', ')}${removed}`,
      ExpressionAttributeNames: Object.fromEntries([...all].map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: { ...expected, ...Object.fromEntries(values) },
      ReturnValues: 'ALL_NEW',
    },
  };
}

/** What an answer says: the item, of either action. An item that is none of ours is not understood. */
export function toLeaseOutcome(output: object): LeaseOutcome {
  const { Item: item, Attributes: attributes } = output as {
    readonly Item?: Item;
    readonly Attributes?: Item;
  };
  const found = item ?? attributes;
  if (found === undefined) return { kind: 'ok' };
  const record = recordOf(found);
  if (record !== undefined) return { kind: 'ok', record };
  return {
    kind: 'refused',
    reason: `the item of ${stringOf(found, 'group')} is no lease: it has no token and beat`,
  };
}

function recordOf(item: Item): LeaseRecord | undefined {
  const [token, beat] = [numberOf(item, 'token'), numberOf(item, 'beat')];
  if (token === undefined || beat === undefined) return undefined;
  const [holder, by] = [stringOf(item, 'holder'), stringOf(item, 'wantedBy')];
  return {
    token,
    beat,
    fitness: numberOf(item, 'fitness') ?? 0,
    ...(holder === undefined ? {} : { holder }),
    ...(by === undefined ? {} : { wanted: { by, fitness: numberOf(item, 'wantedFitness') ?? 0 } }),
  };
}

function stringOf(item: Item, name: string): string | undefined {
  const value = item[name];
  return value !== undefined && 'S' in value ? value.S : undefined;
}

function numberOf(item: Item, name: string): number | undefined {
  const value = item[name];
  const found = value !== undefined && 'N' in value ? Number(value.N) : undefined;
  return Number.isFinite(found) ? found : undefined;
}

/** How a request that failed has ended. A condition that did not hold is an answer. */
export function toLeaseFailure(failure: Failure): LeaseOutcome {
  const outcome = toOutcome(failure);
  if (outcome.kind !== 'rejected') return { kind: 'unknown', reason: failure.message };
  if (outcome.code === 'ConditionalCheckFailedException') return { kind: 'rejected' };
  return { kind: 'refused', reason: `${outcome.code}: ${outcome.message}` };
}
