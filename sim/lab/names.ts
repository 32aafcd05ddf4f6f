/** The resolver of the lab: DNS (RFC 1035) over UDP, A and AAAA, for the names that Amazon's has. Pure. */
import { parseAddress } from '../../controller/base/ip.ts';
import { privateDnsName, publicDnsName } from '../ec2/dns-name.ts';
import { addressBytes } from '../frame/netlink.ts';
import { resolveName } from '../world/names.ts';
import type { Records } from '../world/records.ts';

const TTL_S = 60;
const [A, AAAA] = [1, 28];
/** QR and RA; with RCODE. */
const ANSWER = 0x8080;
const NO_SUCH_NAME = 3;

/** The addresses of a name, as machines of the lab are told them. */
export function addressesOf(records: Records, name: string): readonly string[] {
  const lower = name.toLowerCase().replace(/\.$/, '');
  for (const eni of records['network-interface'].values()) {
    const region = records.vpc.get(eni.vpc)?.region ?? '';
    for (const own of eni.addresses) if (privateDnsName(region, own) === lower) return [own];
    // Inside a VPC the public name stands for the private address.
    const seen = eni.publicAddresses.find((each) => publicDnsName(region, each.public) === lower);
    if (seen !== undefined) return [seen.private];
  }
  return parseAddress(lower).ok ? [] : resolveName(lower);
}

/** The question of a message; undefined where it is none that can be answered. */
function questionOf(
  message: Buffer,
): { readonly name: string; readonly type: number; readonly end: number } | undefined {
  if (message.length < 17 || message.readUInt16BE(4) !== 1 || (message.readUInt16BE(2) & 0x8000) !== 0)
    return undefined;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at + length + 5 > message.length) return undefined;
    at++;
    if (length === 0) break;
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at), end: at + 4 };
}

/** The answer to a question; undefined where the message is none. */
export function answerName(message: Buffer, lookup: (name: string) => readonly string[]): Buffer | undefined {
  const question = questionOf(message);
  if (question === undefined) return undefined;
  const { name, type, end } = question;
  const found = lookup(name);
  const family = type === A ? 4 : type === AAAA ? 6 : 0;
  const records = found.flatMap((text) => {
    const parsed = parseAddress(text);
    if (!parsed.ok || parsed.value.family !== family) return [];
    const bytes = addressBytes(parsed.value);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(TTL_S, 6);
    record.writeUInt16BE(bytes.length, 10);
    return [record, bytes];
  });
  const head = Buffer.from(message.subarray(0, end));
  head.writeUInt16BE((head.readUInt16BE(2) & 0x7900) | ANSWER | (found.length === 0 ? NO_SUCH_NAME : 0), 2);
  head.writeUInt16BE(records.length / 2, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records]);
}
