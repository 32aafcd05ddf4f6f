/**
 * EC2 calls of daemons in virtual time: they travel as TCP to the API host of the simulated Internet and
 * back, so that a dead, frozen or cut machine calls nobody. Framing is one line of JSON each way; the server
 * speaks HTTP instead (sim/server).
 */

import { must, present } from '../../controller/base/result.ts';
import type { Instant, Millis } from '../../controller/base/time.ts';
import { type Call, isRead, MOST_ATTEMPTS, type Outcome, patienceMs } from '../../controller/ec2/call.ts';
import { toOutcome } from '../../controller/ec2/failure.ts';
import { toRequest, toValue } from '../../controller/ec2/request.ts';
import type { LeaseCall, LeaseOutcome } from '../../controller/lease/call.ts';
import { toLeaseFailure, toLeaseOutcome, toLeaseRequest } from '../../controller/lease/request.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import type { Reply, Request } from '../ec2/service.ts';
import { request } from './api.ts';
import { askTables, type TablesRequest } from './dynamodb.ts';
import { type Endpoint, programTimer } from './endpoint.ts';
import { addHost } from './guests.ts';
import { listen, open } from './sockets.ts';
import type { World } from './state.ts';
import { abort, type Connection, type TcpProgram, write } from './tcp.ts';

/** The port of the API host where lines of JSON are spoken. */
export const JSON_PORT = 4566;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const NEW_LINE = 0x0a;

const encode = (value: unknown): Uint8Array => ENCODER.encode(`${JSON.stringify(value)}\n`);

/** Gathers bytes and hands over whole lines. */
function lines(take: (line: string) => void): (bytes: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  return (bytes) => {
    let from = 0;
    for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE, from)) {
      const line = joined([...parts, bytes.subarray(from, end)]);
      parts = [];
      from = end + 1;
      take(DECODER.decode(line));
    }
    if (from < bytes.length) parts.push(bytes.subarray(from));
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Puts the API host on the simulated Internet, once. */
export function serveApis(world: World): void {
  if (!world.hosts.has(API_ADDRESS)) must(addHost(world, API_ADDRESS, []));
  const host = present(world.hosts.get(API_ADDRESS), 'the API host');
  if (host.listeners.has(JSON_PORT)) return;
  must(
    listen(host, JSON_PORT, (_peer, connection) => ({
      data: lines((line) => {
        const answer = (reply: Reply): void => write(connection, encode(reply));
        const asked = JSON.parse(line) as Request | TablesRequest;
        if (asked.service === 'dynamodb') askTables(world.api, asked, answer);
        else request(world.api, asked, answer);
      }),
    })),
  );
}

/** Credentials that one run has been given, by role; its own under ''. */
export type Held = Map<string, { readonly principal: string | undefined; readonly until: Instant }>;

export interface Caller {
  readonly world: World;
  readonly endpoint: Endpoint;
  readonly account: string;
  readonly region: string;
  /** The role's session of its credentials; absent where they are the account's own. */
  readonly principal?: string | undefined;
  /** The credentials that it has. */
  readonly held: Held;
  /**
   * A call unanswered for this long (a look: twice as long) is made again on a new connection; after
   * `timeoutMs` the outcome is unknown.
   */
  readonly attemptTimeoutMs: Millis;
  readonly timeoutMs: Millis;
}

/** Makes a call; `done` runs once, in the caller's machine. The answer gives the call up. */
export function callApi(caller: Caller, call: Call, done: (outcome: Outcome) => void): () => void {
  const { account, region, principal, timeoutMs } = caller;
  const asked = { account, region, principal, service: 'ec2', ...toRequest(call) };
  const repeats = {
    attempts: MOST_ATTEMPTS,
    afterMs: patienceMs(caller.attemptTimeoutMs, isRead(call.kind)),
  };
  return ask(caller, asked, repeats, (reply) => {
    if (reply === undefined) done(toOutcome({ message: `no answer within ${timeoutMs} ms` }));
    else if (reply.kind === 'ok') done({ kind: 'ok', value: toValue(call, reply.output) });
    else done(toOutcome(reply));
  });
}

/** The same for a request about a lease, in a table; it is made once. */
export function callLeases(
  caller: Caller,
  call: LeaseCall,
  table: string,
  done: (outcome: LeaseOutcome) => void,
): () => void {
  return ask(caller, leaseRequest(caller, call, table), ONCE, (reply) => {
    if (reply === undefined) done(toLeaseFailure({ message: `no answer within ${caller.timeoutMs} ms` }));
    else done(leaseOutcome(reply));
  });
}

/** The request about a lease as it travels. */
export const leaseRequest = (
  { account, region, principal }: Caller,
  call: LeaseCall,
  table: string,
): TablesRequest => ({
  account,
  region,
  ...(principal !== undefined && { principal }),
  service: 'dynamodb',
  ...toLeaseRequest(call, table),
});

/** What an answer to it says. */
export const leaseOutcome = (reply: Reply): LeaseOutcome =>
  reply.kind === 'ok' ? toLeaseOutcome(reply.output) : toLeaseFailure(reply);

interface Repeats {
  readonly attempts: number;
  readonly afterMs: Millis;
}

const ONCE: Repeats = { attempts: 1, afterMs: 0 };

/** Asks the API host, in so many attempts; undefined where none was answered in time. */
function ask(
  { world, endpoint, timeoutMs }: Caller,
  asked: object,
  { attempts, afterMs }: Repeats,
  done: (reply: Reply | undefined) => void,
): () => void {
  const until = world.now + timeoutMs;
  const connections: Connection[] = [];
  const timers: (() => void)[] = [];
  let over = false;
  const giveUp = (): void => {
    over = true;
    for (const cancel of timers) cancel();
    for (const connection of connections) abort(connection);
  };
  const finish = (reply: Reply | undefined): void => {
    if (over) return;
    giveUp();
    done(reply);
  };
  const attempt = (number: number): void => {
    const opened = open(
      endpoint,
      { to: API_ADDRESS, port: JSON_PORT },
      exchange(asked, finish, () => connection),
    );
    const connection = opened.ok ? opened.value : undefined;
    if (connection !== undefined) connections.push(connection);
    if (number >= attempts) return;
    timers.push(
      programTimer(endpoint, afterMs, () => {
        // A program that was not run for a while has missed its chance.
        if (!over && world.now < until) attempt(number + 1);
      }),
    );
  };
  timers.push(programTimer(endpoint, timeoutMs, () => finish(undefined)));
  attempt(1);
  return giveUp;
}

/**
 * One attempt: the request when the connection is open, then the answer. A reset says nothing; the time-out
 * will.
 */
function exchange(
  asked: object,
  finish: (reply: Reply) => void,
  connection: () => Connection | undefined,
): TcpProgram {
  return {
    opened: () => {
      const opened = connection();
      if (opened !== undefined) write(opened, encode(asked));
    },
    data: lines((line) => finish(JSON.parse(line) as Reply)),
  };
}
