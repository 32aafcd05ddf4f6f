/** Where the time of a blackout went, from what the world, the daemons and the traffic saw. Pure; Unix ms. */
import type { Instant, Millis } from '../../../controller/base/time.ts';
import type { Logged } from '../../world/happening.ts';

export interface Split {
  /** From the failure to the first daemon's notice. */
  readonly detectMs?: Millis;
  /** From there to the first call that writes. */
  readonly decideMs?: Millis;
  /** From there to the last such call's effect in the account, and on to its effect on packets. */
  readonly callMs?: Millis;
  readonly propagateMs?: Millis;
  /** From the last of these to the first answer. */
  readonly restMs?: Millis;
}

export interface Seen {
  readonly struckAt: Instant;
  readonly backAt: Instant;
  /** When a daemon first said that it had noticed. */
  readonly noticedAt: Instant | undefined;
  readonly events: readonly Logged[];
}

const isWrite = (action: string): boolean => !/^(Describe|Get|List|Search|AssumeRole)/.test(action);

/** Data that daemons move: what a change of them means for packets takes effect some time after the call. */
const MOVED: readonly string[] = ['route-table', 'network-interface', 'transit-gateway-route-table'];

/** How two clocks of one computer, and the reading of them, may differ. */
const SLACK_MS = 5;

export function splitOf({ struckAt, backAt, noticedAt, events }: Seen): Split {
  const within = (at: Instant): boolean => at >= struckAt && at <= backAt + SLACK_MS;
  const writes = events.flatMap((event) =>
    event.kind === 'api' &&
    event.applied &&
    event.service === 'ec2' &&
    isWrite(event.action) &&
    within(event.requestedAt) &&
    within(event.at)
      ? [event]
      : [],
  );
  const changed = events.findLast(
    (event) => event.kind === 'change' && MOVED.includes(event.resource) && within(event.at),
  );
  const detected = noticedAt !== undefined && noticedAt <= backAt ? noticedAt : undefined;
  const first = writes.length === 0 ? undefined : Math.min(...writes.map(({ requestedAt }) => requestedAt));
  const last = writes.at(-1);
  const done = changed?.at ?? detected;
  return {
    ...(detected !== undefined && { detectMs: detected - struckAt }),
    ...(detected !== undefined && first !== undefined && { decideMs: first - detected }),
    ...(first !== undefined && last !== undefined && { callMs: last.at - first }),
    ...(last !== undefined && changed !== undefined && { propagateMs: changed.at - last.at }),
    ...(done !== undefined && { restMs: backAt - done }),
  };
}
