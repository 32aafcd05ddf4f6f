/**
 * Credentials, refreshed in the background long before they expire: signing a call takes those at hand and
 * never waits for IMDS, STS or a file.
 */
import type { Millis } from '../base/time.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Fetches credentials anew, past every cache. */
export type CredentialSource = () => Promise<Credentials>;

export interface KeptCredentials {
  /** Those at hand; waits only until the first have come. */
  get(): Promise<Credentials>;
  failure(): string | undefined;
  /** Why calls cannot be signed, or soon cannot. */
  problem(): string | undefined;
  stop(): void;
}

/**
 * At the latest so long before they expire; instance credentials are renewed at least 5 min ahead (EC2 user
 * guide).
 */
const AHEAD_MS: Millis = 15 * 60_000;
const REFRESH_MS: Millis = 5 * 60_000;
const RETRY_MS: Millis = 5_000;
/** Nearer to their end than this, they should have been replaced long ago. */
const NEAR_MS: Millis = 5 * 60_000;
const SOON_MS: Millis = 20_000;

export interface CredentialsOptions {
  readonly source: CredentialSource;
  /** The role whose credentials they are; absent: the node's own. */
  readonly role?: string;
  /** Told of the first failure in a row. */
  readonly onFailure: (sentence: string) => void;
  /** Wall-clock time, ms. */
  readonly clock: () => number;
}

/**
 * When to fetch again, ms from now, given how long the present ones are still valid (none: they do not
 * expire).
 */
export function refreshAfterMs(leftMs: Millis | undefined): Millis {
  if (leftMs === undefined) return REFRESH_MS;
  if (leftMs <= AHEAD_MS) return SOON_MS;
  return Math.min(REFRESH_MS, leftMs - AHEAD_MS);
}

/** Starts to fetch at once. */
export function keepCredentials({ source, role, onFailure, clock }: CredentialsOptions): KeptCredentials {
  const what = role === undefined ? 'AWS credentials' : `credentials of ${role}`;
  const remedy =
    role === undefined
      ? 'check the instance profile or AWS_PROFILE'
      : `allow sts:AssumeRole on it in the role of this node, and this node's role in its trust policy`;
  let current: Credentials | undefined;
  let failure: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let release: (() => void) | undefined;
  const first = new Promise<void>((done) => {
    release = done;
  });

  async function refresh(): Promise<void> {
    let waitMs = RETRY_MS;
    try {
      current = await source();
      failure = undefined;
      const left = current.expiration === undefined ? undefined : current.expiration.getTime() - clock();
      waitMs = refreshAfterMs(left);
      release?.();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const rest =
        current === undefined ? 'no EC2 call can be made until they come' : 'going on with the present ones';
      if (failure === undefined) {
        onFailure(`Cannot get ${what} (${why}): ${rest}; ${remedy}.`);
      }
      failure = why;
    }
    if (stopped) return;
    timer = setTimeout(refresh, waitMs);
    timer.unref();
  }
  void refresh();

  return {
    async get() {
      if (current === undefined) await first;
      if (current === undefined) throw new Error('no credentials');
      return current;
    },
    failure: () => failure,
    problem() {
      if (current === undefined) return `there are no ${what}${failure === undefined ? '' : `: ${failure}`}`;
      const left = current.expiration === undefined ? undefined : current.expiration.getTime() - clock();
      if (left === undefined || left > NEAR_MS) return undefined;
      if (left <= 0) return `the ${what} have expired`;
      return `the ${what} expire within ${NEAR_MS / 60_000} min, and no others have come`;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
