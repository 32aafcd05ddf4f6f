/** Who may import whom, and that nobody goes in circles. The table below is the architecture. */
import type { Import, Source } from './source.ts';
import { importsOf } from './source.ts';

/**
 * For every folder, and every file that lies directly in a part, what of ours it may import beside its own
 * folder. A name ending in `/` is a folder with all below it. The longest matching key counts.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'controller/base/': [],
  'controller/config/': ['controller/base/', 'controller/bgp/options.ts', 'controller/bfd/options.ts'],
  'controller/config.ts': ['controller/base/', 'controller/config/'],
  'controller/wire/': ['controller/base/'],
  'controller/bfd/options.ts': [],
  'controller/bfd/': ['controller/base/', 'controller/wire/'],
  'controller/bgp/options.ts': ['controller/bfd/options.ts'],
  'controller/bgp/': ['controller/base/', 'controller/wire/', 'controller/bfd/options.ts'],
  // What the package exports: the two machines, and the codecs.
  'controller/bgp/index.ts': ['controller/bgp/', 'controller/bfd/', 'controller/wire/'],
  'controller/ec2/': ['controller/base/', 'controller/config.ts'],
  'controller/lease/call.ts': [],
  'controller/lease/': ['controller/base/', 'controller/config.ts', 'controller/ec2/failure.ts'],
  'controller/bfd/event.ts': ['controller/base/', 'controller/bfd/options.ts'],
  'controller/bgp/event.ts': ['controller/bgp/options.ts', 'controller/bfd/options.ts'],
  'controller/event.ts': [
    'controller/base/',
    'controller/config.ts',
    'controller/ec2/call.ts',
    'controller/lease/call.ts',
    'controller/bgp/event.ts',
    'controller/bfd/event.ts',
  ],
  'controller/attach.ts': ['controller/event.ts'],
  'controller/health/': ['controller/base/', 'controller/config.ts', 'controller/event.ts'],
  'controller/sync/': [
    'controller/base/',
    'controller/bgp/event.ts',
    'controller/config.ts',
    'controller/event.ts',
    'controller/ec2/',
    'controller/failover/observe.ts',
    'controller/failover/sources.ts',
    'controller/failover/step.ts',
    'controller/failover/turn.ts',
    'controller/failover/group.ts',
  ],
  'controller/fib/': ['controller/base/', 'controller/config.ts', 'controller/event.ts'],
  'controller/failover/': [
    'controller/base/',
    'controller/config.ts',
    'controller/event.ts',
    'controller/ec2/',
    'controller/health/',
    'controller/lease/',
  ],
  'controller/routing/': [
    'controller/base/',
    'controller/bfd/event.ts',
    'controller/bgp/event.ts',
    'controller/config.ts',
    'controller/event.ts',
    'controller/health/',
    'controller/failover/turn.ts',
  ],
  'controller/commands.ts': [
    'controller/sync/',
    'controller/routing/orders.ts',
    'controller/event.ts',
    'controller/failover/',
  ],
  'controller/node.ts': [
    'controller/commands.ts',
    'controller/base/',
    'controller/fib/',
    'controller/sync/',
    'controller/routing/',
    'controller/config.ts',
    'controller/event.ts',
    'controller/ec2/',
    'controller/health/',
    'controller/failover/',
  ],
  'controller/shell/': [
    'controller/base/',
    'controller/config.ts',
    'controller/config/',
    'controller/event.ts',
    'controller/attach.ts',
    'controller/node.ts',
    'controller/ec2/',
    'controller/lease/',
    'controller/failover/',
    'controller/sync/status.ts',
    'controller/sync/trials.ts',
    'controller/wire/rtnetlink.ts',
    'controller/bgp/',
    'controller/bfd/',
  ],
  'controller/main.ts': ['controller/'],
  'sim/vpc/': ['controller/base/', 'controller/event.ts'],
  'sim/ec2/': ['controller/base/', 'sim/vpc/'],
  'sim/dynamodb/': [],
  'sim/world/': [
    'controller/base/',
    'controller/bgp/',
    'controller/bfd/',
    'controller/config.ts',
    'controller/event.ts',
    'controller/node.ts',
    'controller/ec2/',
    'controller/failover/',
    'controller/health/',
    'controller/lease/',
    'sim/vpc/',
    'sim/ec2/',
    'sim/dynamodb/',
  ],
  'sim/import/': ['controller/base/', 'sim/vpc/', 'sim/ec2/', 'sim/world/'],
  'sim/chaos/': [
    'controller/base/',
    'controller/config.ts',
    'controller/event.ts',
    'controller/ec2/',
    'controller/failover/handover.ts',
    'controller/failover/view.ts',
    'controller/lease/',
    'sim/vpc/',
    'sim/world/',
    'sim/ec2/',
    'sim/dynamodb/',
  ],
  'sim/server/': [
    'controller/base/',
    'controller/attach.ts',
    'controller/event.ts',
    'sim/vpc/',
    'sim/ec2/',
    'sim/dynamodb/',
    'sim/world/',
    'sim/import/',
  ],
  'sim/index.ts': ['sim/vpc/', 'sim/ec2/', 'sim/world/', 'sim/server/'],
  'sim/main.ts': ['controller/base/', 'sim/ec2/', 'sim/world/', 'sim/server/', 'sim/index.ts'],
  'sim/pulumi/': ['controller/base/', 'infra/designs/catalog.ts', 'infra/outputs.ts'],
  'sim/page/': [],
  // An operator too, who tries in a copy of the world what may happen to it.
  'sim/drill/': [
    'controller/base/',
    'controller/config.ts',
    'controller/config/units.ts',
    'sim/vpc/',
    'sim/ec2/catalog/services.ts',
    'sim/dynamodb/',
    'sim/world/',
    'sim/chaos/',
    'sim/import/',
    'sim/server/',
    'sim/index.ts',
    'sim/page/',
    'sim/pulumi/',
  ],
  'sim/demo/': [
    'controller/base/',
    'controller/event.ts',
    'controller/failover/status.ts',
    'controller/shell/control.ts',
    'sim/index.ts',
    'sim/page/',
    'sim/pulumi/',
  ],
  // Raw frames to the fabric and back.
  'sim/frame/': ['controller/base/', 'sim/vpc/'],
  'sim/lab/': [
    'controller/base/',
    'sim/frame/',
    'sim/vpc/',
    'sim/ec2/',
    'sim/world/',
    'sim/server/',
    'sim/pulumi/',
    // Whom a promised flow is between.
    'sim/drill/promised.ts',
  ],
  // A client of the lab, and of the daemons in it.
  'sim/lab/drill/': [
    'controller/base/',
    'controller/config.ts',
    'controller/failover/status.ts',
    'controller/shell/control.ts',
    'sim/ec2/catalog/services.ts',
    'sim/world/',
    'sim/pulumi/designs.ts',
    'sim/pulumi/setting.ts',
    'sim/lab/',
  ],
  'infra/': ['controller/config.ts', 'controller/config/'],
  'bin/': [
    'controller/main.ts',
    'sim/main.ts',
    'sim/pulumi/main.ts',
    'sim/demo/main.ts',
    'sim/chaos/main.ts',
    'sim/drill/main.ts',
    'sim/lab/main.ts',
    'infra/init/main.ts',
  ],
  'bench/': ['bin/', 'controller/', 'infra/components/unit.ts', 'sim/', 'test/interop/', 'test/lab/'],
  'test/': ['test/', 'bin/', 'bench/', 'controller/', 'sim/', 'infra/'],
};

const within = (path: string, place: string): boolean =>
  place.endsWith('/') ? path.startsWith(place) : path === place;

/** The key of the table that speaks for a file. */
function keyOf(path: string): string | undefined {
  const keys = Object.keys(MAY_IMPORT).filter((key) => within(path, key));
  return keys.sort((a, b) => b.length - a.length)[0];
}

