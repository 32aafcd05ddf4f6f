/**
 * The BGP message header and the small messages: framing, KEEPALIVE, NOTIFICATION, ROUTE-REFRESH. RFC 4271
 * 4.1, 4.4, 4.5; RFC 2918; RFC 7313; RFC 8654. OPEN and UPDATE have files of their own.
 */
import { ERROR, HEADER_ERROR, type Notification, notification } from './notification.ts';

export const HEADER = 19;
export const MAX_MESSAGE = 4096;
export const MAX_EXTENDED_MESSAGE = 65535;

export const TYPE = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;

/** Shortest message of each type, header included. RFC 4271 6.1, RFC 2918 3. */
const SHORTEST: Readonly<Record<number, number>> = { 1: 29, 2: 23, 3: 21, 4: 19, 5: 23 };

export type Frame =
  | { readonly kind: 'message'; readonly type: number; readonly bodyStart: number; readonly bodyEnd: number }
  /** Fewer bytes than the header, or than it announces. */
  | { readonly kind: 'partial' }
  | { readonly kind: 'error'; readonly notification: Notification };

const PARTIAL: Frame = { kind: 'partial' };

const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value & 255);

/**
 * The message that begins at `start`; `bytes` count up to `end`. `maxLength` is 4096, or 65535 where both
 * sides announced it, and then not for OPEN and KEEPALIVE. RFC 4271 6.1, RFC 8654 4.
 */
export function frame(bytes: Uint8Array, start: number, end: number, maxLength: number): Frame {
  if (end - start < HEADER) return PARTIAL;
  for (let i = start; i < start + 16; i++) {
    if (bytes[i] !== 0xff) return broken(HEADER_ERROR.notSynchronized);
  }
  const length = ((bytes[start + 16] ?? 0) << 8) | (bytes[start + 17] ?? 0);
  const type = bytes[start + 18] ?? 0;
  const shortest = SHORTEST[type];
  if (shortest === undefined) {
    if (length < HEADER || length > maxLength) return broken(HEADER_ERROR.badLength, u16(length));
    return broken(HEADER_ERROR.badType, Uint8Array.of(type));
  }
  const longest =
    type === TYPE.keepalive ? HEADER : type === TYPE.open ? Math.min(maxLength, MAX_MESSAGE) : maxLength;
  if (length < shortest || length > longest) return broken(HEADER_ERROR.badLength, u16(length));
  if (end - start < length) return PARTIAL;
  return { kind: 'message', type, bodyStart: start + HEADER, bodyEnd: start + length };
}

const broken = (subcode: number, data?: Uint8Array): Frame => ({
  kind: 'error',
  notification: notification(ERROR.header, subcode, data),
});

/** Writes the header of a message of `length` bytes in all at `at`. */
export function writeHeader(out: Uint8Array, at: number, length: number, type: number): void {
  out.fill(0xff, at, at + 16);
  out[at + 16] = length >>> 8;
  out[at + 17] = length & 255;
  out[at + 18] = type;
}

/** A whole message around a body. */
export function message(type: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER + body.length);
  writeHeader(out, 0, out.length, type);
  out.set(body, HEADER);
  return out;
}

export const encodeKeepalive = (): Uint8Array => message(TYPE.keepalive, new Uint8Array(0));

/** A NOTIFICATION; data beyond what fits into 4096 bytes is cut. */
export function encodeNotification({ code, subcode, data }: Notification): Uint8Array {
  const kept = data.subarray(0, MAX_MESSAGE - HEADER - 2);
  const body = new Uint8Array(2 + kept.length);
  body[0] = code;
  body[1] = subcode;
  body.set(kept, 2);
  return message(TYPE.notification, body);
}

/** The NOTIFICATION in a framed body; `data` is a copy. */
export function decodeNotification(bytes: Uint8Array, start: number, end: number): Notification {
  return { code: bytes[start] ?? 0, subcode: bytes[start + 1] ?? 0, data: bytes.slice(start + 2, end) };
}

/** RFC 7313 3.2: a request, or the begin or end of what answers one. */
export type RefreshKind = 'request' | 'begin' | 'end' | 'unknown';

export interface RouteRefresh {
  readonly afi: number;
  readonly safi: number;
  readonly subtype: RefreshKind;
}

const SUBTYPES: readonly RefreshKind[] = ['request', 'begin', 'end'];

export function encodeRouteRefresh(
  afi: number,
  safi: number,
  subtype: 'request' | 'begin' | 'end',
): Uint8Array {
  return message(TYPE.routeRefresh, Uint8Array.of(afi >>> 8, afi & 255, SUBTYPES.indexOf(subtype), safi));
}

/**
 * The ROUTE-REFRESH in a framed body. With enhanced route refresh a body that is not 4 bytes long is an
 * error, 7/1 with the message as data; without it a longer one is taken by its beginning (RFC 5291 filters
 * are ignored).
 */
export function decodeRouteRefresh(
  bytes: Uint8Array,
  start: number,
  end: number,
  enhanced: boolean,
): RouteRefresh | Notification {
  const subtype = SUBTYPES[bytes[start + 2] ?? 0] ?? 'unknown';
  if (enhanced && end - start !== 4 && subtype !== 'unknown')
    return notification(ERROR.routeRefresh, 1, bytes.slice(start - HEADER, end));
  return {
    afi: ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0),
    safi: bytes[start + 3] ?? 0,
    subtype: enhanced ? subtype : 'request',
  };
}
