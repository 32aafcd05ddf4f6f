/**
 * The daemon's EC2 client: everything on it is warm before it is needed, and a call ends in exactly one
 * outcome. What a call looks like and what its end means is decided in `controller/ec2`.
 */
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Call, Outcome } from '../ec2/call.ts';
import { toOutcome } from '../ec2/failure.ts';
import { toRequest, toValue } from '../ec2/request.ts';
import { type Addresses, keepAddresses } from './aws-addresses.ts';
import type { Origin } from './aws-agent.ts';
import { type CredentialSource, type KeptCredentials, keepCredentials } from './aws-credentials.ts';
import type { Send } from './aws-sdk.ts';
import { createWire, type Wire, type WireResponse } from './aws-wire.ts';
import type { Network } from './network.ts';

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
  /** What would keep it from making calls. */
  problems(): readonly string[];
  /** Those that it signs with, for other services. */
  readonly credentials: KeptCredentials;
  close(): void;
}

export interface AwsOptions {
  readonly aws: Config['aws'];
  readonly network: Network;
  /** Endpoint instead of the configured or regional one. */
  readonly endpoint?: string;
  /** Instead of the SDK's default chain. */
  readonly credentials?: CredentialSource;
  readonly onFailure: (sentence: string) => void;
  /** Connections to keep open in advance. */
  readonly warm?: number;
}

const WARM_CONNECTIONS = 10;
const REHEARSALS = 12;

/** The regional endpoint of EC2 (AWS General Reference). */
export const regionalHost = (service: string, region: string): string =>
  `${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;

/**
 * Makes the client ready: SDK loaded, request path rehearsed. Credentials and connections come in the
 * background.
 */
export async function createAws(options: AwsOptions): Promise<Aws> {
  const { aws, network, onFailure } = options;
  const endpoint = options.endpoint ?? aws.endpoint ?? `https://${regionalHost('ec2', aws.region)}`;
  const origin = originOf(endpoint);
  const pinned = aws.addresses[origin.host];
  const addresses = keepAddresses({
    host: origin.host,
    ...(pinned === undefined ? {} : { pinned }),
    resolve: (name) => network.resolve(name),
    onFailure,
  });
  const sdk = await import('./aws-sdk.ts');
  const source = options.credentials ?? sdk.defaultCredentials(aws.region);
  const credentials = keepCredentials({ source, onFailure, clock: Date.now });
  const wire = createWire({
    network,
    origin,
    addresses,
    warm: options.warm ?? WARM_CONNECTIONS,
    attemptTimeoutMs: aws.attemptTimeoutMs,
    timeoutMs: aws.timeoutMs,
  });
  await rehearse((transmit) =>
    sdk.createSend({ region: aws.region, endpoint, credentials: REHEARSAL_CREDENTIALS, transmit }),
  );
  const turns = takeTurns();
  const send = sdk.createSend({
    region: aws.region,
    endpoint,
    credentials,
    transmit: (request) => {
      const answer = wire.send(request);
      turns.sent();
      return answer;
    },
  });
  return assemble({ endpoint, addresses, credentials, wire, send, turns });
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

interface Parts {
  readonly endpoint: string;
  readonly addresses: Addresses;
  readonly credentials: KeptCredentials;
  readonly wire: Wire;
  readonly send: Send;
  readonly turns: Turns;
}

function assemble({ endpoint, addresses, credentials, wire, send, turns }: Parts): Aws {
  return {
    credentials,
    call(call, done) {
      const { action, input } = toRequest(call);
      turns.enter(() =>
        send(action, input).then(
          (output) => done({ kind: 'ok', value: toValue(call, output) }),
          (error: unknown) => done(toOutcome(failureOf(error))),
        ),
      );
    },
    state() {
      const { warm, address } = wire.state();
      const failures = [addresses.failure(), credentials.failure()].filter(
        (failure) => failure !== undefined,
      );
      return { endpoint, warmConnections: warm, address, failures };
    },
    problems: () => [addresses.failure(), credentials.problem()].filter((problem) => problem !== undefined),
    close() {
      addresses.stop();
      credentials.stop();
      wire.close();
    },
  };
}

const sdkError = z.object({
  name: z.string().optional(),
  message: z.string().optional(),
  code: z.string().optional(),
  Code: z.string().optional(),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional(),
});

/** What the SDK threw, in the terms of `controller/ec2/failure.ts`. */
export function failureOf(error: unknown): { status?: number; code?: string; message: string } {
  const parsed = sdkError.safeParse(error);
  if (!parsed.success) return { message: String(error) };
  const { name, message = '', code, Code, $metadata } = parsed.data;
  const status = $metadata?.httpStatusCode;
  // An answer of success that cannot be read tells nothing.
  if (status !== undefined && status >= 300) return { status, code: Code ?? name ?? '', message };
  return code === undefined ? { message } : { code, message };
}

/** Credentials that never change: those of a simulated account. */
export const fixedCredentials = (accessKeyId: string, secretAccessKey: string): CredentialSource => {
  const fixed = Promise.resolve({ accessKeyId, secretAccessKey });
  return () => fixed;
};
