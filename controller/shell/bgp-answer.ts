/** Answers to questions about BGP and BFD, from the running machines; nothing changes. */
import type { BfdStatus } from '../bfd/event.ts';
import { type Neighbor, neighbor, type Summary, summary } from '../bgp/query.ts';
import { type Explanation, explain, listRoutes, type RoutePage, type RouteQuery } from '../bgp/rib-query.ts';
import { now } from './clock.ts';
import type { Machines } from './machines.ts';

/** What `byoa bgp` asks. */
export type BgpQuestion =
  | { readonly what: 'summary' }
  | { readonly what: 'neighbor'; readonly name?: string | undefined }
  | ({ readonly what: 'rib' } & Omit<RouteQuery, 'scan' | 'peer' | 'under' | 'after'> & {
        readonly peer?: string | undefined;
        readonly under?: string | undefined;
        readonly after?: number | undefined;
      })
  | { readonly what: 'route'; readonly prefix: string }
  | { readonly what: 'bfd' };

export interface Slices {
  readonly count: number;
  readonly longestMs: number;
  readonly over10Ms: number;
}

export type SummaryAnswer = Summary & { readonly slices?: Slices };
export type NeighborAnswer = { readonly neighbors: readonly Neighbor[] };
export type RibAnswer = RoutePage;
export type RouteAnswer = Explanation;
export type BfdAnswer = { readonly sessions: readonly BfdStatus[] };

export interface Answer {
  readonly ok: boolean;
  readonly body: object;
}

/** Prefix numbers that one page looks at: a few milliseconds. */
const SCAN = 2000;

const no = (message: string): Answer => ({ ok: false, body: { message } });
const yes = (body: object): Answer => ({ ok: true, body });

export async function answerBgp(machines: Machines, question: BgpQuestion): Promise<Answer> {
  if (question.what === 'bfd') return yes({ sessions: await machines.bfdStatus() });
  const speaker = machines.speaker();
  if (speaker === undefined) return no('This daemon speaks no BGP: configure bgp.');
  const at = now();
  switch (question.what) {
    case 'summary':
      return yes({ ...summary(speaker, at), slices: machines.slices() });
    case 'neighbor': {
      const all = summary(speaker, at).peers.map(({ name }) => name);
      const wanted = question.name === undefined ? all : [question.name];
      const neighbors = wanted.flatMap((name) => neighbor(speaker, name, at) ?? []);
      if (neighbors.length > 0 || question.name === undefined) return yes({ neighbors });
      return no(`There is no neighbor '${question.name}'. The neighbors are: ${all.join(', ') || 'none'}.`);
    }
    case 'rib': {
      const { what: _, peer, under, after, ...query } = question;
      const some = {
        ...(peer === undefined ? {} : { peer }),
        ...(under === undefined ? {} : { under }),
        ...(after === undefined ? {} : { after }),
      };
      return yes(listRoutes(speaker.rib, { ...query, ...some, scan: SCAN }));
    }
    case 'route': {
      const found = explain(speaker.rib, question.prefix);
      return found === undefined ? no(`No route to ${question.prefix} is known.`) : yes(found);
    }
    default:
      return no('unknown question');
  }
}
