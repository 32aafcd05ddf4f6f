/** Answers to questions about BGP and BFD, from the running machines; nothing changes. */
import { parsePrefix } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { BfdStatus } from '../bfd/event.ts';
import type { SpeakerInput } from '../bgp/event.ts';
import { type Neighbor, neighbor, type Summary, summary } from '../bgp/query.ts';
import { type Explanation, explain, listRoutes, type RoutePage, type RouteQuery } from '../bgp/rib-query.ts';
import type { Speaker } from '../bgp/speaker.ts';
import { suggest } from '../config/suggest.ts';
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
      const wanted = question.name === undefined ? ok(undefined) : nameOf(speaker, question.name);
      if (!wanted.ok) return no(wanted.error);
      const names = wanted.value === undefined ? [...speaker.peers.keys()] : [wanted.value];
      return yes({ neighbors: names.flatMap((name) => neighbor(speaker, name, at) ?? []) });
    }
    case 'rib': {
      const { what: _, peer, under, after, ...query } = question;
      const name = peer === undefined ? ok(undefined) : nameOf(speaker, peer);
      if (!name.ok) return no(name.error);
      const within = under === undefined ? undefined : parsePrefix(under);
      if (within?.ok === false) return no(badPrefix(within.error));
      const some = {
        ...(name.value === undefined ? {} : { peer: name.value }),
        ...(under === undefined ? {} : { under }),
        ...(after === undefined ? {} : { after }),
      };
      return yes(listRoutes(speaker.rib, { ...query, ...some, scan: SCAN }));
    }
    case 'route':
      return answerRoute(speaker, question.prefix);
    default:
      return no('unknown question');
  }
}

/** The name of a neighbor that is called by its name or its address; a sentence where there is none. */
function nameOf({ peers, byAddress }: Speaker, nameOrAddress: string): Result<string> {
  const peer = peers.get(nameOrAddress) ?? byAddress.get(nameOrAddress);
  if (peer !== undefined) return ok(peer.name);
  const names = [...peers.keys()];
  const maybe = suggest(nameOrAddress, names).replace(/^d/, 'D');
  return err(
    `There is no neighbor '${nameOrAddress}'. ${maybe}The neighbors are: ${names.join(', ') || 'none'}.`,
  );
}

/** An order with its neighbor called by name; a sentence where there is no such neighbor. */
export function addressed(speaker: Speaker | undefined, input: SpeakerInput): Result<SpeakerInput> {
  if (speaker === undefined || !('peer' in input)) return ok(input);
  const name = nameOf(speaker, input.peer);
  return name.ok ? ok({ ...input, peer: name.value }) : name;
}

const badPrefix = (why: string): string => `${why}: write 192.0.2.0/24 or 2001:db8::/32.`;

/** The paths of a prefix, or of the longest prefix that holds an address. */
function answerRoute({ rib }: Speaker, text: string): Answer {
  const isAddress = !text.includes('/');
  const width = text.includes(':') ? 128 : 32;
  const parsed = parsePrefix(isAddress ? `${text}/${width}` : text);
  if (!parsed.ok)
    return no(badPrefix(isAddress ? `'${text}' is no address and no CIDR block` : parsed.error));
  const least = isAddress ? 0 : parsed.value.length;
  const bare = text.split('/')[0] ?? text;
  for (let length = parsed.value.length; length >= least; length--) {
    const found = explain(rib, `${bare}/${length}`);
    if (found !== undefined && found.paths.length > 0) return yes(found);
  }
  return no(`No route to ${text} is known.`);
}
