/**
 * What a node says in its log of its probes and verdicts. Every change is said once; nothing is decided here.
 */
import { unreachable } from '../base/result.ts';
import type { Config, ProbeConfig } from '../config.ts';
import type { ProbeResult } from '../event.ts';
import type { Health } from '../health/health.ts';
import type { ProbeState } from '../health/probe.ts';
import type { Turn } from './turn.ts';

/** By probe, the reason of its silence that was logged last. */
export type Silences = Readonly<Record<string, string>>;

interface Received {
  readonly probe: ProbeConfig;
  readonly result: ProbeResult;
  readonly before: ProbeState;
  readonly after: ProbeState;
}

/**
 * Says of a result what is new: the first failure in a row, that the probe passes again, or why it says
 * nothing. A silence is said again when its reason changes, or once the probe has been up in between.
 */
export function tellResult({ probe, result, before, after }: Received, told: Silences, turn: Turn): Silences {
  const { id, appliance } = probe;
  const say = (level: 'info' | 'warn', text: string): void =>
    turn.log(level, 'evidence', text, { probe: id, appliance });
  switch (result.kind) {
    case 'down':
      if (after.last?.at === turn.now && after.streak === 1)
        say('info', `${id} failed for the first time: ${result.reason}.`);
      return told;
    case 'silent':
      if (told[id] === result.reason) return told;
      say('warn', `${id} says nothing: ${result.reason}.`);
      return { ...told, [id]: result.reason };
    case 'up': {
      if (before.state === 'up' || after.state !== 'up') return told;
      if (before.state === 'down') say('info', `${id} passes again.`);
      const { [id]: _, ...others } = told;
      return others;
    }
    default:
      return unreachable(result);
  }
}

/** Says which verdicts have changed. */
export function tellVerdicts(before: Health, after: Health, config: Config, turn: Turn): void {
  for (const { name } of config.appliances) {
    const verdict = after.verdicts[name];
    const old = before.verdicts[name];
    if (verdict === undefined) continue;
    const isDisputed = verdict.wantsSince !== undefined && old?.wantsSince === undefined;
    if (verdict.kind === (old?.kind ?? 'unknown') && !isDisputed) continue;
    const level = verdict.kind === 'healthy' ? 'info' : 'warn';
    const fields = { appliance: name, verdict: verdict.kind };
    turn.log(level, 'verdict', `${name} is ${verdict.kind}: ${verdict.reason}.`, fields);
  }
}
