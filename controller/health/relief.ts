/**
 * Whether the neighbors of an appliance that is to stop have another way: whoever takes its routes must have
 * a session with another one before. Appliances tell each other, by their words, how many they have.
 */
import type { Instant } from '../base/time.ts';
import { type Config, ownAppliance } from '../config.ts';
import type { Health } from './health.ts';
import { isFresh } from './probe.ts';

/** BGP sessions by neighbor. */
export interface Known {
  readonly bgp: Readonly<Record<string, { readonly state: string }>>;
}

/** How many neighbors the own appliance announces its routes to: by this daemon, or a speaker beside it. */
export function served(config: Config, { probes }: Health, { bgp }: Known): number {
  const own = ownAppliance(config);
  if (own === undefined) return 0;
  const beside = own.probes.filter(({ kind }) => kind === 'speaker').map(({ id }) => probes[id]?.serves ?? 0);
  const announces = (config.bgp?.options.originate ?? []).length > 0;
  const here = announces ? Object.values(bgp).filter(({ state }) => state === 'established').length : 0;
  return beside.reduce((sum, count) => sum + count, here);
}

/**
 * Whether nobody takes routes from the own appliance, or a healthy one has as many who do, or there is none
 * that could say so.
 */
export function isRelieved(config: Config, health: Health, sessions: Known, now: Instant): boolean {
  const own = served(config, health, sessions);
  const words = config.appliances
    .filter(({ name }) => name !== config.node)
    .flatMap(({ name, probes }) =>
      probes.filter(({ kind }) => kind === 'daemon').map((probe) => ({ name, probe })),
    );
  if (own === 0 || words.length === 0) return true;
  return words.some(({ name, probe }) => {
    const state = health.probes[probe.id];
    const isSaid = state !== undefined && isFresh(state, probe, now);
    return isSaid && health.verdicts[name]?.kind === 'healthy' && (state.serves ?? 0) >= own;
  });
}
