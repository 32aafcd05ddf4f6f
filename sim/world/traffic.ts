/** Flows of a world by id. */
import { err, type Result } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { type Flow, startFlow, stopFlow } from './flows.ts';
import { endpointOf } from './guests.ts';
import type { World } from './state.ts';

export interface FlowRequest {
  readonly id?: string | undefined;
  /** An instance id or a host's address. */
  readonly from: string;
  readonly to: string;
  /** UDP port of the echo service; 7 where absent. */
  readonly port?: number | undefined;
  /** 1 where absent. */
  readonly intervalMs?: Millis | undefined;
}

/** Flows that a world holds at most, so that a forgetful client does not exhaust it. */
const MAX_FLOWS = 200;

/** Starts a flow under its id, or under a new one. */
export function beginFlow(world: World, { id, from, to, port, intervalMs }: FlowRequest): Result<Flow> {
  const name = id ?? `flow-${world.flows.size + 1}`;
  if (world.flows.has(name)) return err(`there is a flow '${name}' already`);
  if (world.flows.size >= MAX_FLOWS)
    return err(`there are ${MAX_FLOWS} flows already; reset, or use another simulator`);
  const source = endpointOf(world, from);
  if (source === undefined)
    return err(`'${from}' is neither an instance that has run nor a host on the Internet`);
  const begun = startFlow(world, {
    id: name,
    source,
    to,
    ...(port !== undefined && { port }),
    ...(intervalMs !== undefined && { intervalMs }),
  });
  if (begun.ok) world.flows.set(name, begun.value);
  return begun;
}

/** Stops a flow; its books stay readable. */
export function endFlow(world: World, id: string): Flow | undefined {
  const flow = world.flows.get(id);
  if (flow !== undefined) stopFlow(world, flow);
  return flow;
}
