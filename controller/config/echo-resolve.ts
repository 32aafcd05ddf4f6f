/** Echoes to BGP neighbors, as probes. */
import type { BgpConfig } from './bgp-model.ts';
import { echoRounds } from './bgp-schema.ts';
import type { Note } from './finding.ts';
import type { EchoProbe } from './model.ts';
import { timesOf } from './rounds.ts';
import type { ParsedFile } from './schema.ts';

const INTERVAL_MS = 300;

/** In the order of the neighbors that have them. */
export function resolveEchoes({ bgp }: ParsedFile, resolved: BgpConfig, note: Note): readonly EchoProbe[] {
  return resolved.options.neighbors.flatMap(({ name, address }, index): readonly EchoProbe[] => {
    const echo = bgp?.neighbors[index]?.echo ?? false;
    if (echo === false) return [];
    const given = echo === true ? echoRounds.parse({}) : echo;
    const times = timesOf(given, INTERVAL_MS, ['bgp', 'neighbors', index, 'echo'], note);
    const { rise, fall } = given;
    const base = {
      id: `bgp/${name}`,
      appliance: name,
      ...times,
      rise,
      fall,
      advisory: true,
      from: 'all',
    } as const;
    return [{ ...base, kind: 'icmp', address }];
  });
}
