/** The daemon's client of leases against DynamoDBs of others, and against the simulator's: the same story. */
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LeaseCall, LeaseOutcome, LeaseRecord } from '../../controller/lease/call.ts';
import { fixedCredentials } from '../../controller/shell/aws.ts';
import { type KeptCredentials, keepCredentials } from '../../controller/shell/aws-credentials.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';
import { createLeaseClient, type LeaseClient } from '../../controller/shell/lease-client.ts';
import { startServer } from '../../sim/server/server.ts';
import { startMoto, whyNoMoto } from '../clients/moto-server.ts';
import { titleOf } from '../title.ts';

const REGION = 'eu-central-1';
const TABLE = 'leases';

interface Store {
  readonly endpoint: string;
  readonly close: () => Promise<void>;
}

async function startDynalite(): Promise<Store> {
  const dynalite = createRequire(import.meta.url)('dynalite') as (options: object) => Server;
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function startSimulated(): Promise<Store> {
  const simulator = await startServer();
  return { endpoint: simulator.url, close: simulator.close };
}

const STORES: readonly (readonly [string, () => Promise<Store>, string | undefined])[] = [
  ['dynalite', startDynalite, undefined],
  ['the simulator', startSimulated, undefined],
  [titleOf('moto', whyNoMoto), startMoto, whyNoMoto],
];

describe.each(STORES)('%s', (name, start, why) => {
  let store: Store;
  let dynamodb: DynamoDBClient;
  let credentials: KeptCredentials;
  let client: LeaseClient;
  const failures: string[] = [];

  describe.skipIf(why !== undefined)('as a store of leases', () => {
    beforeAll(async () => {
      store = await start();
      const { endpoint } = store;
      const keys = { accessKeyId: '123456789012', secretAccessKey: 'x' };
      dynamodb = new DynamoDBClient({ endpoint, region: REGION, credentials: keys });
      await dynamodb.send(
        new CreateTableCommand({
          TableName: TABLE,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'group', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }],
        }),
      );
      await vi.waitFor(async () => {
        const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: TABLE }));
        expect(Table?.TableStatus).toBe('ACTIVE');
      });
      credentials = keepCredentials({
        source: fixedCredentials(keys.accessKeyId, keys.secretAccessKey),
        onFailure: (sentence) => failures.push(sentence),
        clock: Date.now,
      });
      client = await createLeaseClient({
        store: { kind: 'dynamodb', table: TABLE, region: REGION, endpoint },
        network: createHostNetwork(),
        credentials,
        addresses: {},
        onFailure: (sentence) => failures.push(sentence),
      });
    }, 60_000);
    afterAll(async () => {
      await client?.close();
      credentials?.stop();
      dynamodb?.destroy();
      await store?.close();
    }, 40_000);

    const ask = (call: LeaseCall, timeoutMs = 5000): Promise<LeaseOutcome> =>
      new Promise((resolve) => client.call(call, timeoutMs, resolve));
    const write = (
      group: string,
      expected: Extract<LeaseCall, { kind: 'write' }>['expect'],
      next: Omit<LeaseRecord, 'wanted'>,
    ): Promise<LeaseOutcome> => ask({ kind: 'write', group, expect: expected, next });

    it('makes, renews, wants, gives up and takes a lease, each where the record is as expected', async () => {
      const group = 'egress';
      expect(await ask({ kind: 'read', group })).toEqual({ kind: 'ok' });
      const first = { holder: 'a/1', token: 1, beat: 1, fitness: 1 };
      expect(await write(group, 'absent', first)).toEqual({ kind: 'ok', record: first });
      expect(await write(group, 'absent', { ...first, holder: 'b/2' })).toEqual({ kind: 'rejected' });
      const wish = { by: 'b/2', fitness: 3 };
      expect(await ask({ kind: 'wish', group, token: 9, wish })).toEqual({ kind: 'rejected' });
      expect(await ask({ kind: 'wish', group, token: 1, wish })).toMatchObject({ record: { wanted: wish } });
      const second = { ...first, beat: 2 };
      expect(await write(group, { token: 1, beat: 1 }, second)).toEqual({
        kind: 'ok',
        record: { ...second, wanted: wish },
      });
      expect(await write(group, { token: 1, beat: 1 }, second)).toEqual({ kind: 'rejected' });
      const free = { token: 2, beat: 3, fitness: 0 };
      expect(await write(group, { token: 1, beat: 2 }, free)).toEqual({ kind: 'ok', record: free });
      const third = { holder: 'b/2', token: 3, beat: 4, fitness: 3 };
      expect(await write(group, { token: 2, beat: 3 }, third)).toEqual({ kind: 'ok', record: third });
      expect(await ask({ kind: 'read', group })).toEqual({ kind: 'ok', record: third });
    });

    it('of ten that take it at once one succeeds', async () => {
      const take = (index: number): Promise<LeaseOutcome> =>
        write('contended', 'absent', { holder: `d/${index}`, token: 1, beat: 1, fitness: 3 });
      const all: LeaseOutcome[] = [];
      // The threads of moto judge a condition and write in two steps: there each waits for the one before.
      if (name.startsWith('moto')) for (let index = 0; index < 10; index++) all.push(await take(index));
      else all.push(...(await Promise.all(Array.from({ length: 10 }, (_, index) => take(index)))));
      const won = all.flatMap((outcome) => (outcome.kind === 'ok' ? [outcome.record?.holder] : []));
      expect(won).toHaveLength(1);
      expect(all.filter(({ kind }) => kind === 'rejected')).toHaveLength(9);
      expect(await ask({ kind: 'read', group: 'contended' })).toMatchObject({ record: { holder: won[0] } });
    });

    it('does not take an item of somebody else for a lease', async () => {
      await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: { group: { S: 'foreign' } } }));
      expect(await ask({ kind: 'read', group: 'foreign' })).toEqual({
        kind: 'refused',
        reason: 'the item of foreign is no lease: it has no token and beat',
      });
    });

    it('a table that is not there is a refusal, with its name', async () => {
      const other = await createLeaseClient({
        store: { kind: 'dynamodb', table: 'nobody', region: REGION, endpoint: store.endpoint },
        network: createHostNetwork(),
        credentials,
        addresses: {},
        onFailure: (sentence) => failures.push(sentence),
      });
      const outcome = await new Promise<LeaseOutcome>((resolve) =>
        other.call({ kind: 'read', group: 'g' }, 5000, resolve),
      );
      await other.close();
      expect(outcome).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining('ResourceNotFoundException'),
      });
    });
  });
});

