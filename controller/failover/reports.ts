/** What EC2 finds of the appliances' instances, for verdicts; and when it is to be asked at once. */
import type { Instant } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { ObservedStatus } from '../ec2/call.ts';
import type { Health } from '../health/health.ts';
import type { Report } from '../health/quorum.ts';
import { type Observed, want } from './observe.ts';
import { instanceOf } from './parts.ts';
import { statusSource } from './sources.ts';

/** So many rounds a report counts. */
const ROUNDS = 3;

/** The health with what EC2 was last seen to find. */
export function reported(health: Health, config: Config, observed: Observed): Health {
  const { instanceStatusMs } = config;
  if (instanceStatusMs === undefined) return health;
  const reports = config.appliances.flatMap((appliance): [string, Report][] => {
    const seen = observed.sources[statusSource(appliance)]?.seen;
    const status = observed.statuses[instanceOf(appliance, observed) ?? ''];
    if (seen === undefined || status === undefined) return [];
    return [[appliance.name, { ...judged(status), until: seen.at + ROUNDS * instanceStatusMs }]];
  });
  return { ...health, reports: Object.fromEntries(reports) };
}

/** A state that no machine runs in, or a failed check, is a death; checks that are not done say nothing. */
function judged({ state, checks }: ObservedStatus): Pick<Report, 'dead' | 'reason'> {
  if (state !== 'running' && state !== 'pending') return { dead: true, reason: `its instance is ${state}` };
  return { dead: checks === 'impaired', reason: `its status checks are ${checks}` };
}

/** Asks EC2 at once where this node's probes find an appliance dead, and others have to agree. */
export function askEc2(observed: Observed, config: Config, { verdicts }: Health, now: Instant): Observed {
  if (config.instanceStatusMs === undefined) return observed;
  let next = observed;
  for (const appliance of config.appliances) {
    const since = verdicts[appliance.name]?.wantsSince;
    const source = statusSource(appliance);
    const { seen } = observed.sources[source] ?? {};
    if (since === undefined || (seen?.at ?? Number.NEGATIVE_INFINITY) >= since) continue;
    next = want(next, [source], seen?.request ?? -1, now);
  }
  return next;
}
