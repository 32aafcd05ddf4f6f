/**
 * Which session a packet belongs to: by our discriminator once the peer knows it, before that by addresses.
 * RFC 5880 6.3, RFC 5881 3, RFC 5883 4. Hands out discriminators.
 */
import { formatAddress, parseAddress } from '../base/ip.ts';
import type { ControlPacket } from '../wire/bfd.ts';
import { STATE } from '../wire/bfd.ts';
import type { BfdEvent } from './event.ts';
import type { Session } from './session.ts';

/** The sessions by what names them. */
export interface Sessions {
  readonly byName: Map<string, Session>;
  readonly byDiscriminator: Map<number, Session>;
  /** By the peer's address in canonical text. */
  readonly byPeer: Map<string, readonly Session[]>;
}

export type Datagram = Extract<BfdEvent, { kind: 'datagram' }>;

/** Why a packet belongs to no session. */
export type Stray =
  | 'your discriminator unknown'
  | 'your discriminator is 0 in state Init or Up'
  | 'no session with this address'
  | 'came to the port of the other kind';

export const createSessions = (): Sessions => ({
  byName: new Map(),
  byDiscriminator: new Map(),
  byPeer: new Map(),
});

/** The one text of an address; a text that is none stays as it is. */
export function canonical(text: string): string {
  const address = parseAddress(text);
  return address.ok ? formatAddress(address.value) : text;
}

export function addSession(sessions: Sessions, session: Session): void {
  const peer = canonical(session.options.peer);
  sessions.byName.set(session.name, session);
  sessions.byDiscriminator.set(session.localDiscriminator, session);
  sessions.byPeer.set(peer, [...(sessions.byPeer.get(peer) ?? []), session]);
}

export function removeSession(sessions: Sessions, session: Session): void {
  const peer = canonical(session.options.peer);
  const others = (sessions.byPeer.get(peer) ?? []).filter((one) => one !== session);
  sessions.byName.delete(session.name);
  sessions.byDiscriminator.delete(session.localDiscriminator);
  if (others.length === 0) sessions.byPeer.delete(peer);
  else sessions.byPeer.set(peer, others);
}

/** A random discriminator that no session has, never 0. RFC 5880 6.8.1. */
export function freshDiscriminator(sessions: Sessions, random: () => number): number {
  for (;;) {
    const discriminator = Math.floor(random() * 0x1_0000_0000);
    if (discriminator !== 0 && !sessions.byDiscriminator.has(discriminator)) return discriminator;
  }
}

/** The session that has the addresses of a datagram, for a first packet and for the count of bad ones. */
export function sessionByAddress(sessions: Sessions, datagram: Datagram): Session | undefined {
  const { multihop, to } = datagram;
  const here = to === undefined ? undefined : canonical(to);
  return sessions.byPeer.get(canonical(datagram.from))?.find(({ options }) => {
    if (options.multihop !== multihop) return false;
    return here === undefined || options.local === undefined || canonical(options.local) === here;
  });
}

/** The session of a packet, or why there is none. */
export function sessionOf(sessions: Sessions, packet: ControlPacket, datagram: Datagram): Session | Stray {
  if (packet.yourDiscriminator !== 0) {
    const session = sessions.byDiscriminator.get(packet.yourDiscriminator);
    if (session === undefined) return 'your discriminator unknown';
    // Only the port of single hop has the kernel's TTL check before it. RFC 5881 5.
    return session.options.multihop === datagram.multihop ? session : 'came to the port of the other kind';
  }
  if (packet.state === STATE.init || packet.state === STATE.up)
    return 'your discriminator is 0 in state Init or Up';
  return sessionByAddress(sessions, datagram) ?? 'no session with this address';
}
