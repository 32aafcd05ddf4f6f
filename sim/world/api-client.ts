/**
 * EC2 calls of daemons in virtual time: they travel as TCP to the API host of the simulated Internet and
 * back, so that a dead, frozen or cut machine calls nobody. Framing is one line of JSON each way; the server
 * speaks HTTP instead (sim/server).
 */

import { must, present } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import type { Call, Outcome } from '../../controller/ec2/call.ts';
import { toOutcome } from '../../controller/ec2/failure.ts';
import { toRequest, toValue } from '../../controller/ec2/request.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import type { Reply, Request } from '../ec2/service.ts';
import { request } from './api.ts';
import { type Endpoint, programTimer } from './endpoint.ts';
import { addHost } from './guests.ts';
import { listen, open } from './sockets.ts';
import type { World } from './state.ts';
import { abort, type Connection, type TcpProgram, write } from './tcp.ts';

/** The port of the API host where lines of JSON are spoken. */
const JSON_PORT = 4566;
/** Attempts of a write; the shell makes as many. */
const WRITE_ATTEMPTS = 2;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);

/** Gathers bytes and hands over whole lines. */
function lines(take: (line: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(part);
  };
}

/** Puts the API host on the simulated Internet, once. */
export function serveApis(world: World): void {
  if (!world.hosts.has(API_ADDRESS)) must(addHost(world, API_ADDRESS, []));
  const host = present(world.hosts.get(API_ADDRESS), 'the API host');
  if (host.listeners.has(JSON_PORT)) return;
  must(
    listen(host, JSON_PORT, (_peer, connection) => ({
      data: lines((line) => {
        request(world.api, JSON.parse(line) as Request, (reply) => write(connection, encode(reply)));
      }),
    })),
  );
}

export interface Caller {
  readonly world: World;
  readonly endpoint: Endpoint;
  readonly account: string;
  readonly region: string;
  /**
   * A write unanswered for this long is made again on a new connection; after `timeoutMs` the outcome is
   * unknown.
   */
  readonly attemptTimeoutMs: Millis;
  readonly timeoutMs: Millis;
}

/** Makes a call; `done` runs once, in the caller's machine. The answer gives the call up. */
export function callApi(caller: Caller, call: Call, done: (outcome: Outcome) => void): () => void {
  const { endpoint } = caller;
  const connections: Connection[] = [];
  const timers: (() => void)[] = [];
  let over = false;
  const giveUp = (): void => {
    over = true;
    for (const cancel of timers) cancel();
    for (const connection of connections) abort(connection);
  };
  const finish = (outcome: Outcome): void => {
    if (over) return;
    giveUp();
    done(outcome);
  };
  const attempts = call.kind.startsWith('describe') ? 1 : WRITE_ATTEMPTS;
  const attempt = (number: number): void => {
    const opened = open(
      endpoint,
      { to: API_ADDRESS, port: JSON_PORT },
      exchange(caller, call, finish, () => connection),
    );
    const connection = opened.ok ? opened.value : undefined;
    if (connection !== undefined) connections.push(connection);
    if (number >= attempts) return;
    timers.push(
      programTimer(endpoint, caller.attemptTimeoutMs, () => {
        if (!over) attempt(number + 1);
      }),
    );
  };
  timers.push(
    programTimer(endpoint, caller.timeoutMs, () =>
      finish(toOutcome({ message: `no answer within ${caller.timeoutMs} ms` })),
    ),
  );
  attempt(1);
  return giveUp;
}

/**
 * One attempt: the request when the connection is open, then the answer. A reset says nothing; the time-out
 * will.
 */
function exchange(
  { account, region }: Caller,
  call: Call,
  finish: (outcome: Outcome) => void,
  connection: () => Connection | undefined,
): TcpProgram {
  const { action, input } = toRequest(call);
  return {
    opened: () => {
      const opened = connection();
      if (opened !== undefined) write(opened, encode({ account, region, service: 'ec2', action, input }));
    },
    data: lines((line) => {
      const reply = JSON.parse(line) as Reply;
      if (reply.kind === 'ok') finish({ kind: 'ok', value: toValue(call, reply.output) });
      else finish(toOutcome(reply));
    }),
  };
}
