/** What EC2 finds of the appliances' instances, for verdicts; and when it is to be asked at once. */
import type { Instant } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { ObservedStatus } from '../ec2/call.ts';
import type { Health } from '../health/health.ts';
import type { Report } from '../health/quorum.ts';
import { type Observed, STATUS, want } from './observe.ts';
import { instanceOf } from './parts.ts';

/** So many rounds a report counts. */
const ROUNDS = 3;

/** The health with what EC2 was last seen to find. */
export function reported(health: Health, config: Config, observed: Observed): Health {
  const seen = observed.sources[STATUS]?.seen;
  if (config.instanceStatusMs === undefined || seen === undefined) return health;
  const until = seen.at + ROUNDS * config.instanceStatusMs;
  const reports = config.appliances.flatMap((appliance): [string, Report][] => {
    const status = observed.statuses[instanceOf(appliance, observed) ?? ''];
    return status === undefined ? [] : [[appliance.name, { ...judged(status), until }]];
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
  const since = Object.values(verdicts).flatMap(({ wantsSince }) => wantsSince ?? []);
  const { seen } = observed.sources[STATUS] ?? {};
  if (since.length === 0 || (seen?.at ?? Number.NEGATIVE_INFINITY) >= Math.max(...since)) return observed;
  return want(observed, [STATUS], seen?.request ?? -1, now);
}
