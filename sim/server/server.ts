/** The simulator as an HTTP server: the APIs at `/`, the control API under `/_byoa/`. Owns the sockets and the real clock. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { WorldOptions } from '../world/settings.ts';
import { createWorld, type World } from '../world/world.ts';
import { serveApi } from './api-endpoint.ts';
import { clock, type Driver, drive } from './driver.ts';

export interface ServerOptions extends WorldOptions {
  /** 0 takes any free port. */
  readonly port?: number;
  /** The address to listen on; 127.0.0.1 where absent. Nothing is authenticated: think before you open it. */
  readonly host?: string;
}

/** A running simulator. */
export interface Simulator {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly world: World;
  /** Does something to the world at the present instant of the real clock. */
  readonly act: <T>(what: () => T) => T;
  /** Stops the clock and closes all connections. */
  readonly close: () => Promise<void>;
}

/** Time for a client to send its headers and its whole request, ms. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Starts a simulator and resolves when it listens; fails where the address cannot be had, and says so. */
export async function startServer(options: ServerOptions = {}): Promise<Simulator> {
  const world = createWorld({ ...options, startAt: options.startAt ?? clock() });
  const driver = drive(world);
  const act = actor(driver);
  const endpoint = { api: world.api, act, requestId: randomUUID };
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (incoming, outgoing) => {
      serve(incoming, outgoing);
    },
  );
  server.maxHeadersCount = 100;
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    void serveApi(endpoint, incoming, outgoing);
  };
  const sockets = track(server);
  const host = options.host ?? '127.0.0.1';
  await listen(server, options.port ?? 0, host);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
    world,
    act,
    close: () => {
      driver.stop();
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const actor =
  (driver: Driver) =>
  <T>(what: () => T): T => {
    driver.catchUp();
    const result = what();
    driver.catchUp();
    driver.again();
    return result;
  };

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
