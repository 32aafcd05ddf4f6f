/** An operator of the account: EC2 calls beside the daemons', in virtual time. */
import type { Reply } from '../ec2/service.ts';
import type { ServiceName } from '../ec2/shape.ts';
import { request } from './api.ts';
import { advance, nextAt } from './kernel.ts';
import type { World } from './state.ts';

/** Whose account and region, and of which service: EC2 where it does not say. */
export interface Place {
  readonly account: string;
  readonly region: string;
  readonly service?: ServiceName;
}

/** An answer is waited for so long, ms. */
const PATIENCE_MS = 60_000;

/** Makes a call and lets time pass until it is answered; undefined where it is not. */
export function tryCall(world: World, place: Place, action: string, input: object): Reply | undefined {
  let reply: Reply | undefined;
  const limit = world.now + PATIENCE_MS;
  request(world.api, { service: 'ec2', ...place, action, input }, (answer) => {
    reply = answer;
  });
  for (let at = nextAt(world); reply === undefined && at !== undefined && at <= limit; at = nextAt(world))
    advance(world, at);
  return reply;
}

/** As `tryCall`, for a call that must succeed; gives its output. */
export function call<T = Record<string, unknown>>(
  world: World,
  place: Place,
  action: string,
  input: object,
): T {
  const reply = tryCall(world, place, action, input);
  if (reply === undefined) throw new Error(`${action} was not answered`);
  if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}: ${reply.message}`);
  return reply.output as T;
}
