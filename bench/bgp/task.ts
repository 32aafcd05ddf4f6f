/** The task that all speakers under test have: who peers with them, and what their policies hold. */

export interface Party {
  readonly address: string;
  readonly as: number;
}

/** Who peers with the speaker under test. */
export interface Parties {
  readonly senders: readonly Party[];
  readonly receiver: Party;
}

export const SPEAKER_AS = 65_000;
/** Put on all that a sender announces, and wanted of all that the receiver gets. */
export const COMMUNITY = '65000:100';

/** Refused with all that is longer. */
export const MARTIANS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
