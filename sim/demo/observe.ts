/** The simulator's own log as observations for a timeline. Pure. */
import { formatMillis } from '../../controller/base/time.ts';
import type { Logged } from '../index.ts';
import type { Observation } from './report.ts';

/** What belongs on a timeline: power and the data plane. API calls are told by the daemon that makes them. */
export function simulatorObservations(
  events: readonly Logged[],
  nameOf: (id: string) => string,
): Observation[] {
  return events.flatMap((event): Observation[] => {
    const seen = (topic: string, text: string): Observation[] => [
      { at: event.at, who: 'simulator', topic, text },
    ];
    if (event.kind === 'power' && event.power === 'dead') {
      return seen('kill', `Appliance ${nameOf(event.instance)} has no power.`);
    }
    if (event.kind === 'change' && event.resource === 'route-table') {
      return seen(
        'data-plane',
        `Route in effect in ${event.id}, ${formatMillis(event.afterMs)} after the API.`,
      );
    }
    if (event.kind === 'change' && event.resource === 'network-interface') {
      return seen(
        'data-plane',
        `${event.id} follows in the data plane, ${formatMillis(event.afterMs)} after the API.`,
      );
    }
    return [];
  });
}
