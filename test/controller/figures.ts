/**
 * How long EC2's buckets make the failover of 500 routes take, 50 in each of ten tables of one subnet each:
 * by daemons in virtual time, against the simulator's EC2 with AWS's throttling and 150 ms for each answer.
 */
import { design, die } from './designs.ts';
import { addRoute, api, prefixes, preparedPair } from './prepared.ts';
import { addDaemon, at, type Daemon, ec2, newStage, run, type Stage, texts } from './stage.ts';

export const TABLES = 10;
const ROUTES = 50;
const LATENCY_MS = 150;
const CLOUD = { throttle: 'aws' } as const;

export interface Figure {
  readonly how: string;
  readonly calls: number;
  /** Calls that were refused for throttling. */
  readonly refused: number;
  /** From the decision until the last change was answered, and until it was read back. */
  readonly changedS: number;
  readonly readBackS?: number;
}

const seconds = (ms: number): number => Math.round(ms / 10) / 100;

/** The figure of a stage on which `a` dies and `b` takes over; the buckets are full. */
function takeover(how: string, stage: Stage, made: Parameters<typeof die>[0], b: Daemon): Figure {
  stage.latencyMs = LATENCY_MS;
  Object.assign(stage.cloud.settings, CLOUD);
  run(stage, stage.now + 5000);
  const before = stage.writes.length;
  die(made, 'a');
  run(stage, stage.now + 300_000, () => texts(b, 'moved').length > 0);
  const writes = stage.writes.slice(before);
  const [first, last] = [writes[0]?.at ?? Number.NaN, writes.at(-1)?.at ?? Number.NaN];
  const refused = b.logs.filter(
    ({ topic, text }) => topic === 'outcome' && text.includes('RequestLimit'),
  ).length;
  const changedS = seconds(last + LATENCY_MS - first);
  return { how, calls: writes.length, refused, changedS, readBackS: seconds(stage.now - first) };
}

export function byPreparedTables(): Figure {
  const made = preparedPair({ count: TABLES, perTable: prefixes(ROUTES) });
  return takeover('a prepared table for each member', made.stage, made, made.b);
}

export function byPrefixLists(): Figure {
  const made = design({ tables: 0 });
  const { stage, enis } = made;
  const entries = prefixes(ROUTES).map((Cidr) => ({ Cidr }));
  const asked = { PrefixListName: 'moved', MaxEntries: ROUTES, AddressFamily: 'IPv4', Entries: entries };
  const list = api(stage, 'CreateManagedPrefixList', asked).PrefixList?.PrefixListId ?? '';
  run(stage, 60_000);
  const vpc = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [enis.a] })
    .NetworkInterfaces?.[0];
  const routes = Array.from({ length: TABLES }, () => {
    const table = api(stage, 'CreateRouteTable', { VpcId: vpc?.VpcId }).RouteTable?.RouteTableId ?? '';
    addRoute(stage, table, list, { NetworkInterfaceId: enis.a });
    return { table, destinations: [list] };
  });
  addDaemon(stage, made.config('a', { routes }));
  const b = addDaemon(stage, made.config('b', { routes }));
  run(stage, 70_000);
  return takeover('the prefixes in a prefix list', stage, made, b);
}

export function byRoutes(): Figure {
  const made = preparedPair({ count: TABLES, perTable: prefixes(ROUTES) }, {}, ({ stage, prepared }) => {
    // Without the tables of b there is nothing to change to.
    for (const RouteTableId of prepared.b) ec2(stage, 'DeleteRouteTable', { RouteTableId });
  });
  return takeover('every route, in parallel', made.stage, made, made.b);
}

/** A program that sends one ReplaceRoute after another, and the same one again where EC2 refuses. */
export function oneAfterAnother(): Figure {
  const stage = newStage(CLOUD);
  let [calls, refused] = [0, 0];
  const send = (left: number): void =>
    at(stage, stage.now + LATENCY_MS, () => {
      calls += 1;
      const isThrottled = replaceUnknown(stage) === 'RequestLimitExceeded';
      if (isThrottled) refused += 1;
      const rest = isThrottled ? left : left - 1;
      if (rest > 0) send(rest);
    });
  send(TABLES * ROUTES);
  run(stage, 300_000, () => stage.queue.length === 0);
  return { how: 'one ReplaceRoute after another', calls, refused, changedS: seconds(stage.now) };
}

/** What throttling lets through is all the same to it. */
function replaceUnknown(stage: Stage): string {
  try {
    ec2(stage, 'ReplaceRoute', {
      RouteTableId: 'rtb-00000000',
      DestinationCidrBlock: '10.0.0.0/8',
      GatewayId: 'igw-00000000',
    });
    return '';
  } catch (error) {
    return /ReplaceRoute: (\w+)/.exec(String(error))?.[1] ?? '';
  }
}
