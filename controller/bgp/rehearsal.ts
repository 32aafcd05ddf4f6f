/**
 * A rehearsal: a speaker of its own takes a made-up table from two neighbors, gives it to a third, loses one
 * and hears the other withdraw, so that the first real table finds compiled code. Nobody sees any of it.
 */
import { stream } from '../base/prng.ts';
import { NO_ATTRIBUTES, type PathAttributes } from '../wire/attribute.ts';
import { encodeKeepalive } from '../wire/message.ts';
import { encodeOpen } from '../wire/open.ts';
import { writePrefix } from '../wire/prefix.ts';
import { updateMessage } from '../wire/update.ts';
import { writeAttributes } from '../wire/write-attributes.ts';
import type { SpeakerEvent } from './event.ts';
import {
  DEFAULT_PEER,
  DEFAULT_SPEAKER,
  type NeighborOptions,
  type Policy,
  type SpeakerOptions,
} from './options.ts';
import { createSpeaker, nextSpeakerDeadline, type Speaker, stepSpeaker } from './speaker.ts';

/** Attribute sets of the table, and prefixes of each at most. */
const SETS = 2000;
const MOST_PREFIXES = 12;
/** Messages that come at once, at most: at first they are few, as nothing is compiled. */
const MOST_MESSAGES = 64;

const LOCAL = '192.0.2.1';
const COMMUNITY = '65000:1';
const [FIRST, SECOND, RECEIVER] = [11, 12, 13];
const asOf = (number: number): number => 65_000 + number;

const policies: readonly Policy[] = [
  {
    name: 'in',
    rules: [
      { match: { prefixes: [{ prefix: '10.0.0.0/8', le: 32 }] }, set: {}, action: 'reject' },
      {
        match: { prefixes: [{ prefix: '0.0.0.0/0', ge: 8, le: 24 }] },
        set: { localPref: 150, addCommunities: [COMMUNITY] },
        action: 'accept',
      },
    ],
    otherwise: 'reject',
  },
  {
    name: 'out',
    rules: [{ match: { communities: [COMMUNITY] }, set: {}, action: 'accept' }],
    otherwise: 'reject',
  },
];

const neighbor = (number: number, importPolicy: string, exportPolicy: string): NeighborOptions => ({
  ...DEFAULT_PEER,
  ...{ name: `${number}`, address: `192.0.2.${number}`, as: asOf(number), shutdown: false, passive: true },
  ...{ importPolicy, exportPolicy },
});

const options: SpeakerOptions = {
  ...DEFAULT_SPEAKER,
  ...{ as: 65_000, routerId: LOCAL, policies },
  track: [{ prefix: '198.51.100.0/24' }],
  neighbors: [
    neighbor(FIRST, 'in', 'none'),
    neighbor(SECOND, 'in', 'none'),
    neighbor(RECEIVER, 'none', 'out'),
  ],
};

interface Stage {
  readonly speaker: Speaker;
  /** What the effects of the speaker are answered with. */
  readonly answers: SpeakerEvent[];
}

/** Plays a piece at a time, each well below a millisecond once it is compiled; gives the speaker at last. */
export function* rehearse(sets = SETS): Generator<void, Speaker> {
  const stage: Stage = { speaker: createSpeaker(options, { seed: 0 }, 0), answers: [] };
  play(stage, { kind: 'start' });
  for (const number of [RECEIVER, SECOND, FIRST]) {
    play(stage, { kind: 'tcp-accepted', connection: number, local: LOCAL, remote: `192.0.2.${number}` });
    for (const data of [openOf(number), encodeKeepalive()]) yield* hear(stage, number, data);
  }
  for (const number of [SECOND, FIRST]) yield* announce(stage, number, sets);
  play(stage, { kind: 'tcp-closed', connection: FIRST, reason: 'the rehearsal goes on' });
  yield* settle(stage);
  yield* withdraw(stage, SECOND, sets);
  return stage.speaker;
}