describe('the simulator in trouble', () => {
  it.each([
    ['silent', undefined],
    ['unanswered', 'a/1'],
  ] as const)('%s: the outcome is unknown, and a read tells', async (dynamodb, holder) => {
    const simulator = await startServer();
    const credentials = keepCredentials({
      source: fixedCredentials('123456789012', 'x'),
      onFailure: () => undefined,
      clock: Date.now,
    });
    const store = { kind: 'dynamodb', table: TABLE, region: REGION, endpoint: simulator.url } as const;
    const network = createHostNetwork();
    const client = await createLeaseClient({
      store,
      network,
      credentials,
      addresses: {},
      onFailure: () => undefined,
    });
    const ask = (call: LeaseCall): Promise<LeaseOutcome> =>
      new Promise((resolve) => client.call(call, 300, resolve));
    const knob = (value: string): Promise<Response> =>
      fetch(`${simulator.url}/_byoa/knobs`, { method: 'PUT', body: JSON.stringify({ dynamodb: value }) });
    await fetch(simulator.url, {
      method: 'POST',
      headers: {
        'x-amz-target': 'DynamoDB_20120810.CreateTable',
        authorization: `AWS4-HMAC-SHA256 Credential=123456789012/20260101/${REGION}/dynamodb/aws4_request`,
      },
      body: JSON.stringify({
        TableName: TABLE,
        KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }],
      }),
    });
    expect((await knob(dynamodb)).ok).toBe(true);
    const next = { holder: 'a/1', token: 1, beat: 1, fitness: 1 };
    expect(await ask({ kind: 'write', group: 'g', expect: 'absent', next })).toEqual({
      kind: 'unknown',
      reason: 'no answer within 300 ms',
    });
    await knob('up');
    expect(await ask({ kind: 'read', group: 'g' })).toMatchObject(
      holder === undefined ? { kind: 'ok' } : { kind: 'ok', record: { holder } },
    );
    await client.close();
    credentials.stop();
    await simulator.close();
  });
});
