/** What a node says in its log of its probes. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { checkConfig, probesOfNode } from '../../../controller/config.ts';
import type { Effect, ProbeResult } from '../../../controller/event.ts';
import { createNode, nextDeadline, step } from '../../../controller/node.ts';
import { design } from '../designs.ts';

/** The log of node a after these results of its probe of b, one a round. */
function logOf(results: readonly ProbeResult[]): readonly string[] {
  const through = { kind: 'through' as const, target: { icmp: '203.0.113.10' }, from: 'self' as const };
  const probes = [{ kind: 'icmp' as const, interval: '1s', timeout: '500ms', rise: 2, fall: 2 }, through];
  const config = must(checkConfig(design({ kind: 'routes', probes }).config('a')));
  const probe = probesOfNode(config).find(({ appliance }) => appliance === 'b')?.id ?? '';
  let node = createNode({ config }, 0);
  const said: string[] = [];
  const feed = (event: Parameters<typeof step>[1], now: number): void => {
    const turned = step(node, event, now);
    node = turned.node;
    const isEvidence = (effect: Effect) => effect.kind === 'log' && effect.topic === 'evidence';
    for (const effect of turned.effects.filter(isEvidence))
      if (effect.kind === 'log') said.push(`${effect.level} ${effect.text}`);
  };
  feed({ kind: 'start' }, 0);
  for (const result of results) {
    while (node.health.probes[probe]?.sentAt === undefined)
      feed({ kind: 'deadline' }, nextDeadline(node) ?? 0);
    const { round, sentAt } = node.health.probes[probe];
    feed({ kind: 'probe-result', probe, round, result }, sentAt + 10);
  }
  return said;
}

const UP: ProbeResult = { kind: 'up', rttMs: 1 };
const DOWN: ProbeResult = { kind: 'down', reason: 'no answer' };
const silent = (reason: string): ProbeResult => ({ kind: 'silent', reason });

describe('the log of a probe', () => {
  it('has its silence once, and again when the reason changes', () => {
    const results = [
      silent('EACCES'),
      silent('EACCES'),
      silent('EMFILE'),
      silent('EMFILE'),
      silent('EACCES'),
    ];
    expect(logOf(results)).toEqual([
      'warn b/icmp says nothing: EACCES.',
      'warn b/icmp says nothing: EMFILE.',
      'warn b/icmp says nothing: EACCES.',
    ]);
  });

  it('has the same silence again after the probe was up', () => {
    const results = [UP, UP, silent('EACCES'), UP, silent('EACCES'), DOWN, DOWN, UP, UP, silent('EACCES')];
    expect(logOf(results)).toEqual([
      'warn b/icmp says nothing: EACCES.',
      'info b/icmp failed for the first time: no answer.',
      'info b/icmp passes again.',
      'warn b/icmp says nothing: EACCES.',
    ]);
  });
});
