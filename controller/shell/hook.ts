/** Runs a hook: a command or a webhook, with a time limit. It ends in one outcome and delays nothing. */

import { unreachable } from '../base/result.ts';
import { formatMillis } from '../base/time.ts';
import type { HookAction } from '../config.ts';
import type { HookName } from '../event.ts';
import { httpPost } from './http-get.ts';
import type { Network } from './network.ts';
import { runCommand } from './process.ts';

export interface HookRun {
  readonly hook: HookName;
  readonly node: string;
  readonly group: string;
  readonly detail: string;
  readonly timeoutMs: number;
}

/**
 * `done` gets the failure as a sentence, or nothing. Commands find BYOA_HOOK, BYOA_GROUP, BYOA_NODE and
 * BYOA_DETAIL.
 */
export function runHook(
  network: Network,
  action: HookAction,
  run: HookRun,
  done: (failure?: string) => void,
): void {
  switch (action.kind) {
    case 'command':
      runCommandHook(action.command, run, done);
      break;
    case 'webhook':
      callWebhook(network, action.url, run, done);
      break;
    default:
      unreachable(action);
  }
}

const late = (run: HookRun): string => `not done within ${formatMillis(run.timeoutMs)}`;

function runCommandHook(command: readonly string[], run: HookRun, done: (failure?: string) => void): void {
  const { hook, node, group, detail, timeoutMs } = run;
  const environment = { BYOA_HOOK: hook, BYOA_GROUP: group, BYOA_NODE: node, BYOA_DETAIL: detail };
  runCommand({ command, timeoutMs, environment }, (end) => {
    if (end.kind === 'timeout') done(`${hook}: ${late(run)}, killed`);
    else if (end.kind === 'failed') done(`${hook}: ${end.reason}`);
    else if (end.kind === 'signalled') done(`${hook}: ended by ${end.signal}`);
    else if (end.code === 0) done();
    else done(`${hook}: exit code ${end.code}${end.said === '' ? '' : `: ${end.said}`}`);
  });
}

function callWebhook(network: Network, url: string, run: HookRun, done: (failure?: string) => void): void {
  const { hook, node, group, detail, timeoutMs } = run;
  const body = { hook, group, node, detail };
  httpPost(network, { url, via: undefined, verify: true, timeoutMs, body }, (answer) => {
    if (answer.kind === 'timeout') done(`${hook}: ${url}: ${late(run)}`);
    else if (answer.kind === 'failed') done(`${hook}: ${url}: ${answer.error.message}`);
    else if (answer.status >= 200 && answer.status < 300) done();
    else done(`${hook}: ${url} answered HTTP ${answer.status}`);
  });
}
