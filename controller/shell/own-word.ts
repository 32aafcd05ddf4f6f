/**
 * The health endpoint: what this daemon says of its own appliance and the groups that this has, whom it finds
 * dead itself, and who is to be emptied. 200 it is healthy, 503 it is not, 204 it has nothing to say yet; the
 * body is JSON. Other daemons probe it (`kind: daemon`), and load balancers may.
 */
import { createServer } from 'node:http';
import type { OwnWord } from '../event.ts';
import type { Listener, Network } from './network.ts';

export interface HealthEndpoint {
  say(word: OwnWord): void;
  /** Listens here and no longer where it did; rejects with a sentence, and then stays where it was. */
  listen(at: { address: string; port: number } | undefined): Promise<void>;
  close(): void;
}

export function createOwnWord(network: Network, node: string): HealthEndpoint {
  let word: OwnWord | undefined;
  let listener: Listener | undefined;
  let listening: string | undefined;
  const server = createServer((request, response) => {
    request.resume();
    if (word === undefined) {
      response.writeHead(204).end();
      return;
    }
    const body = `${JSON.stringify({ node, ...word })}\n`;
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' };
    response.writeHead(word.healthy ? 200 : 503, headers).end(body);
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  return {
    say({ healthy, reason, dead, drained, owns, serves }) {
      word = { healthy, reason, dead, drained, owns, serves };
    },
    async listen(at) {
      const wanted = at === undefined ? undefined : `${at.address} ${at.port}`;
      if (wanted === listening) return;
      const next =
        at === undefined
          ? undefined
          : await network.listenTcp(at, (stream) => server.emit('connection', stream));
      listener?.close();
      listener = next;
      listening = wanted;
    },
    close() {
      listener?.close();
      server.closeAllConnections();
    },
  };
}
