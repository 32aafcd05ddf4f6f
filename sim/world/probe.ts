/**
 * The probes of a daemon in virtual time: packets of its machine, with the results that the production shell
 * would report.
 */

import { unreachable } from '../../controller/base/result.ts';
import { formatMillis } from '../../controller/base/time.ts';
import type { ProbeConfig, ThroughTarget } from '../../controller/config.ts';
import { type ProbeResult, toldBy } from '../../controller/event.ts';
import { type Endpoint, programTimer, routineTimer } from './endpoint.ts';
import { resolveName } from './names.ts';
import { type Destination, open, ping } from './sockets.ts';
import { abort, type Connection, type TcpProgram, write } from './tcp.ts';

type Done = (result: ProbeResult) => void;

/** What a `command` probe finds: a world runs no processes, so the test says. */
export type Commands = (command: readonly string[]) => ProbeResult;

/** Where a probe's echo requests go, and by way of whom; undefined for a probe that sends none. */
export function echoOf(probe: ProbeConfig): Destination | undefined {
  if (probe.kind === 'icmp') return { to: probe.address };
  if (probe.kind !== 'through' || probe.target.kind !== 'icmp') return undefined;
  return { to: probe.target.address, via: probe.via };
}

/**
 * Starts a round of a probe; `done` runs once, at the latest when its time is over. The answer gives up a
 * round of echo requests: `done` will not run.
 */
export function runProbe(
  endpoint: Endpoint,
  probe: ProbeConfig,
  commands: Commands,
  done: Done,
): (() => void) | undefined {
  const destination = echoOf(probe);
  if (destination !== undefined) return echo(endpoint, destination, probe.timeoutMs, done);
  runOther(endpoint, probe, commands, done);
  return undefined;
}

function runOther(endpoint: Endpoint, probe: ProbeConfig, commands: Commands, done: Done): void {
  switch (probe.kind) {
    case 'tcp':
      connect(endpoint, { to: probe.address, port: probe.port }, probe.timeoutMs, done);
      break;
    case 'http':
      web(endpoint, probe, undefined, probe.timeoutMs, done);
      break;
    case 'command':
      programTimer(endpoint, 1, () => done(commands(probe.command)));
      break;
    case 'daemon':
      askDaemon(endpoint, probe, done);
      break;
    case 'process':
    case 'interface':
    case 'conntrack':
    case 'speaker':
    case 'ena':
      programTimer(endpoint, 1, () => done(commands([probe.kind])));
      break;
    case 'icmp':
      // An echo.
      break;
    case 'bfd':
    case 'bgp':
      // Driven by the events of their session.
      break;
    case 'through':
      through(endpoint, probe.target, probe.via, probe.timeoutMs, done);
      break;
    default:
      unreachable(probe);
  }
}

function through(
  endpoint: Endpoint,
  target: ThroughTarget,
  via: string | undefined,
  timeoutMs: number,
  done: Done,
): void {
  switch (target.kind) {
    case 'icmp':
      // An echo.
      break;
    case 'tcp':
      connect(endpoint, { to: target.address, port: target.port, via }, timeoutMs, done);
      break;
    case 'http':
      web(endpoint, target, via, timeoutMs, done);
      break;
    default:
      unreachable(target);
  }
}

/** A result once: the first of an answer and the time-out. */
function once(endpoint: Endpoint, timeoutMs: number, late: ProbeResult, done: Done): Done {
  let over = false;
  const finish: Done = (result) => {
    if (over) return;
    over = true;
    cancel();
    done(result);
  };
  const cancel = programTimer(endpoint, timeoutMs, () => finish(late));
  return finish;
}

/** What a round of echo requests finds that gets no answer. */
export const noEcho = (timeoutMs: number): ProbeResult => ({
  kind: 'down',
  reason: `no echo reply within ${formatMillis(timeoutMs)}`,
});

function echo(endpoint: Endpoint, destination: Destination, timeoutMs: number, done: Done): () => void {
  const startedAt = endpoint.kernel.now;
  const end = (): void => {
    cancel();
    if (sent.ok) sent.value();
  };
  const finish: Done = (result) => {
    end();
    done(result);
  };
  const cancel = routineTimer(endpoint, timeoutMs, () => finish(noEcho(timeoutMs)));
  const sent = ping(endpoint, destination, () =>
    finish({ kind: 'up', rttMs: endpoint.kernel.now - startedAt }),
  );
  if (!sent.ok) finish({ kind: 'silent', reason: sent.error });
  return end;
}

interface Side extends Destination {
  readonly port: number;
}

