/**
 * The EC2 client against small local servers that answer, never answer, or break off; connections are
 * counted.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { Call, Outcome, Tryable } from '../../controller/ec2/call.ts';
import { type Aws, createAws, fixedCredentials } from '../../controller/shell/aws.ts';
import { keepAddresses } from '../../controller/shell/aws-addresses.ts';
import { AddressAgent } from '../../controller/shell/aws-agent.ts';
import { keepCredentials, refreshAfterMs } from '../../controller/shell/aws-credentials.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';
import { CALLS } from '../controller/ec2/calls.ts';

const DONE =
  '<ReplaceRouteResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><return>true</return></ReplaceRouteResponse>';
const ERROR = (code: string): string =>
  `<Response><Errors><Error><Code>${code}</Code><Message>no</Message></Error></Errors><RequestID>1</RequestID></Response>`;
const REPLACE: Call = {
  kind: 'replace-route',
  table: 'rtb-0123456789abcdef0',
  destination: '0.0.0.0/0',
  eni: 'eni-0123456789abcdef0',
};

interface Ec2Like {
  readonly port: number;
  readonly requests: { readonly body: string; readonly socket: Socket }[];
  readonly sockets: Set<Socket>;
}

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Answer = (nth: number, response: ServerResponse, request: IncomingMessage) => void;

/** `answer` gets the number of the request, from 1. */
async function ec2Like(answer: Answer, host = '127.0.0.1', port = 0): Promise<Ec2Like> {
  const requests: Ec2Like['requests'] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      requests.push({ body, socket: request.socket });
      answer(requests.length, response, request);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests, sockets };
}

async function client(
  port: number,
  settings: { attemptTimeoutMs?: number; timeoutMs?: number; warm?: number; addresses?: string[] } = {},
): Promise<Aws> {
  const network = createHostNetwork();
  const aws = await createAws({
    node: 'a',
    aws: {
      region: 'eu-central-1',
      endpoint: `http://ec2.test:${port}`,
      attemptTimeoutMs: settings.attemptTimeoutMs ?? 500,
      timeoutMs: settings.timeoutMs ?? 3000,
      addresses: { 'ec2.test': settings.addresses ?? ['127.0.0.1'] },
    },
    network,
    credentials: fixedCredentials('123456789012', 'secret'),
    onFailure: () => undefined,
    warm: settings.warm ?? 2,
  });
  closing.push(() => network.close());
  closing.push(() => aws.close());
  return aws;
}

