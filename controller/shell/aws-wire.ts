/**
 * Sends signed requests for the AWS SDK, in place of its own HTTP handler. A request goes out on a warm
 * connection at once. One that is unanswered after `attemptTimeoutMs` (twice that for a look), or whose
 * connection breaks, is repeated on a new connection to another address: all calls that byoa makes are safe
 * to repeat. An unanswered one also ends the trust in the connections that were kept beside its own.
 */
import { request as httpRequest } from 'node:http';
import type { Millis } from '../base/time.ts';
import { MOST_ATTEMPTS, patienceMs } from '../ec2/call.ts';
import { wasNeverSent } from '../ec2/failure.ts';
import type { Addresses } from './aws-addresses.ts';
import { AddressAgent, type Origin } from './aws-agent.ts';
import { now } from './clock.ts';
import type { Network } from './network.ts';

const WARM_CHECK_MS: Millis = 1_000;

/** A request as the SDK hands it over, signed. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface WireResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

export interface WireOptions {
  readonly network: Network;
  readonly origin: Origin;
  readonly addresses: Addresses;
  /** Connections to keep open. */
  readonly warm: number;
  readonly attemptTimeoutMs: Millis;
  readonly timeoutMs: Millis;
}

type Answer = { readonly response: WireResponse } | { readonly error: NodeJS.ErrnoException };

export interface Wire {
  send(request: WireRequest): Promise<WireResponse>;
  /** Connections that a call could use at once, and where they go. */
  state(): { readonly warm: number; readonly address: string | undefined };
  close(): void;
}

export function createWire(options: WireOptions): Wire {
  const { network, origin, addresses } = options;
  let agent: AddressAgent | undefined;

  /** The agent for the present address; one that failed gives way to the next. */
  function currentAgent(): AddressAgent {
    const known = addresses.known();
    if (agent !== undefined && known.includes(agent.address)) return agent;
    return renew(known[0] ?? origin.host);
  }

  function renew(address: string): AddressAgent {
    agent?.retire();
    agent = new AddressAgent(network, origin, address, true);
    return agent;
  }

  /** The address after one that gave no answer; the same again where there is only one. */
  function after(address: string): string {
    const known = addresses.known();
    return known[(known.indexOf(address) + 1) % known.length] ?? address;
  }

  /** Later calls begin at the address that answered. */
  function prefer(address: string): void {
    if (agent?.address !== address) renew(address).warm(options.warm);
  }

  /** What broke off one kept connection without a word has broken off those beside it. */
  function distrust(kept: AddressAgent): void {
    if (agent === kept) renew(kept.address).warm(options.warm);
  }

  const timer = setInterval(() => {
    if (addresses.known().length > 0) currentAgent().warm(options.warm);
  }, WARM_CHECK_MS);
  timer.unref();
  void addresses.get().then(() => currentAgent().warm(options.warm));

  return {
    async send(request) {
      if (addresses.known().length === 0) await addresses.get();
      return new Promise((resolve, reject) => {
        new Exchange({
          ...options,
          request,
          first: currentAgent(),
          after,
          prefer,
          distrust,
          resolve,
          reject,
        }).attempt();
      });
    },
    state: () => ({ warm: agent?.warmCount() ?? 0, address: agent?.address }),
    close() {
      clearInterval(timer);
      agent?.destroy();
    },
  };
}

interface ExchangeOptions extends WireOptions {
  readonly request: WireRequest;
  readonly first: AddressAgent;
  readonly after: (address: string) => string;
  readonly prefer: (address: string) => void;
  readonly distrust: (kept: AddressAgent) => void;
  readonly resolve: (response: WireResponse) => void;
  readonly reject: (error: Error) => void;
}

