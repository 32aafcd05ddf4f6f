/** What source NAT remembers: in guests that masquerade and in NAT gateways (masquerade.ts). */
import type { FlowTable } from './flow-table.ts';

/** An address of the guest or gateway; words are signed. */
export interface OwnAddress {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/** One flow as the guest or gateway knows it. Words are signed. */
export interface NatFlow {
  /** The address that stands for the source on the wire. */
  readonly own: OwnAddress;
  readonly port: number;
  readonly s0: number;
  readonly s1: number;
  readonly s2: number;
  readonly s3: number;
  readonly sourcePort: number;
  answered: boolean;
}

export interface Nat {
  /** By the packet as it came in. */
  readonly forward: FlowTable<NatFlow>;
  /** By the answer as it will come back. */
  readonly back: FlowTable<NatFlow>;
  /** Where in a given range of ports the next search begins. */
  next: number;
}
