/** What the traffic of a machine tells of itself: counts of each flow so far. Data only; times in Unix ms. */
import { z } from 'zod';

/** A silence between two answers, and the datagrams of it that were never answered. */
const gap = z.strictObject({ from: z.number(), to: z.number(), lost: z.number() });

const udp = z.strictObject({
  answered: z.number(),
  /** Sent before the last that was answered, and not answered. */
  missing: z.number(),
  lastAt: z.number(),
  gaps: z.array(gap),
});

const tcp = z.strictObject({
  /** Connections that were made, and those that broke. */
  made: z.number(),
  broken: z.number(),
  lastAt: z.number(),
});

const http = z.strictObject({ answered: z.number(), failed: z.number() });

export const flowReport = z.strictObject({ name: z.string(), udp, tcp, http });
/** The answer to a line with a number. */
export const trafficReport = z.strictObject({ number: z.number(), flows: z.array(flowReport) });

export type Gap = z.infer<typeof gap>;
export type FlowReport = z.infer<typeof flowReport>;
export type TrafficReport = z.infer<typeof trafficReport>;

/** What a machine is to send and to answer. */
export interface TrafficWanted {
  /** Addresses of its own on which it answers; `0.0.0.0` is all. */
  readonly answers: readonly string[];
  readonly flows: readonly { readonly name: string; readonly to: string }[];
}

/** Silences that are shorter are the load of this computer. */
export const LEAST_GAP_MS = 60;
