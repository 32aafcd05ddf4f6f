/** Steps that many cases share: coming up, exchanging routes, staying down, and what passed meanwhile. */
import { expect } from 'vitest';
import { kernelCounter } from './actions.ts';
import type { Trial } from './case.ts';
import { until } from './lab.ts';
import type { Ours } from './ours.ts';
import { isEstablished, routeFrom, sessions, sessionWith } from './peer.ts';

/** BGP message types. RFC 4271 4.1, RFC 2918. */
export const MESSAGE = { update: 2, notification: 3, refresh: 5 } as const;

export const count = (ours: Ours, direction: 'sent' | 'received', type: keyof typeof MESSAGE): number =>
  ours.messages.filter((one) => one.direction === direction && one.type === MESSAGE[type]).length;

/** The notifications that passed, as `received 6/2`. */
export const notifications = (ours: Ours): readonly string[] =>
  ours.messages
    .filter(({ type }) => type === MESSAGE.notification)
    .map(({ direction, body }) => `${direction} ${body?.[0]}/${body?.[1]}`);

/** Both ends say that the session stands. */
export async function bothUp({ peer, address }: Trial, ours: Ours): Promise<void> {
  await ours.becomes('established', undefined, 30_000);
  await sessionWith(peer, address, isEstablished);
}

/** Routes went both ways, with what belongs to them. */
export async function exchange(trial: Trial, ours: Ours): Promise<void> {
  const { peer, network, own, address, theirs } = trial;
  const [hop] = await ours.has(network);
  expect(hop?.address).toBe(theirs);
  const seen = await routeFrom(peer, address, own);
  expect(seen).toMatchObject({ nextHop: address, asPath: '65000', communities: ['65000:7'] });
}

/** Neither end comes to a session while `happens` goes on. */
export async function stayDown(
  trial: Trial,
  ours: Ours,
  what: string,
  happens: () => boolean,
): Promise<void> {
  const { peer, address } = trial;
  await until(what, happens, 20_000);
  expect(ours.sessions.filter(({ state }) => state === 'established')).toEqual([]);
  const seen = (await sessions(peer)).find((one) => one.address === address);
  expect(seen?.state).not.toBe('established');
}

/**
 * Whether a counter of TCP in the namespace of a process grew by two since: the kernel threw segments away
 * for that reason. All cases share it, so that those which count run one after another.
 */
export function dropsCounted(pid: number, name: string): () => boolean {
  const before = kernelCounter(pid, name);
  return () => kernelCounter(pid, name) >= before + 2;
}
