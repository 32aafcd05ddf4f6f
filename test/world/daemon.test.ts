/**
 * The controller's brain on two appliances of a world: takeover, a planned move, crash and restart, all in
 * virtual time.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import { PLACE } from '../../sim/chaos/scenes/network.ts';
import { inject, setKnobs } from '../../sim/world/api.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { controlGuest } from '../../sim/world/guests.ts';
import { advance } from '../../sim/world/kernel.ts';
import { addCut } from '../../sim/world/links.ts';
import { type Daemon, give, logOf, restartDaemon, startDaemon } from '../../sim/world/node.ts';
import { call as callAs } from '../../sim/world/operator.ts';
import type { World } from '../../sim/world/state.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call, deployPair, type Pair } from './pair.ts';

function configOf(pair: Pair, node: 'a' | 'b'): Config {
  const appliance = (name: 'a' | 'b'): string => `
  - name: ${name}
    address: ${pair[name].address}
    eni: ${pair[name].eni}
    probes:
      - { kind: icmp, interval: 200ms, timeout: 180ms, rise: 3, fall: 3 }
      - { kind: daemon, port: 8179, interval: 200ms, timeout: 180ms, rise: 3, fall: 3, advisory: true }
      - { kind: through, by: route, target: { icmp: 203.0.113.10 }, from: self, interval: 200ms, timeout: 180ms, rise: 3, fall: 3 }`;
  const text = `
version: 1
node: ${node}
aws: { region: eu-central-1 }
appliances:${appliance('a')}${appliance('b')}
groups:
  - name: egress
    members: [a, b]
    routes:
      - { table: ${pair.table}, destinations: [0.0.0.0/0] }
health: { listen: "0.0.0.0:8179" }
`;
  const parsed = parseConfig(text, 'test.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, undefined, 1));
  return parsed.value;
}

interface Scene {
  readonly world: World;
  readonly pair: Pair;
  readonly a: Daemon;
  readonly b: Daemon;
}

function scene(seed = 1): Scene {
  const world = createWorld({ seed });
  const pair = deployPair(world);
  setKnobs(world.api, { latency: { medianMs: 150, spread: 0 }, propagation: { medianMs: 500, spread: 0 } });
  const a = startDaemon(world, { machine: pair.a.instance, config: configOf(pair, 'a') });
  const b = startDaemon(world, { machine: pair.b.instance, config: configOf(pair, 'b') });
  advance(world, world.now + 5000);
  return { world, pair, a, b };
}

const TRUST = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };

/** Gives both appliances a role that may do these actions on all tables. */
function giveRole({ world, pair }: Scene, ...Action: readonly string[]): void {
  const iam = (action: string, input: object): unknown =>
    callAs(world, { ...PLACE, service: 'iam' }, action, input);
  const [RoleName, InstanceProfileName] = ['daemon', 'daemon'];
  iam('CreateRole', { RoleName, AssumeRolePolicyDocument: JSON.stringify({ Statement: TRUST }) });
  const PolicyDocument = JSON.stringify({ Statement: { Effect: 'Allow', Action, Resource: '*' } });
  iam('PutRolePolicy', { RoleName, PolicyName: 'own', PolicyDocument });
  iam('CreateInstanceProfile', { InstanceProfileName });
  iam('AddRoleToInstanceProfile', { InstanceProfileName, RoleName });
  const IamInstanceProfile = { Name: InstanceProfileName };
  for (const { instance: InstanceId } of [pair.a, pair.b])
    call(world, 'AssociateIamInstanceProfile', { InstanceId, IamInstanceProfile });
}

const target = ({ world, pair }: Scene): string | undefined => {
  const route = world.records['route-table']
    .get(pair.table)
    ?.routes.find((each) => each.destination === '0.0.0.0/0');
  return route?.target.kind === 'eni' ? route.target.eni : undefined;
};

const writes = (world: World): string[] =>
  world.log.flatMap((each) => (each.kind === 'api' && each.action === 'ReplaceRoute' ? [each.outcome] : []));

const told = (daemon: Daemon): string =>
  logOf(daemon)
    .map(({ at, text }) => `${at} ${text}`)
    .join('\n');

