/** What options of a session must be. RFC 5880 4.1 to 4.4. */
import { parseAddress } from '../base/ip.ts';
import type { BfdAuthentication, BfdOptions } from './options.ts';

const longestKey = (type: BfdAuthentication['type']): number => (type.endsWith('sha1') ? 20 : 16);

/** What is wrong with the options of a session; undefined where nothing is. */
export function objection(options: BfdOptions): string | undefined {
  const { peer, local, intervalMs, multiplier, authentication } = options;
  const address = parseAddress(peer);
  if (!address.ok) return `the peer ${address.error}`;
  const own = local === undefined ? address : parseAddress(local);
  if (!own.ok) return `the local address ${own.error}`;
  if (own.value.family !== address.value.family)
    return `the local address ${local} and the peer ${peer} are of different families`;
  if (!(intervalMs >= 10 && intervalMs <= 60_000))
    return `the interval is ${intervalMs} ms, not 10 to 60000 ms`;
  if (!Number.isInteger(multiplier) || multiplier < 1 || multiplier > 255)
    return `the multiplier is ${multiplier}, not 1 to 255`;
  if (authentication === undefined) return undefined;
  const { key, keyId, type } = authentication;
  if (!Number.isInteger(keyId) || keyId < 0 || keyId > 255) return `the key ID is ${keyId}, not 0 to 255`;
  if (key.length < 1 || key.length > longestKey(type))
    return `the key has ${key.length} bytes; ${type} takes 1 to ${longestKey(type)}`;
  return undefined;
}
