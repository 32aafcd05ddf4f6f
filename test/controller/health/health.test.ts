/** All probes of a node: which are hastened, and what was heard of sessions. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { type ProbeConfig, parseConfig } from '../../../controller/config.ts';
import {
  type Health,
  hasten,
  heardAlive,
  hearSession,
  newHealth,
  receive,
  sendDue,
} from '../../../controller/health/health.ts';

const appliance = (name: string, host: number, probes: string): string =>
  `  - { name: ${name}, address: 10.0.0.${host}, eni: eni-0000000000000000${name}, probes: [ ${probes} ] }`;
const ICMP = '{ kind: icmp, interval: 1s, rise: 1, fall: 2 }';
const THROUGH = '{ kind: through, target: { icmp: 1.1.1.1 }, by: next-hop, interval: 1s, rise: 1, fall: 2 }';

const config = must(
  parseConfig(
    `version: 1
node: w
aws: { region: eu-central-1 }
appliances:
${appliance('a', 10, `${ICMP}, ${THROUGH}, { kind: bfd }`)}
${appliance('b', 11, `${ICMP}, { kind: tcp, port: 22, advisory: true }, { kind: bfd }`)}
groups:
  - { name: egress, members: [a, b], routes: [ { table: rtb-00000000000000001, destinations: [0.0.0.0/0] } ] }
`,
    'test.yaml',
  ),
);

/** All rounds sent at 0 and answered at 10, but for those of these probes. */
function answered(except: readonly string[] = []): Health {
  const sent = sendDue(newHealth(config, 0), config, 0);
  return sent.due
    .filter(({ id }) => !except.includes(id))
    .reduce<Health>((health, { id }) => {
      const round = health.probes[id]?.round ?? 0;
      return receive(health, config, { probe: id, round, result: { kind: 'up', rttMs: 10 } }, 10);
    }, sent.health);
}

const bfdOf =
  (name: string) =>
  (probe: ProbeConfig): boolean =>
    probe.kind === 'bfd' && probe.appliance === name;
const ids = (health: Health, now: number): readonly string[] =>
  sendDue(health, config, now)
    .due.map(({ id }) => id)
    .sort();

describe('hastened probes', () => {
  it('are the required ones of an heir, at once; rounds keep their interval after that', () => {
    const health = answered();
    expect(ids(health, 300)).toEqual([]);
    const hurried = hasten(health, config, ['b'], 300);
    expect(ids(hurried, 300)).toEqual(['b/icmp']);
    const sent = sendDue(hurried, config, 300).health;
    expect(sent.probes['b/icmp']?.nextAt).toBe(1300);
    expect(sent.probes['a/icmp']?.nextAt).toBe(1000);
  });

  it('are not those under way, whose results are still to come', () => {
    const health = answered(['b/icmp']);
    expect(hasten(health, config, ['b'], 300)).toBe(health);
  });

  it('are those that show whether an appliance outlived its session, and nobody else', () => {
    const down = { kind: 'down', reason: 'closed' } as const;
    const lost = hearSession(answered(), config, bfdOf('a'), down, 300, 300);
    expect(ids(hasten(lost, config, [], 300), 300)).toEqual(['a/through:1.1.1.1']);
    // One that passed after the session was heard last has shown it.
    const shown = hearSession(answered(), config, bfdOf('a'), down, 300, 0);
    expect(ids(hasten(shown, config, [], 300), 300)).toEqual([]);
  });

  it('are not those that just said nothing', () => {
    const down = { kind: 'down', reason: 'closed' } as const;
    const lost = hearSession(answered(), config, bfdOf('a'), down, 300, 300);
    const sent = sendDue(hasten(lost, config, [], 300), config, 300).health;
    const probe = 'a/through:1.1.1.1';
    const round = sent.probes[probe]?.round ?? 0;
    const silent = receive(sent, config, { probe, round, result: { kind: 'silent', reason: 'busy' } }, 310);
    expect(ids(hasten(silent, config, [], 320), 320)).toEqual([]);
  });
});

describe('what was heard of a session', () => {
  const up = { kind: 'up', rttMs: 0 } as const;
  it('is fresh evidence while it is up, and never older than what is known', () => {
    const health = hearSession(newHealth(config, 0), config, bfdOf('b'), up, 100);
    const later = heardAlive(health, config, bfdOf('b'), 500);
    expect(later.probes['b/bfd']?.lastUpAt).toBe(500);
    expect(heardAlive(later, config, bfdOf('b'), 400)).toBe(later);
    expect(heardAlive(later, config, bfdOf('a'), 600)).toBe(later);
  });

  it('is nothing of a session that is down', () => {
    const lost = hearSession(
      newHealth(config, 0),
      config,
      bfdOf('b'),
      { kind: 'down', reason: 'x' },
      100,
      50,
    );
    expect(heardAlive(lost, config, bfdOf('b'), 200)).toBe(lost);
    expect(lost.probes['b/bfd']).toMatchObject({ heardAt: 50, last: { at: 100, firstAt: 75 } });
  });
});

describe('probes by way of routes', () => {
  const routed = (groups: string) =>
    must(
      parseConfig(
        `version: 1
node: b
aws: { region: eu-central-1 }
appliances:
${appliance('a', 10, `${ICMP}, ${THROUGH.replace('next-hop', 'route')}`)}
${appliance('b', 11, `${ICMP}, ${THROUGH.replace('by: next-hop', 'from: self')}`)}
groups: ${groups}
health: { listen: 127.0.0.1:8179 }
`,
        'test.yaml',
      ),
    );
  const sent = (groups: string): readonly string[] =>
    sendDue(newHealth(routed(groups), 0), routed(groups), 0).due.map(({ id }) => id);
  const moved =
    '[ { name: egress, members: [a, b], routes: [ { table: rtb-00000000000000001, destinations: [0.0.0.0/0] } ] } ]';
  it('are of whom routes lead to, where groups move routes, and of their appliance where nobody does', () => {
    expect(sent(moved)).not.toContain('a/through:1.1.1.1');
    expect(sent('[]')).toContain('a/through:1.1.1.1');
  });
});
