/**
 * The simulator as an HTTP server: the APIs at `/`, the control API under `/_byoa/`. Owns the sockets and
 * the real clock.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { must } from '../../controller/base/result.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { addHost, endpointOf, powerOffAll } from '../world/guests.ts';
import { API_PORT, type WorldOptions } from '../world/settings.ts';
import { listen as listenInWorld } from '../world/sockets.ts';
import type { World } from '../world/state.ts';
import { createWorld } from '../world/world.ts';
import { openWorld, type SavedWorld } from '../world/world-file.ts';
import { serveApi } from './api-endpoint.ts';
import { attach } from './attach.ts';
import { serveControl } from './control.ts';
import { clock, type Driver, drive } from './driver.ts';
import { type Imds, type ImdsAddress, openImds } from './imds.ts';
import { type Keeper, keep, readWorld } from './keeper.ts';
import type { Lock } from './state-lock.ts';
import { type Act, streamOf } from './stream.ts';

export interface ServerOptions extends WorldOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** The address to listen on; 127.0.0.1 where absent. Nothing is authenticated: think before you open it. */
  readonly host?: string;
  /** A world file: the world that it holds goes on, and whatever is answered has been written there. */
  readonly state?: string;
  /** A world that goes on here; what becomes of it is kept nowhere. */
  readonly saved?: SavedWorld;
  /** Told of each world as it begins: of the first before the server listens, of others at a reset. */
  readonly began?: (world: World) => void;
  /** Serves the metadata of instances at this host, on demand, from this port on (0: any). */
  readonly imds?: ImdsAddress;
  readonly limits?: Partial<Limits>;
}

/** A running simulator. */
export interface Simulator {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** The present world; a reset replaces it. */
  readonly world: () => World;
  /** Does something to the world at the present instant of the real clock. */
  readonly act: Act;
  /** Begins a new world; attached daemons find their machines dead. */
  readonly reset: (options?: WorldOptions) => void;
  /** Serves a connection that came in by another way, as if it had come to the port. */
  readonly accept: (stream: Duplex) => void;
  /** The metadata services of instances, where they were asked for. */
  readonly imds: Imds | undefined;
  /** Stops the clock and closes all connections. */
  readonly close: () => Promise<void>;
}

/** What a client may cost. */
export interface Limits {
  /** Time for a client to send its headers, and its whole request, ms. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** At the same time; further ones are closed at once. */
  readonly connections: number;
}

const LIMITS: Limits = { headersMs: 10_000, requestMs: 30_000, connections: 4096 };
/** How often clients that are too slow are looked for, ms. */
const CHECK_MS = 1000;
/** How long a request that is never answered is held, ms. */
const SILENCE_MS = 300_000;

/** Starts a simulator and resolves when it listens; fails where the address cannot be had, and says so. */
export async function startServer(options: ServerOptions = {}): Promise<Simulator> {
  const server = limitedServer({ ...LIMITS, ...options.limits });
  let world: World;
  let driver: Driver;
  let keeper: Keeper | undefined;
  const act: Act = (what) => driver.act(what);
  const later = (what: () => void): void => (keeper === undefined ? what() : keeper.later(what));
  const begin = (fresh: WorldOptions, saved?: SavedWorld): void => {
    const settings = { ...fresh, startAt: clock() };
    world = saved === undefined ? createWorld(settings) : openWorld(saved, settings);
    must(addHost(world, API_ADDRESS, []));
    keeper?.close();
    keeper = options.state === undefined ? undefined : keep(options.state, world, (saved?.run ?? 0) + 1);
    driver = drive(world, () => keeper?.collect());
    serveInside(server, world, act);
    options.began?.(world);
  };
  const reset = (fresh: WorldOptions = {}): void => {
    powerOffAll(world);
    driver.stop();
    begin({ ...options, ...fresh });
  };
  const lock = options.state === undefined ? undefined : await lockOf(options.state);
  try {
    begin(options, options.state === undefined ? options.saved : readWorld(options.state));
  } catch (error) {
    lock?.release();
    throw error;
  }
  const imds = options.imds && openImds(options.imds, { world: () => world, act });
  const control = { world: () => world, act, later, reset, ...(imds && { imds }) };
  server.on('request', (incoming, outgoing) => {
    const inside = incoming.url?.startsWith('/_byoa/') || incoming.url === '/_byoa';
    const answered = inTurn(incoming.socket, () =>
      inside
        ? serveControl(control, incoming, outgoing)
        : serveApi({ api: world.api, act, later, requestId: randomUUID }, incoming, outgoing),
    );
    answered.catch((error: unknown) => failed(outgoing, error));
  });
  server.on('upgrade', (incoming, socket, head) => upgrade({ world, act, later }, incoming, socket, head));
  const sockets = track(server);
  const host = options.host ?? '127.0.0.1';
  await listen(server, options.port ?? 0, host);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
    world: () => world,
    act,
    accept: (stream) => void server.emit('connection', stream),
    imds,
    reset: (fresh) => act(() => reset(fresh)),
    close: () => {
      driver.stop();
      keeper?.close();
      lock?.release();
      imds?.close();
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An HTTP server that slow, large and broken requests cost little. */
function limitedServer({ headersMs, requestMs, connections }: Limits): Server {
  const server = createServer({
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersMs),
  });
  server.maxHeadersCount = 100;
  server.maxConnections = connections;
  server.timeout = SILENCE_MS;
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    const status = CLIENT_ERRORS[code ?? ''] ?? '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    else socket.destroy();
  });
  return server;
}

