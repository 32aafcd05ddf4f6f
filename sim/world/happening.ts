/**
 * What a world writes down: API calls, changes of the data plane, power, flows, faults. Pure data; `GET
 * /_byoa/events`.
 */
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { ResourceKind } from '../vpc/model.ts';

export type Power = 'running' | 'frozen' | 'dead';

export type Happening =
  /**
   * An API call as it ended; `at` is the instant at which it took effect. `outcome` is `ok`, an error code,
   * or `unanswered`.
   */
  | {
      readonly kind: 'api';
      readonly service: string;
      readonly action: string;
      readonly account: string;
      readonly region: string;
      /** The ids and CIDR blocks that the request names. */
      readonly subjects: readonly string[];
      readonly requestedAt: Instant;
      readonly durationMs: Millis;
      readonly outcome: string;
      /** Whether the call changed the account, where that is not what `outcome` says. */
      readonly applied: boolean;
    }
  /** A change took effect in the data plane, `afterMs` after the API had made it. */
  | {
      readonly kind: 'change';
      readonly resource: ResourceKind;
      readonly id: string;
      readonly gone: boolean;
      readonly afterMs: Millis;
    }
  | { readonly kind: 'power'; readonly instance: string; readonly power: Power; readonly reason: string }
  /** What somebody did to a guest other than its power: `hang`, `resume`, `drop`, `nodrop`, `profile`... */
  | { readonly kind: 'guest'; readonly instance: string; readonly what: string }
  | {
      readonly kind: 'flow';
      readonly flow: string;
      readonly what: 'started' | 'stopped' | 'lost' | 'back';
      /** With `back`: packets lost since the flow was last seen to work, and the gap in ms. */
      readonly lostPackets?: number;
      readonly gapMs?: Millis;
    }
  | {
      readonly kind: 'link';
      readonly what: 'cut' | 'healed' | 'loss' | 'trouble';
      readonly between: readonly string[];
      readonly loss: number;
    }
  | { readonly kind: 'attach'; readonly instance: string; readonly what: 'attached' | 'gone' }
  | { readonly kind: 'fault'; readonly what: string };

export type Logged = Happening & { readonly seq: number; readonly at: Instant };
