/** What a case of the matrix is, and what it is given: a daemon, a speaker of ours, and their addresses. */
import type { Family, NeighborOptions, SpeakerOptions } from '../../controller/bgp/options.ts';
import type { Kind } from './daemons.ts';
import type { Lab } from './lab.ts';
import type { OurProcess, Ours } from './ours.ts';
import type { PeerDaemon } from './peer.ts';
import type { NeighborSpec } from './spec.ts';

/** A case for each daemon that supports it. */
export type Case = Shared &
  (
    | { readonly manual?: false; readonly run: (trial: Trial, ours: Ours) => Promise<void> }
    /** It starts its speakers itself. */
    | { readonly manual: true; readonly run: (trial: Trial) => Promise<void> }
  );

interface Shared {
  readonly name: string;
  /** Kinds of daemons that it leaves out, and why. */
  readonly without?: Partial<Readonly<Record<Kind, string>>>;
  /** How the daemon sees us, and each further speaker of ours that the case has. */
  readonly peer?: Partial<NeighborSpec>;
  readonly others?: readonly Partial<NeighborSpec>[];
  /** Addresses of ours that the daemon does not know, behind those of `others`. */
  readonly spares?: number;
  /** How we see the daemon. */
  readonly ours?: Partial<NeighborOptions>;
}

/** One case with one daemon over one family. */
export interface Trial {
  readonly kind: Kind;
  readonly family: Family;
  readonly peer: PeerDaemon;
  /** The daemon's address. */
  readonly theirs: string;
  /** Our address, and those of further speakers. */
  readonly address: string;
  readonly others: readonly string[];
  /** What the daemon announces in this family. */
  readonly network: string;
  /** What our speaker announces in this family. */
  readonly own: string;
  readonly process: OurProcess;
  readonly lab: Lab;
  /** Options of a speaker of ours at an address, with the daemon as its neighbor `peer`. */
  readonly optionsAt: (
    address: string,
    neighbor?: Partial<NeighborOptions>,
    more?: Partial<SpeakerOptions>,
  ) => SpeakerOptions;
  /** Starts a speaker, which ends with the trial; `name` tells it from others of the trial. */
  readonly start: (name: string, options: SpeakerOptions, restarted?: boolean) => Ours;
}
