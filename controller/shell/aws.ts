/**
 * The daemon's EC2 client: everything on it is warm before it is needed, and a call ends in exactly one
 * outcome. What a call looks like and what its end means is decided in `controller/ec2`.
 */
import { type Config, type InRealm, type Realm, realmKey } from '../config.ts';
import { type Call, madeIn, type Outcome } from '../ec2/call.ts';
import { toOutcome } from '../ec2/failure.ts';
import { toRequest, toValue } from '../ec2/request.ts';
import { type Addresses, keepAddresses } from './aws-addresses.ts';
import type { Origin } from './aws-agent.ts';
import { type CredentialSource, type KeptCredentials, keepCredentials } from './aws-credentials.ts';
import { endpointOf } from './aws-endpoint.ts';
import { failureOf } from './aws-failure.ts';
import type { Send } from './aws-sdk.ts';
import { createWire, type Wire, type WireRequest, type WireResponse } from './aws-wire.ts';
import type { Network } from './network.ts';
import type { ReadParameter } from './parameters.ts';

export interface AwsState {
  readonly endpoint: string;
  readonly warmConnections: number;
  readonly address: string | undefined;
  /** What is wrong with credentials or addresses, as sentences. */
  readonly failures: readonly string[];
}

export interface Aws {
  /** Makes a call; `done` is called once. */
  call(call: Call, done: (outcome: Outcome) => void): void;
  state(): AwsState;
  /** Fetches ahead what calls in these realms, and no others, will need. */
  prepare(realms: readonly Realm[]): void;
  /** What would keep it from making calls. */
  problems(): readonly string[];
  /** The text of a parameter of Systems Manager, decrypted; rejects with the SDK's exception. */
  readonly parameter: ReadParameter;
  /** Those that it signs with, for other services. */
  readonly credentials: KeptCredentials;
  close(): void;
}

export interface AwsOptions {
  /** `endpoint` also where the network has one of its own. */
  readonly aws: Config['aws'];
  /** By whose name sessions of roles are called. */
  readonly node: string;
  /** Other realms that calls will be made in. */
  readonly realms?: readonly Realm[];
  readonly network: Network;
  /** Instead of the SDK's default chain. */
  readonly credentials?: CredentialSource;
  readonly onFailure: (sentence: string) => void;
  /** Connections to keep open in advance. */
  readonly warm?: number;
}

const WARM_CONNECTIONS = 10;
const REHEARSALS = 12;

/**
 * Makes the client ready: SDK loaded, request path rehearsed. Credentials and connections come in the
 * background, in all realms.
 */
export async function createAws(options: AwsOptions): Promise<Aws> {
  const { aws, onFailure } = options;
  const sdk = await import('./aws-sdk.ts');
  await rehearse((transmit) =>
    sdk.createSend({
      region: aws.region,
      endpoint: endpointOf(aws, 'ec2', aws.region),
      credentials: REHEARSAL_CREDENTIALS,
      transmit,
    }),
  );
  const ways = new Ways(options);
  const source = options.credentials ?? sdk.defaultCredentials(aws.region);
  const credentials = keepCredentials({ source, onFailure, clock: Date.now });
  const open = (region: string, kept: KeptCredentials): Client => {
    const endpoint = endpointOf(aws, 'ec2', region);
    const way = ways.to(endpoint, options.warm ?? WARM_CONNECTIONS);
    const turns = takeTurns();
    const transmit = (request: WireRequest): Promise<WireResponse> => {
      const answer = way.wire.send(request);
      turns.sent();
      return answer;
    };
    return {
      send: sdk.createSend({ region, endpoint, credentials: kept, transmit }),
      turns,
      credentials: kept,
    };
  };
  const assume = (role: string, region: string): KeptCredentials => {
    const endpoint = endpointOf(aws, 'sts', region);
    const { wire } = ways.to(endpoint, 1);
    const by = { region, endpoint, credentials, transmit: (request: WireRequest) => wire.send(request) };
    const fetch = sdk.assumedCredentials(by, role, options.node);
    return keepCredentials({ source: fetch, role, onFailure, clock: Date.now });
  };
  const all = new Clients(open(aws.region, credentials), ({ role, region = aws.region }) =>
    open(region, role === undefined ? credentials : assume(role, region)),
  );
  all.prepare(options.realms ?? []);
  const parameter: ReadParameter = async (name) => {
    const endpoint = endpointOf(aws, 'ssm', aws.region);
    const { createReadParameter } = await import('./parameter-sdk.ts');
    const { wire } = ways.to(endpoint, 0);
    const transmit = (request: WireRequest): Promise<WireResponse> => wire.send(request);
    return createReadParameter({ region: aws.region, endpoint, credentials, transmit })(name);
  };
  return assemble({
    endpoint: endpointOf(aws, 'ec2', aws.region),
    ways,
    clients: all,
    credentials,
    parameter,
  });
}

/** Where an endpoint's connections go. */
export function originOf(endpoint: string): Origin {
  const url = new URL(endpoint);
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, secure };
}

const REHEARSAL_CREDENTIALS = {
  get: () => Promise.resolve({ accessKeyId: 'REHEARSAL', secretAccessKey: 'never sent' }),
};

/**
 * Runs the path of a call without sending it, so that the first real one finds compiled code and filled
 * caches.
 */
