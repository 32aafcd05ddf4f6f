/**
 * BFD between machines whose packets all arrive or are all lost: stepped packet by packet, without the
 * walk.
 */
import { assert } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { BfdEffect } from '../../controller/bfd/event.ts';
import { nextBfdDeadline, stepBfd } from '../../controller/bfd/machine.ts';
import type { Session } from '../../controller/bfd/session.ts';
import type { Endpoint, Packet } from './endpoint.ts';
import { type BfdDriver, bfdPacket } from './speaker.ts';
import type { World } from './state.ts';
import { arriveAt, survey } from './wire.ts';

type Send = Extract<BfdEffect, { kind: 'send' }>;

/** Who receives what a machine sends to a peer at present. */
interface Way {
  readonly receiver: Endpoint;
  readonly delayMs: Millis;
  readonly received: Packet;
}

/** A packet on its way. */
interface Flight {
  readonly at: Instant;
  readonly way: Way;
  readonly send: Send;
}

/** Ways by sender, peer and address of its own: they hold until something changes. */
interface Ways {
  readonly changedAt: Instant;
  readonly found: Map<Endpoint, Map<string, Way | undefined>>;
}

const waysOf = new WeakMap<World, Ways>();

function wayOf(world: World, { endpoint }: BfdDriver, send: Omit<Send, 'data' | 'session'>): Way | undefined {
  let ways = waysOf.get(world);
  if (ways?.changedAt !== world.changedAt) {
    ways = { changedAt: world.changedAt, found: new Map() };
    waysOf.set(world, ways);
  }
  const found = ways.found.get(endpoint) ?? new Map<string, Way | undefined>();
  ways.found.set(endpoint, found);
  const key =
    send.local === undefined && !send.multihop ? send.to : `${send.to} ${send.local} ${send.multihop}`;
  if (found.has(key)) return found.get(key);
  const guest = world.guests.get(endpoint.name)?.kernel;
  const packet = bfdPacket(endpoint, { ...send, data: new Uint8Array(0) });
  const way = guest && packet.ok ? survey(world, guest, packet.value) : undefined;
  found.set(key, way);
  return way;
}

/**
 * Whether no session changes its state while nothing else happens. `drivers`: of machines whose programs
 * run.
 */
export const isBfdSteady = (world: World, drivers: readonly BfdDriver[]): boolean =>
  drivers.every((driver) =>
    [...driver.machine.sessions.byName.values()].every((session) => {
      if (session.tellsNext || session.poll !== 'none') return false;
      const way = wayOf(world, driver, addressing(session));
      const isHeard = way?.receiver.udp.has(way.received.destinationPort) === true;
      if (session.state !== 'up') return session.state === 'down' && !isHeard;
      const other = drivers.find(({ endpoint }) => endpoint === way?.receiver)?.machine.sessions;
      const theirs = other?.byDiscriminator.get(session.remoteDiscriminator);
      return isHeard && theirs?.state === 'up' && theirs.poll === 'none';
    }),
  );

const addressing = ({ options: { peer, local, multihop } }: Session): Omit<Send, 'data' | 'session'> => ({
  kind: 'send',
  to: peer,
  multihop,
  ...(local !== undefined && { local }),
});

/** Exchanges packets until `to`; those that are on their way then arrive as they would. */
export function advanceBfd(world: World, drivers: readonly BfdDriver[], to: Instant): void {
  const flights: Flight[] = [];
  const driverOf = new Map(drivers.map((driver) => [driver.endpoint, driver]));

  function perform(driver: BfdDriver, effects: readonly BfdEffect[], now: Instant): void {
    for (const effect of effects) {
      assert(effect.kind !== 'state', 'no BFD session changes its state in a leap');
      const way = effect.kind === 'send' ? wayOf(world, driver, effect) : undefined;
      if (effect.kind !== 'send' || way === undefined) continue;
      const at = now + way.delayMs;
      const place = flights.findIndex((other) => other.at > at);
      flights.splice(place === -1 ? flights.length : place, 0, { at, way, send: effect });
    }
  }

  function land({ at, way, send }: Flight): void {
    const driver = driverOf.get(way.receiver);
    if (driver === undefined) return;
    const { source = '', destination } = way.received;
    const { multihop, data } = send;
    const datagram = { kind: 'datagram', from: source, to: destination, multihop, data } as const;
    perform(driver, stepBfd(driver.machine, datagram, at), at);
  }

  for (;;) {
    const [flight] = flights;
    const next = firstDue(drivers);
    const flies = flight !== undefined && flight.at < to;
    if (flies && (next === undefined || flight.at <= next.at)) {
      flights.shift();
      land(flight);
    } else if (next !== undefined && next.at < to) {
      perform(next.driver, stepBfd(next.driver.machine, { kind: 'deadline' }, next.at), next.at);
    } else break;
  }
  for (const { at, way, send } of flights)
    arriveAt(world, at, way.receiver, { ...way.received, body: { kind: 'datagram', data: send.data } });
  for (const driver of drivers) driver.arm();
}

function firstDue(drivers: readonly BfdDriver[]): { driver: BfdDriver; at: Instant } | undefined {
  let first: { driver: BfdDriver; at: Instant } | undefined;
  for (const driver of drivers) {
    const at = nextBfdDeadline(driver.machine);
    if (at !== undefined && (first === undefined || at < first.at)) first = { driver, at };
  }
  return first;
}
