/**
 * What a handler is and what it may use. A handler is a pure function of the account's state, the request and
 * the time: it reads and writes through its transaction, refuses by `refuse`, and nothing of a refused
 * request is kept. Checked for it beforehand: unknown and required parameters; done for it around: DryRun,
 * ClientToken, throttling.
 */
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Occupied } from './occupied.ts';
import type { Kind, Records } from './record/kind.ts';
import type { CloudSettings } from './settings.ts';

/** A step of a state machine that becomes due: data, so that it can be kept and shown. */
export interface Transition {
  /** A name in the table of transitions (handlers.ts). */
  readonly name: string;
  /** What it is about; the transition finds out whether it still applies. */
  readonly id: string;
}

/** One request's view of the cloud. Kinds of account scope are seen from every region of the account. */
export interface Tx {
  readonly account: string;
  readonly region: string;
  /** The ARN of the role's session that asks; absent where it is the account itself. */
  readonly principal?: string;
  readonly now: Instant;
  readonly settings: CloudSettings;
  /** `now` as EC2 shows it. */
  readonly date: () => Date;
  readonly get: <K extends Kind>(kind: K, id: string) => Records[K] | undefined;
  /** As `get`, but refuses with EC2's words when the id is malformed or absent. */
  readonly need: <K extends Kind>(kind: K, id: string) => Records[K];
  /** All of a kind, in order of creation. */
  readonly list: <K extends Kind>(kind: K) => readonly Records[K][];
  /** How many of a kind there are. */
  readonly count: (kind: Kind) => number;
  /**
   * The records of a kind that refer to an id (`refersTo` in kinds.ts): children, users, by association id.
   */
  readonly referring: <K extends Kind>(kind: K, id: string) => readonly Records[K][];
  /** The private addresses of a subnet that ENIs hold. */
  readonly occupied: (subnet: string) => Occupied;
  /** The place of a record in `list`: records made later have higher ones. */
  readonly order: (kind: Kind, id: string) => number;
  readonly put: <K extends Kind>(kind: K, record: Records[K]) => Records[K];
  readonly remove: (kind: Kind, id: string) => void;
  /** A new id such as `vpc-0123456789abcdef0`. */
  readonly newId: (prefix: string) => string;
  /** The next number in [0, 1) of the cloud's seeded stream. */
  readonly random: () => number;
  /**
   * Runs a transition after `delay`; with 0 it runs right after the request, which still sees the state
   * before.
   */
  readonly after: (delay: Millis, transition: Transition) => void;
  /** The view of the same request on another region of the account. */
  readonly at: (region: string) => Tx;
}

/** A handler with its types forgotten, as the table holds it. */
export type Handler = (tx: Tx, input: object) => object | undefined;

export type Handlers = Readonly<Record<string, Handler>>;

/**
 * Makes a table entry of a typed handler; the codec and the required-members check vouch for the input's
 * type.
 */
export const handler =
  <I extends object, O extends object | undefined = undefined>(run: (tx: Tx, input: I) => O): Handler =>
  (tx, input) =>
    run(tx, input as I);

/** What a transition does. It runs in a transaction of its own, in the account and region of its request. */
export type Transitions = Readonly<Record<string, (tx: Tx, id: string) => void>>;