async function rehearse(make: (transmit: () => Promise<WireResponse>) => Send): Promise<void> {
  const body = Buffer.from('<ReplaceRouteResponse><return>true</return></ReplaceRouteResponse>');
  const send = make(() =>
    Promise.resolve({ statusCode: 200, headers: { 'content-type': 'text/xml' }, body }),
  );
  const { action, input } = toRequest({
    kind: 'replace-route',
    table: 'rtb-0',
    destination: '0.0.0.0/0',
    eni: 'eni-0',
  });
  for (let round = 0; round < REHEARSALS; round += 1) await send(action, input);
}

interface Turns {
  /** Runs `begin`: at once, or as soon as the first call of the burst is on the wire. */
  enter(begin: () => Promise<void>): void;
  /** A call is on the wire. */
  sent(): void;
}

/**
 * The first call of a burst goes alone, the rest follow together. All at once would be signed in step with
 * each other, and the first would leave as late as the last.
 */
function takeTurns(): Turns {
  let rest: (() => Promise<void>)[] | undefined;
  const release = (): void => {
    const waiting = rest ?? [];
    rest = undefined;
    for (const begin of waiting) void begin();
  };
  return {
    enter(begin) {
      if (rest !== undefined) {
        rest.push(begin);
        return;
      }
      rest = [];
      // A call that fails before it is sent must not hold up the others.
      void begin().finally(release);
    },
    // The socket is written to in this turn of the event loop, the rest is signed in the next.
    sent: () => void setImmediate(release),
  };
}

/** What calls of one realm go by. */
interface Client {
  readonly send: Send;
  readonly turns: Turns;
  readonly credentials: KeptCredentials;
}

/** The clients of all realms, by their key. */
class Clients {
  readonly #own: Client;
  readonly #open: (at: Realm) => Client;
  readonly #others = new Map<string, Client>();

  constructor(own: Client, open: (at: Realm) => Client) {
    this.#own = own;
    this.#open = open;
  }

  /** Opens what calls will need; credentials of realms that are left out are renewed no longer. */
  prepare(realms: readonly Realm[]): void {
    const wanted = new Set(realms.map((at) => realmKey({ at })));
    for (const [key, client] of this.#others) {
      if (wanted.has(key)) continue;
      this.#stop(client);
      this.#others.delete(key);
    }
    for (const at of realms) this.for({ at });
  }

  for({ at }: InRealm): Client {
    if (at === undefined) return this.#own;
    const key = realmKey({ at });
    const client = this.#others.get(key) ?? this.#open(at);
    this.#others.set(key, client);
    return client;
  }

  /** All credentials, each once. */
  credentials(): readonly KeptCredentials[] {
    return [...new Set([this.#own, ...this.#others.values()].map((client) => client.credentials))];
  }

  stop(): void {
    for (const kept of this.credentials()) kept.stop();
  }

  #stop({ credentials }: Client): void {
    if (credentials !== this.#own.credentials) credentials.stop();
  }
}

interface Way {
  readonly addresses: Addresses;
  readonly wire: Wire;
}

/** The connections to each endpoint, for all that use it. */
class Ways {
  readonly #options: AwsOptions;
  readonly #ways = new Map<string, Way>();

  constructor(options: AwsOptions) {
    this.#options = options;
  }

  /** `warm` connections are kept open by whoever comes first. */
  to(endpoint: string, warm: number): Way {
    const known = this.#ways.get(endpoint);
    if (known !== undefined) return known;
    const { aws, network, onFailure } = this.#options;
    const origin = originOf(endpoint);
    const pinned = aws.addresses[origin.host];
    const addresses = keepAddresses({
      host: origin.host,
      ...(pinned === undefined ? {} : { pinned }),
      resolve: (name) => network.resolve(name),
      onFailure,
    });
    const { attemptTimeoutMs, timeoutMs } = aws;
    const way = {
      addresses,
      wire: createWire({ network, origin, addresses, warm, attemptTimeoutMs, timeoutMs }),
    };
    this.#ways.set(endpoint, way);
    return way;
  }

  failures(): readonly string[] {
    return [...this.#ways.values()].flatMap(({ addresses }) => addresses.failure() ?? []);
  }

  close(): void {
    for (const { addresses, wire } of this.#ways.values()) {
      addresses.stop();
      wire.close();
    }
  }
}

interface Parts {
  readonly endpoint: string;
  readonly ways: Ways;
  readonly clients: Clients;
  readonly credentials: KeptCredentials;
  readonly parameter: ReadParameter;
}

function assemble({ endpoint, ways, clients, credentials, parameter }: Parts): Aws {
  return {
    credentials,
    parameter,
    prepare: (realms) => clients.prepare(realms),
    call(call, done) {
      const { action, input } = toRequest(call);
      const { send, turns } = clients.for(madeIn(call));
      turns.enter(() =>
        send(action, input).then(
          (output) => done({ kind: 'ok', value: toValue(call, output) }),
          (error: unknown) => done(toOutcome(failureOf(error))),
        ),
      );
    },
    state() {
      const { warm, address } = ways.to(endpoint, WARM_CONNECTIONS).wire.state();
      const failures = [...ways.failures(), ...clients.credentials().flatMap((kept) => kept.failure() ?? [])];
      return { endpoint, warmConnections: warm, address, failures };
    },
    problems: () => [...ways.failures(), ...clients.credentials().flatMap((kept) => kept.problem() ?? [])],
    close() {
      clients.stop();
      ways.close();
    },
  };
}

/** Credentials that never change: those of a simulated account. */
export const fixedCredentials = (accessKeyId: string, secretAccessKey: string): CredentialSource => {
  const fixed = Promise.resolve({ accessKeyId, secretAccessKey });
  return () => fixed;
};
