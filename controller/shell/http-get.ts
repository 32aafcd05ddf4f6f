/**
 * One HTTP GET over a `Network`, with one time limit for name, connection, TLS and answer. No redirects, no
 * keep-alive.
 */
import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { Millis } from '../base/time.ts';
import type { Network } from './network.ts';

export interface HttpGet {
  readonly url: string;
  readonly via: string | undefined;
  /** Whether an https certificate must be valid. */
  readonly verify: boolean;
  readonly timeoutMs: Millis;
}

export type HttpAnswer =
  /** At most the first 4000 characters of the body. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed'; readonly error: NodeJS.ErrnoException };

export interface HttpPost extends HttpGet {
  /** Sent as JSON. */
  readonly body: unknown;
}

const BODY_CHARS = 4000;

/** `done` is called once. */
export const httpGet = (network: Network, get: HttpGet, done: (answer: HttpAnswer) => void): void =>
  exchange(network, get, undefined, done);

/** `done` is called once. */
export const httpPost = (network: Network, post: HttpPost, done: (answer: HttpAnswer) => void): void =>
  exchange(network, post, JSON.stringify(post.body), done);

function exchange(
  network: Network,
  get: HttpGet,
  body: string | undefined,
  done: (answer: HttpAnswer) => void,
): void {
  const url = new URL(get.url);
  let outgoing: ClientRequest | undefined;
  let over = false;
  const finish = (answer: HttpAnswer): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    outgoing?.destroy();
    done(answer);
  };
  const timer = setTimeout(() => finish({ kind: 'timeout' }), get.timeoutMs);
  const send = (address: string): void => {
    if (over) return;
    outgoing = start(network, get, url, address, body);
    outgoing.on('error', (error) => finish({ kind: 'failed', error }));
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(0, BODY_CHARS);
      });
      response.on('end', () => finish({ kind: 'answer', status: response.statusCode ?? 0, body: text }));
    });
    outgoing.end(body);
  };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) {
    send(host);
    return;
  }
  network.resolve(host).then(
    ([address = host]) => send(address),
    (error: Error) => finish({ kind: 'failed', error: Object.assign(error, { code: 'ENOTSENT' }) }),
  );
}

function start(
  network: Network,
  get: HttpGet,
  url: URL,
  address: string,
  body: string | undefined,
): ClientRequest {
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const via = get.via === undefined ? {} : { via: get.via };
  const createConnection = (): Duplex => {
    const stream = network.connectTcp({ to: address, port, ...via });
    if (!secure) return stream;
    const name = isIP(url.hostname) === 0 ? { servername: url.hostname } : {};
    const secured = tlsConnect({ socket: stream, rejectUnauthorized: get.verify, ...name });
    stream.once('error', (error) => secured.destroy(error));
    return secured;
  };
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST',
    path: `${url.pathname}${url.search}`,
    host: url.hostname,
    headers: {
      host: url.host,
      'user-agent': 'byoa',
      connection: 'close',
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    },
    createConnection,
  };
  return httpRequest(options);
}
