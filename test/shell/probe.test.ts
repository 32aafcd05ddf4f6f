/** Probes against real loopback servers: every kind, and exactly what it says when something is wrong. */
import { createServer as createHttp, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeConfig } from '../../controller/config.ts';
import type { ProbeResult } from '../../controller/event.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';
import { runProbe } from '../../controller/shell/probe.ts';

const network = createHostNetwork();
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const base = {
  id: 'a/probe',
  appliance: 'a',
  intervalMs: 1000,
  timeoutMs: 400,
  rise: 3,
  fall: 3,
  advisory: false,
  from: 'others',
} as const;

const probe = (spec: ProbeConfig): Promise<ProbeResult> =>
  new Promise((done) => runProbe(network, spec, done));

async function listening(server: Server | ReturnType<typeof createTcp>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const httpServer = (status: number, body = ''): Promise<number> =>
  listening(createHttp((_request, response) => response.writeHead(status).end(body)));

/** Accepts and says nothing. */
async function muteServer(): Promise<number> {
  const server = createTcp((socket) => closing.push(() => socket.destroy()));
  return listening(server);
}

/** A port that nobody listens at. */
async function closedPort(): Promise<number> {
  const port = await httpServer(200);
  for (const close of closing.splice(0)) close();
  return port;
}

describe('a tcp probe', () => {
  it('is up when the connection comes about', async () => {
    const port = await muteServer();
    const result = await probe({ ...base, kind: 'tcp', address: '127.0.0.1', port });
    expect(result).toEqual({ kind: 'up', rttMs: expect.any(Number) });
  });

  it('is down when the connection is refused', async () => {
    const port = await closedPort();
    const result = await probe({ ...base, kind: 'tcp', address: '127.0.0.1', port });
    expect(result).toEqual({ kind: 'down', reason: 'connection refused' });
  });
});

describe('an http probe', () => {
  const http = (port: number, expected: readonly number[] = [200]): ProbeConfig => ({
    ...base,
    kind: 'http',
    url: `http://127.0.0.1:${port}/health`,
    expect: expected,
    verify: true,
  });

  it('is up with an expected status', async () => {
    expect((await probe(http(await httpServer(204), [200, 204]))).kind).toBe('up');
  });

  it('is down with another, and names both', async () => {
    const result = await probe(http(await httpServer(500), [200, 204]));
    expect(result).toEqual({ kind: 'down', reason: 'HTTP 500 instead of 200 or 204' });
  });

  it('is down when no answer comes in time', async () => {
    const result = await probe(http(await muteServer()));
    expect(result).toEqual({ kind: 'down', reason: 'no HTTP answer within 400 ms' });
  });

  it('says nothing of the target when the name cannot be resolved', async () => {
    const url = 'http://no-such-host.invalid/';
    const result = await probe({ ...base, kind: 'http', url, expect: [200], verify: true, timeoutMs: 5000 });
    expect(result.kind).toBe('silent');
  });
});

describe("a probe of the appliance's own word", () => {
  const daemon = (port: number): ProbeConfig => ({ ...base, kind: 'daemon', address: '127.0.0.1', port });

  it('is up with 200 and down with 503, for the reason given', async () => {
    expect((await probe(daemon(await httpServer(200)))).kind).toBe('up');
    const sick = await httpServer(503, '{"healthy":false,"reason":"egress fails"}');
    expect(await probe(daemon(sick))).toEqual({ kind: 'down', reason: 'its daemon says: egress fails' });
  });

  it('says nothing when refused, unanswered, or answered otherwise', async () => {
    for (const port of [
      await closedPort(),
      await muteServer(),
      await httpServer(204),
      await httpServer(404),
    ]) {
      expect((await probe(daemon(port))).kind).toBe('silent');
    }
  });
});

describe('a command probe', () => {
  const command = (...words: string[]): ProbeConfig => ({ ...base, kind: 'command', command: words });

  it('is up with exit code 0, down with another and its last word', async () => {
    expect((await probe(command('true'))).kind).toBe('up');
    const result = await probe(command('sh', '-c', 'echo first >&2; echo no route >&2; exit 7'));
    expect(result).toEqual({ kind: 'down', reason: 'exit code 7: no route' });
  });

  it('is down when it takes too long, and its children end with it', async () => {
    // Only this test's child sleeps for so odd a time.
    const seconds = `3${process.pid % 1000}.25`;
    const result = await probe(command('sh', '-c', `sleep ${seconds} & wait`));
    expect(result).toEqual({ kind: 'down', reason: 'not done within 400 ms' });
    const { execFileSync } = await import('node:child_process');
    const sleeping = (): boolean =>
      execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(`sleep ${seconds}`);
    for (let round = 0; sleeping() && round < 100; round += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(sleeping()).toBe(false);
  });

  it('says nothing when the program does not exist', async () => {
    const result = await probe(command('/no/such/program'));
    expect(result).toMatchObject({ kind: 'silent', reason: expect.stringContaining('/no/such/program') });
  });
});

describe('a through probe by next hop', () => {
  it('says nothing when the next hop was never set up', async () => {
    const target = { kind: 'tcp', address: '127.0.0.1', port: 9 } as const;
    const result = await probe({ ...base, kind: 'through', target, by: 'next-hop', via: '127.0.0.9' });
    expect(result).toMatchObject({ kind: 'silent', reason: expect.stringContaining('127.0.0.9') });
  });
});
