/**
 * What gateways' speakers and site routers have in common: two policies, and the routes that a neighbor told.
 */
import type { Policy } from '../../controller/bgp/options.ts';
import { listRoutes, type RouteView } from '../../controller/bgp/rib-query.ts';
import type { Speaker } from '../../controller/bgp/speaker.ts';

/** Prefixes of one page of a speaker's routes. */
const PAGE = 10_000;

/** Takes everything: without a policy nothing passes on eBGP (RFC 8212). */
export const ACCEPT_ALL: Policy = { name: 'all', rules: [], otherwise: 'accept' };

export const OWN = 'own';

/** Tells the prefixes given, and nothing that others told. */
export const announceOnly = (
  prefixes: readonly string[],
  set: Policy['rules'][number]['set'] = {},
): Policy => ({
  name: OWN,
  rules:
    prefixes.length === 0
      ? []
      : [{ match: { prefixes: prefixes.map((prefix) => ({ prefix })) }, set, action: 'accept' }],
  otherwise: 'reject',
});

export type Heard = Pick<RouteView, 'prefix' | 'nextHop' | 'asPath' | 'origin' | 'med' | 'communities'>;

/** All that a neighbor has told and that is used. */
export function pathsFrom(speaker: Speaker, peer: string): readonly Heard[] {
  const found: Heard[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = listRoutes(speaker.rib, { table: 'in', family, peer, after, scan: PAGE });
      for (const { prefix, nextHop, asPath, origin, med, communities, refused } of page.routes) {
        if (refused !== undefined) continue;
        const path = { prefix, nextHop, asPath, origin, communities };
        found.push(med === undefined ? path : { ...path, med });
      }
      after = page.after;
    }
  }
  return found;
}
