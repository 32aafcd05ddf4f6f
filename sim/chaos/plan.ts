/**
 * Draws a run from a seed: which scenario, and all its faults, up front. Each kind draws from a stream of its
 * own, and each run leaves some kinds out and takes others heavily (a swarm), so that rare mixtures occur.
 */
import { stream } from '../../controller/base/prng.ts';
import { present, unreachable } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import type { Fault, Trouble } from './fault.ts';

/** What a scenario offers to faults. */
export interface Places {
  readonly scenario: string;
  /** Machines whose loss the design is made for. */
  readonly appliances: readonly string[];
  /** Those with a daemon. */
  readonly daemons: readonly string[];
  readonly zones: readonly string[];
  readonly groups: readonly string[];
  /** The actions by which groups are moved. */
  readonly writes: readonly string[];
  readonly hasLeases: boolean;
  readonly hasIpv6: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly scenario: string;
  readonly faults: readonly Fault[];
}

/** Ends of links that are no machines: the API's host, that of flows, all hosts, everybody. */
const ELSEWHERE = ['api', 'host', 'internet', '*'] as const;

/** Faults begin and end within so long. */
export const FAULTS_MS: Millis = 90_000;

type Draw = () => number;

const pick = <T>(draw: Draw, from: readonly T[]): T =>
  present(from[Math.floor(draw() * from.length)], 'something to pick from');
const between = (draw: Draw, least: number, most: number): number =>
  Math.round(least + draw() * (most - least));

type Kind = Exclude<Trouble['kind'], 'leave'>;
const KINDS = [
  'machine',
  'zone',
  'daemon',
  'link',
  'calls',
  'api',
  'operator',
  'store',
  'path',
  'upgrade',
  'pulumi',
] as const satisfies readonly Kind[];

/** Which of the scenarios a seed plays. */
export const scenarioOf = (seed: number, names: readonly string[]): string =>
  pick(stream(seed, 'scenario'), names);

/** What a run is like as a whole. */
type Mood =
  /** Only appliances are in trouble, and for long: what a failover is for. */
  | 'deaths'
  /** Something else is wrong, and then an appliance dies: what a failover must not stumble over. */
  | 'double'
  /** An appliance dies, and the writes of the takeover fare badly. */
  | 'botched'
  /** Few faults, so that what follows one can be seen to its end. */
  | 'few'
  | 'many';

const MOODS = ['deaths', 'double', 'botched', 'few', 'many', 'many'] as const satisfies readonly Mood[];

/** All that befalls the places in the run of a seed, in the order of time. */
export function drawPlan(seed: number, places: Places): Plan {
  const mixture = stream(seed, 'mixture');
  const mood = pick(mixture, MOODS);
  const kinds = KINDS.filter((kind) => {
    if (kind === 'store') return places.hasLeases;
    return places.groups.length > 0 || (kind !== 'operator' && kind !== 'pulumi');
  });
  const moments = [0, 1].map(() => between(mixture, 5000, FAULTS_MS - 20_000));
  const draws: Draws = { seed, places, mixture, moments };
  const faults = mood === 'few' || mood === 'many' ? mixed(draws, mood, kinds) : pointed(draws, mood, kinds);
  const { leaves, isAlone } = leavesOf(seed, places);
  const all = isAlone ? leaves : [...faults, ...leaves];
  return { seed, scenario: places.scenario, faults: all.toSorted((a, b) => a.at - b.at) };
}

/** From one appliance's shutdown to the next, and from that to its boot. */
const [REPLACE_MS, AWAY_MS] = [40_000, 30_000];

/**
 * In one run of eight two appliances with daemons are replaced one after the other; in half of these nothing
 * else happens.
 */
function leavesOf(seed: number, { appliances, daemons }: Places) {
  const draw = stream(seed, 'faults/leave');
  const able = draw() < 1 / 8 ? appliances.filter((name) => daemons.includes(name)).slice(0, 2) : [];
  const first = between(draw, 2000, 10_000);
  const leaves = able.map((machine, index): Fault => {
    return { kind: 'leave', machine, at: first + index * REPLACE_MS, forMs: AWAY_MS };
  });
  return { leaves, isAlone: able.length > 0 && draw() < 0.5 };
}

interface Draws {
  readonly seed: number;
  readonly places: Places;
  readonly mixture: Draw;
  /** When much begins at once. */
  readonly moments: readonly Millis[];
}

/** Each kind is off, light or heavy. */
function mixed({ seed, places, mixture, moments }: Draws, mood: 'few' | 'many', kinds: readonly Kind[]) {
  const sizes = mood === 'few' ? [0, 0, 0, 1] : [0, 0, 1, 1, 2, 5];
  return kinds.flatMap((kind) => {
    const draw = stream(seed, `faults/${kind}`);
    const most = pick(mixture, sizes);
    return Array.from({ length: between(draw, Math.min(1, most), most) }, () => {
      const trouble = troubleOf(kind, draw, places);
      return lasting(draw, trouble, beginning(draw, moments), pick(draw, LENGTHS_MS));
    });
  });
}

