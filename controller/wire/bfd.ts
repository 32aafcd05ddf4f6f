/**
 * The BFD Control packet with its authentication section: bytes and values, RFC 5880 4.1 to 4.4. Total: no
 * input makes it throw. It judges what needs no knowledge of a session (RFC 5880 6.8.6, up to the
 * discriminators); it knows no keys.
 */
import { err, ok, type Result } from '../base/result.ts';

/** RFC 5880 4.1, the State field. */
export const STATE = { adminDown: 0, down: 1, init: 2, up: 3 } as const;

export interface ControlPacket {
  /** 0 to 31. */
  readonly diagnostic: number;
  /** 0 to 3, see `STATE`. */
  readonly state: number;
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  readonly detectMult: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  /** Microseconds, as all intervals on the wire. */
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
  /** Present where the A bit is set. */
  readonly authentication?: AuthenticationSection;
}

export type AuthenticationSection =
  /** RFC 5880 4.2; a password has 1 to 16 bytes. */
  | { readonly kind: 'simple'; readonly keyId: number; readonly password: Uint8Array }
  /** RFC 5880 4.3 and 4.4; the digest has 16 bytes for types 2 and 3, 20 for 4 and 5. */
  | {
      readonly kind: 'digest';
      readonly type: DigestType;
      readonly keyId: number;
      readonly sequence: number;
      readonly digest: Uint8Array;
    }
  /** A type that nobody here knows, or a section that does not have the form of its type. */
  | { readonly kind: 'unknown'; readonly type: number };

/** Keyed MD5, Meticulous Keyed MD5, Keyed SHA1, Meticulous Keyed SHA1. */
export type DigestType = 2 | 3 | 4 | 5;

const SIMPLE_TYPE = 1;
const VERSION = 1;
const MANDATORY_BYTES = 24;
const SECTION_HEADER_BYTES = 3;
const MOST_PASSWORD_BYTES = 16;
/** From the section's start: type, length, key ID, reserved, sequence number. */
const DIGEST_IN_SECTION = 8;

/** Where the digest stands in a packet. */
export const DIGEST_AT = MANDATORY_BYTES + DIGEST_IN_SECTION;

/** RFC 5880 4.3 and 4.4: bytes of the digest, and of the padded key that stands in its place. */
export const digestBytes = (type: DigestType): number => (type < 4 ? 16 : 20);

const isDigestType = (type: number): type is DigestType => type >= 2 && type <= 5;

/** Why a packet is not one. */
export type Malformed =
  | 'too short'
  | 'version is not 1'
  | 'length field too small'
  | 'length field beyond the datagram'
  | 'detect mult is 0'
  | 'multipoint bit set'
  | 'my discriminator is 0'
  | 'authentication section beyond the packet';

const POLL = 0x20;
const FINAL = 0x10;
const INDEPENDENT = 0x08;
const AUTHENTICATED = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;

// Without a DataView, whose making costs more than all that is read through it.
const uint32At = (data: Uint8Array, at: number): number =>
  (((data[at] ?? 0) << 24) |
    ((data[at + 1] ?? 0) << 16) |
    ((data[at + 2] ?? 0) << 8) |
    (data[at + 3] ?? 0)) >>>
  0;

function setUint32(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 24;
  data[at + 1] = value >>> 16;
  data[at + 2] = value >>> 8;
  data[at + 3] = value;
}

/** The Length field: how many bytes of the datagram are the packet. For packets that were decoded. */
export const packetLength = (data: Uint8Array): number => data[3] ?? 0;

/**
 * What stands in a datagram, of which nothing is kept. RFC 5880 6.8.6, the checks that need no session.
 */
