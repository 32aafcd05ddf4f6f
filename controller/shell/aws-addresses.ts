/**
 * The addresses of one host name, kept in the background: a call uses those last known and never waits for
 * DNS. When DNS fails, or answers nothing, the old ones stay.
 */
import { isIP } from 'node:net';
import type { Millis } from '../base/time.ts';

const REFRESH_MS: Millis = 30_000;
const RETRY_MS: Millis = 2_000;
const MOST = 8;

export interface Addresses {
  /** Last known, the best first. Waits only until the first are known. */
  get(): Promise<readonly string[]>;
  /** Last known, perhaps none yet. */
  known(): readonly string[];
  /** Why the last refresh failed, if it did. */
  failure(): string | undefined;
  stop(): void;
}

export interface AddressesOptions {
  readonly host: string;
  /** Used instead of DNS. */
  readonly pinned?: readonly string[];
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Told of the first failure in a row. */
  readonly onFailure: (sentence: string) => void;
}

/** Starts to resolve at once. */
export function keepAddresses({ host, pinned, resolve, onFailure }: AddressesOptions): Addresses {
  const fixed = isIP(host) === 0 ? pinned : [host];
  if (fixed !== undefined) {
    return {
      get: () => Promise.resolve(fixed),
      known: () => fixed,
      failure: () => undefined,
      stop: () => undefined,
    };
  }
  let known: readonly string[] = [];
  let failure: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let release: (() => void) | undefined;
  const first = new Promise<void>((done) => {
    release = done;
  });

  async function refresh(): Promise<void> {
    try {
      const fresh = await resolve(host);
      // Former addresses stay at the end: another way when the new ones do not answer.
      if (fresh.length > 0) known = [...new Set([...fresh, ...known])].slice(0, MOST);
      failure = undefined;
      if (known.length > 0) release?.();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const using = known.length === 0 ? 'no address is known yet' : `going on with ${known.join(', ')}`;
      if (failure === undefined) onFailure(`Cannot resolve ${host} (${why}): ${using}.`);
      failure = why;
    }
    if (stopped) return;
    timer = setTimeout(refresh, failure === undefined ? REFRESH_MS : RETRY_MS);
    timer.unref();
  }
  void refresh();

  return {
    async get() {
      if (known.length === 0) await first;
      return known;
    },
    known: () => known,
    failure: () => failure,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
