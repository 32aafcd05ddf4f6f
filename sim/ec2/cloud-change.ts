/** What a commit changes in a cloud, as data: a world file is made of these. Types only. */
import type { Instant } from '../../controller/base/time.ts';
import type { Transition } from './handler.ts';
import type { Stored } from './record/base.ts';
import type { Kind } from './record/kind.ts';
import type { Quotas } from './settings.ts';

/** A step of a state machine that is planned. */
export interface Scheduled {
  readonly at: Instant;
  /** Names it, and orders what is due at the same instant. */
  readonly seq: number;
  readonly account: string;
  readonly region: string;
  readonly transition: Transition;
}

export type CloudChange =
  /** The record is new, or as it is now. `scope` is an account and region, an account, or `cloud`. */
  | { readonly kind: 'put'; readonly table: Kind; readonly scope: string; readonly record: Stored }
  | { readonly kind: 'remove'; readonly table: Kind; readonly scope: string; readonly id: string }
  /** A region of an account is in use. */
  | { readonly kind: 'region'; readonly name: string }
  | { readonly kind: 'planned'; readonly step: Scheduled }
  /** The planned step of this number is done. */
  | { readonly kind: 'done'; readonly seq: number }
  /** What was answered to a request with a ClientToken. */
  | { readonly kind: 'token'; readonly key: string; readonly input: object; readonly output: object }
  /** The quotas that a region of an account has of its own, in the place of those before. */
  | { readonly kind: 'quotas'; readonly name: string; readonly quotas: Partial<Quotas> };
