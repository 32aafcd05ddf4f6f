/** Bugs that a daemon could have, planted by falsifying what it hears. The judge must find each. */
import { unreachable } from '../../controller/base/result.ts';
import type { Call, ObservedRouteTable } from '../../controller/ec2/call.ts';
import type { Event } from '../../controller/event.ts';
import type { LeaseCall } from '../../controller/lease/call.ts';
import type { Mutant } from '../../sim/chaos/cast.ts';
import type { Places } from '../../sim/chaos/plan.ts';

type Outcome = Extract<Event, { kind: 'ec2-outcome' }>;

const onOutcome =
  (change: (event: Outcome) => Event) =>
  (event: Event): Event =>
    event.kind === 'ec2-outcome' ? change(event) : event;

/** A look at EC2 shows what the first one showed. */
const trustsStaleViews = (): Mutant => {
  const first = new Map<string, Outcome['outcome']>();
  return {
    hear: onOutcome((event) => {
      if (event.outcome.kind !== 'ok') return event;
      const { kind } = event.outcome.value;
      const outcome = first.get(kind) ?? event.outcome;
      first.set(kind, outcome);
      return { ...event, outcome };
    }),
  };
};

/** Route tables as they would look if these routes led to these ENIs. */
function believing(outcome: Outcome['outcome'], written: ReadonlyMap<string, string>): Outcome['outcome'] {
  if (outcome.kind !== 'ok' || outcome.value.kind !== 'route-tables') return outcome;
  const believed = (table: ObservedRouteTable): ObservedRouteTable => ({
    ...table,
    routes: table.routes.map((route) => ({
      ...route,
      target: written.get(`${table.id} ${route.destination}`) ?? route.target,
    })),
  });
  return { kind: 'ok', value: { kind: 'route-tables', tables: outcome.value.tables.map(believed) } };
}

/** What was written is taken to be so: no look at EC2 shows otherwise. */
const skipsReadBack = (): Mutant => {
  const written = new Map<string, string>();
  return {
    hear: onOutcome((event) => ({ ...event, outcome: believing(event.outcome, written) })),
    did: (effects) => {
      for (const effect of effects)
        if (effect.kind === 'ec2-call' && effect.call.kind === 'replace-route')
          written.set(
            `${effect.call.table} ${effect.call.destination}`,
            effect.call.eni ?? effect.call.target ?? '',
          );
    },
  };
};

/** A write that got no answer is taken to be done: no look at EC2 shows otherwise. */
const ignoresUnknownOutcomes = (): Mutant => {
  const asked = new Map<number, Call>();
  const written = new Map<string, string>();
  return {
    hear: onOutcome((event) => {
      const { outcome } = event;
      const call = asked.get(event.request);
      if (outcome.kind === 'unknown' && call?.kind === 'replace-route') {
        written.set(`${call.table} ${call.destination}`, call.eni ?? call.target ?? '');
        return { ...event, outcome: { kind: 'ok', value: { kind: 'done' } } };
      }
      return { ...event, outcome: believing(outcome, written) };
    }),
    did: (effects) => {
      for (const effect of effects) if (effect.kind === 'ec2-call') asked.set(effect.request, effect.call);
    },
  };
};

const onProbe = (
  change: (event: Extract<Event, { kind: 'probe-result' }>, now: number) => Event,
): Mutant => ({
  hear: (event, now) => (event.kind === 'probe-result' ? change(event, now) : event),
});

/** No probe ever fails. */
const neverSeesDeath = (): Mutant => onProbe((event) => ({ ...event, result: { kind: 'up', rttMs: 1 } }));

/** Every probe fails for two seconds of each half-minute. */
const inventsDeaths = (): Mutant =>
  onProbe((event, now) =>
    now % 30_000 < 2000 && !event.probe.includes('through')
      ? { ...event, result: { kind: 'down', reason: 'invented' } }
      : event,
  );

/** It always finds itself fit. */
const trustsItself = (name: string): Mutant =>
  onProbe((event) =>
    event.probe.startsWith(`${name}/`) ? { ...event, result: { kind: 'up', rttMs: 1 } } : event,
  );

/** Whatever the store answers to a write, it believes that it has the lease. */
const ignoresTheLease = (): Mutant => {
  const asked = new Map<number, LeaseCall>();
  return {
    hear: (event) => {
      if (event.kind !== 'lease-outcome') return event;
      const call = asked.get(event.request);
      if (call?.kind === 'write') return { ...event, outcome: { kind: 'ok', record: call.next } };
      return { ...event, outcome: { kind: 'ok' } };
    },
    did: (effects) => {
      for (const effect of effects) if (effect.kind === 'lease-call') asked.set(effect.request, effect.call);
    },
  };
};

/** It does not hear that its machine is about to stop. */
const staysToTheEnd = (): Mutant => ({
  hear: (event) =>
    event.kind === 'command' && event.command.kind === 'leave'
      ? { ...event, command: { kind: 'status' } }
      : event,
});

export const MUTANTS = {
  ignoresTheLease,
  ignoresUnknownOutcomes,
  trustsStaleViews,
  skipsReadBack,
  neverSeesDeath,
  inventsDeaths,
  trustsItself,
  staysToTheEnd,
};
export type MutantName = keyof typeof MUTANTS;

/** Where a bug has something to falsify: elsewhere a run with it is one without. */
export const canAct = (
  name: MutantName,
  { hasLeases, writes, groups, daemons, appliances }: Places,
): boolean => {
  switch (name) {
    case 'ignoresTheLease':
      return hasLeases;
    case 'ignoresUnknownOutcomes':
    case 'skipsReadBack':
      return writes.includes('ReplaceRoute');
    case 'trustsStaleViews':
      return writes.length > 0;
    case 'trustsItself':
      return groups.length > 0 && daemons.some((name) => appliances.includes(name));
    case 'staysToTheEnd':
      return daemons.some((name) => appliances.includes(name));
    case 'neverSeesDeath':
    case 'inventsDeaths':
      return true;
    default:
      return unreachable(name);
  }
};

/** What has to happen in a run, as the judge counts, for a bug to have something to falsify. */
export const PREY: Readonly<Partial<Record<MutantName, string>>> = {
  ignoresUnknownOutcomes: 'outcome unknown of replace-route',
  skipsReadBack: 'write replace-route',
  staysToTheEnd: 'fault leave',
};
