/** What the daemon asks of V8, and gives back afterwards, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const module = (name: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../controller/shell/${name}.ts`, import.meta.url)));

it.skipIf(process.platform !== 'linux')('takes flags that this V8 has, and trims its heap (Linux)', () => {
  const script = `
    const { tuneEngine } = await import(${module('engine')});
    const { trimHeap } = await import(${module('libc')});
    tuneEngine();
    console.log(JSON.stringify(trimHeap()));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).not.toContain('unrecognized flag');
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
});
