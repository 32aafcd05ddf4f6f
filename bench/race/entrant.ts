/** What an entrant of the race is. */
import type { Place, Side, Stage } from './stage.ts';
import type { Layout } from './world.ts';

export interface Entrant {
  readonly name: string;
  /** How it detects, in words; with the marks of the row. */
  readonly settings: string;
  /** What it is: byoa's default is the headline, faster rows are marked. */
  readonly mark: string;
  /** The time without a heartbeat after which it acts by its settings, ms. */
  readonly detectionMs: number;
  /** What is missing on this machine; undefined where it can run. */
  readonly missing: () => string | undefined;
  /** Its version, in a line. */
  readonly version: () => string;
  /** Starts it on an appliance that has just booted; `serving` is the first that the route leads to. */
  readonly start: (stage: Stage, side: Side, serving: boolean) => Promise<void>;
  /** Whether both appliances watch each other, and `owner` serves. */
  readonly ready: (stage: Stage, owner: Side) => Promise<boolean>;
  /** When it noticed on `place`, by its own log, Unix ms; the last time. */
  readonly noticedAt: (stage: Stage, place: Place) => Promise<number | undefined>;
  /** Whether its heartbeats are BFD's, so that the last one can be seen on the wire. */
  readonly bfd: boolean;
  /** Where the machines are; `zones` where absent. */
  readonly layout?: Layout;
  /** Who notices, and acts: the heir where absent. In a subnet the client, by its own kernel: no call. */
  readonly actor?: 'client';
  /** Started on the client, where it has a part. */
  readonly startClient?: (stage: Stage) => Promise<void>;
  /** Moves to `to`, as planned; undefined where it has no order for that. */
  readonly switchover?: (stage: Stage, to: Side) => Promise<void>;
}