const outcomeOf = (aws: Aws, call: Call): Promise<Outcome> => new Promise((done) => aws.call(call, done));

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 500; round += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never happened: ${what}`);
}

describe('an EC2 call', () => {
  it('goes out signed for the region, and its answer is a value', async () => {
    const headers: string[] = [];
    const server = await ec2Like((_nth, response, request) => {
      headers.push(request.headers.authorization ?? '');
      response.end(DONE);
    });
    const outcome = await outcomeOf(await client(server.port), REPLACE);
    expect(outcome).toEqual({ kind: 'ok', value: { kind: 'done' } });
    expect(server.requests[0]?.body).toContain('Action=ReplaceRoute');
    expect(headers[0]).toContain('/eu-central-1/ec2/aws4_request');
  });

  it('never goes out on a warm connection that the other side has given up meanwhile', async () => {
    for (const parting of ['HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n', '']) {
      const server = await ec2Like((_nth, response) => response.end(DONE));
      const aws = await client(server.port);
      await until(() => server.sockets.size === 2 && aws.state().warmConnections === 2, 'warm connections');
      const old = [...server.sockets];
      for (const socket of old) socket.end(parting);
      await until(() => old.every((socket) => socket.destroyed), 'the old ones are gone');
      expect(await outcomeOf(aws, REPLACE)).toEqual({ kind: 'ok', value: { kind: 'done' } });
    }
  });

  it('finds warm connections, as many as ten calls at once need', async () => {
    const waiting: ServerResponse[] = [];
    const server = await ec2Like((nth, response) => {
      waiting.push(response);
      if (nth === 10) for (const one of waiting) one.end(DONE);
    });
    const aws = await client(server.port, { warm: 10, attemptTimeoutMs: 5000 });
    await until(() => server.sockets.size === 10, 'ten warm connections');
    await until(() => aws.state().warmConnections === 10, 'ten connections ready');
    await Promise.all(Array.from({ length: 10 }, () => outcomeOf(aws, REPLACE)));
    expect(server.sockets.size).toBe(10);
    expect(new Set(server.requests.map(({ socket }) => socket)).size).toBe(10);
  });

  it('is repeated on a new connection when a write is unanswered for attemptTimeout', async () => {
    const at: number[] = [];
    const server = await ec2Like((nth, response) => {
      at.push(performance.now());
      if (nth > 1) response.end(DONE);
    });
    const aws = await client(server.port, { warm: 1 });
    await until(() => aws.state().warmConnections === 1, 'a warm connection');
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('ok');
    expect(server.requests).toHaveLength(2);
    expect(server.requests[0]?.socket).not.toBe(server.requests[1]?.socket);
    expect(server.requests[0]?.body).toBe(server.requests[1]?.body);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(490);
  });

  it('never goes out on a connection kept beside one that has left a call unanswered', async () => {
    const dead = new Set<Socket>();
    const server = await ec2Like((_nth, response, { socket }) => {
      if (!dead.has(socket)) response.end(DONE);
    });
    const aws = await client(server.port, { warm: 3, attemptTimeoutMs: 100 });
    await until(() => aws.state().warmConnections === 3, 'warm connections');
    for (const socket of server.sockets) dead.add(socket);
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('ok');
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('ok');
    expect(server.requests.map(({ socket }) => dead.has(socket))).toEqual([true, false, false]);
    await until(() => [...dead].every(({ destroyed }) => destroyed), 'the dead ones are closed');
  });

  it('goes to another address when the first does not answer, and stays there', async () => {
    const silent = await ec2Like(() => undefined);
    const answering = await ec2Like((_nth, response) => response.end(DONE), '127.0.0.2', silent.port);
    const aws = await client(silent.port, {
      attemptTimeoutMs: 1000,
      timeoutMs: 10_000,
      addresses: ['127.0.0.1', '127.0.0.2'],
    });
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('ok');
    expect([silent.requests.length, answering.requests.length]).toEqual([1, 1]);
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('ok');
    expect([silent.requests.length, answering.requests.length]).toEqual([1, 2]);
  });

  it('goes to another address at once when the first refuses connections', async () => {
    const answering = await ec2Like((_nth, response) => response.end(DONE), '127.0.0.2');
    const aws = await client(answering.port, {
      addresses: ['127.0.0.1', '127.0.0.2'],
      attemptTimeoutMs: 2000,
    });
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('ok');
  });

  it('is repeated when a kept connection breaks under it', async () => {
    const server = await ec2Like((nth, response) => {
      if (nth === 1) response.socket?.destroy();
      else response.end(DONE);
    });
    expect((await outcomeOf(await client(server.port), REPLACE)).kind).toBe('ok');
    expect(server.requests).toHaveLength(2);
  });

  it('is unknown when nobody answers', async () => {
    const server = await ec2Like(() => undefined);
    const aws = await client(server.port, { attemptTimeoutMs: 100, timeoutMs: 1500 });
    const outcome = await outcomeOf(aws, REPLACE);
    expect(outcome).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('no answer within 1500 ms'),
    });
    expect(server.requests).toHaveLength(3);
  });

  it('is unknown when an attempt broke off and its repetition was refused', async () => {
    const server = await ec2Like((nth, response) => {
      if (nth === 1) response.socket?.destroy();
      else response.writeHead(503).end(ERROR('RequestLimitExceeded'));
    });
    expect((await outcomeOf(await client(server.port), REPLACE)).kind).toBe('unknown');
  });

  it('is rejected when every address refuses connections: nothing was sent', async () => {
    const server = await ec2Like(() => undefined);
    for (const close of closing.splice(0)) await close();
    const outcome = await outcomeOf(await client(server.port), REPLACE);
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'ECONNREFUSED', retry: true });
  });

  it('is rejected with the code of EC2, and throttling may be tried again', async () => {
    const server = await ec2Like((nth, response) => {
      if (nth === 1) response.writeHead(503).end(ERROR('RequestLimitExceeded'));
      else response.writeHead(403).end(ERROR('UnauthorizedOperation'));
    });
    const aws = await client(server.port);
    expect(await outcomeOf(aws, REPLACE)).toMatchObject({ code: 'RequestLimitExceeded', retry: true });
    expect(await outcomeOf(aws, REPLACE)).toMatchObject({ code: 'UnauthorizedOperation', retry: false });
  });

  it('is unknown after a 500, and after an answer that is cut off', async () => {
    const server = await ec2Like((nth, response) => {
      if (nth === 1) response.writeHead(500).end(ERROR('InternalError'));
      else
        response
          .writeHead(200, { 'content-length': '1000' })
          .write('<Repl', () => response.socket?.destroy());
    });
    const aws = await client(server.port);
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('unknown');
    expect((await outcomeOf(aws, REPLACE)).kind).toBe('unknown');
  });

  it('of the describing kind is repeated later than a write, and by whichever attempt is answered', async () => {
    const body =
      '<DescribeRouteTablesResponse><routeTableSet><item><routeTableId>rtb-1</routeTableId></item></routeTableSet></DescribeRouteTablesResponse>';
    const look = { kind: 'describe-route-tables', select: { kind: 'ids', ids: ['rtb-1'] } } as const;
    const seen = { kind: 'ok', value: { tables: [{ id: 'rtb-1' }] } };
    const slow = await ec2Like((_nth, response) => setTimeout(() => response.end(body), 1200));
    expect(await outcomeOf(await client(slow.port, { attemptTimeoutMs: 1000 }), look)).toMatchObject(seen);
    expect(slow.requests).toHaveLength(1);
    const deaf = await ec2Like((nth, response) => nth > 1 && response.end(body));
    expect(await outcomeOf(await client(deaf.port, { attemptTimeoutMs: 100 }), look)).toMatchObject(seen);
    expect(deaf.requests).toHaveLength(2);
    expect(deaf.requests[0]?.socket).not.toBe(deaf.requests[1]?.socket);
  });
});

/** A call of each kind that can be tried. */
const TRYABLE: { readonly [K in Tryable['kind']]: Tryable } = {
  'replace-route': CALLS['replace-route'][0],
  'create-route': CALLS['create-route'][0],
  'delete-route': CALLS['delete-route'][0],
  'replace-route-table-association': CALLS['replace-route-table-association'][0],
  'replace-transit-gateway-route': CALLS['replace-transit-gateway-route'][0],
  'create-transit-gateway-route': CALLS['create-transit-gateway-route'][0],
  'associate-address': CALLS['associate-address'][0],
  'detach-network-interface': CALLS['detach-network-interface'][0],
  'attach-network-interface': CALLS['attach-network-interface'][0],
  'stop-instances': CALLS['stop-instances'][0],
};

it.each(Object.values(TRYABLE))('a dry run of $kind is one on the wire', async (of) => {
  const server = await ec2Like((_nth, response) => response.writeHead(412).end(ERROR('DryRunOperation')));
  const outcome = await outcomeOf(await client(server.port), { kind: 'dry-run', of });
  expect(outcome).toMatchObject({ code: 'DryRunOperation' });
  expect(server.requests.map(({ body }) => body)).toEqual([expect.stringContaining('DryRun=true')]);
});

describe('kept connections', () => {
  it.each([false, true])('are given up also while they are being opened (TLS: %s)', (secure) => {
    const opened: Duplex[] = [];
    const network = createHostNetwork();
    const connectTcp = (): Duplex => {
      const stream = new Duplex({ read: () => undefined, write: () => undefined });
      opened.push(stream);
      return stream;
    };
    const origin = { host: 'ec2.test', port: 443, secure };
    const agent = new AddressAgent({ ...network, connectTcp }, origin, '192.0.2.1', true);
    agent.warm(3);
    agent.retire();
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
    network.close();
  });
});

describe('credentials', () => {
  it('are fetched long before they expire', () => {
    const minute = 60_000;
    expect(refreshAfterMs(undefined)).toBe(5 * minute);
    expect(refreshAfterMs(6 * 60 * minute)).toBe(5 * minute);
    expect(refreshAfterMs(17 * minute)).toBe(2 * minute);
    expect(refreshAfterMs(10 * minute)).toBeLessThan(minute);
  });

  it('stay in use while the source hangs or fails: a call never waits for it', async () => {
    let fetches = 0;
    const said: string[] = [];
    const kept = keepCredentials({
      source: () => {
        fetches += 1;
        const expiration = new Date(1_000_000 + 15 * 60_000 + 20);
        const first = { accessKeyId: 'AKIA', secretAccessKey: 's', expiration };
        if (fetches === 1) return Promise.resolve(first);
        if (fetches === 2) return Promise.reject(new Error('IMDS is silent'));
        return new Promise(() => undefined);
      },
      onFailure: (sentence) => said.push(sentence),
      clock: () => 1_000_000,
    });
    closing.push(() => kept.stop());
    await until(() => said.length === 1, 'a failed refresh');
    expect(await kept.get()).toMatchObject({ accessKeyId: 'AKIA' });
    expect(said[0]).toContain('IMDS is silent');
    expect(kept.failure()).toBe('IMDS is silent');
  });
});

describe('addresses', () => {
  it('are pinned where the configuration says so, and DNS is not asked', async () => {
    const kept = keepAddresses({
      host: 'ec2.test',
      pinned: ['192.0.2.1'],
      resolve: () => Promise.reject(new Error('asked')),
      onFailure: (sentence) => expect.fail(sentence),
    });
    expect(await kept.get()).toEqual(['192.0.2.1']);
  });

  it('say so when DNS fails, and come when it is back', async () => {
    let asked = 0;
    const said: string[] = [];
    const kept = keepAddresses({
      host: 'ec2.test',
      resolve: () => {
        asked += 1;
        return asked === 1 ? Promise.reject(new Error('SERVFAIL')) : Promise.resolve(['192.0.2.1']);
      },
      onFailure: (sentence) => said.push(sentence),
    });
    closing.push(() => kept.stop());
    expect(await kept.get()).toEqual(['192.0.2.1']);
    expect(said).toEqual([expect.stringContaining('SERVFAIL')]);
  });
});
