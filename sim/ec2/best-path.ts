/**
 * Which of several BGP paths a gateway uses: the shortest AS path, then the lowest ORIGIN, then the lowest
 * MED (whoever announces it), then the lowest next hop, so that a choice never depends on the order of
 * arrival. AWS says of MED and AS path only that they count.
 */
import { address, compareAddresses } from '../../controller/base/ip.ts';
import type { LearntPath } from './record/routing.ts';

const ORIGINS = ['igp', 'egp', 'incomplete'] as const;

/** ASes in the path; a set counts as one. RFC 4271 9.1.2.2. */
export const pathLength = ({ asPath }: LearntPath): number =>
  asPath
    .replace(/\{[^}]*\}/g, 'set')
    .split(' ')
    .filter((each) => each !== '').length;

/** Below zero where `a` is better by what was announced, 0 where both are as good. A missing MED is 0. */
const comparePreference = (a: LearntPath, b: LearntPath): number =>
  pathLength(a) - pathLength(b) ||
  ORIGINS.indexOf(a.origin) - ORIGINS.indexOf(b.origin) ||
  (a.med ?? 0) - (b.med ?? 0);

/** Whether flows may share two paths: AWS does not relax the AS path, which must be the same. */
export const areEqual = (a: LearntPath, b: LearntPath): boolean =>
  a.asPath === b.asPath && comparePreference(a, b) === 0;

/** Below zero where `a` is the better path. */
export function comparePaths(a: LearntPath, b: LearntPath): number {
  return (
    comparePreference(a, b) ||
    compareAddresses(address(a.nextHop), address(b.nextHop)) ||
    (a.neighbor < b.neighbor ? -1 : a.neighbor > b.neighbor ? 1 : 0)
  );
}

/** The best path of each prefix, in the order in which prefixes come. */
export function bestPaths<P extends LearntPath>(paths: readonly P[]): Map<string, P> {
  const best = new Map<string, P>();
  for (const path of paths) {
    const held = best.get(path.prefix);
    if (held === undefined || comparePaths(path, held) < 0) best.set(path.prefix, path);
  }
  return best;
}
