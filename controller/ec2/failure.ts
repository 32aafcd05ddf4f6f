/**
 * How a call that did not succeed ended: refused for certain, or unknown. Pure; the shell supplies what it
 * saw.
 */
import type { Outcome } from './call.ts';

/** What came back, or did not. `status` is the HTTP status, `code` the error code of EC2 or of the socket. */
export interface Failure {
  readonly status?: number;
  readonly code?: string;
  readonly message: string;
}

/**
 * Refusals that pass with time: throttling, and eventual consistency right after something was made or
 * changed.
 */
const PASSING = [
  /^RequestLimitExceeded$/,
  /^Throttl/,
  /^TooManyRequests/,
  /\.NotFound$/,
  /^IncorrectState/,
  /^IncorrectInstanceState$/,
  /\.InUse$/,
  /^DependencyViolation$/,
  /^ResourceAlreadyAssociated$/,
  /^RequestExpired$/,
  /^InsufficientInstanceCapacity$/,
];

/** Throttling is answered with 503 (RequestLimitExceeded) and is still a refusal: nothing was applied. */
const THROTTLED = /^(RequestLimitExceeded|Throttl|TooManyRequests)/;

/**
 * What the SDK makes of an error without a code: something on the way has answered, such as 408 by a proxy.
 */
const NOT_FROM_EC2 = /^(|Unknown|UnknownError|HTTP\d+)$/;

/** Whether a refusal says that too many calls were made. */
export const isThrottling = (code: string): boolean => THROTTLED.test(code);

/** No connection came about (errno(3), Node's DNS errors; ENOTSENT is ours). */
const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|ENOTSENT)$/;
/** Nothing was signed (AWS SDK). */
const NOT_SIGNED = /^CredentialsProviderError$/;
/** The certificate was not accepted, so the handshake failed (X.509 error codes of Node's `tls`). */
const NOT_TRUSTED =
  /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH$)|SELF_SIGNED_CERT/;

/** Whether an error says that no byte of the request was sent: the call cannot have been applied. */
export const wasNeverSent = (code: string): boolean =>
  NOT_CONNECTED.test(code) || NOT_TRUSTED.test(code) || NOT_SIGNED.test(code);

/**
 * The outcome. Without a status nothing was answered: unknown, save where no connection came about. So is an
 * answer without an error code. A 5xx is unknown save for throttling; every other answer is a refusal, and
 * whether to try again depends on its code.
 */
export function toOutcome({ status, code, message }: Failure): Outcome {
  if (status === undefined) {
    if (code !== undefined && wasNeverSent(code)) return { kind: 'rejected', code, message, retry: true };
    return { kind: 'unknown', reason: code === undefined ? message : `${code}: ${message}` };
  }
  const known = code ?? `HTTP${status}`;
  if (NOT_FROM_EC2.test(known))
    return { kind: 'unknown', reason: `HTTP ${status} without an error code of EC2` };
  if (isThrottling(known)) return { kind: 'rejected', code: known, message, retry: true };
  if (status >= 500) return { kind: 'unknown', reason: `${known} (HTTP ${status}): ${message}` };
  return { kind: 'rejected', code: known, message, retry: PASSING.some((pattern) => pattern.test(known)) };
}