function judge(one: Import, known: ReadonlySet<string>): string | undefined {
  const { from, target, line } = one;
  if (target === undefined) return undefined;
  if (!target.endsWith('.ts') && !target.endsWith('.json')) {
    return `${from}:${line}: '${one.name}' lacks its extension; write './name.ts'`;
  }
  if (target.endsWith('.ts') && !known.has(target)) return `${from}:${line}: '${one.name}' does not exist`;
  const key = keyOf(from);
  if (key === undefined)
    return `${from}:${line}: no rule says what this file may import; add it to MAY_IMPORT`;
  if (key.endsWith('/') && within(target, key)) return undefined;
  if (MAY_IMPORT[key]?.some((place) => within(target, place))) return undefined;
  const allowed = MAY_IMPORT[key]?.join(', ') || 'nothing of ours';
  return `${from}:${line}: ${key} must not import ${target}; it may import ${allowed}`;
}

/** The breaches of the table by `sources`. */
export function forbiddenImports(sources: readonly Source[]): readonly string[] {
  const known = new Set(sources.map((source) => source.path));
  return sources.flatMap((source) =>
    importsOf(source).flatMap((one) => {
      const breach = judge(one, known);
      return breach === undefined ? [] : [breach];
    }),
  );
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * One circle through each set of places that reach each other, as `a -> b -> a`; depth first, first found.
 */
function circles(graph: Graph): readonly string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (place: string, path: readonly string[]): void => {
    const start = path.indexOf(place);
    if (start >= 0) {
      found.push([...path.slice(start), place].join(' -> '));
      return;
    }
    if (done.has(place)) return;
    for (const next of graph.get(place) ?? []) visit(next, [...path, place]);
    done.add(place);
  };
  for (const place of graph.keys()) visit(place, []);
  return found;
}

function graphOf(sources: readonly Source[], placeOf: (path: string) => string): Graph {
  const graph = new Map<string, Set<string>>();
  for (const source of sources) {
    const from = placeOf(source.path);
    const targets = graph.get(from) ?? new Set<string>();
    graph.set(from, targets);
    for (const { target } of importsOf(source)) {
      if (target !== undefined && placeOf(target) !== from) targets.add(placeOf(target));
    }
  }
  return graph;
}

/**
 * A file that lies directly in a part (`controller/node.ts`) is a place of its own; others belong to their
 * folder.
 */
function folderOf(path: string): string {
  const steps = path.split('/');
  return steps.length === 2 ? path : steps.slice(0, 2).join('/');
}

/** Circles between files, and between the folders of a part; types count, for a reader follows them too. */
export function importCircles(sources: readonly Source[]): readonly string[] {
  const files = circles(graphOf(sources, (path) => path)).map(
    (circle) => `files import each other: ${circle}`,
  );
  const ours = sources.filter((source) => !source.path.startsWith('test/'));
  const folders = circles(graphOf(ours, folderOf)).map((circle) => `folders import each other: ${circle}`);
  return [...files, ...folders];
}
