/**
 * The traffic of a machine of the lab, in a process of its own in there: answers on UDP, TCP and HTTP, and
 * sends to others a datagram each millisecond, lines over one TCP connection that it keeps, and HTTP requests
 * over new ones. For each number on its input it tells what became of all that; it ends with its input.
 */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type FlowReport, type Gap, LEAST_GAP_MS, type TrafficReport, type TrafficWanted } from './report.ts';

const UDP_PORT = 7;
const TCP_PORT = 7;
const HTTP_PORT = 8080;
const LINE_EVERY_MS = 20;
const REQUEST_EVERY_MS = 100;
const REQUEST_LIMIT_MS = 2000;
/** A connection without an answer for so long has broken without a word. */
const SILENT_MS = 8000;
const RECONNECT_MS = 200;
/** As long as the header of a UDP probe in common tools: room for the number, and a little more. */
const DATAGRAM_BYTES = 22;

/** Unix ms, with fractions. */
const clock = (): number => performance.timeOrigin + performance.now();

const quiet = (socket: Socket): Socket => socket.on('error', () => socket.destroy());

/** Answers on an address; resolves when it does. */
async function answer(address: string): Promise<void> {
  const udp = createSocket('udp4');
  udp.on('message', (bytes, { port, address: to }) => udp.send(bytes, port, to));
  await new Promise<void>((done, failed) => {
    udp.once('error', failed);
    udp.bind(UDP_PORT, address, done);
  });
  const echo = createServer((socket) => void quiet(socket).pipe(socket));
  const http = createHttpServer((_, response) => response.end('answered\n'));
  for (const [server, port] of [
    [echo, TCP_PORT],
    [http, HTTP_PORT],
  ] as const)
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, address, done);
    });
}

/** A datagram each millisecond. */
function datagrams(to: string): () => FlowReport['udp'] {
  const socket = createSocket('udp4');
  const began = performance.now();
  const gaps: Gap[] = [];
  let sent = 0;
  let answered = 0;
  let last = { at: clock(), number: -1 };
  socket.on('error', () => undefined);
  socket.on('message', (bytes) => {
    const at = clock();
    const number = bytes.readUInt32LE();
    answered += 1;
    if (number <= last.number) return;
    if (last.number >= 0 && at - last.at >= LEAST_GAP_MS)
      gaps.push({ from: last.at, to: at, lost: number - last.number - 1 });
    last = { at, number };
  });
  socket.bind(0, () => {
    setInterval(() => {
      for (const due = performance.now() - began; sent < due; sent += 1) {
        const bytes = Buffer.alloc(DATAGRAM_BYTES);
        bytes.writeUInt32LE(sent);
        socket.send(bytes, UDP_PORT, to, () => undefined);
      }
    }, 1);
  });
  return () => ({ answered, missing: last.number + 1 - answered, lastAt: last.at, gaps });
}

/** Lines over one connection, which is made again where it breaks. */
function stream(to: string): () => FlowReport['tcp'] {
  const counts = { made: 0, broken: 0, lastAt: clock() };
  const open = (): void => {
    const socket = connect(TCP_PORT, to);
    let heardAt = clock();
    let isOpen = false;
    const timer = setInterval(() => {
      if (clock() - heardAt > SILENT_MS) socket.destroy();
      else if (isOpen) socket.write('line\n');
    }, LINE_EVERY_MS);
    socket.setNoDelay(true);
    socket.on('connect', () => {
      counts.made += 1;
      isOpen = true;
    });
    socket.on('data', () => {
      heardAt = clock();
      counts.lastAt = heardAt;
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearInterval(timer);
      if (isOpen) counts.broken += 1;
      setTimeout(open, RECONNECT_MS);
    });
  };
  open();
  return () => ({ ...counts });
}

/** Requests, each over a connection of its own. */
function requests(to: string): () => FlowReport['http'] {
  const counts = { answered: 0, failed: 0 };
  setInterval(() => {
    const asked = request(
      { host: to, port: HTTP_PORT, agent: false, timeout: REQUEST_LIMIT_MS },
      (response) => {
        response.resume();
        response.once('end', () => {
          counts.answered += 1;
        });
      },
    );
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', () => {
      counts.failed += 1;
    });
    asked.end();
  }, REQUEST_EVERY_MS);
  return () => ({ ...counts });
}

/** Runs until its input ends. */
export async function runTraffic({ answers, flows }: TrafficWanted): Promise<void> {
  for (const address of answers) await answer(address);
  const counted = flows.map(({ name, to }) => ({
    name,
    udp: datagrams(to),
    tcp: stream(to),
    http: requests(to),
  }));
  const report = (number: number): TrafficReport => ({
    number,
    flows: counted.map(({ name, udp, tcp, http }) => ({ name, udp: udp(), tcp: tcp(), http: http() })),
  });
  process.stdout.write('ready\n');
  createInterface({ input: process.stdin })
    .on('line', (line) => process.stdout.write(`${JSON.stringify(report(Number(line)))}\n`))
    .on('close', () => process.exit());
}
