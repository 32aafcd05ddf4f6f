/** What a daemon asks EC2 for that moves nothing. */
import { expect, it } from 'vitest';
import type { ConfigInput } from '../../../controller/config.ts';
import { addDaemon, newStage, run } from '../stage.ts';

/** The kinds of calls that a daemon without groups makes in a minute. */
function asked(more: Partial<ConfigInput>): readonly string[] {
  const stage = newStage();
  addDaemon(stage, {
    version: 1,
    node: 'client',
    aws: { region: 'eu-central-1' },
    appliances: [
      { name: 'a', address: '10.0.0.10', eni: 'eni-0123456789abcdef0', probes: [{ kind: 'icmp' }] },
    ],
    ...more,
  });
  run(stage, 60_000);
  return [...new Set([...stage.reads, ...stage.writes].map(({ call }) => call.kind))];
}

it('asks for nothing, also where it speaks BGP with appliances', () => {
  const bgp = { as: 65_000, routerId: '10.0.0.20', neighbors: [{ appliance: 'a', as: 65_001 }] };
  expect(asked({ bgp })).toEqual([]);
});

it('asks where ENIs are if it asks for the status of their instances', () => {
  expect(asked({ health: { instanceStatus: '10s' } })).toEqual(['describe-network-interfaces']);
});