describe('the brain in a world', () => {
  test.each([
    ['may replace routes takes over', ['ec2:Describe*', 'ec2:ReplaceRoute'], true],
    ['may only look does not, and says why', ['ec2:Describe*'], false],
  ] as const)('whose role %s', (_, actions, moves) => {
    const stage = scene();
    giveRole(stage, ...actions);
    must(controlGuest(stage.world, stage.pair.a.instance, 'kill'));
    advance(stage.world, stage.world.now + 10_000);
    expect(target(stage)).toBe(moves ? stage.pair.b.eni : stage.pair.a.eni);
    expect(writes(stage.world)).toContain(moves ? 'ok' : 'UnauthorizedOperation');
    const told = stage.b.effects.map(({ effect }) => JSON.stringify(effect)).join('\n');
    expect(told.includes('is not authorized to perform: ec2:ReplaceRoute')).toBe(!moves);
  });

  test('the standby takes over when the active appliance dies, and the traffic comes back', () => {
    const one = scene();
    const { world, pair, b } = one;
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: '203.0.113.10' }));
    advance(world, world.now + 2000);
    expect(flowStats(flow).lost).toBe(0);
    expect(writes(world)).toEqual([]);
    const killedAt = world.now;
    must(controlGuest(world, pair.a.instance, 'kill'));
    advance(world, world.now + 10_000);
    expect(target(one), told(b)).toBe(pair.b.eni);
    const [gap] = flowStats(flow).gaps;
    expect(flowStats(flow).gaps, told(b)).toHaveLength(1);
    expect((gap?.to ?? Number.POSITIVE_INFINITY) - killedAt).toBeLessThan(2500);
    expect(told(b)).toContain('This appliance owns egress.');
    expect(writes(world)).toEqual(['ok']);
  });

  test('an answer that never comes: the write is made again and confirmed by reading', () => {
    const one = scene();
    const { world, pair, b } = one;
    inject(world.api, { action: 'ReplaceRoute', fault: { kind: 'applied-no-answer' }, times: 1 });
    must(controlGuest(world, pair.a.instance, 'kill'));
    advance(world, world.now + 15_000);
    expect(target(one), told(b)).toBe(pair.b.eni);
    expect(writes(world)[0]).toBe('unanswered');
    expect(told(b).match(/This appliance owns egress\./g)).toHaveLength(1);
  });

  test('a cut between the two moves the group at most once', () => {
    const one = scene();
    const { world, pair } = one;
    must(addCut(world, { from: pair.a.instance, to: pair.b.instance, direction: 'both', loss: 1 }));
    advance(world, world.now + 60_000);
    expect(writes(world).length).toBeLessThanOrEqual(1);
  });

  test('a hung appliance forwards, its daemon does nothing; a frozen daemon resumes with its state', () => {
    const { world, pair, a } = scene();
    must(controlGuest(world, pair.a.instance, 'hang'));
    const before = a.events.length;
    advance(world, world.now + 3000);
    expect(a.events.length).toBe(before);
    must(controlGuest(world, pair.a.instance, 'resume'));
    advance(world, world.now + 1000);
    expect(a.events.length).toBeGreaterThan(before);
    expect(a.running).toBe(true);
  });

  test('a crash at an event ends the daemon, its restart knows its memory', () => {
    const one = scene();
    const { world, pair, b } = one;
    const again = restartDaemon(b, { crashes: (taken) => (taken === 40 ? 0 : undefined) });
    expect(b.running).toBe(false);
    advance(world, world.now + 20_000);
    expect(again.running).toBe(false);
    expect(again.events).toHaveLength(40);
    expect(again.ended).toBe('it crashed at event 40');
    const third = restartDaemon(again);
    must(controlGuest(world, pair.a.instance, 'kill'));
    advance(world, world.now + 20_000);
    expect(third.running).toBe(true);
    expect(target(one), told(third)).toBe(pair.b.eni);
  });

  test('a dead machine ends its daemon and calls nobody', () => {
    const { world, pair, a } = scene();
    must(controlGuest(world, pair.a.instance, 'kill'));
    expect(a.running).toBe(false);
    expect(a.ended).toBe('its machine is dead');
    const events = a.events.length;
    advance(world, world.now + 5000);
    expect(a.events.length).toBe(events);
  });

  test('an operator moves the group on purpose', () => {
    const one = scene();
    const { world, pair, b } = one;
    const id = give(b, { kind: 'switchover', group: 'egress', to: 'b' });
    advance(world, world.now + 5000);
    expect(b.replies.get(id), told(b)).toMatchObject({ ok: true });
    expect(target(one)).toBe(pair.b.eni);
  });

  test('the same seed gives the same trace, with brains and all', () => {
    const run = (): number => {
      const { world, pair } = scene(9);
      must(controlGuest(world, pair.a.instance, 'kill'));
      advance(world, world.now + 5000);
      return world.traceHash;
    };
    expect(run()).toBe(run());
  });
});