export function decodeControl(data: Uint8Array): Result<ControlPacket, Malformed> {
  if (data.length < MANDATORY_BYTES) return err('too short');
  const first = data[0] ?? 0;
  const flags = data[1] ?? 0;
  const detectMult = data[2] ?? 0;
  const length = packetLength(data);
  const authenticated = (flags & AUTHENTICATED) !== 0;
  if (first >> 5 !== VERSION) return err('version is not 1');
  if (length < (authenticated ? MANDATORY_BYTES + 2 : MANDATORY_BYTES)) return err('length field too small');
  if (length > data.length) return err('length field beyond the datagram');
  if (detectMult === 0) return err('detect mult is 0');
  if ((flags & MULTIPOINT) !== 0) return err('multipoint bit set');
  const myDiscriminator = uint32At(data, 4);
  if (myDiscriminator === 0) return err('my discriminator is 0');
  const packet: ControlPacket = {
    diagnostic: first & 0x1f,
    state: flags >> 6,
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    controlPlaneIndependent: (flags & INDEPENDENT) !== 0,
    demand: (flags & DEMAND) !== 0,
    detectMult,
    myDiscriminator,
    yourDiscriminator: uint32At(data, 8),
    desiredMinTxUs: uint32At(data, 12),
    requiredMinRxUs: uint32At(data, 16),
    requiredMinEchoRxUs: uint32At(data, 20),
  };
  if (!authenticated) return ok(packet);
  const sectionEnd = MANDATORY_BYTES + (data[MANDATORY_BYTES + 1] ?? 0);
  if (sectionEnd > length) return err('authentication section beyond the packet');
  return ok({ ...packet, authentication: decodeSection(data.subarray(MANDATORY_BYTES, sectionEnd)) });
}

function decodeSection(section: Uint8Array): AuthenticationSection {
  const [type = 0, length = 0, keyId = 0] = section;
  const secret = length - SECTION_HEADER_BYTES;
  if (type === SIMPLE_TYPE && secret >= 1 && secret <= MOST_PASSWORD_BYTES)
    return { kind: 'simple', keyId, password: Uint8Array.from(section.subarray(SECTION_HEADER_BYTES)) };
  if (isDigestType(type) && length === DIGEST_IN_SECTION + digestBytes(type)) {
    const sequence = uint32At(section, 4);
    return {
      kind: 'digest',
      type,
      keyId,
      sequence,
      digest: Uint8Array.from(section.subarray(DIGEST_IN_SECTION)),
    };
  }
  return { kind: 'unknown', type };
}

const sectionBytes = (section: AuthenticationSection): number => {
  if (section.kind === 'simple') return SECTION_HEADER_BYTES + section.password.length;
  return section.kind === 'digest' ? DIGEST_IN_SECTION + digestBytes(section.type) : 2;
};

/** The bytes of a packet; a digest shorter than its type wants is padded with zeros, a longer one cut. */
export function encodeControl(packet: ControlPacket): Uint8Array {
  const section = packet.authentication;
  const data = new Uint8Array(MANDATORY_BYTES + (section === undefined ? 0 : sectionBytes(section)));
  data[0] = (VERSION << 5) | (packet.diagnostic & 0x1f);
  data[1] =
    ((packet.state & 3) << 6) |
    (packet.poll ? POLL : 0) |
    (packet.final ? FINAL : 0) |
    (packet.controlPlaneIndependent ? INDEPENDENT : 0) |
    (section === undefined ? 0 : AUTHENTICATED) |
    (packet.demand ? DEMAND : 0);
  data[2] = packet.detectMult;
  data[3] = data.length;
  setUint32(data, 4, packet.myDiscriminator);
  setUint32(data, 8, packet.yourDiscriminator);
  setUint32(data, 12, packet.desiredMinTxUs);
  setUint32(data, 16, packet.requiredMinRxUs);
  setUint32(data, 20, packet.requiredMinEchoRxUs);
  if (section !== undefined) encodeSection(data, section);
  return data;
}

function encodeSection(data: Uint8Array, section: AuthenticationSection): void {
  data[MANDATORY_BYTES + 1] = data.length - MANDATORY_BYTES;
  if (section.kind === 'unknown') {
    data[MANDATORY_BYTES] = section.type;
    return;
  }
  data[MANDATORY_BYTES + 2] = section.keyId;
  if (section.kind === 'simple') {
    data[MANDATORY_BYTES] = SIMPLE_TYPE;
    data.set(section.password, MANDATORY_BYTES + SECTION_HEADER_BYTES);
    return;
  }
  data[MANDATORY_BYTES] = section.type;
  setUint32(data, MANDATORY_BYTES + 4, section.sequence);
  data.set(section.digest.subarray(0, digestBytes(section.type)), DIGEST_AT);
}
