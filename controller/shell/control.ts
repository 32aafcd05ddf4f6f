/**
 * The control socket: a Unix socket that only its owner may open, one JSON request and one JSON response a
 * line. It also keeps a second daemon with the same configuration from running.
 */
import { mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Command } from '../event.ts';
import type { BgpQuestion } from './bgp-answer.ts';

const family = z.enum(['ipv4', 'ipv6']);
const peer = z.string();

const question = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('summary') }),
  z.strictObject({ what: z.literal('neighbor'), name: z.string().optional() }),
  z.strictObject({
    what: z.literal('rib'),
    table: z.enum(['loc', 'in', 'out']),
    family,
    peer: peer.optional(),
    under: z.string().optional(),
    after: z.number().int().min(0).optional(),
  }),
  z.strictObject({ what: z.literal('route'), prefix: z.string() }),
  z.strictObject({ what: z.literal('bfd') }),
]);

/** Of all that a speaker can be told, what an operator may say. */
const input = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reset'), peer, hard: z.boolean(), text: z.string() }),
  z.strictObject({ kind: z.literal('soft-reset'), peer, direction: z.enum(['in', 'out']) }),
  z.strictObject({ kind: z.literal('route-refresh'), peer, family }),
  z.strictObject({ kind: z.literal('shutdown'), peer, text: z.string() }),
  z.strictObject({ kind: z.literal('enable'), peer }),
  z.strictObject({
    kind: z.literal('drain'),
    how: z.enum(['graceful-shutdown', 'withdraw', 'none']),
    reason: z.string(),
  }),
]);

const forMs = z.number().positive();

const command = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('status') }),
  z.strictObject({
    kind: z.literal('switchover'),
    group: z.string(),
    to: z.string(),
    forMs: forMs.optional(),
  }),
  z.strictObject({ kind: z.enum(['drain', 'undrain']), appliance: z.string() }),
  z.strictObject({ kind: z.literal('leave') }),
  z.strictObject({ kind: z.literal('pause'), group: z.string().optional(), forMs: forMs.optional() }),
  z.strictObject({ kind: z.literal('resume'), group: z.string().optional() }),
  z.strictObject({
    kind: z.literal('plan'),
    group: z.string(),
    fail: z.string(),
    to: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('bgp'), input }),
  z.strictObject({ kind: z.literal('bgp-query'), question }),
]);

/** What can be asked at the socket: commands of the node, and questions that its machines answer. */
export type Request = Command | { readonly kind: 'bgp-query'; readonly question: BgpQuestion };

export interface Response {
  readonly ok: boolean;
  readonly body: unknown;
}

export interface ControlServer {
  /** Answers the command with this id. */
  reply(id: number, response: Response): void;
  close(): Promise<void>;
}

const MAX_LINE_CHARS = 4 * 1024 * 1024;

/** Listens; rejects where another daemon does already. */
export async function serveControl(
  path: string,
  receive: (id: number, request: Request) => void,
): Promise<ControlServer> {
  await removeStale(path);
  const waiting = new Map<number, Socket>();
  const sockets = new Set<Socket>();
  let lastId = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    onLines(socket, (line) => {
      const parsed = command.safeParse(jsonOf(line));
      if (!parsed.success) {
        const body = {
          message: 'this is no request; expected {"kind":"status"} or {"kind":"switchover","group","to"}',
        };
        socket.write(`${JSON.stringify({ ok: false, body })}\n`);
        return;
      }
      lastId += 1;
      waiting.set(lastId, socket);
      receive(lastId, parsed.data);
    });
  });
  await listen(server, path);
  return {
    reply(id, response) {
      const socket = waiting.get(id);
      waiting.delete(id);
      if (socket !== undefined && !socket.destroyed) socket.write(`${JSON.stringify(response)}\n`);
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.end();
      });
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // The mode must be right from the first moment, not a moment later.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `cannot listen at the control socket ${path} (${why}); set \`control.socket\` to a path of its own`,
    );
  } finally {
    process.umask(mask);
  }
}

/** A socket file that nobody listens at was left by a crash. */
async function removeStale(path: string): Promise<void> {
  const state = await new Promise<'alive' | 'stale' | 'none'>((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('none');
      else if (error.code === 'ECONNREFUSED') resolve('stale');
      else reject(new Error(`the control socket ${path} cannot be used: ${error.message}`));
    });
  });
  if (state === 'alive') {
    throw new Error(
      `another daemon listens at ${path}: stop it first, or give each its own \`control.socket\``,
    );
  }
  if (state === 'stale') await unlink(path);
}

/** Asks the daemon at `path`; rejects with a sentence where none answers within `timeoutMs`. */
export function askDaemon(path: string, request: Request, timeoutMs: number): Promise<Response> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`no daemon answers at ${path}: ${why}`));
    };
    const timer = setTimeout(() => fail(`nothing within ${timeoutMs / 1000} s`), timeoutMs);
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(REMEDIES[error.code ?? ''] ?? error.message);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      fail('it closed the connection');
    });
    onLines(socket, (line) => {
      clearTimeout(timer);
      const response = responseSchema.safeParse(jsonOf(line));
      if (response.success) resolve({ ok: response.data.ok, body: response.data.body });
      else fail(`it said ${line.slice(0, 100)}`);
      socket.end();
    });
  });
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'the socket does not exist; is `byoa run` running with this configuration?',
  ECONNREFUSED: 'the daemon has ended; start it with `byoa run`',
  EACCES: 'permission denied; ask as the user that the daemon runs as, e.g. with sudo',
};

const responseSchema = z.object({ ok: z.boolean(), body: z.unknown() });

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function onLines(socket: Socket, handle: (line: string) => void): void {
  let tail = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    const lines = (tail + part).split('\n');
    tail = lines.pop() ?? '';
    for (const line of lines) if (line !== '') handle(line);
    if (tail.length > MAX_LINE_CHARS) socket.destroy();
  });
}
