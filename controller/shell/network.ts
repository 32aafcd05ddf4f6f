/**
 * What the daemon needs of a network: the host's own, or that of a simulated instance. Probes, EC2 calls and
 * the health endpoint are written against this interface alone, so that they run unchanged in both.
 */
import type { Duplex } from 'node:stream';
import type { Millis } from '../base/time.ts';
import type { GuestChange } from '../event.ts';

/** `failed`: the machine could not send at all, which says nothing about the target. */
export type EchoReply =
  | { readonly kind: 'reply'; readonly from: string; readonly rttMs: Millis }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface Endpoint {
  /** An IP address, never a name. */
  readonly to: string;
  readonly port: number;
  /** Next hop in the same subnet to send by; absent: by the machine's routes. */
  readonly via?: string;
}

export interface Listener {
  readonly port: number;
  close(): void;
}

export type Power = 'running' | 'frozen' | 'dead';

export interface Network {
  /** One ICMP echo; `done` is called once, at the latest after `timeoutMs`. */
  icmpEcho(request: { to: string; via?: string; timeoutMs: Millis }, done: (reply: EchoReply) => void): void;
  /** A connection that is being made: emits `connect`, or `error`. `destroy()` gives up at once. */
  connectTcp(endpoint: Endpoint): Duplex;
  /** Accepts connections; rejects with a sentence when the port cannot be had. */
  listenTcp(at: { address: string; port: number }, accept: (stream: Duplex) => void): Promise<Listener>;
  /** All addresses of a name; rejects with a sentence when there is none. */
  resolve(name: string): Promise<readonly string[]>;
  /** Applies changes in order, each idempotent; resolves to the first failure as a sentence. */
  applyGuest(changes: readonly GuestChange[]): Promise<string | undefined>;
  /**
   * Makes next hops usable as `via`; resolves to what is missing as a sentence. Called again after a reload.
   */
  prepareNextHops(hops: readonly string[]): Promise<string | undefined>;
  /** The machine's power changes; only a simulated machine tells. */
  onPower(listener: (power: Power) => void): void;
  close(): Promise<void>;
}
