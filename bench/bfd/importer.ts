/**
 * Keeps a main thread as busy as a full import does: the real speaker takes a million prefixes from a
 * neighbor that exists in memory only, has them withdrawn, and begins again. In the portions in which the
 * daemon works.
 */
import type { SpeakerEffect, SpeakerEvent } from '../../controller/bgp/event.ts';
import {
  DEFAULT_PEER,
  DEFAULT_SPEAKER,
  type NeighborOptions,
  type SpeakerOptions,
} from '../../controller/bgp/options.ts';
import { createSpeaker, nextSpeakerDeadline, stepSpeaker } from '../../controller/bgp/speaker.ts';
import { encodeKeepalive } from '../../controller/wire/message.ts';
import { encodeOpen } from '../../controller/wire/open.ts';
import { encodeTable, encodeWithdrawals, FULL, makeTable } from '../bgp/table.ts';

const [OURS, THEIRS] = ['192.0.2.1', '192.0.2.200'];
const THEIR_AS = 65_001;
/** What one read of a socket gives at most. */
const CHUNK = 65_536;

const neighbor: NeighborOptions = {
  ...DEFAULT_PEER,
  name: 'importer',
  address: THEIRS,
  as: THEIR_AS,
  passive: true,
  holdTimeS: 0,
  extendedMessages: false,
  importPolicy: 'all',
  exportPolicy: 'all',
  shutdown: false,
};

const options: SpeakerOptions = { ...DEFAULT_SPEAKER, as: 65_000, routerId: OURS, neighbors: [neighbor] };

/** Imports again and again for as long as the process lives; `done` is called after each import. */
export function importForEver(done: () => void): void {
  const table = makeTable(FULL);
  const streams = [encodeTable(table, { as: THEIR_AS, nextHop: THEIRS }), encodeWithdrawals(table)] as const;
  const now = (): number => performance.now();
  const speaker = createSpeaker(options, { seed: 1 }, now());
  const step = (event: SpeakerEvent): readonly SpeakerEffect[] => stepSpeaker(speaker, event, now());
  const hello = encodeOpen({
    as: THEIR_AS,
    holdTimeS: 0,
    bgpId: 0xc00002c8,
    capabilities: [
      { kind: 'four-octet-as', as: THEIR_AS },
      { kind: 'multiprotocol', afi: 1, safi: 1 },
    ],
  });
  const connection = 1;
  let withdrawing = false;
  let at = 0;
  step({ kind: 'start' });
  step({ kind: 'tcp-accepted', connection, local: OURS, remote: THEIRS });
  step({ kind: 'tcp-data', connection, data: hello });
  const effects = step({ kind: 'tcp-data', connection, data: encodeKeepalive() });
  const up = effects.some((effect) => effect.kind === 'session' && effect.change.state === 'established');
  if (!up) throw new Error(`the importer found no session: ${JSON.stringify(effects)}`);

  function turn(): void {
    const due = nextSpeakerDeadline(speaker);
    const bytes = streams[withdrawing ? 1 : 0];
    if (due !== undefined && due <= now()) step({ kind: 'deadline' });
    else if (at < bytes.length) {
      step({ kind: 'tcp-data', connection, data: bytes.subarray(at, at + CHUNK) });
      at += CHUNK;
    } else {
      if (!withdrawing) done();
      withdrawing = !withdrawing;
      at = 0;
    }
    setImmediate(turn);
  }

  turn();
}