/** At the moments machines die, for long; first the one that groups begin with. More goes wrong around it. */
function pointed(draws: Draws, mood: Exclude<Mood, 'few' | 'many'>, kinds: readonly Kind[]) {
  const { seed, places, mixture, moments } = draws;
  const deaths = stream(seed, 'faults/machine');
  return moments.flatMap((moment, index) => {
    const isSpared = index > 0 && mixture() < 0.5;
    const drawn = troubleOf('machine', deaths, places);
    const first = present(places.appliances[0], 'an appliance');
    const isFirst = index === 0 && drawn.kind === 'machine' && drawn.how !== 'terminate';
    const trouble = isFirst ? { ...drawn, machine: first } : drawn;
    const death = lasting(deaths, trouble, moment, pick(deaths, [20_000, FAULTS_MS]));
    const more = {
      deaths: () => [],
      double: () => before(draws, moment, index, kinds),
      botched: () => amid(draws, moment, index, kinds),
    };
    return [...more[mood](), ...(isSpared ? [] : [death])];
  });
}

/** What becomes of the writes of a takeover, and often one more thing while it goes on or soon after. */
function amid({ seed, places, mixture }: Draws, moment: Millis, index: number, kinds: readonly Kind[]) {
  const calls = stream(seed, `faults/writes/${index}`);
  const faults = Array.from({ length: Math.min(places.writes.length, 1) * between(calls, 1, 2) }, () => {
    const trouble = {
      ...callsOf(calls, ['lost', 'lost', 'late', 'late', 'applied-no-answer', 'error']),
      action: pick(calls, places.writes),
    };
    return lasting(calls, trouble, moment - between(calls, 0, 1500), 2000);
  });
  const usual = ['daemon', 'api', 'operator', 'pulumi', 'store'];
  const others = kinds.filter((kind) => usual.includes(kind));
  if (mixture() < 0.4) return faults;
  const kind = pick(mixture, others);
  const draw = stream(seed, `faults/${kind}/amid/${index}`);
  const trouble = lasting(draw, troubleOf(kind, draw, places), moment + between(draw, -500, 15_000), 5000);
  return [...faults, trouble];
}

/** What goes wrong ahead of a death: often the one that should take over is cut off. */
function before({ seed, places, mixture }: Draws, moment: Millis, index: number, kinds: readonly Kind[]) {
  const others = kinds.filter((kind) => kind !== 'machine' && kind !== 'zone');
  const faults = Array.from({ length: between(mixture, 1, 2) }, (_, nth) => {
    const kind = pick(mixture, others);
    const draw = stream(seed, `faults/${kind}/${index}/${nth}`);
    const at = moment - between(draw, 0, 5000);
    return lasting(draw, troubleOf(kind, draw, places), at, pick(draw, LENGTHS_MS));
  });
  const draw = stream(seed, `faults/heir/${index}`);
  const heirs = places.daemons.filter((name) => name !== places.appliances[0]);
  const heir = heirs[Math.floor(draw() * 1.25 * heirs.length)];
  if (heir === undefined) return faults;
  const to = pick(draw, ['host', 'host', 'internet', 'api']);
  const cut = { kind: 'link', from: heir, to, direction: 'both', loss: 1 } as const;
  return [...faults, lasting(draw, cut, moment - between(draw, 2000, 5000), 20_000)];
}

/** Half of the faults begin at a moment at which others do. */
const beginning = (draw: Draw, moments: readonly Millis[]): Millis =>
  draw() < 0.5 ? pick(draw, moments) + between(draw, -3000, 3000) : between(draw, 0, FAULTS_MS - 1000);

/** Most last some seconds; some but a moment, some to the end. */
const LENGTHS_MS: readonly Millis[] = [100, 1000, 5000, 20_000, FAULTS_MS];

const lasting = (draw: Draw, trouble: Trouble, at: Millis, lengthMs: Millis): Fault => ({
  ...trouble,
  at,
  forMs: Math.min(FAULTS_MS - at, between(draw, lengthMs / 4, lengthMs)),
});

