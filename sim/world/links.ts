/**
 * Links: how long a crossing takes, and what cuts and loss do to it. A crossing goes from machine to
 * machine, or host.
 */
import { err, ok, type Result } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { draw, type Kernel, record } from './kernel.ts';
import type { Links } from './settings.ts';

/**
 * Loss between two machines (instance ids, host addresses); `*` stands for all, `internet` for all hosts. A
 * loss of 1 is a cut.
 */
export interface Cut {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly direction: 'both' | 'one-way';
  readonly loss: number;
  /** What befalls the packets that are not lost. */
  readonly trouble?: Trouble;
}

export interface Trouble {
  /** How much longer a crossing takes, and up to how much more by chance: then packets overtake others. */
  readonly delayMs: Millis;
  readonly jitterMs: Millis;
  /** Share of packets (0-1) that arrive twice. */
  readonly twice: number;
}

export interface LinkState extends Kernel {
  readonly links: { -readonly [K in keyof Links]: Links[K] };
  readonly cuts: Map<string, Cut>;
}

/** Cuts, or makes lossy, the link between two machines; the answer is the cut with its id. */
export function addCut(
  state: LinkState,
  cut: Omit<Cut, 'id'> & { readonly id?: string | undefined },
): Result<Cut> {
  const id = cut.id ?? `cut-${state.nextLogSeq}`;
  if (state.cuts.has(id)) return err(`there is a cut '${id}' already`);
  const made = { ...cut, id };
  state.cuts.set(id, made);
  record(state, {
    kind: 'link',
    what: cut.loss === 1 ? 'cut' : cut.loss > 0 ? 'loss' : 'trouble',
    between: [cut.from, cut.to],
    loss: cut.loss,
  });
  return ok(made);
}

/** Heals a cut; false where there is none of this id. */
export function removeCut(state: LinkState, id: string): boolean {
  const cut = state.cuts.get(id);
  if (cut === undefined) return false;
  state.cuts.delete(id);
  record(state, { kind: 'link', what: 'healed', between: [cut.from, cut.to], loss: 0 });
  return true;
}

/** Why a packet does not survive the crossing from `from` to `to`, if so. */
export function lossOf(state: LinkState, from: string, to: string): 'LINK_CUT' | 'LINK_LOSS' | undefined {
  for (const cut of state.cuts.values()) {
    if (cut.loss === 0 || !concerns(cut, from, to)) continue;
    if (cut.loss === 1) return 'LINK_CUT';
    if (draw(state, 'link loss') < cut.loss) return 'LINK_LOSS';
  }
  return state.links.loss > 0 && draw(state, 'link loss') < state.links.loss ? 'LINK_LOSS' : undefined;
}

const concerns = (cut: Cut, from: string, to: string): boolean =>
  (meets(cut.from, from) && meets(cut.to, to)) ||
  (cut.direction === 'both' && meets(cut.from, to) && meets(cut.to, from));

/** What a packet that is not lost meets on the crossing from `from` to `to`. */
export function troubleOf(
  state: LinkState,
  from: string,
  to: string,
): { readonly delayMs: Millis; readonly twice: boolean } {
  let [delayMs, twice] = [0, false];
  for (const cut of state.cuts.values()) {
    if (cut.trouble === undefined || !concerns(cut, from, to)) continue;
    delayMs += cut.trouble.delayMs + cut.trouble.jitterMs * draw(state, 'link jitter');
    twice ||= draw(state, 'link twice') < cut.trouble.twice;
  }
  return { delayMs, twice };
}

/** Whether a cut (not a mere loss rate) lies between the two. */
export const cutBetween = (state: LinkState, from: string, to: string): boolean =>
  [...state.cuts.values()].some((cut) => cut.loss === 1 && concerns(cut, from, to));

/** `*` is everybody, `internet` every host outside. */
const meets = (pattern: string, name: string): boolean =>
  pattern === '*' || pattern === name || (pattern === 'internet' && !/^(i|eni)-/.test(name));

/** How long a crossing takes between zones, ms; undefined stands for the Internet. */
export function crossingMs(links: Links, from: string | undefined, to: string | undefined): Millis {
  if (from === undefined || to === undefined) return links.internetMs;
  return from === to ? links.withinZoneMs : links.acrossZonesMs;
}
