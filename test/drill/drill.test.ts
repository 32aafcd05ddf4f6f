/** Drills: what fails in a copy of a world, which flows depend on it, and what that means. */
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { ask, makePublic } from '../../sim/chaos/scenes/network.ts';
import { type Failure, failuresOf, nameOf, pairsOf } from '../../sim/drill/failure.ts';
import { junit } from '../../sim/drill/junit.ts';
import { drillPage } from '../../sim/drill/page.ts';
import { type Drill, drill } from '../../sim/drill/run.ts';
import { stageOf } from '../../sim/drill/subject.ts';
import { reportText } from '../../sim/drill/text.ts';
import { isMissed, judge, missedOf, type Report } from '../../sim/drill/verdict.ts';
import { openWorld, parseWorldFile, worldLines } from '../../sim/world/world-file.ts';
import { HOST, pair } from './scene.ts';

const options = { seed: 3, limitMs: 30_000 };
const kill = (machine: string): Failure => ({ kind: 'machine', how: 'kill', machine });
const onAppliances = pair('appliances');
const verdicts = (one: Drill, objectiveMs = 10_000): readonly string[] =>
  judge(one, objectiveMs).flows.map(({ verdict }) => verdict);

describe('what is drilled', () => {
  const stage = stageOf(onAppliances.subject, 1);

  it('sends from every subnet whose routes lead to an appliance, with a client where there is none', () => {
    expect(stage.flows.map(({ name, group }) => [name.replace(/subnet-\w+/, 'SUBNET'), group])).toEqual([
      [`shop -> ${HOST}`, 'egress'],
      [`client in SUBNET -> ${HOST}`, 'egress'],
    ]);
  });

  it('sends from the Internet to whom an edge table protects', () => {
    const world = openWorld(onAppliances.subject.world);
    const eni = [...world.records['network-interface'].values()].find(({ addresses }) =>
      addresses.includes('10.0.10.10'),
    );
    const address = makePublic(world, eni?.id ?? '');
    const vpc = [...world.records.vpc.keys()][0];
    const made = ask<{ RouteTable: { RouteTableId: string } }>(world, 'CreateRouteTable', { VpcId: vpc });
    const { RouteTableId } = made.RouteTable;
    const [GatewayId] = world.records['internet-gateway'].keys();
    ask(world, 'AssociateRouteTable', { RouteTableId, GatewayId });
    ask(world, 'CreateRoute', {
      RouteTableId,
      DestinationCidrBlock: '10.0.10.0/24',
      NetworkInterfaceId: onAppliances.subject.configs[0]?.appliances[0]?.eni,
    });
    const saved = must(parseWorldFile([...worldLines(world, 0)].join(''), 'edge'));
    const { flows } = stageOf({ ...onAppliances.subject, world: saved }, 1);
    expect(flows.map(({ from, to }) => `${from} ${to}`)).toContain(`${HOST} ${address}`);
  });

  it('fails every appliance in every way, zones, daemons, links and the API', () => {
    expect(failuresOf(stage).map(nameOf)).toEqual([
      ...['a', 'b'].flatMap((name) =>
        ['killed', 'frozen', 'hangs, forwards on', 'forwards nothing'].map((how) => `${name} ${how}`),
      ),
      'zone eu-central-1a lost',
      'zone eu-central-1b lost',
      'daemon of a killed',
      'daemon of b killed',
      'a and b cut off from each other',
      'API unreachable from a',
      'API unreachable from b',
      'API down',
    ]);
  });

  it('pairs failures of different things only', () => {
    const pairs = pairsOf(stage, failuresOf(stage)).map((two) => two.map(nameOf).join(' + '));
    expect(pairs).toContain('a killed + b killed');
    expect(pairs).toContain('a killed + API unreachable from b');
    expect(pairs).not.toContain('a killed + a frozen');
    expect(pairs).not.toContain('a killed + zone eu-central-1a lost');
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  it('says which node lacks a place, and which appliance is not in the world', () => {
    const { subject } = pair('observer');
    expect(() => stageOf({ ...subject, runsOn: {} }, 1)).toThrow('--on observer=i-...');
    const elsewhere = { ...subject, world: { ...subject.world, changes: [] } };
    expect(() => stageOf(elsewhere, 1)).toThrow(/no running instance of appliance a \(eni-/);
  });
});

describe('what becomes of flows', () => {
  it('keeps all of them when nothing fails', () => {
    expect(verdicts(drill(onAppliances.subject, [], options))).toEqual(['kept', 'kept']);
  });

  it('has them back when the owner dies, and says when it is too late', () => {
    const one = drill(onAppliances.subject, [kill('a')], options);
    expect(verdicts(one)).toEqual(['back', 'back']);
    expect(verdicts(one, 1)).toEqual(['late', 'late']);
    for (const { interruptions } of one.flows) {
      expect(interruptions).toHaveLength(1);
      expect(interruptions[0]?.fromMs).toBe(0);
      // The routes change no sooner than a call takes, which is 150 ms.
      expect(interruptions[0]?.toMs).toBeGreaterThan(150);
    }
    expect(one.said.find(({ topic }) => topic === 'moved')?.who).toBe('b');
  });

  it('blames nobody when no member is left, or none that may act', () => {
    expect(verdicts(drill(onAppliances.subject, [kill('a'), kill('b')], options))).toEqual([
      'unsavable',
      'unsavable',
    ]);
    const cut = { kind: 'cut', from: 'b', to: 'api' } as const;
    expect(verdicts(drill(onAppliances.subject, [kill('a'), cut], options))).toEqual([
      'unsavable',
      'unsavable',
    ]);
  });

  it('counts a flow as lost that a fit member could carry', () => {
    // Nobody probes through an appliance here: what it silently drops stays lost.
    const drop = { kind: 'machine', how: 'drop', machine: 'a' } as const;
    const one = judge(drill(onAppliances.subject, [drop], options), 10_000);
    expect(one.flows.map(({ verdict, lost }) => [verdict, lost])).toEqual([
      ['lost', 'there: GUEST_DROPS'],
      ['lost', 'there: GUEST_DROPS'],
    ]);
  });

  it('leaves out who has failed himself', () => {
    const zone = { kind: 'zone', zone: 'eu-central-1a' } as const;
    expect(verdicts(drill(onAppliances.subject, [zone], options))).toEqual(['orphaned', 'back']);
  });

  it('starts a killed daemon again, so that a death right after is answered', () => {
    const daemon = { kind: 'daemon', machine: 'b' } as const;
    expect(verdicts(drill(onAppliances.subject, [daemon, kill('a')], options))).toEqual(['back', 'back']);
  });

  it('lets an observer act where appliances have no daemon', () => {
    const { subject } = pair('observer');
    expect(verdicts(drill(subject, [kill('a')], options))).toEqual(['back', 'back']);
    const both = drill(subject, [kill('a'), kill('observer')], options);
    expect(verdicts(both)).toEqual(['unsavable', 'unsavable']);
  });

  it('ends alike when it is played again', () => {
    const once = drill(onAppliances.subject, [kill('a')], options);
    expect(drill(onAppliances.subject, [kill('a')], options)).toEqual(once);
  });
});

describe('reports', () => {
  const played = (failures: readonly Failure[], objectiveMs: number) =>
    judge(drill(onAppliances.subject, failures, options), objectiveMs);
  const report: Report = {
    title: 'a <pair>',
    notes: [],
    flows: stageOf(onAppliances.subject, 1).flows.map(({ name }) => name),
    calm: played([], 10_000),
    singles: [played([kill('a')], 10_000), played([kill('b')], 10_000)],
    pairs: [played([kill('a'), kill('b')], 10_000)],
    limitMs: options.limitMs,
  };
  const late: Report = { ...report, singles: [played([kill('a')], 1)] };

  it('count what missed its objective', () => {
    expect(missedOf(report)).toEqual([]);
    expect(missedOf(late).map(({ failures }) => failures.map(nameOf))).toEqual([['a killed']]);
  });

  it('are text', () => {
    expect(reportText(report)).toContain('2 flows, 2 failures, objective 10 s');
    expect(reportText(report)).toMatch(/a killed\s+back in 1\.\d+ s\s+back in 1\.\d+ s/);
    expect(reportText(report)).toContain('1 pair of failures: in 0 all flows were kept, in 0 all came back');
    expect(reportText(late)).toMatch(/a killed\s+LATE: back in/);
  });

  it('are JUnit XML, with a failure for each flow that missed its objective', () => {
    const count = (one: Report, tag: string): number => junit([one]).split(`<${tag} `).length - 1;
    expect(junit([report])).toContain('<testsuite name="a &lt;pair&gt;" tests="8" failures="0" skipped="2">');
    expect(['testcase', 'failure', 'skipped'].map((tag) => count(report, tag))).toEqual([8, 0, 2]);
    const failed = late.singles.flatMap(({ flows }) => flows.filter(isMissed)).length;
    expect(failed).toBe(2);
    expect(['testcase', 'failure', 'skipped'].map((tag) => count(late, tag))).toEqual([6, failed, 2]);
  });

  it('are a page that names every failure and escapes what it is given', () => {
    const html = drillPage([report], 'today');
    for (const text of ['a killed', 'b killed', 'a killed + b killed', 'a &lt;pair&gt;'])
      expect(html).toContain(text);
    expect(html).not.toContain('<pair>');
  });
});
