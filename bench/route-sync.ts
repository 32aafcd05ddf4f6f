/**
 * Route sync at scale, in one process and without sockets: 10,000 prefixes that churn at 1,000 changes a
 * second against a route table of 500, aggregated. What is counted is every call that the node makes.
 */
import { quantile } from '../controller/base/quantile.ts';
import { must } from '../controller/base/result.ts';
import { parseConfig } from '../controller/config.ts';
import type { Call, ObservedRoute } from '../controller/ec2/call.ts';
import type { Event } from '../controller/event.ts';
import { createNode, step } from '../controller/node.ts';
import { type Benchmark, goal } from './harness.ts';

const PREFIXES = 10_000;
const CHANGES = 20_000;
/** Changes after which a block changes its way in earnest. */
const MOVE_EVERY = 5_000;
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
const BLOCK = 64;
/** Blocks that have changed their way. */
const moved = new Set<number>();
/** Blocks of prefixes by turns: they fit once they are aggregated. */
function ownerOf(n: number): string {
  const block = Math.floor(n / BLOCK);
  return (block % 2 === 0) === moved.has(block) ? 'b' : 'a';
}
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
  /** The same in processor time: other processes do not count, other threads of this one do. */
  const cpuMs: number[] = [];
  const feed = (event: Event): void => {
    const waiting = [event];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const cpuBefore = process.cpuUsage();
      const started = performance.now();
      const stepped = step(node, next, now);
      slices.push(performance.now() - started);
      const { user, system } = process.cpuUsage(cpuBefore);
      cpuMs.push((user + system) / 1000);
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
      const table = {
        id: TABLE,
        vpc: 'vpc-1',
        routes: [local, ...routes.values()],
        associations: [],
        main: false,
      };
      return ok({ kind: 'ok', value: { kind: 'route-tables', tables: [table] } });
    }
    if (call.kind === 'describe-network-interfaces')
      return ok({ kind: 'ok', value: { kind: 'network-interfaces', enis: [] } });
    writes.push(call);
    if (call.kind === 'delete-route') routes.delete(call.destination);
    if (call.kind === 'create-route' || call.kind === 'replace-route')
      routes.set(call.destination, {
        destination: call.destination,
        target: call.eni ?? '',
        state: 'active',
      });
    return ok({ kind: 'ok', value: { kind: 'done' } });
  }
  const pass = (ms: number): void => {
    now += ms;
    feed({ kind: 'deadline' });
  };
  return { feed, pass, routes, writes, slices, cpuMs };
}

/** A node that has learned and written all. */
function imported(): ReturnType<typeof createRun> {
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
  return run;
}

const rounded = (ms: number): number => Number(ms.toFixed(3));

export const benchmark: Benchmark = {
  question: `Does ${PREFIXES} prefixes' churn cost needless writes, or long steps? (${CHANGES} changes, 1,000/s)`,
  run: async (say) => {
    // The first import shows what a cold process takes, the second what the work takes.
    const cold = imported();
    const run = imported();
    const installed = run.routes.size;
    say(`${PREFIXES} prefixes in ${installed} routes by ${run.writes.length} writes`);
    const before = run.writes.length;
    const first = run.slices.length;
    const started = performance.now();
    let needed = 0;
    for (let change = 0; change < CHANGES; change += 2) {
      // A flap: withdrawn, and back a moment later. It needs no write.
      const route = routeOf((change * 7919) % PREFIXES);
      run.feed({ kind: 'bgp-routes', changes: [{ ...route, nextHops: [] }] });
      run.pass(1);
      run.feed({ kind: 'bgp-routes', changes: [route] });
      run.pass(1);
      if (change % MOVE_EVERY !== 0) continue;
      // The route of a block has to lead elsewhere: one write does it.
      const block = change / MOVE_EVERY;
      moved.add(block);
      needed += 1;
      const changes = Array.from({ length: BLOCK }, (_, n) => routeOf(block * BLOCK + n));
      run.feed({ kind: 'bgp-routes', changes });
    }
    for (let turn = 0; turn < 100; turn++) run.pass(100);
    const made = run.writes.length - before;
    const slices = run.slices.slice(first);
    return {
      rows: [
        { what: `routes for ${PREFIXES} prefixes`, value: installed },
        {
          what: `routes after ${needed} blocks of ${BLOCK} prefixes have changed their way`,
          value: run.routes.size,
        },
        { what: 'writes that they need at least', value: needed },
        { what: 'writes made', value: made },
        { what: 'seconds for the churn', value: Number(((performance.now() - started) / 1000).toFixed(1)) },
        { what: 'median step under churn, ms', value: rounded(quantile(slices, 0.5)) },
        { what: 'p99.9 step under churn, ms', value: rounded(quantile(slices, 0.999)) },
        { what: 'longest step under churn, ms', value: rounded(Math.max(...slices)) },
        { what: 'the same in processor time, ms', value: rounded(Math.max(...run.cpuMs.slice(first))) },
        { what: 'longest step at import, cold process, ms', value: rounded(Math.max(...cold.slices)) },
        {
          what: 'longest step at import, once more, ms',
          value: rounded(Math.max(...run.slices.slice(0, first))),
        },
        { what: 'the same in processor time, ms', value: rounded(Math.max(...run.cpuMs.slice(0, first))) },
      ],
      goals: [
        goal('needless-writes', made - needed, '<=', 0, 'writes'),
        goal('longest-step', Math.max(...run.slices), '<=', 10, 'ms'),
      ],
    };
  },
};
