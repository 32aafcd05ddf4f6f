/**
 * Requests that are broken, large, slow or many: each gets an error, or its connection ends, and the
 * simulator has spent little on it. What is measured is bytes and requests, never time.
 */
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../sim/ec2/codec.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';

let simulator: RunningSimulator;
const sockets = new Set<Socket>();
beforeEach(async () => {
  simulator = await startSimulator({ limits: { connections: 20 } });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await simulator.close();
});

interface Raw {
  readonly socket: Socket;
  /** All that it said, once it has closed the connection. */
  readonly said: Promise<string>;
}

function open(): Raw {
  const socket = connect(simulator.port, '127.0.0.1');
  sockets.add(socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return { socket, said: new Promise((resolve) => socket.on('close', () => resolve(text))) };
}

/** What is said to these bytes by a server that closes the connection after them. */
function send(text: string | Buffer): Promise<string> {
  const { socket, said } = open();
  socket.write(text);
  return said;
}

const statusOf = (said: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1]);

const FORM = 'Action=DescribeVpcs&Version=2016-11-15';

const post = (body: string, headers: readonly string[] = []): string =>
  [
    'POST / HTTP/1.1',
    'Host: x',
    'Connection: close',
    ...(headers.length > 0 ? headers : [`Content-Length: ${Buffer.byteLength(body)}`]),
    '',
    body,
  ].join('\r\n');

/** That requests are answered as before. */
async function isWell(): Promise<void> {
  expect(statusOf(await send(post(FORM)))).toBe(200);
}

describe('a request that is broken', () => {
  it.each<[string, string, number]>([
    ['no HTTP at all', '\x00\x01\x02 hello\r\n\r\n', 400],
    ['a content length that is no number', post(FORM, ['Content-Length: ten']), 400],
    ['a content length below zero', post(FORM, ['Content-Length: -1']), 400],
    ['two content lengths', post(FORM, ['Content-Length: 38', 'Content-Length: 5']), 400],
    ['a content length and chunks', post(FORM, ['Content-Length: 38', 'Transfer-Encoding: chunked']), 400],
    ['a chunk whose length is no number', post('zz\r\nx\r\n', ['Transfer-Encoding: chunked']), 400],
    [
      'a chunk without end to its extensions',
      post(`1;${'x'.repeat(40_000)}`, ['Transfer-Encoding: chunked']),
      413,
    ],
    ['headers of 64 KiB', post(FORM, [`X-Long: ${'x'.repeat(64 << 10)}`, 'Content-Length: 38']), 431],
    ['a target that is no URL', 'POST //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['a body in UTF-16', post(Buffer.from(FORM, 'utf16le').toString('latin1')), 400],
    ['a name that is not UTF-8', post(`${FORM}&%ff%fe=1`), 400],
    ['an index beyond all lists', post(`${FORM}&Filter.9999999999.Value.1=x`), 400],
    ['a name of a thousand parts', post(`${FORM}&Filter${'.1'.repeat(1000)}=x`), 400],
    [
      'ten thousand parameters and one',
      post(`${FORM}${Array.from({ length: 10_001 }, (_, n) => `&A${n}`).join('')}`),
      400,
    ],
    [
      'an upgrade to what is not there',
      'GET /_byoa/attach/%zz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: byoa-attach\r\n\r\n',
      404,
    ],
    [
      'a control path that is no URL',
      'GET /_byoa/%zz/%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      404,
    ],
    [
      'JSON a hundred thousand deep',
      `PUT /_byoa/knobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n${'['.repeat(100_000)}`,
      400,
    ],
  ])('%s: is refused', async (_, text, status) => {
    expect(statusOf(await send(Buffer.from(text, 'latin1')))).toBe(status);
    await isWell();
  });

  it('a list with one entry far away is not filled up to it', async () => {
    const said = await send(post(`${FORM}&Filter.999999999.Name=tag-key&Filter.999999999.Value.999999999=x`));
    expect(statusOf(said)).toBe(200);
  });
});

describe('a request that is large', () => {
  it('compressed is refused as it is: nothing is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20, 'x'));
    expect(bomb.length).toBeLessThan(MAX_BODY_BYTES);
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
    const said = await send(Buffer.concat([Buffer.from(head), bomb]));
    expect([statusOf(said), said]).toEqual([415, expect.stringContaining('gzip is not taken')]);
    await isWell();
  });

  it('is refused by its announced length, before any of it has come', async () => {
    const said = await send(post('', ['Content-Length: 1000000000']));
    expect([statusOf(said), said]).toEqual([
      413,
      expect.stringContaining('<Code>RequestEntityTooLarge</Code>'),
    ]);
  });

  it.each(['/', '/_byoa/knobs'])('sent to %s in chunks without end is cut off', async (path) => {
    const { socket, said } = open();
    let closed = false;
    const end = said.then((text) => {
      closed = true;
      return text;
    });
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const most = 256 << 20;
    while (!closed && socket.bytesWritten < most) {
      if (socket.write(chunk)) await new Promise((resolve) => setImmediate(resolve));
      else await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), end]);
    }
    await end;
    expect(socket.bytesWritten).toBeLessThan(32 << 20);
    await isWell();
  });
});

describe('clients that are slow', () => {
  it.each([
    ['headers', 'POST / HTTP/1.1\r\nHost: x\r\nX-', 408],
    ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nAction=', 408],
  ])('with %s are sent away, however often they send a byte', async (_, text, status) => {
    await simulator.close();
    simulator = await startSimulator({ limits: { headersMs: 200, requestMs: 400 } });
    const { socket, said } = open();
    socket.write(text);
    const drip = setInterval(() => socket.write('a'), 10);
    const answer = await said;
    clearInterval(drip);
    expect(statusOf(answer)).toBe(status);
  });
});

describe('clients that are many', () => {
  it('have only so many connections, and the next ones once those are gone', async () => {
    const all = Array.from({ length: 60 }, open);
    let closed = 0;
    for (const { said } of all) void said.then(() => closed++);
    while (closed < 40) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const { socket } of all) socket.destroy();
    await Promise.all(all.map(({ said }) => said));
    await isWell();
  });

  it('with requests ahead of all answers are cut off, and the others are answered meanwhile', async () => {
    const { socket, said } = open();
    socket.pause();
    const body = 'Action=DescribeInstanceTypes&Version=2016-11-15';
    const one = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    socket.write(one.repeat(5_000));
    await isWell();
    socket.resume();
    await said;
    expect(simulator.events().filter((event) => event.kind === 'api').length).toBeLessThan(300);
  });

  it('one after the other on one connection are all answered, in order', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `vpc-${n}`);
    const requests = names.map((id, n) => {
      const body = `${FORM}&VpcId.1=${id}`;
      const close = n === names.length - 1 ? 'Connection: close\r\n' : '';
      return `POST / HTTP/1.1\r\nHost: x\r\n${close}Content-Length: ${body.length}\r\n\r\n${body}`;
    });
    const said = await send(requests.join(''));
    const answered = said.matchAll(/Invalid id: .{1,6}?(vpc-\d+)/g);
    expect(Array.from(answered, ([, id]) => id)).toEqual(names);
  });
});
