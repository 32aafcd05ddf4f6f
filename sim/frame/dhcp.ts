/**
 * DHCP as a VPC answers it: the primary IPv4 address of the ENI for an hour, the subnet's router, Amazon's
 * resolver, the MTU. RFC 2131, RFC 2132; Amazon VPC User Guide, "DHCP option sets".
 */
import { gatewayOfSubnet } from '../vpc/fabric.ts';
import type { Header } from '../vpc/header.ts';
import { UDP } from '../vpc/header.ts';
import type { Port } from '../vpc/nodes.ts';
import type { Frame } from './frame.ts';
import { datagramFrame } from './made.ts';
import { RESOLVER, resolverOf } from './service.ts';

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const COOKIE = 0x63825363;
const FIXED_BYTES = 236;
const LEASE_S = 3600;
const MTU_BYTES = 9001;
const TYPE = 53;
/** Message types: RFC 2132 9.6. */
const [DISCOVER, OFFER, REQUEST, ACK, NAK, INFORM] = [1, 2, 3, 5, 6, 8];

export const isDhcp = (h: Header): boolean =>
  h.family === 4 && h.protocol === UDP && h.sourcePort === CLIENT_PORT && h.destinationPort === SERVER_PORT;

/** The options of a message by their codes: RFC 2132 2. */
function optionsOf(view: DataView, from: number, end: number): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (let at = from; at + 1 < end; ) {
    const code = view.getUint8(at);
    if (code === 255) break;
    if (code === 0) {
      at++;
      continue;
    }
    const length = view.getUint8(at + 1);
    if (at + 2 + length > end) break;
    places.set(code, at + 2);
    at += 2 + length;
  }
  return places;
}

const bytesOf = (word: number): readonly number[] => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255);

/** The answer to a client's message; undefined where none is due. */
export function answerDhcp(frame: Frame, h: Header, port: Port): Frame | undefined {
  const { view, transport, end } = frame;
  const at = transport + 8;
  const own = port.addresses.find(({ family }) => family === 4)?.w3;
  const cidr = port.subnet.cidrs.find(({ address }) => address.family === 4);
  const router = gatewayOfSubnet(port.subnet)?.words[3];
  if (own === undefined || cidr === undefined || router === undefined || end - at < FIXED_BYTES + 5)
    return undefined;
  if (view.getUint8(at) !== 1 || view.getUint32(at + FIXED_BYTES) !== COOKIE) return undefined;
  const options = optionsOf(view, at + FIXED_BYTES + 4, end);
  const asked = view.getUint8(options.get(TYPE) ?? at);
  const wanted = options.get(50);
  const claimed = wanted === undefined ? view.getInt32(at + 12) : view.getInt32(wanted);
  const isOthers = asked === REQUEST && claimed !== 0 && claimed !== own;
  const type =
    asked === DISCOVER ? OFFER : asked === REQUEST ? (isOthers ? NAK : ACK) : asked === INFORM ? ACK : 0;
  if (type === undefined || type === 0) return undefined;
  const data = new Uint8Array(FIXED_BYTES + 4 + 64);
  const out = new DataView(data.buffer);
  data.set(new Uint8Array(view.buffer, view.byteOffset + at, 34 + 10), 0);
  out.setUint8(0, 2);
  out.setUint16(8, 0);
  if (type !== NAK && asked !== INFORM) out.setInt32(16, own);
  out.setUint32(20, router);
  out.setUint32(FIXED_BYTES, COOKIE);
  const mask = cidr.length === 0 ? 0 : (-1 << (32 - cidr.length)) | 0;
  const lease = asked === INFORM ? [] : [51, 4, ...bytesOf(LEASE_S)];
  const settings = [
    ...[1, 4, ...bytesOf(mask)],
    ...[3, 4, ...bytesOf(router)],
    ...[6, 4, ...bytesOf(resolverOf(port) ?? RESOLVER)],
    ...[26, 2, MTU_BYTES >>> 8, MTU_BYTES & 255],
    ...lease,
  ];
  const told = [TYPE, 1, type, 54, 4, ...bytesOf(router), ...(type === NAK ? [] : settings), 255];
  data.set(told, FIXED_BYTES + 4);
  const ends = { sourceMac: port.subnet.routerMac, destinationMac: h.sourceMac, s3: router | 0, d3: own };
  return datagramFrame({ ...ends, sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT }, data);
}
