/**
 * Sockets that send ICMP and ICMPv6 echo requests and get the replies: of the datagram kind (icmp(7)), which
 * needs no privilege where `ping_group_range` allows it, else raw (raw(7)), which needs CAP_NET_RAW.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { type Address, formatAddress } from '../../base/ip.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Millis } from '../../base/time.ts';
import { closeSocket, receiveFrom, sendTo, socketAddress } from '../libc.ts';
import { icmpSocket, rawIcmpSocket } from './sockets.ts';

export interface IcmpSocket {
  /** Sends an echo request; `failed` is called with the reason where it could not be sent. */
  send(sequence: number, to: Address, failed: (reason: string) => void): void;
  /** While somebody waits for replies, they are looked for. */
  listen(waiting: boolean): void;
  close(): void;
}

type OnReply = (sequence: number, from: string) => void;

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const HEADER_BYTES = 8;
const PACKET_BYTES = HEADER_BYTES + 8;

/**
 * A socket for echoes, whose packets carry `mark` where given. The error is the name of the errno with which
 * the datagram kind was refused.
 */
export function openIcmpSocket(
  family: 4 | 6,
  mark: number | undefined,
  onReply: OnReply,
): Result<IcmpSocket> {
  const datagram = icmpSocket(family, mark);
  if (datagram.ok) return ok(datagramSocket(family, datagram.value, onReply));
  const raw = rawIcmpSocket(family, mark);
  return raw.ok ? ok(rawSocket(family, raw.value, onReply)) : datagram;
}

/** RFC 792, RFC 4443 section 4.1. */
function echoRequest(family: 4 | 6, identifier: number, sequence: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES);
  packet[0] = ECHO_REQUEST[family];
  packet.writeUInt16BE(identifier, 4);
  packet.writeUInt16BE(sequence, 6);
  return packet;
}

/** The kernel fills in identifier and checksum, and hands over only replies to this socket. */
function datagramSocket(family: 4 | 6, fd: number, onReply: OnReply): IcmpSocket {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  socket.on('message', (packet, { address: from }) => {
    if (packet.length >= HEADER_BYTES && packet[0] === ECHO_REPLY[family])
      onReply(packet.readUInt16BE(6), from);
  });
  socket.on('error', () => undefined);
  socket.bind({ fd, exclusive: true });
  socket.unref();
  return {
    send(sequence, to, failed) {
      // The port means nothing to an ICMP socket, and Node insists on one.
      socket.send(echoRequest(family, 0, sequence), 1, formatAddress(to), (error) => {
        if (error) failed(error.message);
      });
    },
    listen: () => undefined,
    close: () => void socket.close(),
  };
}

/** Node cannot wait for a raw socket; while replies are awaited it is looked at so often. */
const LOOK_MS: Millis = 2;
/** An IPv4 header with options, and the reply. */
const MOST_BYTES = 60 + PACKET_BYTES;

let identifiers = randomInt(0x10000);

function rawSocket(family: 4 | 6, fd: number, onReply: OnReply): IcmpSocket {
  identifiers = (identifiers + 1) & 0xffff;
  const identifier = identifiers;
  const packet = Buffer.alloc(MOST_BYTES);
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    for (let got = receiveFrom(fd, packet); got.ok; got = receiveFrom(fd, packet)) {
      const { length, from } = got.value;
      // IPv4 comes with its header (raw(7)), whose length stands in its first octet (RFC 791 section 3.1).
      const at = family === 4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
      if (length < at + HEADER_BYTES || packet[at] !== ECHO_REPLY[family]) continue;
      if (packet.readUInt16BE(at + 4) === identifier)
        onReply(packet.readUInt16BE(at + 6), formatAddress(from));
    }
  }

  return {
    send(sequence, to, failed) {
      const request = echoRequest(family, identifier, sequence);
      // The kernel fills in the checksum of ICMPv6 only (RFC 3542 section 3.1).
      if (family === 4) request.writeUInt16BE(checksum(request), 2);
      const sent = sendTo(fd, request, socketAddress(to, 0));
      if (!sent.ok) failed(sent.error);
    },
    listen(waiting) {
      if (waiting === (timer !== undefined)) return;
      clearInterval(timer);
      timer = waiting ? setInterval(look, LOOK_MS) : undefined;
    },
    close() {
      clearInterval(timer);
      closeSocket(fd);
    },
  };
}

/** The Internet checksum of an even number of octets. RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
