/** An appliance that announces routes leaves once another one announces to as many neighbors. */
import { describe, expect, it } from 'vitest';
import { present } from '../../../controller/base/result.ts';
import type { ConfigInput } from '../../../controller/config.ts';
import type { Status } from '../../../controller/failover/status.ts';
import { addDaemon, type Daemon, deliver, newStage, run } from '../stage.ts';

const NAMES = ['a', 'b'] as const;

/** Two appliances whose sessions the test makes, and who hear each other's word. */
function stage(
  probes: readonly ('icmp' | 'daemon' | 'speaker')[] = ['icmp', 'daemon'],
  drain: Pick<ConfigInput, 'drain'> = { drain: { how: 'graceful-shutdown' } },
) {
  const made = newStage();
  const start = (node: (typeof NAMES)[number], place: number): Daemon =>
    addDaemon(made, {
      version: 1,
      node,
      aws: { region: 'eu-central-1' },
      appliances: NAMES.map((name, at) => ({
        name,
        address: `10.0.0.${10 + at}`,
        eni: `eni-0123456789abcdef${at}`,
        probes: probes.map((kind) => (kind === 'daemon' ? { kind, port: 8179 } : { kind })),
      })),
      health: { listen: '0.0.0.0:8179' },
      ...drain,
      bgp: {
        as: 65_001,
        routerId: `10.0.0.${place}`,
        originate: [{ prefix: '0.0.0.0/0' }],
        dynamic: [{ name: 'clients', prefix: '10.0.0.0/24', as: [65_000], export: 'all' }],
      },
    });
  const [a, b] = [start('a', 10), start('b', 11)];
  const session = (daemon: Daemon, client: number, state: 'established' | 'down'): void => {
    const address = `10.0.0.${client}`;
    const change = { peer: `clients-${address}`, address, state, reason: 'the test' } as const;
    deliver(made, daemon, { kind: 'bgp-session', change });
  };
  const pass = (ms: number): void => run(made, made.now + ms);
  pass(5000);
  const relieved = (daemon: Daemon): boolean => {
    deliver(made, daemon, { kind: 'command', id: 1, command: { kind: 'status' } });
    return (present(daemon.replies.at(-1), 'a reply').body as Status).relieved;
  };
  const leave = (daemon: Daemon): void =>
    deliver(made, daemon, { kind: 'command', id: 2, command: { kind: 'leave' } });
  /** How it has drained itself, as it told its speaker. */
  const drains = ({ journal }: Daemon): readonly string[] =>
    journal.flatMap(({ effects }) =>
      effects.flatMap((one) => (one.kind === 'bgp' && one.input.kind === 'drain' ? [one.input.how] : [])),
    );
  return { made, a, b, session, pass, relieved, leave, drains };
}

describe('an appliance that leaves', () => {
  it('keeps its routes until a healthy one has as many neighbors', () => {
    const { a, b, session, pass, relieved, leave, drains } = stage();
    for (const client of [20, 21]) session(a, client, 'established');
    session(b, 20, 'established');
    leave(a);
    pass(5000);
    expect([relieved(a), drains(a)]).toEqual([false, []]);
    session(b, 21, 'established');
    pass(1000);
    expect([relieved(a), drains(a)]).toEqual([true, ['graceful-shutdown']]);
  });

  it('counts no neighbors of one that is dead', () => {
    const { made, a, b, session, pass, relieved } = stage();
    session(a, 20, 'established');
    for (const client of [20, 21]) session(b, client, 'established');
    pass(1000);
    expect(relieved(a)).toBe(true);
    made.reach = (_, probe) => probe.appliance !== 'b';
    pass(5000);
    expect(relieved(a)).toBe(false);
  });

  it('takes its routes back where nothing is said of drains', () => {
    const { a, b, session, pass, leave, drains } = stage(['icmp', 'daemon'], {});
    for (const daemon of [a, b]) session(daemon, 20, 'established');
    pass(1000);
    leave(a);
    pass(100);
    expect(drains(a)).toEqual(['withdraw']);
  });

  it('counts the neighbors of a speaker beside the daemon, which a probe has seen', () => {
    const { made, a, b, pass, relieved } = stage(['icmp', 'daemon', 'speaker']);
    const counts = { a: 2, b: 1 };
    made.serves = (node) => (node === 'a' ? counts.a : counts.b);
    pass(2000);
    expect([relieved(a), relieved(b)]).toEqual([false, true]);
    counts.b = 2;
    pass(2000);
    expect(relieved(a)).toBe(true);
  });

  it('may go at once where nobody takes its routes', () => {
    const { a, b, session, pass, relieved, leave, drains } = stage();
    session(b, 20, 'established');
    session(a, 20, 'established');
    session(a, 20, 'down');
    leave(a);
    pass(100);
    expect([relieved(a), drains(a)]).toEqual([true, ['graceful-shutdown']]);
  });

  it('may go at once where nobody could say that he has as many', () => {
    const { a, session, pass, relieved, leave, drains } = stage(['icmp']);
    session(a, 20, 'established');
    leave(a);
    pass(100);
    expect([relieved(a), drains(a)]).toEqual([true, ['graceful-shutdown']]);
  });

  it('drains at once where an operator wants it, whoever has routes', () => {
    const { made, a, session, pass, drains } = stage();
    session(a, 20, 'established');
    deliver(made, a, { kind: 'command', id: 3, command: { kind: 'drain', appliance: 'a' } });
    pass(100);
    expect(drains(a)).toEqual(['graceful-shutdown']);
  });
});
