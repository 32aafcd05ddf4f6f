/** The daemon's client of the store of leases: one connection kept warm, one outcome for each call. */
import type { LeaseStore } from '../config.ts';
import type { LeaseCall, LeaseOutcome } from '../lease/call.ts';
import { toLeaseFailure, toLeaseOutcome, toLeaseRequest } from '../lease/request.ts';
import { originOf } from './aws.ts';
import { keepAddresses } from './aws-addresses.ts';
import type { KeptCredentials } from './aws-credentials.ts';
import { regionalHost } from './aws-endpoint.ts';
import { failureOf } from './aws-failure.ts';
import { createWire } from './aws-wire.ts';
import type { Network } from './network.ts';

export interface LeaseClient {
  /** Makes a call; `done` is called once, at the latest after `timeoutMs`. */
  call(call: LeaseCall, timeoutMs: number, done: (outcome: LeaseOutcome) => void): void;
  /** Waits for calls that are under way, and closes the connections. */
  close(): Promise<void>;
}

export interface LeaseClientOptions {
  readonly store: LeaseStore;
  readonly network: Network;
  readonly credentials: KeptCredentials;
  /** Pinned addresses by host name. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** Endpoint instead of the configured or regional one. */
  readonly endpoint?: string;
  readonly onFailure: (sentence: string) => void;
}

/** No request is repeated before its caller has given it up: a conditional write must not meet itself. */
const TIMEOUT_MS = 60_000;
const CLOSE_MS = 1000;

/** Makes the client ready; the SDK is loaded here. */
export async function createLeaseClient(options: LeaseClientOptions): Promise<LeaseClient> {
  const { store, network, credentials, onFailure } = options;
  const endpoint = options.endpoint ?? store.endpoint ?? `https://${regionalHost('dynamodb', store.region)}`;
  const origin = originOf(endpoint);
  const pinned = options.addresses[origin.host];
  const addresses = keepAddresses({
    host: origin.host,
    ...(pinned === undefined ? {} : { pinned }),
    resolve: (name) => network.resolve(name),
    onFailure,
  });
  const times = { attemptTimeoutMs: TIMEOUT_MS, timeoutMs: TIMEOUT_MS };
  const wire = createWire({ network, origin, addresses, warm: 1, ...times });
  const { createLeaseSend } = await import('./lease-sdk.ts');
  const send = createLeaseSend({
    region: store.region,
    endpoint,
    credentials,
    transmit: (request) => wire.send(request),
  });
  const underWay = new Set<Promise<void>>();
  return {
    call(call, timeoutMs, done) {
      let over = false;
      const end = (outcome: LeaseOutcome): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        done(outcome);
      };
      const timer = setTimeout(
        () => end(toLeaseFailure({ message: `no answer within ${timeoutMs} ms` })),
        timeoutMs,
      );
      const ended = send(toLeaseRequest(call, store.table)).then(
        (output) => end(toLeaseOutcome(output)),
        (error: unknown) => end(toLeaseFailure(failureOf(error))),
      );
      underWay.add(ended);
      void ended.finally(() => underWay.delete(ended));
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([Promise.allSettled(underWay), late]);
      addresses.stop();
      wire.close();
    },
  };
}
