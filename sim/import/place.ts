/** What all readers of descriptions share: where the resources live, and where findings go. */
import type { Stored } from '../ec2/record/base.ts';
import type { Kind, Records } from '../ec2/record/kind.ts';
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
