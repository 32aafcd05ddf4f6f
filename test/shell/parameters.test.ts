/** Secrets that are parameters: kept for a start without Systems Manager, and never told. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepParameters } from '../../controller/shell/parameters.ts';
import { readSecrets } from '../../controller/shell/secrets.ts';

const NAME = '/byoa/egress/bgp';
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-parameters-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Systems Manager that gives a text, or is away. */
function store(text: string | undefined) {
  const state = { text, asked: 0 };
  const warnings: string[] = [];
  const ask = async (): Promise<string> => {
    state.asked += 1;
    if (state.text !== undefined) return state.text;
    throw Object.assign(new Error('no answer within 5000 ms'), { code: 'ETIMEDOUT' });
  };
  const open = (at: string | null = join(directory, 'state')) =>
    keepParameters({ ask, directory: at ?? undefined, warn: (sentence) => warnings.push(sentence) });
  return { state, warnings, open };
}

describe('a secret in Systems Manager', () => {
  it('is asked for once, and then known to a start at once', async () => {
    const { state, open } = store('sesame');
    expect(await open().soon(NAME)).toBe('sesame');
    state.text = 'other';
    expect([await open().soon(NAME), state.asked]).toEqual(['sesame', 1]);
    expect(await open().now(NAME)).toBe('other');
    expect(await open().soon(NAME)).toBe('other');
  });

  it('is used as it was last read while Systems Manager is away, and that is said', async () => {
    const { state, warnings, open } = store('sesame');
    await open().now(NAME);
    expect(warnings).toEqual([]);
    state.text = undefined;
    expect(await open().now(NAME)).toBe('sesame');
    expect(warnings).toEqual([expect.stringMatching(/as it was last read.*ETIMEDOUT: no answer within/)]);
    expect(warnings.join()).not.toContain('sesame');
  });

  it('cannot be had where it was never read: the sentence gives place and reason', async () => {
    const { open } = store(undefined);
    const sentence = `cannot read the parameter ${NAME} of Systems Manager: ETIMEDOUT: no answer within 5000 ms`;
    await expect(open().soon(NAME)).rejects.toThrow(sentence);
  });

  it('is kept for its owner alone', async () => {
    await store('sesame').open().soon(NAME);
    const state = join(directory, 'state');
    const modes = [state, join(state, 'parameter-%2Fbyoa%2Fegress%2Fbgp')].map(
      (file) => statSync(file).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600]);
  });

  it('is had also where it cannot be kept, and that is said', async () => {
    const { warnings, open } = store('sesame');
    writeFileSync(join(directory, 'file'), '');
    expect(await open(join(directory, 'file', 'state')).soon(NAME)).toBe('sesame');
    expect(warnings).toEqual([
      expect.stringMatching(/^cannot keep the parameter .* for a later start: ENOTDIR/),
    ]);
  });

  it('is known without a place to keep it, for as long as the daemon runs', async () => {
    const { state, open } = store('sesame');
    const parameters = open(null);
    await parameters.now(NAME);
    state.text = undefined;
    expect(await parameters.now(NAME)).toBe('sesame');
  });

  it('is read where the configuration names it, beside files and variables', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'from a file\n', { mode: 0o600 });
    const secrets = await readSecrets([{ file }, { env: 'KEY' }, { ssm: NAME }], {
      env: { KEY: 'from the environment' },
      parameter: store('sesame').open().now,
      warn: () => undefined,
    });
    expect(Object.fromEntries(secrets)).toEqual({
      [`file ${file}`]: 'from a file',
      'environment variable KEY': 'from the environment',
      [`parameter ${NAME}`]: 'sesame',
    });
  });
});