function troubleOf(kind: Kind, draw: Draw, places: Places): Trouble {
  const { appliances, daemons, zones, groups, writes } = places;
  switch (kind) {
    case 'machine': {
      const how = pick(draw, [
        ...(['kill', 'kill', 'kill', 'hang', 'hang', 'freeze', 'freeze', 'drop', 'drop'] as const),
        ...(['reboot', 'reboot', 'stop', 'stop', 'stuck', 'terminate', 'full'] as const),
      ]);
      const machine = pick(draw, appliances);
      // One is left to recover with.
      return {
        kind,
        how,
        machine: how === 'terminate' ? present(appliances.at(-1), 'an appliance') : machine,
      };
    }
    case 'zone':
      return { kind, zone: pick(draw, zones) };
    case 'daemon':
      return {
        kind,
        how: pick(draw, ['kill', 'kill', 'crash', 'crash', 'pause', 'clock']),
        machine: pick(draw, daemons),
        writes: between(draw, 0, 2),
        aheadMs: pick(draw, [50, 5000, 3_600_000]),
        drift: pick(draw, [0, 0.0005]),
      };
    case 'link':
      return { kind, ...ends(draw, places), loss: pick(draw, [1, 1, 0.05, 0.3]) };
    case 'path':
      return {
        kind,
        ...ends(draw, places),
        delayMs: pick(draw, [0, 20, 150, 400]),
        jitterMs: pick(draw, [0, 5, 100]),
        twice: pick(draw, [0, 0.1, 1]),
      };
    case 'upgrade':
      return { kind, from: pick(draw, ['same', 'older']) };
    case 'pulumi':
      return { kind, group: pick(draw, groups), lateMs: between(draw, 0, 5000) };
    case 'calls':
      return {
        ...callsOf(draw, ['throttle', 'error', 'applied-no-answer', 'lost', 'late']),
        action: draw() < 0.7 && writes.length > 0 ? pick(draw, writes) : undefined,
      };
    case 'api': {
      const how = pick(draw, [
        ...(['slow', 'stale', 'errors', 'unanswered', 'forbidden', 'late-effect'] as const),
        ...(['outage', 'expired', 'emptied', 'detach-hangs', 'revoked', 'no-credentials'] as const),
        ...(places.hasIpv6 ? (['ipv6-refused', 'ipv6-refused'] as const) : []),
      ]);
      const isShare = how === 'errors' || how === 'unanswered' || how === 'forbidden';
      if (how === 'detach-hangs') return { kind, how, much: between(draw, 5000, 25_000) };
      return { kind, how, much: isShare ? pick(draw, [0.2, 0.5, 1]) : between(draw, 200, 5000) };
    }
    case 'operator':
      return {
        kind,
        group: pick(draw, groups),
        to: draw() < 0.75 ? pick(draw, appliances) : undefined,
      };
    case 'store':
      return { kind, how: pick(draw, ['silent', 'slow', 'unanswered']) };
  }
}

/** What happens to the next few requests. */
const callsOf = (draw: Draw, kinds: readonly Extract<Trouble, { kind: 'calls' }>['what'][]) => ({
  kind: 'calls' as const,
  what: pick(draw, kinds),
  times: between(draw, 1, 5),
  lateMs: between(draw, 100, 10_000),
});

/** Two ends of which one has a daemon, and which way between them is meant. */
function ends(draw: Draw, { daemons, appliances }: Places) {
  const from = pick(draw, daemons);
  const others = [...new Set([...appliances, ...ELSEWHERE])].filter((name) => name !== from);
  return { from, to: pick(draw, others), direction: pick(draw, ['both', 'both', 'one-way'] as const) };
}

/** A name in a plan that its scenario does not have, in words; undefined where all are there. */
export function unknownName(faults: readonly Fault[], places: Places): string | undefined {
  const { appliances, daemons, zones, groups } = places;
  const ends = [...new Set([...appliances, ...daemons, ...ELSEWHERE])];
  const known = { appliance: appliances, daemon: daemons, zone: zones, group: groups, end: ends };
  const wrong = faults.flatMap((fault, index) =>
    namesOf(fault)
      .filter(([what, name]) => !known[what].includes(name))
      .map(([what, name]) => `faults[${index}]: ${what} '${name}' is none of ${known[what].join(', ')}`),
  );
  return wrong[0];
}

type Named = 'zone' | 'group' | 'daemon' | 'appliance' | 'end';

function namesOf(fault: Fault): readonly (readonly [Named, string])[] {
  switch (fault.kind) {
    case 'machine':
      return [['appliance', fault.machine]];
    case 'zone':
      return [['zone', fault.zone]];
    case 'daemon':
    case 'leave':
      return [['daemon', fault.machine]];
    case 'pulumi':
      return [['group', fault.group]];
    case 'link':
    case 'path':
      return [
        ['end', fault.from],
        ['end', fault.to],
      ];
    case 'operator':
      return [['group', fault.group], ...(fault.to === undefined ? [] : [['appliance', fault.to] as const])];
    case 'calls':
    case 'api':
    case 'store':
    case 'upgrade':
      return [];
    default:
      return unreachable(fault);
  }
}
