/**
 * The EC2 client over TLS, against local https servers whose certificate is for `ec2.test` and 127.0.0.1, by
 * a CA that only these processes trust.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../controller/ec2/call.ts';
import type { Errand } from './aws-tls-worker.ts';

const haveOpenssl = spawnSync('openssl', ['version']).status === 0;
const WORKER = fileURLToPath(new URL('./aws-tls-worker.ts', import.meta.url));
const DONE =
  '<ReplaceRouteResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><return>true</return></ReplaceRouteResponse>';

let directory: string;
/** Both servers know each other's sessions, as the machines behind one name do. */
const ticketKeys = randomBytes(48);

function makeCertificates(): void {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=test CA',
    '-days',
    '2',
  );
  openssl('req', ...curve, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=ec2.test');
  writeFileSync(join(directory, 'san'), 'subjectAltName=DNS:ec2.test,IP:127.0.0.1\n');
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san', '-days', '2'];
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...by);
}

interface Seen {
  /** Order of the connection among those to this server, from 1. */
  readonly connection: number;
  readonly serverName: string | undefined;
  readonly resumed: boolean;
  /** Connections that the server had when the request came. */
  readonly open: number;
}

interface Server {
  readonly port: number;
  readonly requests: Seen[];
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** An EC2 that answers `done`, or nothing at all. */
async function ec2Like(host: string, port: number, answers: boolean): Promise<Server> {
  const requests: Seen[] = [];
  const sockets: TLSSocket[] = [];
  const pem = (name: string): Buffer => readFileSync(join(directory, name));
  const options = { key: pem('server.key'), cert: pem('server.pem'), ticketKeys };
  const server = createServer(options, (request, response) => {
    const { socket } = request;
    if (!(socket instanceof TLSSocket)) throw new Error('not over TLS');
    const named = 'servername' in socket && typeof socket.servername === 'string';
    requests.push({
      connection: sockets.indexOf(socket) + 1,
      serverName: named ? String(socket.servername) : undefined,
      resumed: socket.isSessionReused(),
      open: sockets.length,
    });
    request.resume();
    if (answers) response.end(DONE);
  });
  server.on('secureConnection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

function run(errand: Errand, trusting = true): Promise<readonly Outcome[]> {
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  const env = { ...inherited, ...(trusting ? { NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem') } : {}) };
  return new Promise((resolve, reject) => {
    const args = ['--import', 'tsx', WORKER, JSON.stringify(errand)];
    execFile(process.execPath, args, { env }, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout));
    });
  });
}

const OK = { kind: 'ok', value: { kind: 'done' } };

describe.skipIf(!haveOpenssl)('the EC2 client over TLS (skipped: openssl not found; install openssl)', () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
    makeCertificates();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('uses a connection made in advance, again and again, and names the host', async () => {
    const server = await ec2Like('127.0.0.1', 0, true);
    const endpoint = `https://ec2.test:${server.port}`;
    const outcomes = await run({ endpoint, addresses: { 'ec2.test': ['127.0.0.1'] }, warm: 3, calls: 8 });
    expect(outcomes).toEqual(Array.from({ length: 8 }, () => OK));
    // All three were there, handshake and all, before the first request; no call made one of its own. While
    // one is busy, a fourth may be made in its place.
    expect(server.requests[0]?.open).toBeGreaterThanOrEqual(3);
    for (const { connection } of server.requests) expect(connection).toBeLessThanOrEqual(4);
    expect(server.requests[0]?.serverName).toBe('ec2.test');
  }, 30_000);

  it('repeats an unanswered write at another address, with a short handshake', async () => {
    const silent = await ec2Like('127.0.0.1', 0, false);
    const answering = await ec2Like('127.0.0.2', silent.port, true);
    const endpoint = `https://ec2.test:${silent.port}`;
    const addresses = { 'ec2.test': ['127.0.0.1', '127.0.0.2'] };
    expect(await run({ endpoint, addresses, warm: 1, calls: 2 })).toEqual([OK, OK]);
    expect(silent.requests).toMatchObject([{ resumed: false }]);
    expect(answering.requests).toMatchObject([
      { resumed: true, serverName: 'ec2.test' },
      { serverName: 'ec2.test' },
    ]);
  }, 30_000);

  it('accepts an address as the endpoint where the certificate is for it', async () => {
    const server = await ec2Like('127.0.0.1', 0, true);
    const endpoint = `https://127.0.0.1:${server.port}`;
    expect(await run({ endpoint, addresses: {}, warm: 1, calls: 1 })).toEqual([OK]);
    expect(server.requests[0]?.serverName).toBeUndefined();
  }, 30_000);

  it('sends nothing to a host whose certificate is for another name: rejected, not unknown', async () => {
    const server = await ec2Like('127.0.0.1', 0, true);
    const errand = {
      endpoint: `https://other.test:${server.port}`,
      addresses: { 'other.test': ['127.0.0.1'] },
    };
    const [outcome] = await run({ ...errand, warm: 0, calls: 1 });
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(outcome).toMatchObject({ message: expect.stringContaining('other.test') });
    expect(server.requests).toEqual([]);
  }, 30_000);

  it('sends nothing to a host whose CA is not trusted', async () => {
    const server = await ec2Like('127.0.0.1', 0, true);
    const endpoint = `https://ec2.test:${server.port}`;
    const errand = { endpoint, addresses: { 'ec2.test': ['127.0.0.1'] }, warm: 0, calls: 1 };
    const [outcome] = await run(errand, false);
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(server.requests).toEqual([]);
  }, 30_000);
});
