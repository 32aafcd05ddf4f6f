/**
 * Route sync at scale, in one process and without sockets: 10,000 prefixes that churn at 1,000 changes a
 * second against a route table of 500, aggregated. What is counted is every call that the node makes.
 */
import { must } from '../controller/base/result.ts';
import { parseConfig } from '../controller/config.ts';
import type { Call, ObservedRoute } from '../controller/ec2/call.ts';
import type { Event } from '../controller/event.ts';
import { createNode, step } from '../controller/node.ts';
import { type Benchmark, goal, quantile } from './harness.ts';

const PREFIXES = 10_000;
const CHANGES = 20_000;
const TABLE = 'rtb-00000000000000001';
const ENIS: Readonly<Record<string, string>> = {
  a: 'eni-0000000000000000a',
  b: 'eni-0000000000000000b',
};
const HOPS: Readonly<Record<string, string>> = { a: '10.0.0.10', b: '10.0.0.11' };

const config = must(
  parseConfig(
    `version: 1
node: w
aws: { region: eu-central-1 }
appliances:
  - { name: a, address: 10.0.0.10, eni: ${ENIS.a} }
  - { name: b, address: 10.0.0.11, eni: ${ENIS.b} }
bgp:
  as: 65000
  routerId: 10.0.0.1
  neighbors: [ { appliance: a, as: 65001, import: all }, { appliance: b, as: 65002, import: all } ]
routeSync: [ { tables: [ { table: ${TABLE} } ] } ]
`,
    'bench.yaml',
  ),
);

const prefixOf = (n: number): string => `100.${64 + (n >> 8)}.${n & 255}.0/24`;
/** Blocks of 64 prefixes by turns: they fit once they are aggregated. */
const ownerOf = (n: number): string => ((n >> 6) % 2 === 0 ? 'a' : 'b');
const routeOf = (n: number) => {
  const peer = ownerOf(n);
  return { prefix: prefixOf(n), nextHops: [{ address: HOPS[peer] ?? '', peer, weight: 1, stale: false }] };
};

/** A node with an EC2 that answers at once. */
function createRun() {
  let now = 0;
  let node = createNode({ config }, now);
  const routes = new Map<string, ObservedRoute>();
  const writes: Call[] = [];
  const slices: number[] = [];
  const feed = (event: Event): void => {
    const waiting = [event];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const started = performance.now();
      const stepped = step(node, next, now);
      slices.push(performance.now() - started);
      node = stepped.node;
      for (const effect of stepped.effects)
        if (effect.kind === 'ec2-call') waiting.push(answer(effect.request, effect.call));
    }
  };
  function answer(request: number, call: Call): Event {
    const ok = (value: Extract<Event, { kind: 'ec2-outcome' }>['outcome']): Event => ({
      kind: 'ec2-outcome',
      request,
      outcome: value,
    });
    if (call.kind === 'describe-route-tables') {
      const local = { destination: '10.0.0.0/16', target: 'local', state: 'active' } as const;
      const table = { id: TABLE, vpc: 'vpc-1', routes: [local, ...routes.values()] };
      return ok({ kind: 'ok', value: { kind: 'route-tables', tables: [table] } });
    }
    if (call.kind === 'describe-network-interfaces')
      return ok({ kind: 'ok', value: { kind: 'network-interfaces', enis: [] } });
    writes.push(call);
    if (call.kind === 'delete-route') routes.delete(call.destination);
    if (call.kind === 'create-route' || call.kind === 'replace-route')
      routes.set(call.destination, { destination: call.destination, target: call.eni, state: 'active' });
    return ok({ kind: 'ok', value: { kind: 'done' } });
  }
  const pass = (ms: number): void => {
    now += ms;
    feed({ kind: 'deadline' });
  };
  return { feed, pass, routes, writes, slices };
}

export const benchmark: Benchmark = {
  question: `Does ${PREFIXES} prefixes' churn cost needless writes, or long steps? (${CHANGES} changes, 1,000/s)`,
  run: async (say) => {
    const run = createRun();
    run.feed({ kind: 'start' });
    for (const peer of ['a', 'b']) {
      const change = { peer, address: HOPS[peer] ?? '', state: 'established', reason: 'bench' } as const;
      run.feed({ kind: 'bgp-session', change });
    }
    for (let at = 0; at < PREFIXES; at += 1000) {
      const changes = Array.from({ length: Math.min(1000, PREFIXES - at) }, (_, n) => routeOf(at + n));
      run.feed({ kind: 'bgp-routes', changes });
      run.pass(10);
    }
    for (let turn = 0; turn < 300; turn++) run.pass(200);
    const installed = run.routes.size;
    say(`${PREFIXES} prefixes in ${installed} routes by ${run.writes.length} writes`);
    const before = run.writes.length;
    const first = run.slices.length;
    // Flaps, and attributes that change nothing: no write is needed.
    for (let change = 0; change < CHANGES; change++) {
      const n = (change * 7919) % PREFIXES;
      const { prefix } = routeOf(n);
      run.feed({ kind: 'bgp-routes', changes: [change % 2 === 0 ? { prefix, nextHops: [] } : routeOf(n)] });
      // The prefix that was withdrawn is back with the next change but one.
      if (change % 2 === 0) run.feed({ kind: 'bgp-routes', changes: [routeOf(n)] });
      run.pass(1);
    }
    const needless = run.writes.length - before;
    const slices = run.slices.slice(first);
    const churnMs = Math.max(...slices);
    // A block changes its way in earnest: the fewest writes are one or two.
    const started = run.writes.length;
    const moved = Array.from({ length: 64 }, (_, n) => {
      const route = routeOf(n);
      return {
        ...route,
        nextHops: route.nextHops.map((hop) => ({ ...hop, address: HOPS.b ?? '', peer: 'b' })),
      };
    });
    run.feed({ kind: 'bgp-routes', changes: moved });
    for (let turn = 0; turn < 100; turn++) run.pass(100);
    const real = run.writes.length - started;
    const all = Math.max(...run.slices);
    return {
      rows: [
        { what: 'routes for 10,000 prefixes', value: installed },
        { what: 'writes for a block of 64 prefixes that changed its way', value: real },
        { what: 'median step under churn, ms', value: Number(quantile(slices, 0.5).toFixed(3)) },
        { what: 'p99.9 step under churn, ms', value: Number(quantile(slices, 0.999).toFixed(3)) },
        { what: 'longest step of all, import included, ms', value: Number(all.toFixed(3)) },
      ],
      goals: [
        goal('needless-writes', needless, '<=', 0, 'writes'),
        goal('longest-step-under-churn', churnMs, '<=', 10, 'ms'),
      ],
    };
  },
};
