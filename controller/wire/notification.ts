/**
 * NOTIFICATION: why a session ends, as codes and as words. RFC 4271 4.5 and 6, RFC 4486 (Cease), RFC 6608
 * (FSM), RFC 7313 (ROUTE-REFRESH), RFC 8538 (Hard Reset), RFC 9003 (shutdown text), RFC 9234 (Role), RFC 9384
 * (BFD Down), RFC 9687 (Send Hold Timer).
 */

export interface Notification {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

export const ERROR = {
  header: 1,
  open: 2,
  update: 3,
  holdTimer: 4,
  fsm: 5,
  cease: 6,
  routeRefresh: 7,
  sendHoldTimer: 8,
} as const;

export const HEADER_ERROR = { notSynchronized: 1, badLength: 2, badType: 3 } as const;

export const OPEN_ERROR = {
  version: 1,
  badPeerAs: 2,
  badBgpId: 3,
  optionalParameter: 4,
  holdTime: 6,
  capability: 7,
  roleMismatch: 11,
} as const;

export const UPDATE_ERROR = {
  attributeList: 1,
  unrecognizedWellKnown: 2,
  missingWellKnown: 3,
  attributeFlags: 4,
  attributeLength: 5,
  origin: 6,
  nextHop: 8,
  optionalAttribute: 9,
  networkField: 10,
  asPath: 11,
} as const;

export const FSM_ERROR = { openSent: 1, openConfirm: 2, established: 3 } as const;

export const CEASE = {
  maximumPrefixes: 1,
  shutdown: 2,
  deconfigured: 3,
  reset: 4,
  rejected: 5,
  configurationChange: 6,
  collision: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

const NONE = new Uint8Array(0);

export const notification = (code: number, subcode = 0, data: Uint8Array = NONE): Notification => ({
  code,
  subcode,
  data,
});

const CODES: Readonly<Record<number, readonly [string, Readonly<Record<number, string>>]>> = {
  1: [
    'Message Header Error',
    { 1: 'Connection Not Synchronized', 2: 'Bad Message Length', 3: 'Bad Message Type' },
  ],
  2: [
    'OPEN Message Error',
    {
      1: 'Unsupported Version Number',
      2: 'Bad Peer AS',
      3: 'Bad BGP Identifier',
      4: 'Unsupported Optional Parameter',
      5: 'Authentication Failure (deprecated)',
      6: 'Unacceptable Hold Time',
      7: 'Unsupported Capability',
      11: 'Role Mismatch',
    },
  ],
  3: [
    'UPDATE Message Error',
    {
      1: 'Malformed Attribute List',
      2: 'Unrecognized Well-known Attribute',
      3: 'Missing Well-known Attribute',
      4: 'Attribute Flags Error',
      5: 'Attribute Length Error',
      6: 'Invalid ORIGIN Attribute',
      8: 'Invalid NEXT_HOP Attribute',
      9: 'Optional Attribute Error',
      10: 'Invalid Network Field',
      11: 'Malformed AS_PATH',
    },
  ],
  4: ['Hold Timer Expired', {}],
  5: [
    'Finite State Machine Error',
    {
      1: 'Unexpected Message in OpenSent',
      2: 'Unexpected Message in OpenConfirm',
      3: 'Unexpected Message in Established',
    },
  ],
  6: [
    'Cease',
    {
      1: 'Maximum Number of Prefixes Reached',
      2: 'Administrative Shutdown',
      3: 'Peer De-configured',
      4: 'Administrative Reset',
      5: 'Connection Rejected',
      6: 'Other Configuration Change',
      7: 'Connection Collision Resolution',
      8: 'Out of Resources',
      9: 'Hard Reset',
      10: 'BFD Down',
    },
  ],
  7: ['ROUTE-REFRESH Message Error', { 1: 'Invalid Message Length' }],
  8: ['Send Hold Timer Expired', {}],
};

/**
 * Data of Cease/2 and Cease/4 that carries a text: a length octet and UTF-8, cut to 255 bytes. RFC 9003 2.
 */
export function encodeShutdownText(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  let length = Math.min(bytes.length, 255);
  // A character that does not fit as a whole is left out.
  while (length < bytes.length && length > 0 && ((bytes[length] ?? 0) & 0xc0) === 0x80) length--;
  const data = new Uint8Array(1 + length);
  data[0] = length;
  data.set(bytes.subarray(0, length), 1);
  return data;
}

/**
 * The text of Cease/2 or Cease/4; absent where there is none, or it is not UTF-8 of the length that it
 * states.
 */
export function decodeShutdownText(data: Uint8Array): string | undefined {
  const length = data[0] ?? 0;
  if (length === 0 || data.length < 1 + length) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(1, 1 + length));
  } catch {
    return undefined;
  }
}

/** What RFC 8538 3.1 puts into a Hard Reset: the NOTIFICATION that would have been sent. */
export function hardReset(inner: Notification): Notification {
  const data = new Uint8Array(2 + inner.data.length);
  data[0] = inner.code;
  data[1] = inner.subcode;
  data.set(inner.data, 2);
  return { code: ERROR.cease, subcode: CEASE.hardReset, data };
}

const quote = (text: string): string => JSON.stringify(text);

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join(' ') +
  (bytes.length > 32 ? ` (${bytes.length} bytes)` : '');

/** `Cease / Administrative Shutdown (6/2): "upgrade"`: a NOTIFICATION in words, with what its data says. */
export function describeNotification({ code, subcode, data }: Notification): string {
  const known = CODES[code];
  const major = known?.[0] ?? 'Unknown error';
  const minor = known?.[1][subcode];
  const name = `${minor === undefined ? major : `${major} / ${minor}`} (${code}/${subcode})`;
  const said = describeData({ code, subcode, data });
  return said === undefined ? name : `${name}: ${said}`;
}

function describeData({ code, subcode, data }: Notification): string | undefined {
  if (data.length === 0) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (code === ERROR.cease) {
    if (subcode === CEASE.shutdown || subcode === CEASE.reset) {
      const text = decodeShutdownText(data);
      if (text !== undefined) return quote(text);
      return data[0] === 0 ? undefined : `data ${hex(data)}`;
    }
    if (subcode === CEASE.hardReset && data.length >= 2) {
      const [inner = 0, innerSub = 0] = data;
      return describeNotification({ code: inner, subcode: innerSub, data: data.subarray(2) });
    }
    if (subcode === CEASE.maximumPrefixes && data.length === 7) {
      return `limit ${view.getUint32(3)} of AFI ${view.getUint16(0)}, SAFI ${data[2]}`;
    }
  }
  if (code === ERROR.header && subcode === HEADER_ERROR.badLength && data.length === 2)
    return `length ${view.getUint16(0)}`;
  if (code === ERROR.header && subcode === HEADER_ERROR.badType && data.length === 1)
    return `type ${data[0]}`;
  if (code === ERROR.open && subcode === OPEN_ERROR.version && data.length === 2)
    return `the other side speaks version ${view.getUint16(0)}`;
  return `data ${hex(data)}`;
}
