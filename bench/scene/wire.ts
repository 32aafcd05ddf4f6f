/**
 * A TCP server between a client and an endpoint that notes, for each HTTP request, when its first byte came
 * and when the answer's did. It changes nothing and knows of HTTP only that a connection's requests follow
 * each other's answers.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** One request as seen on the wire. Instants are Unix milliseconds with fractions. */
export interface WireRequest {
  readonly action: string;
  readonly at: number;
  readonly answeredAt: number;
}

export interface Wire {
  readonly url: string;
  /** The requests of one action since `since`, those answered first. */
  readonly requests: (action: string, since: number) => readonly WireRequest[];
  /** The requests of one action that came since `since`, answered or not, as instants in their order. */
  readonly firstBytes: (action: string, since: number) => readonly number[];
  readonly close: () => Promise<void>;
}

/** The present instant, comparable between processes of one machine to a few microseconds. */
export const instant = (): number => performance.timeOrigin + performance.now();

interface Noted {
  at: number;
  text: string;
  answeredAt: number | undefined;
}

const actionOf = (noted: Noted): string => /\bAction=(\w+)/.exec(noted.text)?.[1] ?? 'unknown';

function relay(client: Socket, port: number, noted: Noted[]): void {
  const upstream = connect(port, '127.0.0.1');
  client.setNoDelay(true);
  upstream.setNoDelay(true);
  let open: Noted | undefined;
  client.on('data', (chunk: Buffer) => {
    if (open === undefined) {
      open = { at: instant(), text: '', answeredAt: undefined };
      noted.push(open);
    }
    open.text += chunk.toString('latin1');
    upstream.write(chunk);
  });
  upstream.on('data', (chunk: Buffer) => {
    if (open !== undefined) open.answeredAt = instant();
    open = undefined;
    client.write(chunk);
  });
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('end', () => other.end());
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

/** Listens on a free port of `address`, the loopback by default, and relays to `endpoint` on the loopback. */
export async function openWire(endpoint: string, address = '127.0.0.1'): Promise<Wire> {
  const noted: Noted[] = [];
  const sockets = new Set<Socket>();
  const port = Number(new URL(endpoint).port);
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    relay(client, port, noted);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the wire has no port');
  const of = (action: string, since: number): readonly Noted[] =>
    noted.filter((one) => one.at >= since && actionOf(one) === action);
  return {
    url: `http://${address}:${bound.port}`,
    requests: (action, since) =>
      of(action, since)
        .flatMap(({ at, answeredAt }) => (answeredAt === undefined ? [] : [{ action, at, answeredAt }]))
        .sort((a, b) => a.answeredAt - b.answeredAt),
    firstBytes: (action, since) => of(action, since).map(({ at }) => at),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
