/** A node with route sync beside an EC2 that answers at once. Not a test itself. */
import { must } from '../../../controller/base/result.ts';
import type { Instant } from '../../../controller/base/time.ts';
import { parseConfig } from '../../../controller/config.ts';
import type { Call, ObservedRoute, Outcome } from '../../../controller/ec2/call.ts';
import type { Effect, Event } from '../../../controller/event.ts';
import { createNode, type Node, nextDeadline, step } from '../../../controller/node.ts';
import type { Portions } from '../../../controller/sync/portions.ts';

export const TABLE = 'rtb-00000000000000001';
const ADDRESSES = { a: '10.0.0.10', b: '10.0.0.11' } as const;
export type Peer = keyof typeof ADDRESSES;
export const ENIS: Readonly<Record<Peer, string>> = {
  a: 'eni-0000000000000000a',
  b: 'eni-0000000000000000b',
};

/** What work gives, all of it at once. */
export function inOneGo<T>(work: Portions<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

export const syncConfig = (options: string) =>
  must(
    parseConfig(
      `version: 1
node: w
aws: { region: eu-central-1 }
appliances:
  - { name: a, address: ${ADDRESSES.a}, eni: ${ENIS.a} }
  - { name: b, address: ${ADDRESSES.b}, eni: ${ENIS.b} }
bgp:
  as: 65000
  routerId: 10.0.0.1
  neighbors: [ { appliance: a, as: 65001, import: all }, { appliance: b, as: 65002, import: all } ]
routeSync: [ { tables: [ { table: ${TABLE} } ], ${options} } ]
`,
      'test.yaml',
    ),
  );

export const change = (prefix: string, peer: Peer) => ({
  prefix,
  nextHops: [{ address: ADDRESSES[peer], peer, weight: 1, stale: false }],
});

export interface SyncRun {
  readonly feed: (event: Event) => void;
  /** One deadline, after so much time. */
  readonly tick: (ms: number) => void;
  /** All deadlines of the instant after so much time. */
  readonly pass: (ms: number) => void;
  readonly routes: ReadonlyMap<string, string>;
  readonly writes: readonly Call[];
  readonly node: () => Node;
}

/** `between` sees the node after each step, and may give another one. */
export function createRun(
  options: string,
  between: (node: Node, now: Instant) => Node = (node) => node,
): SyncRun {
  let now: Instant = 0;
  let node = createNode({ config: syncConfig(options) }, now);
  const routes = new Map<string, string>();
  const writes: Call[] = [];
  const feed = (event: Event): void => {
    const waiting = [event];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const stepped = step(node, next, now);
      node = between(stepped.node, now);
      for (const effect of stepped.effects) waiting.push(...answer(effect));
    }
  };
  const answer = (effect: Effect): readonly Event[] => {
    if (effect.kind !== 'ec2-call') return [];
    return [{ kind: 'ec2-outcome', request: effect.request, outcome: outcomeOf(effect.call) }];
  };
  const outcomeOf = (call: Call): Outcome => {
    if (call.kind === 'describe-route-tables') {
      const local = { destination: '10.0.0.0/16', target: 'local', state: 'active' } as const;
      const ours = [...routes].map(
        ([destination, target]): ObservedRoute => ({ destination, target, state: 'active' }),
      );
      const tables = [{ id: TABLE, vpc: 'vpc-1', routes: [local, ...ours], associations: [], main: false }];
      return { kind: 'ok', value: { kind: 'route-tables', tables } };
    }
    if (call.kind === 'describe-network-interfaces')
      return { kind: 'ok', value: { kind: 'network-interfaces', enis: [] } };
    writes.push(call);
    if (call.kind === 'delete-route') routes.delete(call.destination);
    if (call.kind === 'create-route' || call.kind === 'replace-route')
      routes.set(call.destination, call.eni ?? '');
    return { kind: 'ok', value: { kind: 'done' } };
  };
  const settle = (): void => {
    while ((nextDeadline(node) ?? Number.POSITIVE_INFINITY) <= now) feed({ kind: 'deadline' });
  };
  const tick = (ms: number): void => {
    now += ms;
    feed({ kind: 'deadline' });
  };
  feed({ kind: 'start' });
  for (const peer of ['a', 'b'] as const)
    feed({
      kind: 'bgp-session',
      change: { peer, address: ADDRESSES[peer], state: 'established', reason: 'test' },
    });
  return {
    feed,
    tick,
    pass: (ms) => {
      tick(ms);
      settle();
    },
    routes,
    writes,
    node: () => node,
  };
}
