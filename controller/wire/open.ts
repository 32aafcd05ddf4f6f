/**
 * OPEN and its capabilities. RFC 4271 4.2; RFC 5492 (capabilities), RFC 9072 (extended optional parameters),
 * RFC 6793 (4-octet AS), RFC 4760, RFC 2918, RFC 7313, RFC 8654, RFC 8950, RFC 7911, RFC 4724 with RFC 8538,
 * RFC 9234 and BFD strict mode (74). Whether what it says is acceptable is negotiated elsewhere.
 */
import { message, TYPE } from './message.ts';
import { ERROR, type Notification, notification, OPEN_ERROR } from './notification.ts';

/** RFC 6793 9: stands in two octets for an AS that needs four. */
export const AS_TRANS = 23456;

export interface Open {
  readonly version: number;
  /** The AS: from the 4-octet AS capability where there is one. */
  readonly as: number;
  /** The two-octet field. */
  readonly as2: number;
  readonly holdTimeS: number;
  readonly bgpId: number;
  readonly capabilities: readonly Capability[];
}

export type Capability =
  | { readonly kind: 'multiprotocol'; readonly afi: number; readonly safi: number }
  | { readonly kind: 'route-refresh' }
  | { readonly kind: 'enhanced-route-refresh' }
  | { readonly kind: 'four-octet-as'; readonly as: number }
  | { readonly kind: 'extended-message' }
  | {
      readonly kind: 'extended-next-hop';
      readonly items: readonly { readonly afi: number; readonly safi: number; readonly nextHopAfi: number }[];
    }
  | {
      readonly kind: 'add-path';
      readonly items: readonly {
        readonly afi: number;
        readonly safi: number;
        readonly send: boolean;
        readonly receive: boolean;
      }[];
    }
  | {
      readonly kind: 'graceful-restart';
      /** The R bit: this side has just restarted. */
      readonly restarting: boolean;
      /** The N bit of RFC 8538. */
      readonly notification: boolean;
      readonly timeS: number;
      readonly families: readonly {
        readonly afi: number;
        readonly safi: number;
        readonly forwarding: boolean;
      }[];
    }
  /** RFC 9234 4.1: 0 provider, 1 route server, 2 route server client, 3 customer, 4 peer. */
  | { readonly kind: 'role'; readonly role: number }
  | { readonly kind: 'bfd-strict' }
  | { readonly kind: 'fqdn'; readonly host: string; readonly domain: string }
  | { readonly kind: 'software-version'; readonly version: string }
  /** One that we do not know, or a known one of a length that it must not have. RFC 5492 3. */
  | { readonly kind: 'unknown'; readonly code: number; readonly value: Uint8Array };

const CODE = {
  multiprotocol: 1,
  'route-refresh': 2,
  'extended-next-hop': 5,
  'extended-message': 6,
  role: 9,
  'graceful-restart': 64,
  'four-octet-as': 65,
  'add-path': 69,
  'enhanced-route-refresh': 70,
  fqdn: 73,
  'bfd-strict': 74,
  'software-version': 75,
} as const;

/** The code of a capability. */
export const codeOf = (capability: Capability): number =>
  capability.kind === 'unknown' ? capability.code : CODE[capability.kind];

const malformed = notification(ERROR.open, 0);

/** The OPEN in a framed body, or the NOTIFICATION that RFC 4271 6.2 and RFC 5492 want. */
export function decodeOpen(bytes: Uint8Array, start: number, end: number): Open | Notification {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const version = view.getUint8(0);
  if (version !== 4) return notification(ERROR.open, OPEN_ERROR.version, Uint8Array.of(0, 4));
  const capabilities: Capability[] = [];
  let at = 10;
  let length = view.getUint8(9);
  // RFC 9072 2: a type of 255 where the first parameter would be says that lengths have two octets.
  const extended = length !== 0 && view.byteLength > 10 && view.getUint8(10) === 255;
  if (extended) {
    if (view.byteLength < 13) return malformed;
    length = view.getUint16(11);
    at = 13;
  }
  if (at + length !== view.byteLength) return malformed;
  const head = extended ? 3 : 2;
  while (at < view.byteLength) {
    if (at + head > view.byteLength) return malformed;
    const type = view.getUint8(at);
    const size = extended ? view.getUint16(at + 1) : view.getUint8(at + 1);
    at += head;
    if (at + size > view.byteLength) return malformed;
    if (type !== 2) return notification(ERROR.open, OPEN_ERROR.optionalParameter);
    if (!readCapabilities(bytes.subarray(start + at, start + at + size), capabilities)) return malformed;
    at += size;
  }
  const as2 = view.getUint16(1);
  const four = capabilities.find((one) => one.kind === 'four-octet-as');
  const as = four?.kind === 'four-octet-as' ? four.as : as2;
  return { version, as, as2, holdTimeS: view.getUint16(3), bgpId: view.getUint32(5), capabilities };
}

/** Whether what a decoder gave is a NOTIFICATION to send. */
export const isNotification = (value: object): value is Notification => 'subcode' in value;

