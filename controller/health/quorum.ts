/**
 * Who besides this node's own probes says that an appliance is dead: its own daemon, EC2, and the daemons on
 * other appliances and of observers by what their own probes find. A source that is silent, or whose word is
 * old, says nothing: it counts neither way. Each source has one voice, however many probes it is asked by.
 */
import type { Instant } from '../base/time.ts';
import { type Evidence, isFresh } from './probe.ts';

/** What EC2 finds of an instance, and until when that counts. */
export interface Report {
  readonly dead: boolean;
  /** `its instance is stopped`. */
  readonly reason: string;
  readonly until: Instant;
}

/** How many must agree, and what EC2 says, by appliance. */
export interface Jury {
  readonly quorum: number;
  readonly reports: Readonly<Record<string, Report>>;
}

/** The sources beside this node's own probes that say that the appliance is dead, in words. */
export function accusers(
  appliance: string,
  all: readonly Evidence[],
  { reports }: Jury,
  now: Instant,
): readonly string[] {
  const report = reports[appliance];
  const byEc2 = report?.dead && now <= report.until ? [`EC2 (${report.reason})`] : [];
  const daemons = all.filter(({ config, state }) => {
    if (config.kind !== 'daemon' || !isFresh(state, config, now)) return false;
    return config.appliance === appliance ? state.state === 'down' : state.dead?.includes(appliance);
  });
  const names = daemons.map(({ config }) => `the daemon of ${config.appliance}`);
  return [...byEc2, ...new Set(names)];
}
