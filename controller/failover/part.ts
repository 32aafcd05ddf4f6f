/**
 * What a group owns, part by part: a part is what moves by a write of its own, such as one route. Parts of a
 * later stage are written when a look at EC2 shows those of the stages before in their places: nothing leads
 * to an owner that lacks what it needs to answer.
 */

import type { Appliance, EniResource, InRealm } from '../config.ts';
import type { ObservedEni } from '../ec2/call.ts';

/** The stages of a move, in their order. */
export const STAGES = ['interfaces', 'addresses', 'public-addresses', 'return-paths', 'paths'] as const;
export type Stage = (typeof STAGES)[number];

/** Who has what leads to the last resort of its group. No appliance has such a name. */
export const LAST_RESORT = 'the last resort';

/** The last resort in the place of an appliance: each part knows what it is for that. */
export const lastResort: Appliance = { name: LAST_RESORT, address: '', eni: '', probes: [] };

/** What a part is, as far as its writes have to know. */
export type Thing = What & InRealm;

type What =
  | {
      readonly kind: 'route' | 'transit-route';
      readonly table: string;
      readonly destination: string;
      /** The target of the route, or the attachment, when no member is left. */
      readonly lastResort?: string;
    }
  /** What a subnet or gateway uses: one of the prepared tables, by `association`, or, without, none. */
  | {
      readonly kind: 'association';
      readonly place: string;
      readonly association?: string;
      /** By member, and for the last resort. */
      readonly tables: Readonly<Record<string, string>>;
    }
  /** A private address; `holder` is the ENI that has it. */
  | { readonly kind: 'address'; readonly address: string; readonly holder?: string }
  | { readonly kind: 'eip'; readonly allocation: string; readonly address?: string }
  /** `eni` is absent where it was not found. */
  | { readonly kind: 'eni'; readonly resource: EniResource; readonly eni?: ObservedEni };

/** Who has a part. */
export type Held =
  /** `arriving` and `leaving`: the ENI is being attached to the member, or detached from it. */
  | { readonly kind: 'member'; readonly member: string; readonly phase: 'settled' | 'arriving' | 'leaving' }
  /** It serves, on somebody's decision, something that is no member. */
  | { readonly kind: 'foreign'; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string };

/** One part as it was seen. */
export interface Part {
  /** Names it among the parts of its group, and in what is told: `rtb-1 0.0.0.0/0`. */
  readonly key: string;
  readonly stage: Stage;
  /** Of a stage's parts, those with a lower one are written first: default routes, then as configured. */
  readonly rank: number;
  readonly thing: Thing;
  /** The parts of a group with the same name here are written together. */
  readonly symmetric?: string;
  readonly exists: boolean;
  readonly held: Held;
  /** What was seen, to compare and to tell: where a route leads, how an ENI is attached. */
  readonly shown: string;
}

/** The member that has the part, whatever its phase. */
export const memberOf = ({ held }: Part): string | undefined =>
  held.kind === 'member' ? held.member : undefined;

/** Whether a member has the part for good. */
export const isWith = ({ held }: Part, member: string): boolean =>
  held.kind === 'member' && held.member === member && held.phase === 'settled';
