/**
 * Runs one round of a probe and ends in exactly one result, at the latest when its time is over. What it
 * means for an appliance is decided elsewhere (`controller/health`).
 */

import { unreachable } from '../base/result.ts';
import { formatMillis } from '../base/time.ts';
import type { ProbeConfig, ThroughTarget } from '../config.ts';
import { type ProbeResult, toldBy } from '../event.ts';
import { httpGet } from './http-get.ts';
import { checkLocally } from './local-probe.ts';
import type { Endpoint, Network } from './network.ts';
import { runCommand } from './process.ts';

export type Done = (result: ProbeResult) => void;

/** Starts a round; `done` is called once. */
export function runProbe(network: Network, probe: ProbeConfig, done: Done): void {
  switch (probe.kind) {
    case 'icmp':
      echo(network, { to: probe.address, timeoutMs: probe.timeoutMs }, done);
      break;
    case 'tcp':
      connect(network, { to: probe.address, port: probe.port }, probe.timeoutMs, done);
      break;
    case 'http':
      fetchStatus(network, { ...probe, via: undefined }, done);
      break;
    case 'command':
      command(probe, done);
      break;
    case 'daemon':
      askDaemon(network, probe, done);
      break;
    case 'process':
    case 'interface':
    case 'conntrack':
    case 'speaker':
    case 'ena':
      void checkLocally(probe).then(done);
      break;
    case 'bfd':
    case 'bgp':
      // Driven by the events of their session: never sent.
      done({ kind: 'silent', reason: 'it has no rounds' });
      break;
    case 'through':
      through(network, probe.target, probe.via, probe.timeoutMs, done);
      break;
    default:
      unreachable(probe);
  }
}

function through(
  network: Network,
  target: ThroughTarget,
  via: string | undefined,
  timeoutMs: number,
  done: Done,
): void {
  const hop = via === undefined ? {} : { via };
  switch (target.kind) {
    case 'icmp':
      echo(network, { to: target.address, timeoutMs, ...hop }, done);
      break;
    case 'tcp':
      connect(network, { to: target.address, port: target.port, ...hop }, timeoutMs, done);
      break;
    case 'http':
      fetchStatus(network, { url: target.url, expect: target.expect, verify: true, timeoutMs, via }, done);
      break;
    default:
      unreachable(target);
  }
}

const up = (startedAt: number): ProbeResult => ({
  kind: 'up',
  rttMs: Math.round((performance.now() - startedAt) * 1000) / 1000,
});

function echo(network: Network, request: { to: string; via?: string; timeoutMs: number }, done: Done): void {
  network.icmpEcho(request, (reply) => {
    switch (reply.kind) {
      case 'reply':
        return done({ kind: 'up', rttMs: Math.round(reply.rttMs * 1000) / 1000 });
      case 'timeout':
        return done({ kind: 'down', reason: `no echo reply within ${formatMillis(request.timeoutMs)}` });
      case 'failed':
        return done({ kind: 'silent', reason: reply.reason });
      default:
        return unreachable(reply);
    }
  });
}

/** Errors of this machine, which say nothing about the target. */
const OWN_ERRORS = new Set([
  'ENOTSENT',
  'ENETUNREACH',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'EADDRNOTAVAIL',
]);

/** A failed connection as a result. */
export function failureOf(error: NodeJS.ErrnoException): ProbeResult {
  if (error.code !== undefined && OWN_ERRORS.has(error.code))
    return { kind: 'silent', reason: error.message };
  if (error.code === 'ECONNREFUSED') return { kind: 'down', reason: 'connection refused' };
  if (error.code === 'EHOSTUNREACH') return { kind: 'down', reason: 'host unreachable' };
  if (error.code === 'ECONNRESET') return { kind: 'down', reason: 'connection reset' };
  return { kind: 'down', reason: error.message };
}

function connect(network: Network, endpoint: Endpoint, timeoutMs: number, done: Done): void {
  const startedAt = performance.now();
  const stream = network.connectTcp(endpoint);
  const finish = (result: ProbeResult): void => {
    clearTimeout(timer);
    stream
      .removeAllListeners('connect')
      .removeAllListeners('error')
      .on('error', () => undefined);
    stream.destroy();
    done(result);
  };
  const timer = setTimeout(
    () => finish({ kind: 'down', reason: `no connection within ${formatMillis(timeoutMs)}` }),
    timeoutMs,
  );
  stream.once('connect', () => finish(up(startedAt)));
  stream.once('error', (error) => finish(failureOf(error)));
}

interface StatusRequest {
  readonly url: string;
  readonly expect: readonly number[];
  readonly verify: boolean;
  readonly timeoutMs: number;
  readonly via: string | undefined;
}

function fetchStatus(network: Network, request: StatusRequest, done: Done): void {
  const startedAt = performance.now();
  httpGet(network, request, (answer) => {
    if (answer.kind === 'timeout') {
      done({ kind: 'down', reason: `no HTTP answer within ${formatMillis(request.timeoutMs)}` });
    } else if (answer.kind === 'failed') {
      done(failureOf(answer.error));
    } else if (request.expect.includes(answer.status)) {
      done(up(startedAt));
    } else {
      done({ kind: 'down', reason: `HTTP ${answer.status} instead of ${request.expect.join(' or ')}` });
    }
  });
}

/** The appliance's own word: only 200 and 503 say something. */
function askDaemon(network: Network, probe: Extract<ProbeConfig, { kind: 'daemon' }>, done: Done): void {
  const startedAt = performance.now();
  const host = probe.address.includes(':') ? `[${probe.address}]` : probe.address;
  const url = `http://${host}:${probe.port}/`;
  httpGet(network, { url, verify: false, timeoutMs: probe.timeoutMs, via: undefined }, (answer) => {
    if (answer.kind === 'timeout') {
      done({ kind: 'silent', reason: `its daemon gave no answer within ${formatMillis(probe.timeoutMs)}` });
    } else if (answer.kind === 'failed') {
      done({ kind: 'silent', reason: `its daemon cannot be reached: ${answer.error.message}` });
    } else if (answer.status === 200) {
      done({ ...up(startedAt), ...toldBy(answer.body) });
    } else if (answer.status === 503) {
      done({ kind: 'down', reason: `its daemon says: ${reasonOf(answer.body)}`, ...toldBy(answer.body) });
    } else {
      done({ kind: 'silent', reason: `HTTP ${answer.status} is no word of a daemon` });
    }
  });
}

function reasonOf(body: string): string {
  try {
    const word: unknown = JSON.parse(body);
    if (typeof word === 'object' && word !== null && 'reason' in word) return String(word.reason);
  } catch {
    // Not JSON: the text itself is the reason.
  }
  return body.trim() === '' ? 'not healthy' : body.trim().slice(0, 200);
}

function command(probe: Extract<ProbeConfig, { kind: 'command' }>, done: Done): void {
  const startedAt = performance.now();
  runCommand({ command: probe.command, timeoutMs: probe.timeoutMs, environment: {} }, (end) => {
    switch (end.kind) {
      case 'exited':
        if (end.code === 0) return done(up(startedAt));
        return done({
          kind: 'down',
          reason: `exit code ${end.code}${end.said === '' ? '' : `: ${end.said}`}`,
        });
      case 'signalled':
        return done({ kind: 'down', reason: `ended by ${end.signal}` });
      case 'timeout':
        return done({ kind: 'down', reason: `not done within ${formatMillis(probe.timeoutMs)}` });
      case 'failed':
        return done({ kind: 'silent', reason: end.reason });
      default:
        return unreachable(end);
    }
  });
}
