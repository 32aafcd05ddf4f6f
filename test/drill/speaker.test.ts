/** In virtual time no BIRD runs: the daemon plays it, with the same sessions, and that is said. */
import { expect, it } from 'vitest';
import { drill } from '../../sim/drill/run.ts';
import { designSubject } from '../../sim/drill/source.ts';
import { judge } from '../../sim/drill/verdict.ts';
import { designProgram } from '../../sim/pulumi/program.ts';

it('a design whose appliances run BIRD is drilled with what the daemon would say', {
  timeout: 60_000,
}, async () => {
  const program = designProgram('same-subnet-bgp');
  const said: string[] = [];
  const bird = { ...program, config: { ...program.config, 'byoa:speaker': 'bird' } };
  const subject = await designSubject(bird, (text) => said.push(text));
  expect(said).toContainEqual(expect.stringContaining('same-subnet-bgp: the daemon plays bird'));
  const killed = drill(subject, [{ kind: 'machine', how: 'kill', machine: 'a' }], {
    seed: 1,
    limitMs: 10_000,
  });
  expect(judge(killed, 0).flows.map(({ verdict }) => verdict)).toEqual(['back']);
});
