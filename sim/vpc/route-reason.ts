/** Why a route of a table counted and others that match too did not. For people: nothing forwards by it. */
import { type Address, contains, type Prefix, prefix } from '../../controller/base/ip.ts';
import { BLACKHOLE } from './hop.ts';
import { type Route, type RouteTable, targetId } from './model.ts';
import type { TransitTableNode } from './nodes.ts';
import type { NoteCode } from './note.ts';
import { isPrefixListRoute, rankName } from './route-order.ts';

/** A route that matched a destination too, and why another one counted. */
export interface BeatenRoute {
  /** CIDR block, or the id of a prefix list. */
  readonly destination: string;
  readonly target: string;
  readonly code: NoteCode;
  readonly text: string;
}

interface Winner {
  readonly destination: string;
  readonly target: string;
}

/** The longest block that a route stands for and that holds the address. */
function blockFor(
  route: Route,
  to: Address,
  entriesOf: (list: string) => readonly string[],
): Prefix | undefined {
  const blocks = isPrefixListRoute(route) ? entriesOf(route.destination) : [route.destination];
  return blocks
    .map((block) => prefix(block))
    .filter((block) => contains(block, to))
    .sort((a, b) => b.length - a.length)[0];
}

/** The routes of a table that match the address and lost to the one that won. */
export function beatenRoutes(
  { routes }: RouteTable,
  won: Winner,
  to: Address,
  entriesOf: (list: string) => readonly string[],
): readonly BeatenRoute[] {
  const isWinner = (route: Route): boolean =>
    route.destination === won.destination && targetId(route.target) === won.target;
  const winner = routes.find(isWinner);
  const held = winner && blockFor(winner, to, entriesOf);
  if (winner === undefined || held === undefined) return [];
  return routes.flatMap((route): readonly BeatenRoute[] => {
    const block = isWinner(route) ? undefined : blockFor(route, to, entriesOf);
    if (block === undefined) return [];
    const { destination } = route;
    const target = targetId(route.target);
    if (block.length < held.length) {
      const text = `/${held.length} is longer than /${block.length}`;
      return [{ destination, target, code: 'MORE_SPECIFIC_ROUTE', text }];
    }
    const kinds = `${rankName(winner)} beats ${rankName(route)}`;
    const text = block.length > held.length ? `${kinds} even where that is longer` : kinds;
    return [{ destination, target, code: 'HIGHER_PRIORITY_ROUTE', text }];
  });
}

/** The same for a route table of a transit gateway. */
export function beatenTransitRoutes(
  { routes, shadowed }: TransitTableNode,
  won: Winner,
  to: Address,
): readonly BeatenRoute[] {
  const length = prefix(won.destination).length;
  const beaten: BeatenRoute[] = [];
  for (const { destination, paths } of routes.values()) {
    const block = prefix(destination);
    if (destination === won.destination || !contains(block, to)) continue;
    const text = `/${length} is longer than /${block.length}`;
    const target = attachmentsOf(paths.map(({ attachment }) => attachment.id));
    beaten.push({ destination, target, code: 'TGW_RTB_MORE_SPECIFIC_ROUTE', text });
  }
  for (const { destination, paths } of shadowed) {
    if (destination !== won.destination) continue;
    const text = 'a static route beats a propagated one';
    const target = attachmentsOf(paths.map(({ attachment }) => attachment));
    beaten.push({ destination, target, code: 'TGW_RTB_HIGHER_PRIORITY_ROUTE', text });
  }
  return beaten;
}

const attachmentsOf = (ids: readonly string[]): string => [...new Set(ids)].join(', ') || BLACKHOLE;
