/** DynamoDB in world time: as the other APIs, a request takes effect at the end of its latency. */
import { unreachable } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import { handle, type Reply, type Request } from '../dynamodb/service.ts';
import { denialOf } from '../ec2/service.ts';
import type { Api } from './api.ts';
import { schedule } from './kernel.ts';

export interface TablesRequest extends Request {
  readonly service: 'dynamodb';
  /** The role's session that asks; absent where it is the account itself. */
  readonly principal?: string;
}

/** From a request to its answer, where the APIs take their time at all. A guess. */
const LATENCY_MS = 5;
/** The same while it is slow. */
const SLOW_MS = 3000;

/** From a request to its answer while all is well. */
export const tablesLatencyMs = ({ knobs }: Api): Millis => Math.min(LATENCY_MS, knobs.latency.medianMs);

/** A request takes effect at `now`. */
export function performOnTables({ cloud, tables }: Api, asked: TablesRequest, now: Instant): Reply {
  const input = Object(asked.input) as object;
  return denialOf(cloud, { ...asked, input }, now) ?? handle(tables, asked);
}

/** Makes a request now; `reply` runs once when the answer is there, and never where it is lost. */
export function askTables(api: Api, asked: TablesRequest, reply: (reply: Reply) => void): void {
  const { kernel, knobs } = api;
  const after = (ms: number, then: (answer: Reply) => void): void =>
    schedule(kernel, kernel.now + ms, () => then(performOnTables(api, asked, kernel.now)));
  const latencyMs = tablesLatencyMs(api);
  switch (knobs.dynamodb) {
    case 'up':
      after(latencyMs, reply);
      break;
    case 'slow':
      after(SLOW_MS, reply);
      break;
    case 'unanswered':
      after(latencyMs, () => undefined);
      break;
    case 'silent':
      break;
    default:
      unreachable(knobs.dynamodb);
  }
}
