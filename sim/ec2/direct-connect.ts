/** What the handlers of Direct Connect share: refusals, ids, tags, pages, and what its gateways learn. */
import type { Tag } from '@aws-sdk/client-direct-connect';
import {
  announceOverInterfaces,
  associationsOf,
  bestOfInterfaces,
  hasSession,
  interfacesAt,
  usableRoutes,
} from './direct-connect-paths.ts';
import type { Tx } from './handler.ts';
import { hexDigits } from './identifier.ts';
import { pageAfter } from './page.ts';
import type { Tags } from './record/base.ts';
import type { DirectConnectRecords } from './record/direct-connect.ts';
import { refuse } from './refusal.ts';
import { refreshPropagations } from './transit-gateway.ts';
import { refreshVpn } from './vpn.ts';

/** Refuses for whatever is wrong: Direct Connect has one code for all of it. */
export function invalid(why: string): never {
  return refuse('DirectConnectClientException', why);
}

/** An id such as `dxcon-f1234567`. */
export const shortId = (tx: Tx, start: string): string => `${start}-f${hexDigits(tx.random, 7)}`;

/** A version 4 UUID. */
export function uuid(tx: Tx): string {
  const hex = hexDigits(tx.random, 32);
  const variant = '89ab'[Math.floor(tx.random() * 4)];
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`]
    .concat(hex.slice(20))
    .join('-');
}

/** Old tags with new ones laid over. */
export function mergeTags(tx: Tx, held: Tags, tags: readonly Tag[] = []): Tags {
  const keys = tags.map(({ key = '' }) => key);
  if (new Set(keys).size < keys.length)
    refuse('DuplicateTagKeysException', 'A tag key was specified more than once.');
  const wrong = keys.find((key) => key === '' || key.length > 128 || /^aws:/i.test(key));
  if (wrong !== undefined) invalid(`The tag key '${wrong}' is not valid.`);
  const merged = { ...held, ...Object.fromEntries(tags.map(({ key = '', value = '' }) => [key, value])) };
  if (Object.keys(merged).length > tx.settings.quotas.tagsPerResource) {
    refuse('TooManyTagsException', 'You have reached the limit on the number of tags that can be assigned.');
  }
  return merged;
}

export const shownTags = (tags: Tags): Tag[] => Object.entries(tags).map(([key, value]) => ({ key, value }));

interface Asked {
  readonly nextToken?: string | undefined;
  readonly maxResults?: number | undefined;
}

/** One page of a list, in order of creation, and where the next begins. */
export function pageOf<K extends keyof DirectConnectRecords>(
  tx: Tx,
  kind: K,
  found: readonly DirectConnectRecords[K][],
  { nextToken: token, maxResults }: Asked,
): { readonly records: readonly DirectConnectRecords[K][]; readonly next: { readonly nextToken?: string } } {
  if (maxResults !== undefined && maxResults < 1)
    invalid(`The value ${maxResults} of maxResults is too small.`);
  const limit = maxResults === undefined ? undefined : Math.min(maxResults, 100);
  const page = pageAfter(found, { limit, token }, ({ id }) => [tx.order(kind, id), id]);
  if (page === undefined) return invalid(`The token '${token}' is not valid.`);
  return { records: page.rows, next: page.token === undefined ? {} : { nextToken: page.token } };
}

/** Learns anew what the virtual interfaces at a gateway know, and all that follows from it. */
export function refreshDirectConnect(tx: Tx, gateway: string): void {
  const best = bestOfInterfaces(tx, gateway);
  for (const line of interfacesAt(tx, gateway)) {
    const up = !line.down && hasSession(tx, line);
    tx.put('virtual-interface', { ...line, up, routes: usableRoutes(tx, line, best) });
  }
  announceOverInterfaces(tx, gateway);
  if (gateway.startsWith('vgw-')) refreshVpn(tx, gateway);
  for (const { gateway: far, region, attachment } of associationsOf(tx, gateway)) {
    const there = tx.at(region);
    if (attachment === undefined) refreshVpn(there, far);
    else refreshPropagations(there, there.get('transit-gateway-attachment', attachment)?.propagations ?? []);
  }
}
