/** Small programs for guests and Internet hosts: UDP echo, TCP echo, and a web server with one answer. */
import { must, unreachable } from '../../controller/base/result.ts';
import type { Endpoint } from './endpoint.ts';
import { bindUdp, listen, sendUdp } from './sockets.ts';
import { type Connection, finish, type TcpProgram, write } from './tcp.ts';

export type Service =
  | { readonly kind: 'udp-echo' | 'tcp-echo'; readonly port: number }
  | { readonly kind: 'http'; readonly port: number; readonly status?: number; readonly body?: string };

/** What every host on the simulated Internet offers unless told otherwise. */
export const HOST_SERVICES: readonly Service[] = [
  { kind: 'udp-echo', port: 7 },
  { kind: 'tcp-echo', port: 7 },
  { kind: 'http', port: 80 },
];

/** Whether two services want the same port. */
export const takesPortOf = (a: Service, b: Service): boolean =>
  a.port === b.port && (a.kind === 'udp-echo') === (b.kind === 'udp-echo');

/** Bytes of the longest request head that the web server reads. */
const MAX_HEAD_BYTES = 16_384;

/** Starts services on a machine that runs; a port that is taken keeps its present program. */
export function startServices(endpoint: Endpoint, services: readonly Service[]): void {
  for (const service of services) {
    switch (service.kind) {
      case 'udp-echo':
        if (!endpoint.udp.has(service.port)) startUdpEcho(endpoint, service.port);
        break;
      case 'tcp-echo':
        if (!endpoint.listeners.has(service.port)) {
          must(listen(endpoint, service.port, (_peer, connection) => echo(connection)));
        }
        break;
      case 'http':
        if (!endpoint.listeners.has(service.port)) {
          must(listen(endpoint, service.port, (_peer, connection) => web(connection, service)));
        }
        break;
      default:
        unreachable(service);
    }
  }
}

function startUdpEcho(endpoint: Endpoint, port: number): void {
  must(
    bindUdp(endpoint, port, (from, data, at) => {
      sendUdp(endpoint, { to: from.address, port: from.port, fromPort: port, from: at, data });
    }),
  );
}

const echo = (connection: Connection): TcpProgram => ({
  data: (bytes) => write(connection, bytes),
  end: () => finish(connection),
});

/** Answers the first request head with the configured status and closes (HTTP/1.1, RFC 9112 section 9.6). */
function web(
  connection: Connection,
  service: { readonly status?: number; readonly body?: string },
): TcpProgram {
  let head = '';
  return {
    data: (bytes) => {
      if (head.length <= MAX_HEAD_BYTES) head += new TextDecoder('latin1').decode(bytes);
      if (!head.includes('\r\n\r\n')) return;
      head = '';
      const body = new TextEncoder().encode(service.body ?? 'ok\n');
      const lines = [
        `HTTP/1.1 ${service.status ?? 200} simulated`,
        'content-type: text/plain',
        `content-length: ${body.length}`,
        'connection: close',
      ];
      write(connection, new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`));
      write(connection, body);
      finish(connection);
    },
    end: () => finish(connection),
  };
}
