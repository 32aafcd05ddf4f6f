/** What is kept of a neighbor that has left is used last: it may stop forwarding at any time. */
import { expect, it } from 'vitest';
import type { SessionChange } from '../../../controller/bgp/event.ts';
import { addDaemon, deliver, newStage, run } from '../stage.ts';

const NAMES = ['a', 'b'] as const;

/** A client of two appliances, which it hears by BGP, and by probes. */
function client(probes: readonly { kind: 'icmp' }[] = [{ kind: 'icmp' }]) {
  const made = newStage();
  const daemon = addDaemon(made, {
    version: 1,
    node: 'client',
    aws: { region: 'eu-central-1' },
    appliances: NAMES.map((name, at) => ({
      name,
      address: `10.0.0.${10 + at}`,
      eni: `eni-0123456789abcdef${at}`,
      probes: [...probes],
    })),
    bgp: {
      as: 65_000,
      routerId: '10.0.0.20',
      neighbors: NAMES.map((appliance) => ({ appliance, as: 65_001, import: 'all' })),
    },
  });
  const session = (change: Omit<SessionChange, 'peer' | 'address' | 'reason'>): void => {
    const whole = { peer: 'a', address: '10.0.0.10', reason: 'the test', ...change };
    deliver(made, daemon, { kind: 'bgp-session', change: whole });
  };
  /** Whether the routes of a are used last, each time that the speaker is told. */
  const told = (): readonly boolean[] =>
    daemon.journal.flatMap(({ effects }) =>
      effects.flatMap((one) =>
        one.kind === 'bgp' && one.input.kind === 'fitness' && one.input.peer === 'a' ? [one.input.unfit] : [],
      ),
    );
  run(made, 5000);
  session({ state: 'established' });
  return { session, told, pass: () => run(made, made.now + 5000) };
}

it('uses what is kept of one that has left last, until it is back', () => {
  const { session, told, pass } = client();
  session({ state: 'down', retained: true, administrative: true, left: true });
  pass();
  expect(told()).toEqual([true]);
  session({ state: 'established' });
  expect(told().at(-1)).toBe(false);
});

it('uses one that is back as before where nothing else is known of it', () => {
  const { session, told, pass } = client([]);
  session({ state: 'down', retained: true, administrative: true, left: true });
  session({ state: 'established' });
  pass();
  expect(told().at(-1)).toBe(false);
});

it.each([
  ['whose session was reset on purpose', { administrative: true }],
  ['whose control plane has died', {}],
])('uses what is kept of one %s as before', (_, how) => {
  const { session, told, pass } = client();
  session({ state: 'down', retained: true, ...how });
  pass();
  expect(told()).toEqual([]);
});