/** Status lines for what Node says of a client's error. */
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** What takes the lock is loaded only here: it calls the C library. */
async function lockOf(state: string): Promise<Lock> {
  const { lockState } = await import('./state-lock.ts');
  return lockState(state);
}

/**
 * A fault of ours is told to the client and to whoever watches, and the simulator goes on with the next
 * request.
 */
function failed(outgoing: ServerResponse, error: unknown): void {
  process.stderr.write(
    `byoa sim: a request failed inside the simulator: ${error instanceof Error ? error.stack : error}\n`,
  );
  if (outgoing.headersSent || outgoing.destroyed) return;
  outgoing.writeHead(500, { 'content-type': 'text/plain' });
  outgoing.end('The simulator failed; its standard error output says where. This is a bug of byoa.\n');
}

/** The APIs on the simulated Internet: connections from guests end at the same HTTP server. */
function serveInside(server: Server, world: World, act: Act): void {
  const host = endpointOf(world, API_ADDRESS);
  if (host === undefined) throw new Error(`the API host ${API_ADDRESS} is missing`);
  must(
    listenInWorld(host, API_PORT, (_peer, connection) => {
      const { stream, program } = streamOf(connection, act);
      server.emit('connection', stream);
      return program;
    }),
  );
}

/** The requests of a connection that have come and are not served yet. */
interface Line {
  waiting: number;
  last: Promise<void>;
}

const lines = new WeakMap<Socket, Line>();
/** Requests that may wait on a connection; who sends more ahead is cut off. */
const MAX_WAITING = 100;

/**
 * Serves the requests of a connection one after the other. One that was sent ahead of the answer before lets
 * other connections have a turn first.
 */
function inTurn(socket: Socket, serve: () => Promise<void>): Promise<void> {
  const line = lines.get(socket) ?? { waiting: 0, last: Promise.resolve() };
  lines.set(socket, line);
  if (line.waiting >= MAX_WAITING) {
    socket.destroy();
    return Promise.resolve();
  }
  const begin = async (): Promise<void> => {
    if (!socket.destroyed) await serve();
  };
  const before = line.last.catch(() => {});
  const served =
    line.waiting++ === 0
      ? begin()
      : before.then(() => new Promise<void>((resolve) => setImmediate(resolve))).then(begin);
  line.last = served;
  return served.finally(() => line.waiting--);
}

const ATTACH = /^\/_byoa\/attach\/([\w-]+)$/;

interface Doors {
  readonly world: World;
  readonly act: Act;
  readonly later: (what: () => void) => void;
}

function upgrade(doors: Doors, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { world, act, later } = doors;
  socket.on('error', () => socket.destroy());
  const instance = ATTACH.exec(incoming.url ?? '')?.[1] ?? '';
  const refuse = (status: string, what: string, why: string, remedy: string): void => {
    const body = `${JSON.stringify({ error: { what, why, remedy } })}\n`;
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  };
  if (instance === '' || incoming.headers.upgrade !== 'byoa-attach') {
    refuse(
      '404 Not Found',
      'There is nothing to attach to here.',
      'Only instances can be attached to.',
      'Use /_byoa/attach/INSTANCE.',
    );
    return;
  }
  act(() => {
    const endpoint = world.guests.get(instance)?.endpoint;
    if (endpoint === undefined) {
      return refuse(
        '404 Not Found',
        `There is no instance '${instance}'.`,
        'It was never started in this simulator.',
        'GET /_byoa/state lists all.',
      );
    }
    if (endpoint.power === 'dead') {
      return refuse(
        '409 Conflict',
        `'${instance}' is not running.`,
        'Its machine is off or dead.',
        `POST /_byoa/instances/${instance}/start.`,
      );
    }
    if (socket instanceof Socket) socket.setTimeout(0);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: byoa-attach\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    attach(world, endpoint, socket, act, later);
  });
}

function track(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay?.(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return sockets;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy =
        error.code === 'EADDRINUSE'
          ? 'choose another --port, or stop what listens there'
          : 'choose another --host';
      reject(new Error(`The simulator cannot listen on ${host} port ${port} (${error.message}); ${remedy}.`));
    });
    server.listen(port, host, () => resolve());
  });
}
