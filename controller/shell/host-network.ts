/**
 * The network of the Linux machine that the daemon runs on. TCP and ICMP need no privilege (given
 * `ping_group_range`); probes by next hop and changes to the guest need CAP_NET_ADMIN, and say so.
 */
import { lookup } from 'node:dns/promises';
import { connect, createServer, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { applyGuestChanges } from './host/guest.ts';
import { createEchoes } from './host/icmp.ts';
import { createNextHops } from './host/next-hops.ts';
import { tcpSocket } from './host/sockets.ts';
import type { Endpoint, Listener, Network } from './network.ts';

export function createHostNetwork(): Network {
  const echoes = createEchoes();
  const hops = createNextHops();
  return {
    icmpEcho({ to, via, timeoutMs }, done) {
      if (via === undefined) return echoes.send({ to, timeoutMs }, done);
      const mark = hops.mark(via);
      if (mark === undefined)
        return done({ kind: 'failed', reason: `the next hop ${via} is not set up; see the log` });
      echoes.send({ to, timeoutMs, mark }, done);
    },
    connectTcp(endpoint) {
      if (endpoint.via === undefined)
        return connect({ host: endpoint.to, port: endpoint.port, noDelay: true });
      return connectMarked(endpoint, hops.mark(endpoint.via));
    },
    listenTcp: listen,
    async resolve(name) {
      return (await lookup(name, { all: true })).map(({ address }) => address);
    },
    applyGuest: applyGuestChanges,
    prepareNextHops: (wanted) => hops.prepare(wanted),
    onPower: () => undefined,
    async close() {
      echoes.close();
      await hops.remove();
    },
  };
}

/** A connection whose first packet already carries the mark, so that it takes the next hop. */
function connectMarked({ to, port, via }: Endpoint, mark: number | undefined): Duplex {
  if (mark === undefined) return failing(`the next hop ${via} is not set up; see the log`);
  const fd = tcpSocket(to.includes(':') ? 6 : 4, mark);
  if (!fd.ok) return failing(`cannot make a socket for next hop ${via}: ${fd.error}; it needs CAP_NET_ADMIN`);
  const options = { fd: fd.value, readable: true, writable: true, manualStart: true };
  return new Socket(options).connect({ host: to, port, noDelay: true });
}

/** A stream that fails as a connection would, but with a code that says that nothing was sent. */
export function failing(reason: string): Duplex {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  process.nextTick(() => stream.destroy(Object.assign(new Error(reason), { code: 'ENOTSENT' })));
  return stream;
}

function listen(at: { address: string; port: number }, accept: (stream: Duplex) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, accept);
    const refuse = (error: NodeJS.ErrnoException): void => {
      const remedy =
        error.code === 'EADDRINUSE' ? 'another program listens there; set `health.listen`' : error.message;
      reject(new Error(`cannot listen at ${at.address}:${at.port}: ${remedy}`));
    };
    server.once('error', refuse);
    server.listen({ host: at.address, port: at.port }, () => {
      server.off('error', refuse);
      server.on('error', () => undefined);
      const bound = server.address();
      resolve({
        port: typeof bound === 'object' && bound !== null ? bound.port : at.port,
        close: () => server.close(),
      });
    });
  });
}