/** Opens a connection for a probe and ends it with the result. */
function dial(
  endpoint: Endpoint,
  side: Side,
  finish: Done,
  program: (connection: () => Connection | undefined) => TcpProgram,
): () => void {
  let connection: Connection | undefined;
  const opened = open(
    endpoint,
    side,
    program(() => connection),
  );
  if (opened.ok) connection = opened.value;
  else finish({ kind: 'silent', reason: opened.error });
  return () => {
    if (connection !== undefined) abort(connection);
  };
}

/** Opens a TCP connection, and ends it. */
export function connect(endpoint: Endpoint, side: Side, timeoutMs: number, done: Done): void {
  const startedAt = endpoint.kernel.now;
  let hangUp = (): void => {};
  const late = { kind: 'down', reason: `no connection within ${formatMillis(timeoutMs)}` } as const;
  const finish = once(endpoint, timeoutMs, late, (result) => {
    hangUp();
    done(result);
  });
  hangUp = dial(endpoint, side, finish, () => ({
    opened: () => finish({ kind: 'up', rttMs: endpoint.kernel.now - startedAt }),
    reset: () => finish({ kind: 'down', reason: 'connection refused' }),
  }));
}

type Answer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly rttMs: number }
  | { readonly kind: 'failed'; readonly result: ProbeResult };

/** One HTTP GET; the answer is complete when the other side ends. Only http: there is no TLS in a world. */
function get(
  endpoint: Endpoint,
  url: URL,
  via: string | undefined,
  timeoutMs: number,
  done: (answer: Answer) => void,
): void {
  const startedAt = endpoint.kernel.now;
  const to = resolveName(url.hostname.replace(/^\[|\]$/g, ''))[0];
  if (to === undefined || url.protocol !== 'http:') {
    const reason = `${url.href} cannot be fetched in a simulated world: it needs http and an address`;
    done({ kind: 'failed', result: { kind: 'silent', reason } });
    return;
  }
  let hangUp = (): void => {};
  const late = { kind: 'down', reason: `no HTTP answer within ${formatMillis(timeoutMs)}` } as const;
  const fail = once(endpoint, timeoutMs, late, (result) => {
    hangUp();
    if (result.kind !== 'up') done({ kind: 'failed', result });
  });
  const port = url.port === '' ? 80 : Number(url.port);
  hangUp = dial(endpoint, { to, via, port }, fail, (connection) => {
    let text = '';
    const decoder = new TextDecoder();
    return {
      opened: () => {
        const opened = connection();
        const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: close\r\n\r\n`;
        if (opened !== undefined) write(opened, new TextEncoder().encode(head));
      },
      data: (bytes) => {
        text += decoder.decode(bytes, { stream: true });
      },
      end: () => {
        const rttMs = endpoint.kernel.now - startedAt;
        const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
        fail({ kind: 'up', rttMs });
        done({ kind: 'answer', status, body: text.slice(text.indexOf('\r\n\r\n') + 4), rttMs });
      },
      reset: () => fail({ kind: 'down', reason: 'connection refused' }),
    };
  });
}

/** One HTTP GET, whose status is to be one of those expected. */
export function web(
  endpoint: Endpoint,
  { url, expect }: { readonly url: string; readonly expect: readonly number[] },
  via: string | undefined,
  timeoutMs: number,
  done: Done,
): void {
  get(endpoint, new URL(url), via, timeoutMs, (answer) => {
    if (answer.kind === 'failed') done(answer.result);
    else if (expect.includes(answer.status)) done({ kind: 'up', rttMs: answer.rttMs });
    else done({ kind: 'down', reason: `HTTP ${answer.status} instead of ${expect.join(' or ')}` });
  });
}

/** The appliance's own word: only 200 and 503 say something. */
function askDaemon(endpoint: Endpoint, probe: Extract<ProbeConfig, { kind: 'daemon' }>, done: Done): void {
  const host = probe.address.includes(':') ? `[${probe.address}]` : probe.address;
  get(endpoint, new URL(`http://${host}:${probe.port}/`), undefined, probe.timeoutMs, (answer) => {
    if (answer.kind === 'failed') {
      const reason = 'reason' in answer.result ? answer.result.reason : '';
      done({ kind: 'silent', reason: `its daemon cannot be reached: ${reason}` });
    } else if (answer.status === 200) {
      done({ kind: 'up', rttMs: answer.rttMs, ...toldBy(answer.body) });
    } else if (answer.status === 503) {
      const word = JSON.parse(answer.body) as { readonly reason?: string };
      done({
        kind: 'down',
        reason: `its daemon says: ${word.reason ?? 'not healthy'}`,
        ...toldBy(answer.body),
      });
    } else {
      done({ kind: 'silent', reason: `HTTP ${answer.status} is no word of a daemon` });
    }
  });
}
