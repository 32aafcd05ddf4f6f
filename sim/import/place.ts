/** What all readers of descriptions share: where the resources live, and where findings go. */
import type { Speaking } from '../ec2/gateway-speaker.ts';
import type { Stored } from '../ec2/record/base.ts';
import type { Kind, Records } from '../ec2/record/kind.ts';
import type { LearntPath } from '../ec2/record/routing.ts';
import type { Item } from './item.ts';

/** Something that was described and is not in the world as it was described. */
export interface Finding {
  /** The list that it was described in, such as `Vpcs`. */
  readonly list: string;
  readonly id: string;
  /** The member; absent where it is about the whole resource. */
  readonly field?: string;
  readonly why: string;
}

/** All items of a region of an account, by the list that they were described in. */
export type Described = ReadonlyMap<string, readonly Item[]>;

export interface Place {
  readonly account: string;
  readonly region: string;
  readonly described: Described;
  readonly find: (finding: Finding) => void;
}

/** A record of some kind. */
export type Made = { readonly [K in Kind]: { readonly kind: K; readonly record: Records[K] } }[Kind];

/** Makes what is described in one list; an empty answer leaves it out, and the reader has said why. */
export type Reader = (item: Item, place: Place) => readonly Made[];

export const made = <K extends Kind>(kind: K, record: Records[K] & Stored): readonly Made[] => [
  { kind, record } as unknown as Made,
];

/** A speaker beside a gateway that has the paths of its description, and no session. */
export const silentSpeaker = (
  speaker: Speaking,
  { account, region }: Place,
  paths: readonly LearntPath[],
): readonly Made[] =>
  made('gateway-speaker', { ...speaker, account, region, tags: {}, described: true, sessions: {}, paths });

const HEX_DIGITS = 17;

/** An id for what a description does not name; the same words give the same id. */
export function derivedId(prefix: string, ...words: readonly string[]): string {
  let digits = '';
  for (let round = 0; digits.length < HEX_DIGITS; round++) {
    let hash = 2166136261 ^ round;
    for (const ch of words.join('/')) hash = Math.imul(hash ^ (ch.codePointAt(0) ?? 0), 16777619) >>> 0;
    digits += hash.toString(16).padStart(8, '0');
  }
  return `${prefix}-${digits.slice(0, HEX_DIGITS)}`;
}

const GONE = ['deleted', 'deleting', 'failed', 'rejected', 'expired'];

/** A reader that leaves out what is gone, and says so. */
export const alive =
  (list: string, idName: string, stateOf: (item: Item) => string | undefined, read: Reader): Reader =>
  (item, place) => {
    const state = stateOf(item) ?? 'available';
    if (!GONE.includes(state)) return read(item, place);
    const id = item.text(idName) ?? '';
    item.ignore(...item.unread());
    place.find({ list, id, field: 'State', why: `it is ${state}, and carries nothing: left out` });
    return [];
  };
