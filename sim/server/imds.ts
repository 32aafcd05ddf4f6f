/**
 * The instance metadata service, version 2 and, where an instance allows it, version 1, as the EC2 User Guide
 * has it ("Use the Instance Metadata Service to access instance metadata"). Each instance that is asked for
 * has a listener of its own: who asks there asks as that instance.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metadataOf, textAt } from '../ec2/metadata.ts';
import type { InstanceRecord } from '../ec2/record/compute.ts';
import { inspectInstance } from '../ec2/service.ts';
import type { World } from '../world/state.ts';
import type { Act } from './stream.ts';

/** Where the listeners are: the first has the port, each further one the next; 0 is any free one. */
export interface ImdsAddress {
  readonly host: string;
  readonly port: number;
}

export interface Imds {
  /**
   * The endpoint of an instance, for AWS_EC2_METADATA_SERVICE_ENDPOINT; fails where it cannot be had. `hops`
   * are the routers between who asks and the instance's kernel, such as the bridge of a container.
   */
  readonly endpointOf: (instance: string, hops?: number) => Promise<string>;
  /** Answers one request as the service of an instance does. */
  readonly answer: (instance: string, incoming: IncomingMessage, outgoing: ServerResponse) => void;
  readonly close: () => void;
}

interface Doors {
  readonly world: () => World;
  readonly act: Act;
}

const TOKEN = 'x-aws-ec2-metadata-token';
const TTL = 'x-aws-ec2-metadata-token-ttl-seconds';
const MAX_TTL_S = 21_600;
/** `/latest/...`, or by the date of a version. */
const VERSIONED = /^\/(?:latest|\d{4}-\d{2}-\d{2})(\/.*|)$/;

/** Gives instances their metadata services, on demand. */
export function openImds({ host, port }: ImdsAddress, doors: Doors): Imds {
  const servers = new Map<string, Promise<Server>>();
  const secrets = new Map<string, Tokens>();
  const askerOf = (instance: string, hops: number): Asker => {
    const tokens = secrets.get(instance) ?? tokensOf(randomBytes(32));
    secrets.set(instance, tokens);
    return { instance, hops, tokens };
  };
  const listenFor = (instance: string, hops: number, name: string): Promise<Server> => {
    const next = port === 0 ? 0 : port + servers.size;
    const asker = askerOf(instance, hops);
    const server = createServer((incoming, outgoing) => serve(doors, asker, incoming, outgoing));
    const listening = new Promise<Server>((resolve, reject) => {
      server.once('error', (error) => {
        servers.delete(name);
        const why = `(${error.message}); choose another --imds`;
        reject(new Error(`The metadata of ${instance} cannot be served on ${host} port ${next} ${why}.`));
      });
      server.listen(next, host, () => resolve(server));
    });
    servers.set(name, listening);
    return listening;
  };
  return {
    endpointOf: async (instance, hops = 0) => {
      const name = `${instance} ${hops}`;
      const server = await (servers.get(name) ?? listenFor(instance, hops, name));
      const at = (server.address() as AddressInfo).port;
      return `http://${host.includes(':') ? `[${host}]` : host}:${at}`;
    },
    answer: (instance, incoming, outgoing) => serve(doors, askerOf(instance, 0), incoming, outgoing),
    close: () => {
      for (const server of servers.values()) {
        server.then(
          (each) => {
            each.close();
            each.closeAllConnections();
          },
          () => {},
        );
      }
    },
  };
}

interface Tokens {
  readonly issue: (expiresAtS: number) => string;
  readonly holds: (token: string, nowS: number) => boolean;
}

/** Tokens that say when they expire, signed: nothing is kept of them. */
function tokensOf(secret: Buffer): Tokens {
  const sign = (expires: string): Buffer => createHmac('sha256', secret).update(expires).digest();
  return {
    issue: (expiresAtS) => {
      const expires = expiresAtS.toString(36);
      return `${expires}.${sign(expires).toString('base64url')}`;
    },
    holds: (token, nowS) => {
      const [, expires = '', signature = ''] = /^([0-9a-z]{1,12})\.([\w-]{43})$/.exec(token) ?? [];
      const given = Buffer.from(signature, 'base64url');
      const right = sign(expires);
      return given.length === right.length && timingSafeEqual(given, right) && parseInt(expires, 36) > nowS;
    },
  };
}

interface Reply {
  readonly status: number;
  readonly body?: string | Uint8Array;
  readonly ttl?: string;
  /** The hop limit of the packets that carry it; without limit where absent. */
  readonly hopLimit?: number;
}

/** Who asks by one listener: as which instance, and over how many hops. */
interface Asker {
  readonly instance: string;
  readonly hops: number;
  readonly tokens: Tokens;
}

function serve(
  { world, act }: Doors,
  { instance, hops, tokens }: Asker,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  incoming.resume();
  const reply = act(() => {
    const present = world();
    if (present.guests.get(instance)?.endpoint.power !== 'running') return undefined;
    const nowS = present.now / 1000;
    if (present.api.knobs.credentials === 'down' && incoming.url?.includes('/iam/security-credentials'))
      return { status: 500 };
    return inspectInstance(present.api.cloud, instance, present.now, (tx, record) =>
      answer(incoming, record, tokens, nowS, (path) => textAt(metadataOf(tx, record), path)),
    );
  });
  if (reply === undefined) {
    incoming.socket.destroy();
    return;
  }
  // The answer ends on its way: who asked waits until it gives up.
  if (reply.hopLimit !== undefined && reply.hopLimit <= hops) return;
  const body = reply.body ?? '';
  outgoing.writeHead(reply.status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(body),
    ...(reply.ttl !== undefined && { [TTL]: reply.ttl }),
    ...(reply.status === 405 && { allow: 'OPTIONS, GET, HEAD' }),
  });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

function answer(
  incoming: IncomingMessage,
  { metadata }: InstanceRecord,
  tokens: Tokens,
  nowS: number,
  at: (path: string) => string | Uint8Array | undefined,
): Reply {
  const { method = '', headers } = incoming;
  const path = decoded(incoming.url ?? '');
  if (metadata.httpEndpoint === 'disabled') return { status: 403 };
  if (method === 'PUT' && path === '/latest/api/token') {
    if (headers['x-forwarded-for'] !== undefined) return { status: 403 };
    const ttl = String(headers[TTL] ?? '');
    const wanted = /^\d{1,5}$/.test(ttl) ? Number(ttl) : 0;
    if (wanted < 1 || wanted > MAX_TTL_S) return { status: 400 };
    const hopLimit = metadata.httpPutResponseHopLimit;
    return { status: 200, body: tokens.issue(Math.ceil(nowS) + wanted), ttl, hopLimit };
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405 };
  const token = headers[TOKEN];
  const allowed =
    token === undefined ? metadata.httpTokens === 'optional' : tokens.holds(String(token), nowS);
  if (!allowed) return { status: 401 };
  const body = path === '/' ? 'latest' : at(VERSIONED.exec(path)?.[1] ?? '/?');
  return body === undefined ? { status: 404 } : { status: 200, body };
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '');
  } catch {
    return '';
  }
}
