import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingHere, type Rig, said, startRig } from './rig.ts';
import { HOST } from './scene.ts';

const missing = missingHere();
const title =
  missing.length === 0 ? 'egress-pair in a lab' : `egress-pair in a lab (needs ${missing.join('; ')})`;
const program = (name: string): readonly string[] => [
  process.execPath,
  new URL(name, import.meta.url).pathname,
];

/** Asks again until the answer has what is waited for; the test's own limit ends it. */
async function until(ask: () => Promise<string>, pattern: RegExp): Promise<string> {
  for (;;) {
    const text = await ask();
    if (pattern.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

describe.skipIf(missing.length > 0)(title, () => {
  let rig: Rig;
  let flow: ChildProcess | undefined;
  beforeAll(async () => {
    rig = await startRig('egress-pair', ['--latency', '150', '--propagation', '50']);
    await said(rig.start('outside', [...program('outside.mjs')]), /ready/);
  }, 180_000);
  afterAll(async () => {
    flow?.kill();
    await rig?.close();
  });

  const log = async (machine: string): Promise<string> =>
    (await rig.run(machine, 'cat /var/log/boot.log /var/log/byoa.log')).out;
  const ownAddress = async (machine: string): Promise<string> =>
    (
      await rig.run(
        machine,
        `exec 3<>/dev/udp/${HOST}/7; echo x >&3; timeout 1 dd bs=99 count=1 status=none <&3`,
      )
    ).out;
  const workload = 'egress-pair-workload-eu-central-1a';

  it('sets its appliances up by their user data, and moves a flow when one is killed', async () => {
    await until(() => log('egress-pair-a'), /"appliance":"b","verdict":"healthy"/);
    await until(() => log('egress-pair-b'), /"appliance":"a","verdict":"healthy"/);
    expect((await rig.run('egress-pair-a', 'nft list ruleset')).out).toContain('masquerade');
    const [a, b] = [await ownAddress('egress-pair-a'), await ownAddress('egress-pair-b')];
    expect(await ownAddress(workload)).toBe(a);
    const args = [...program('flow.mjs'), HOST];
    flow = rig.start(workload, args, 'pipe');
    await said(flow, /works/);
    const back = said(flow, /back/);
    await rig.ask({ kind: 'verb', machine: 'egress-pair-a', verb: 'kill' });
    await until(() => ownAddress(workload), new RegExp(`^${b.replaceAll('.', '\\.')}$`));
    await back;
    const ended = said(flow, /\{"sent".*\}/);
    flow.stdin?.end();
    const { sent, lost } = JSON.parse(/\{"sent".*\}/.exec(await ended)?.[0] ?? '{}');
    expect(lost).toBeGreaterThan(0);
    expect(sent).toBeGreaterThan(lost);
  }, 120_000);
});
