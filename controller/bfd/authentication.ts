/**
 * Signs packets and judges signatures: simple password, keyed and meticulous keyed MD5 and SHA1. RFC 5880
 * 6.7. One key for each session, and a former one while it changes; keys never leave this file but inside a
 * hash or a simple password.
 */
import { createHash } from 'node:crypto';
import {
  type ControlPacket,
  DIGEST_AT,
  type DigestType,
  digestBytes,
  encodeControl,
  packetLength,
} from '../wire/bfd.ts';
import type { BfdAuthentication } from './options.ts';
import type { Session } from './session.ts';

/** Why a packet is not believed. */
export type Distrust =
  | 'authentication missing'
  | 'authentication not configured'
  | 'authentication type differs'
  | 'authentication key ID differs'
  | 'authentication password wrong'
  | 'authentication digest wrong'
  | 'authentication sequence number outside the window';

const TYPES: Readonly<Record<Exclude<BfdAuthentication['type'], 'simple'>, DigestType>> = {
  'keyed-md5': 2,
  'meticulous-md5': 3,
  'keyed-sha1': 4,
  'meticulous-sha1': 5,
};

const isMeticulous = (type: DigestType): boolean => type === 3 || type === 5;

function hash(type: DigestType, data: Uint8Array): Uint8Array {
  return createHash(type < 4 ? 'md5' : 'sha1')
    .update(data)
    .digest();
}

/** The key as it stands in the place of the digest. RFC 5880 6.7.3. */
function padded(key: Uint8Array, type: DigestType): Uint8Array {
  const bytes = new Uint8Array(digestBytes(type));
  bytes.set(key.subarray(0, bytes.length));
  return bytes;
}

/** Takes as long for a wrong first byte as for a wrong last one. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

/** Whether two sessions' options ask for the same authentication by the same key. */
export function sameAuthentication(
  a: BfdAuthentication | undefined,
  b: BfdAuthentication | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.type === b.type && a.keyId === b.keyId && sameBytes(a.key, b.key);
}

/**
 * A session gets other options: until the peer signs by those, what it signed by until now is believed too,
 * and every packet is sent signed by either, so that no order in which keys are changed ends the session.
 */
export function changeAuthentication(session: Session, wanted: BfdAuthentication | undefined): void {
  const spoken = session.former ?? session.options;
  const isSpoken = sameAuthentication(spoken.authentication, wanted);
  session.former = isSpoken ? undefined : { authentication: spoken.authentication };
}

/** The bytes of a packet as the peer will believe it: one datagram, or two while the keys are changed. */
export function authenticated(session: Session, packet: ControlPacket): readonly Uint8Array[] {
  const { options, former } = session;
  const own = sign(session, packet, options.authentication);
  return former === undefined ? [own] : [own, sign(session, packet, former.authentication)];
}

/** The bytes of a packet with the section that is wanted. Counts bfd.XmitAuthSeq on. */
function sign(session: Session, packet: ControlPacket, wanted: BfdAuthentication | undefined): Uint8Array {
  if (wanted === undefined) return encodeControl(packet);
  const { keyId, key } = wanted;
  if (wanted.type === 'simple')
    return encodeControl({ ...packet, authentication: { kind: 'simple', keyId, password: key } });
  const type = TYPES[wanted.type];
  // The keyed kinds may count every packet as well, and so are harder to replay. RFC 5880 6.7.3.
  session.sentSequence = (session.sentSequence + 1) >>> 0;
  const sequence = session.sentSequence;
  const digest = padded(key, type);
  const data = encodeControl({
    ...packet,
    authentication: { kind: 'digest', type, keyId, sequence, digest },
  });
  data.set(hash(type, data), DIGEST_AT);
  return data;
}

/**
 * Why a packet is not believed to come from who has the key, and to be none that was sent before; undefined
 * when it is. A peer that signs by our present key has it, and is believed by no other one any longer.
 */
export function distrust(session: Session, packet: ControlPacket, data: Uint8Array): Distrust | undefined {
  const { options, former } = session;
  const doubt = doubtBy(session, packet, data, options.authentication);
  if (former === undefined) return doubt;
  if (doubt === undefined) session.former = undefined;
  return doubt && doubtBy(session, packet, data, former.authentication) && doubt;
}

/**
 * The sequence number becomes known only when the digest is right, which is stricter than RFC 5880 6.7.3.
 */
function doubtBy(
  session: Session,
  packet: ControlPacket,
  data: Uint8Array,
  wanted: BfdAuthentication | undefined,
): Distrust | undefined {
  const section = packet.authentication;
  if (wanted === undefined) return section === undefined ? undefined : 'authentication not configured';
  if (section === undefined) return 'authentication missing';
  if (section.kind === 'unknown') return 'authentication type differs';
  if (section.kind === 'simple') {
    if (wanted.type !== 'simple') return 'authentication type differs';
    if (section.keyId !== wanted.keyId) return 'authentication key ID differs';
    return sameBytes(section.password, wanted.key) ? undefined : 'authentication password wrong';
  }
  if (wanted.type === 'simple' || section.type !== TYPES[wanted.type]) return 'authentication type differs';
  if (section.keyId !== wanted.keyId) return 'authentication key ID differs';
  if (!inWindow(session.receivedSequence, section.sequence, section.type, packet.detectMult))
    return 'authentication sequence number outside the window';
  // A copy also of a Buffer, whose `slice` would be a view.
  const signed = Uint8Array.from(data.subarray(0, packetLength(data)));
  signed.set(padded(wanted.key, section.type), DIGEST_AT);
  if (!sameBytes(hash(section.type, signed), section.digest)) return 'authentication digest wrong';
  session.receivedSequence = section.sequence;
  return undefined;
}

/** RFC 5880 6.7.3, 6.7.4: from the last one (meticulous: the next) on, 3 * Detect Mult, round 2^32. */
function inWindow(last: number | undefined, sequence: number, type: DigestType, detectMult: number): boolean {
  if (last === undefined) return true;
  const ahead = (sequence - last) >>> 0;
  return ahead >= (isMeticulous(type) ? 1 : 0) && ahead <= 3 * detectMult;
}
