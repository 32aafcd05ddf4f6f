/**
 * `byoa check --aws`: the table of leases, by the requests that the daemon makes. The write is conditional,
 * and its condition never holds.
 */
import {
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Config, LeaseStore } from '../config.ts';
import type { LeaseCall } from '../lease/call.ts';
import { toLeaseOutcome, toLeaseRequest } from '../lease/request.ts';
import { failureOf } from './aws-failure.ts';
import type { Finding } from './finding.ts';

/** Yields what was found out about the table; nothing where no group has a lease. */
export async function* checkLeases({ leaseStore, groups }: Config): AsyncGenerator<Finding> {
  const group = groups.find(({ lease }) => lease !== undefined);
  if (leaseStore === undefined || group === undefined) return;
  const { region, endpoint, table } = leaseStore;
  const client = new DynamoDBClient({
    region,
    accountIdEndpointMode: 'disabled',
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  try {
    for (const call of probesOf(group.name)) yield await tryCall(client, leaseStore, call);
  } finally {
    client.destroy();
  }
  const names = groups.filter(({ lease }) => lease === undefined).map(({ name }) => name);
  if (names.length > 0)
    yield {
      ok: true,
      what: `leases: ${names.join(', ')} ${names.length > 1 ? 'have' : 'has'} none in ${table}`,
    };
}

/** One of each request; no record has a negative token. */
const probesOf = (group: string): readonly LeaseCall[] => [
  { kind: 'read', group },
  { kind: 'wish', group, token: -1, wish: { by: 'check', fitness: 0 } },
];

async function tryCall(client: DynamoDBClient, store: LeaseStore, call: LeaseCall): Promise<Finding> {
  const { action, input } = toLeaseRequest(call, store.table);
  const what = `dynamodb:${action} on ${store.table} in ${store.region}`;
  try {
    const output =
      action === 'GetItem'
        ? await client.send(new GetItemCommand(input as GetItemCommandInput))
        : await client.send(new UpdateItemCommand(input as UpdateItemCommandInput));
    const outcome = toLeaseOutcome(output);
    if (outcome.kind !== 'refused') return { ok: true, what: `${what} is allowed` };
    return { ok: false, what: `${what}: ${outcome.reason}`, remedy: 'give leases a table of their own' };
  } catch (error) {
    const { code = '', message } = failureOf(error);
    if (code === 'ConditionalCheckFailedException') return { ok: true, what: `${what} is allowed` };
    return { ok: false, what: `${what}: ${code} ${message}`.trim(), remedy: remedyOf(code, action, store) };
  }
}

function remedyOf(code: string, action: string, { table, region }: LeaseStore): string {
  const schema =
    '--attribute-definitions AttributeName=group,AttributeType=S --key-schema AttributeName=group,KeyType=HASH';
  const create = `aws dynamodb create-table --region ${region} --table-name ${table} ${schema} --billing-mode PAY_PER_REQUEST`;
  if (code === 'ResourceNotFoundException') return create;
  if (code === 'ValidationException')
    return `its partition key must be group, a string, with no sort key; make another: ${create}`;
  if (code.startsWith('AccessDenied')) return `allow dynamodb:${action} on it in the role of this node`;
  return 'see that DynamoDB can be reached from here';
}
