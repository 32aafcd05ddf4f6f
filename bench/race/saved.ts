/** What is kept of a course, as race/results.json has it, and what the page counts from it. Pure. */
import type { Idle } from './idle.ts';
import type { Course, Kill } from './kills.ts';
import { API_MS, PROPAGATION_MS } from './knobs.ts';

export interface Saved {
  readonly name: string;
  readonly settings: string;
  readonly mark: string;
  readonly version: string;
  readonly detectionMs: number;
  /** What the lab puts into each move by the API; `INJECTED_MS` where absent. */
  readonly injectedMs?: number;
  readonly day: string;
  readonly machine: string;
  /** The machine's load average over the last five minutes. */
  readonly load: number;
  readonly kills: readonly Kill[];
  readonly idle: Idle;
  readonly switchovers: readonly number[];
}

export const INJECTED_MS = API_MS + PROPAGATION_MS;

const tenths = (value: number): number => Math.round(value * 10) / 10;

function roundedKill(kill: Kill): Kill {
  const entries = Object.entries(kill).map(([key, value]) => [key, value && tenths(value)]);
  return Object.fromEntries(entries) as unknown as Kill;
}

export const savedOf = ({ entrant, kills, idle, switchovers, load }: Course, machine: string): Saved => ({
  name: entrant.name,
  settings: entrant.settings,
  mark: entrant.mark,
  version: entrant.version(),
  detectionMs: entrant.detectionMs,
  ...(entrant.actor === 'client' ? { injectedMs: 0 } : {}),
  day: new Date().toISOString().slice(0, 10),
  machine,
  load: tenths(load),
  kills: kills.map(roundedKill),
  idle: { cpuPercent: tenths(idle.cpuPercent), rssMiB: tenths(idle.rssMiB) },
  switchovers,
});

/** The blackouts less the entrant's own detection and what was injected, ms. */
export const remainders = ({ kills, injectedMs = INJECTED_MS }: Saved): readonly number[] =>
  kills.map(({ blackoutMs, detectMs }) => blackoutMs - detectMs - injectedMs);
