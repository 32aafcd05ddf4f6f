/** A BGP speaker and the BFD machine that watches its neighbors, on one endpoint. */
import { unreachable } from '../../controller/base/result.ts';
import { type BfdChange, clientState } from '../../controller/bfd/event.ts';
import type { SpeakerOptions } from '../../controller/bgp/options.ts';
import type { Endpoint } from './endpoint.ts';
import { createBfdDriver, createSpeakerDriver, type SpeakerDriver, type SpeakerWord } from './speaker.ts';
import type { World } from './state.ts';

/** What AWS documents of Direct Connect's BFD, taken for all gateways and sites. */
export const BFD = { multihop: false, intervalMs: 300, multiplier: 3, strict: false };

export interface WatchedSpeaker extends SpeakerDriver {
  /** By the address of the neighbor. */
  readonly bfdStates: ReadonlyMap<string, BfdChange['state']>;
}

/** `settled` is told when a step of the speaker left no work. */
export function createWatchedSpeaker(
  world: World,
  endpoint: Endpoint,
  options: SpeakerOptions,
  seeds: { readonly bgp: string; readonly bfd: string },
  settled: () => void = () => undefined,
): WatchedSpeaker {
  const bfdStates = new Map<string, BfdChange['state']>();
  const bfd = createBfdDriver(world, endpoint, seeds.bfd, hearBfd);
  const driver = createSpeakerDriver(world, endpoint, options, seeds.bgp, hear, { settled });

  function hearBfd(change: BfdChange): void {
    const { session, controlPlaneIndependent } = change;
    bfdStates.set(session, change.state);
    const state = clientState(change);
    if (state !== undefined) driver.feed({ kind: 'bfd', address: session, state, controlPlaneIndependent });
  }

  function hear(word: SpeakerWord): void {
    switch (word.kind) {
      case 'bfd-open':
        bfd.feed({ kind: 'open', session: word.session, options: word.options });
        break;
      case 'bfd-close':
        bfdStates.delete(word.session);
        bfd.feed({ kind: 'close', session: word.session });
        break;
      case 'session':
      case 'routes':
      case 'stopped':
        break;
      default:
        unreachable(word);
    }
  }

  return {
    bfdStates,
    speaker: driver.speaker,
    feed: driver.feed,
    end() {
      driver.end();
      bfd.end();
    },
  };
}
