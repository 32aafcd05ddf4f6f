/** How tests look at hosts: what is up, what was said, what is held. */
import { expect } from 'vitest';
import { establishedOf } from '../../controller/bgp/peer.ts';
import { decodeNotification } from '../../controller/wire/message.ts';
import { describeNotification } from '../../controller/wire/notification.ts';
import type { Host } from './net.ts';
import { until } from './net.ts';
import type { Pair } from './settings.ts';

/** Whether a host has an Established session with a peer. */
export function isUp(host: Host, name: string): boolean {
  const peer = host.speaker.peers.get(name);
  return peer !== undefined && establishedOf(peer) !== undefined;
}

/** Waits until both sides of a pair are up and hold each other's routes. */
export function settle({ net, a, b }: Pair, ms = 60_000): void {
  const isSettled = () =>
    isUp(a, 'b') && isUp(b, 'a') && a.routes.has('10.2.0.0/16') && b.routes.has('10.1.0.0/16');
  expect(until(net, ms, isSettled), 'the sessions come up, with their routes').toBe(true);
}

/** NOTIFICATIONs that a host sent to an address, in words. */
export const notificationsOf = (host: Host, to: string): readonly string[] =>
  (host.sent.get(to) ?? [])
    .filter(({ type }) => type === 3)
    .map(({ body }) => describeNotification(decodeNotification(body, 0, body.length)));

/** Messages of a type that a host sent to an address. */
export const messagesOf = (host: Host, to: string, type: number) =>
  (host.sent.get(to) ?? []).filter((one) => one.type === type);

/** Lines that a host logged. */
export const linesOf = (host: Host): readonly string[] =>
  host.effects.flatMap(({ effect }) => (effect.kind === 'log' ? [effect.text] : []));

/** Reasons for which sessions of a host went down. */
export const lossesOf = (host: Host): readonly string[] =>
  host.sessions.filter(({ state }) => state === 'down').map(({ reason }) => reason);

/** Prefixes whose next hops are stale. */
export const staleOf = (host: Host): readonly string[] =>
  [...host.routes.values()]
    .filter(({ nextHops }) => nextHops.some(({ stale }) => stale))
    .map(({ prefix }) => prefix);