function readCapabilities(bytes: Uint8Array, into: Capability[]): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return false;
    const code = bytes[at] ?? 0;
    const length = bytes[at + 1] ?? 0;
    if (at + 2 + length > bytes.length) return false;
    into.push(readCapability(code, bytes.slice(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return true;
}

function readCapability(code: number, value: Uint8Array): Capability {
  const unknown: Capability = { kind: 'unknown', code, value };
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const size = value.length;
  switch (code) {
    case CODE.multiprotocol:
      return size === 4 ? { kind: 'multiprotocol', afi: view.getUint16(0), safi: view.getUint8(3) } : unknown;
    case CODE['route-refresh']:
      return size === 0 ? { kind: 'route-refresh' } : unknown;
    case CODE['enhanced-route-refresh']:
      return size === 0 ? { kind: 'enhanced-route-refresh' } : unknown;
    case CODE['extended-message']:
      return size === 0 ? { kind: 'extended-message' } : unknown;
    case CODE['bfd-strict']:
      return size === 0 ? { kind: 'bfd-strict' } : unknown;
    case CODE['four-octet-as']:
      return size === 4 ? { kind: 'four-octet-as', as: view.getUint32(0) } : unknown;
    case CODE.role:
      return size === 1 ? { kind: 'role', role: view.getUint8(0) } : unknown;
    case CODE['extended-next-hop']:
      if (size % 6 !== 0) return unknown;
      return { kind: 'extended-next-hop', items: every(size, 6, (at) => extendedNextHop(view, at)) };
    case CODE['add-path']:
      if (size % 4 !== 0) return unknown;
      return { kind: 'add-path', items: every(size, 4, (at) => addPath(view, at)) };
    case CODE['graceful-restart']:
      return size >= 2 && (size - 2) % 4 === 0 ? gracefulRestart(view) : unknown;
    case CODE.fqdn:
      return fqdn(value) ?? unknown;
    case CODE['software-version']:
      return size >= 1 && value[0] === size - 1
        ? { kind: 'software-version', version: text(value.subarray(1)) }
        : unknown;
    default:
      return unknown;
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function every<T>(size: number, step: number, read: (at: number) => T): readonly T[] {
  const items: T[] = [];
  for (let at = 0; at < size; at += step) items.push(read(at));
  return items;
}

/** RFC 8950 4. */
const extendedNextHop = (view: DataView, at: number) => ({
  afi: view.getUint16(at),
  safi: view.getUint16(at + 2),
  nextHopAfi: view.getUint16(at + 4),
});

/** RFC 7911 4: 1 receive, 2 send, 3 both; others are ignored. */
function addPath(view: DataView, at: number) {
  const mode = view.getUint8(at + 3);
  return {
    afi: view.getUint16(at),
    safi: view.getUint8(at + 2),
    send: mode === 2 || mode === 3,
    receive: mode === 1 || mode === 3,
  };
}

/** RFC 4724 3, RFC 8538 2. */
function gracefulRestart(view: DataView): Capability {
  const flags = view.getUint16(0);
  return {
    kind: 'graceful-restart',
    restarting: (flags & 0x8000) !== 0,
    notification: (flags & 0x4000) !== 0,
    timeS: flags & 0xfff,
    families: every(view.byteLength - 2, 4, (at) => ({
      afi: view.getUint16(at + 2),
      safi: view.getUint8(at + 4),
      forwarding: (view.getUint8(at + 5) & 0x80) !== 0,
    })),
  };
}

function fqdn(value: Uint8Array): Capability | undefined {
  const hostLength = value[0] ?? 0;
  const domainLength = value[1 + hostLength] ?? 0;
  if (value.length !== 2 + hostLength + domainLength) return undefined;
  const host = text(value.subarray(1, 1 + hostLength));
  return { kind: 'fqdn', host, domain: text(value.subarray(2 + hostLength)) };
}

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];

function counted(words: string): number[] {
  const bytes = new TextEncoder().encode(words).subarray(0, 64);
  return [bytes.length, ...bytes];
}

function capabilityValue(one: Capability): readonly number[] {
  switch (one.kind) {
    case 'multiprotocol':
      return [...u16(one.afi), 0, one.safi];
    case 'four-octet-as':
      return u32(one.as);
    case 'role':
      return [one.role];
    case 'extended-next-hop':
      return one.items.flatMap(({ afi, safi, nextHopAfi }) => [
        ...u16(afi),
        ...u16(safi),
        ...u16(nextHopAfi),
      ]);
    case 'add-path':
      return one.items.flatMap(({ afi, safi, send, receive }) => [
        ...u16(afi),
        safi,
        (send ? 2 : 0) + (receive ? 1 : 0),
      ]);
    case 'graceful-restart':
      return [
        ...u16((one.restarting ? 0x8000 : 0) | (one.notification ? 0x4000 : 0) | (one.timeS & 0xfff)),
        ...one.families.flatMap(({ afi, safi, forwarding }) => [...u16(afi), safi, forwarding ? 0x80 : 0]),
      ];
    case 'fqdn':
      return [...counted(one.host), ...counted(one.domain)];
    case 'software-version':
      return counted(one.version);
    case 'unknown':
      return [...one.value];
    default:
      return [];
  }
}

/**
 * An OPEN message: one optional parameter with all capabilities, in the extended form of RFC 9072 where they
 * need more than 255 octets. The two-octet AS is AS_TRANS where `as` does not fit.
 */
export function encodeOpen(open: Pick<Open, 'as' | 'holdTimeS' | 'bgpId' | 'capabilities'>): Uint8Array {
  const capabilities = open.capabilities.flatMap((one) => {
    const value = capabilityValue(one);
    return [codeOf(one), value.length, ...value];
  });
  const as2 = open.as > 0xffff ? AS_TRANS : open.as;
  const head = [4, ...u16(as2), ...u16(open.holdTimeS), ...u32(open.bgpId)];
  return message(TYPE.open, Uint8Array.from([...head, ...optionalParameters(capabilities)]));
}

function optionalParameters(capabilities: readonly number[]): readonly number[] {
  const size = capabilities.length;
  if (size === 0) return [0];
  if (size + 2 <= 255) return [size + 2, 2, size, ...capabilities];
  return [255, 255, ...u16(size + 3), 2, ...u16(size), ...capabilities];
}