/** One request with its attempts; ends once, in a response or an error. */
class Exchange {
  readonly #options: ExchangeOptions;
  readonly #cancels = new Set<() => void>();
  readonly #startedAt = now();
  #deadline: NodeJS.Timeout;
  #repeat: NodeJS.Timeout | undefined;
  #address: string;
  #attempts = 0;
  /** Some attempt may have been applied although nothing was answered. */
  #doubt = false;
  #refusal: WireResponse | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#address = options.first.address;
    this.#deadline = this.#giveUpAfter(options.timeoutMs);
  }

  attempt(): void {
    const { first, network, origin, attemptTimeoutMs, request } = this.#options;
    this.#attempts += 1;
    if (this.#attempts > 1) this.#address = this.#options.after(this.#address);
    const address = this.#address;
    const agent = this.#attempts === 1 ? first : new AddressAgent(network, origin, address, false);
    const cancel = transmit(agent, origin, request, (answer) => {
      this.#cancels.delete(cancel);
      this.#answered(answer, address);
    });
    this.#cancels.add(cancel);
    clearTimeout(this.#repeat);
    if (this.#attempts < MOST_ATTEMPTS) {
      const { timeoutMs } = this.#options;
      this.#repeat = setTimeout(
        () => {
          this.#options.distrust(first);
          // A machine that was not run for a while has missed its chance.
          if (now() < this.#startedAt + timeoutMs) this.attempt();
        },
        patienceMs(attemptTimeoutMs, isLook(request)),
      );
    }
  }

  #answered(answer: Answer, address: string): void {
    if ('response' in answer) {
      if (answer.response.statusCode < 300) {
        this.#finish();
        this.#options.prefer(address);
        this.#options.resolve(answer.response);
        return;
      }
      // While another attempt is unanswered it may yet succeed, or have succeeded; it gets a little longer.
      this.#refusal = answer.response;
      clearTimeout(this.#repeat);
      clearTimeout(this.#deadline);
      this.#deadline = this.#giveUpAfter(this.#options.attemptTimeoutMs);
    } else if (!wasNeverSent(answer.error.code ?? '')) {
      this.#doubt = true;
    }
    if (this.#cancels.size > 0) return;
    if ('error' in answer && this.#refusal === undefined && this.#attempts < MOST_ATTEMPTS) {
      this.attempt();
      return;
    }
    this.#conclude(answer);
  }

  #conclude(answer: Answer): void {
    if (this.#refusal !== undefined && !this.#doubt) {
      this.#finish();
      this.#options.resolve(this.#refusal);
    } else if (this.#refusal !== undefined) {
      this.#fail(
        'EUNANSWERED',
        `an earlier attempt broke off and may have been applied (a later one: HTTP ${this.#refusal.statusCode})`,
      );
    } else if ('error' in answer) {
      const code = this.#doubt ? 'ECONNRESET' : (answer.error.code ?? 'EUNANSWERED');
      this.#fail(code, `${answer.error.message} (${this.#attempts} attempts)`);
    }
  }

  #giveUpAfter(ms: Millis): NodeJS.Timeout {
    const attempts = (): string => (this.#attempts === 1 ? '1 attempt' : `${this.#attempts} attempts`);
    return setTimeout(() => this.#fail('ETIMEDOUT', `no answer within ${ms} ms (${attempts()})`), ms);
  }

  #fail(code: string, message: string): void {
    this.#finish();
    this.#options.reject(Object.assign(new Error(message), { code }));
  }

  #finish(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#repeat);
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}

const isLook = ({ body }: WireRequest): boolean =>
  typeof body === 'string' && /^Action=(Describe|Search)/.test(body);

/**
 * One attempt; an answer that breaks off counts as none. Returns how to cancel it, after which `done` is not
 * called.
 */
function transmit(
  agent: AddressAgent,
  origin: Origin,
  request: WireRequest,
  done: (answer: Answer) => void,
): () => void {
  let over = false;
  const finish = (answer: Answer): void => {
    if (over) return;
    over = true;
    done(answer);
  };
  const outgoing = httpRequest({
    agent,
    method: request.method,
    path: request.path,
    host: origin.host,
    port: origin.port,
    headers: request.headers,
  });
  outgoing.on('error', (error) => finish({ error }));
  outgoing.on('response', (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('error', (error) => finish({ error }));
    response.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
      );
      finish({ response: { statusCode: response.statusCode ?? 0, headers, body: Buffer.concat(parts) } });
    });
    response.on('close', () =>
      finish({ error: Object.assign(new Error('answer cut off'), { code: 'ECONNRESET' }) }),
    );
  });
  outgoing.end(request.body);
  return () => {
    over = true;
    outgoing.destroy();
  };
}
