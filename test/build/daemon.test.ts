/** The daemon as it is shipped, bundle and executable: whole, small, and running against the simulator. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuration, openTarget, startDaemon, type Target } from '../../bench/scene/daemon.ts';
import { openRegion, type Region } from '../../bench/scene/region.ts';
import { bundle } from '../../bin/bundle.ts';
import { makeExecutable } from '../../bin/executable.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'byoa-daemon-'));
const kinds = ['bundle', 'executable'] as const;
let programs: Readonly<Record<(typeof kinds)[number], readonly [string, ...string[]]>>;
let region: Region;
let targets: readonly [Target, Target];

beforeAll(async () => {
  const main = await bundle(ROOT, folder, '7.8.9');
  const executable = makeExecutable(main, join(folder, 'koffi.node'), folder);
  programs = { bundle: [process.execPath, main], executable: [executable] };
  region = await openRegion(0, 1);
  targets = [await openTarget('127.0.0.4'), await openTarget('127.0.0.5')];
}, 120_000);

afterAll(async () => {
  await Promise.all([region?.close(), targets?.[0].kill(), targets?.[1].kill()]);
  rmSync(folder, { recursive: true, force: true });
});

function run(kind: (typeof kinds)[number], ...args: string[]) {
  const [program, ...before] = programs[kind];
  return spawnSync(program, [...before, ...args], { encoding: 'utf8', cwd: '/', timeout: 30_000 });
}

const configured = (name: string): string =>
  configuration({ folder: join(folder, name), endpoint: region.url, region, tables: region.tables, targets });

describe.each(kinds)('the %s', (kind) => {
  it('knows its version', () => {
    expect(run(kind, '--version')).toMatchObject({ status: 0, stdout: '7.8.9\n', stderr: '' });
  });

  it('accepts a good configuration, and refuses a bad one by line', () => {
    const file = configured(`${kind}-check`);
    expect(run(kind, 'check', '--config', file)).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(file, readFileSync(file, 'utf8').replace('version: 1', 'version: 2'));
    const { status, stdout, stderr } = run(kind, 'check', '--config', file);
    expect(status).toBe(1);
    expect(stdout + stderr).toContain(`${file}:1:`);
  });

  it('checks what the configuration names against EC2', () => {
    const env = { AWS_ACCESS_KEY_ID: '123456789012', AWS_SECRET_ACCESS_KEY: 'any' };
    const [program, ...before] = programs[kind];
    const args = [...before, 'check', '--aws', '--json', '--config', configured(`${kind}-aws`)];
    const { stdout } = spawnSync(program, args, { encoding: 'utf8', env, timeout: 30_000 });
    expect(stdout).toContain('123456789012');
  });

  it('gets ready, and leaves when told', async () => {
    const daemon = startDaemon(programs[kind], configured(`${kind}-run`));
    await daemon.logged('ready', (line) => line.topic === 'ready');
    await daemon.logged(
      'a healthy',
      ({ topic, msg }) => topic === 'verdict' && msg?.startsWith('a is healthy') === true,
    );
    expect(await daemon.stop()).toBe(0);
    const directory = join(folder, `${kind}-run`, 'journal');
    const [journal = ''] = readdirSync(directory);
    expect(run(kind, 'replay', join(directory, journal))).toMatchObject({ status: 0 });
  });
});

describe('the files', () => {
  it('are no larger than need be', () => {
    expect(statSync(join(folder, 'byoa.cjs')).size).toBeLessThan(1_500_000);
    expect(statSync(programs.executable[0]).size).toBeLessThan(statSync(process.execPath).size + 6_000_000);
  });

  it('come with the checksum of the executable', () => {
    const [file] = programs.executable;
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(readFileSync(`${file}.sha256`, 'utf8')).toBe(`${sum}  ${basename(file)}\n`);
  });
});
