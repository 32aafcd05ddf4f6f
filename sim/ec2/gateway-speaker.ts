/**
 * The BGP speakers beside gateways, as the API keeps them: what they are to be goes to the data plane with
 * every other change, what they have learnt comes back by `learn` (service.ts).
 */
import type { GatewaySpeaker } from '../vpc/model.ts';
import type { Tx } from './handler.ts';
import type { GatewaySpeakerRecord, LearntPath, SessionState } from './record/routing.ts';
import { same } from './record/same.ts';

/** What a speaker says that it knows now: all of it. */
export interface Learnt {
  readonly sessions: readonly {
    readonly neighbor: string;
    readonly bgp: SessionState['bgp'];
    readonly bfd: SessionState['bfd'];
  }[];
  readonly paths: readonly LearntPath[];
}

const KIND = 'gateway-speaker';

/** A speaker, whoever's it is. */
export type Speaking = Omit<GatewaySpeaker, 'account' | 'region'>;

/** Sets what a speaker is to be; what it has learnt of neighbors that it keeps, it keeps. */
export function setSpeaker(tx: Tx, wanted: Speaking): void {
  const held = tx.get(KIND, wanted.id);
  const { id, place, as, routerId, neighbors, announces, relays } = wanted;
  const names = new Set(neighbors.map(({ name }) => name));
  const sessions = Object.entries(held?.sessions ?? {}).filter(([name]) => names.has(name));
  tx.put(KIND, {
    id,
    place,
    as,
    routerId,
    neighbors,
    announces,
    ...(relays && { relays }),
    account: tx.account,
    region: tx.region,
    tags: {},
    ...(held?.described && { described: true }),
    sessions: Object.fromEntries(sessions),
    paths: (held?.paths ?? []).filter(({ neighbor }) => names.has(neighbor)),
  });
}

/** Takes in what a speaker says, of neighbors that are still wanted; whether any of it is news. */
export function takeLearnt(tx: Tx, speaker: GatewaySpeakerRecord, { sessions, paths }: Learnt): boolean {
  const { described: _, ...rest } = speaker;
  const names = new Set(speaker.neighbors.map(({ name }) => name));
  const states = sessions
    .filter(({ neighbor }) => names.has(neighbor))
    .map(({ neighbor, bgp, bfd }): [string, SessionState] => {
      const held = speaker.sessions[neighbor];
      return [neighbor, { bgp, bfd, changedAt: held?.bgp === bgp ? held.changedAt : tx.date() }];
    });
  const told: GatewaySpeakerRecord = {
    ...rest,
    sessions: Object.fromEntries(states),
    paths: paths.filter(({ neighbor }) => names.has(neighbor)),
  };
  if (same(speaker, told)) return false;
  tx.put(KIND, told);
  return true;
}

/** What the session with a neighbor of a speaker is, as far as is known. */
export const sessionOf = (tx: Tx, speaker: string, neighbor: string): SessionState | undefined =>
  tx.get(KIND, speaker)?.sessions[neighbor];
