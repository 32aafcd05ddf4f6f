/** The secrets of a running daemon follow Systems Manager, also where it was away when it was asked. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { parseConfig, type Secrets } from '../../controller/config.ts';
import { daemonSecrets } from '../../controller/shell/secrets.ts';

const CONFIG = must(
  parseConfig(
    `
version: 1
node: a
aws: { region: eu-central-1 }
bgp:
  as: 64512
  routerId: 10.0.0.1
  neighbors:
    - { name: b, address: 10.0.0.2, as: 64513, password: { ssm: /byoa/bgp } }
`,
    'byoa.yaml',
  ),
);
const MINUTE_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv('STATE_DIRECTORY', undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** A daemon's secrets, and Systems Manager, which is away while it has no text. */
function rig(first: string | undefined) {
  const manager = { text: first, asked: 0 };
  const warnings: string[] = [];
  const used: string[] = [];
  const ask = async (): Promise<string> => {
    manager.asked += 1;
    if (manager.text !== undefined) return manager.text;
    throw new Error('no answer');
  };
  const secrets = daemonSecrets(ask, (sentence) => warnings.push(sentence));
  const use = (found: Secrets): void => void used.push(...found.values());
  return { manager, warnings, used, secrets, use };
}

it('asks once where it was answered', async () => {
  const { manager, secrets, use, used } = rig('sesame');
  await secrets.now(CONFIG);
  void secrets.renew(CONFIG, use);
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect([manager.asked, used]).toEqual([1, []]);
});

it('asks until it is answered, ever more rarely, and then uses what is new', async () => {
  const { manager, warnings, secrets, use, used } = rig('sesame');
  await secrets.now(CONFIG);
  manager.text = undefined;
  expect([...(await secrets.now(CONFIG)).values()]).toEqual(['sesame']);
  void secrets.renew(CONFIG, use);
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  // At once, after 1, 2, 4, 8, 16 and 32 s, and then once a minute.
  const asked = 2 + 1 + 6 + 8;
  expect([manager.asked, warnings.length, used]).toEqual([asked, asked - 1, []]);
  manager.text = 'tahini';
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect([manager.asked, used]).toEqual([asked + 1, ['tahini']]);
});

it('asks no longer for an earlier configuration, nor after the end', async () => {
  const { manager, secrets, use, used } = rig('sesame');
  await secrets.now(CONFIG);
  manager.text = undefined;
  await secrets.now(CONFIG);
  void secrets.renew(CONFIG, () => used.push('of the first'));
  void secrets.renew(CONFIG, use);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  secrets.stop();
  manager.text = 'tahini';
  const { asked } = manager;
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect([manager.asked, used]).toEqual([asked, []]);
});