/** Does one event, and notes what its effects are answered with. */
function play({ speaker, answers }: Stage, event: SpeakerEvent): void {
  for (const effect of stepSpeaker(speaker, event, 0))
    if (effect.kind === 'tcp-send') answers.push({ kind: 'tcp-drained', connection: effect.connection });
}

function* hear(stage: Stage, connection: number, data: Uint8Array): Generator<void, void> {
  play(stage, { kind: 'tcp-data', connection, data });
  yield;
  yield* settle(stage);
}

/** Lets the speaker work until it waits for somebody. */
function* settle(stage: Stage): Generator<void, void> {
  for (;;) {
    const isDue = (nextSpeakerDeadline(stage.speaker) ?? 1) <= 0;
    const next = stage.answers.shift() ?? (isDue ? { kind: 'deadline' as const } : undefined);
    if (next === undefined) return;
    play(stage, next);
    yield;
  }
}

const openOf = (number: number): Uint8Array =>
  encodeOpen({
    as: asOf(number),
    holdTimeS: 240,
    bgpId: number,
    capabilities: [
      { kind: 'multiprotocol', afi: 1, safi: 1 },
      { kind: 'route-refresh' },
      { kind: 'four-octet-as', as: asOf(number) },
    ],
  });

/** A message for each set, more and more of them at once. */
function* tell(
  stage: Stage,
  number: number,
  sets: number,
  message: (set: number) => Uint8Array,
): Generator<void, void> {
  for (let first = 0; first < sets; ) {
    const count = Math.min(first + 1, MOST_MESSAGES, sets - first);
    const messages = Array.from({ length: count }, (_, index) => message(first + index));
    first += count;
    // A Buffer, as sockets give it: what is compiled is for one of these.
    yield* hear(stage, number, Buffer.concat(messages));
  }
}

/** The table as a neighbor tells it: the second by longer paths. */
function announce(stage: Stage, number: number, sets: number): Generator<void, void> {
  const random = stream(0, 'rehearsal');
  return tell(stage, number, sets, (set) => {
    const attributes = writeAttributes(drawAttributes(number, random), { as4: true, inMpReach: false });
    return updateMessage([], attributes, nlriOf(set));
  });
}

const withdraw = (stage: Stage, number: number, sets: number): Generator<void, void> =>
  tell(stage, number, sets, (set) => updateMessage(nlriOf(set), [], []));

/** The prefixes of a set, each in a /16 of its own from 9.192.0.0/16 on; policy rejects 10.0.0.0/8. */
function nlriOf(set: number): Uint8Array {
  const count = 1 + ((set * 7) % MOST_PREFIXES);
  const nlri = new Uint8Array(4 * count);
  let at = 0;
  for (let one = 0; one < count; one++)
    at = writePrefix(nlri, at, 'ipv4', undefined, 24, 0, 0, 0, 0x09c00000 + set * 65_536 + one * 256);
  return nlri;
}

function drawAttributes(number: number, random: () => number): PathAttributes {
  const below = (limit: number): number => Math.floor(random() * limit);
  const path = Array.from({ length: 2 + below(4) }, () => 1000 + below(200_000));
  const suffix = number === SECOND ? [64_999, 64_999] : [];
  return {
    ...NO_ATTRIBUTES,
    origin: random() < 0.9 ? 0 : 2,
    asPath: [{ type: 'sequence', as: [asOf(number), ...path, ...suffix] }],
    nextHop: { family: 'ipv4', words: [0, 0, 0, 0xc0000200 + number] },
    med: random() < 0.2 ? below(200) : undefined,
    aggregator: random() < 0.1 ? { as: 65_001, id: 0xc0000201 } : undefined,
    communities: Array.from({ length: below(8) }, () => below(2 ** 31)).sort((a, b) => a - b),
    large: random() < 0.1 ? [[1000, below(100), 1]] : [],
  };
}
