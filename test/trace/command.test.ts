/** `byoa trace` as a user runs it, and docs/trace.md, whose examples are what it prints, ids aside. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { worldLines } from '../../sim/world/world-file.ts';
import { deployScene, type Scene } from '../server/scene.ts';
import { BASES } from './bases.ts';
import type { Faults } from './breaks.ts';
import { FAULTS } from './faults.ts';

const BYOA = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
const DOCUMENT = readFileSync(fileURLToPath(new URL('../../docs/trace.md', import.meta.url)), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'byoa-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const trace = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [BYOA, 'trace', ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

const save = (name: string, world: Parameters<typeof worldLines>[0]): void =>
  writeFileSync(join(folder, name), [...worldLines(world, 0)].join(''));

/** Breaks a world as the fault of this code does. */
function broken<K extends keyof Faults>(base: K, code: string) {
  const world = BASES[base]();
  const fault = FAULTS[base].find((each) => each.code === code);
  if (fault === undefined) throw new Error(`no fault ${code}`);
  fault.breaks?.(world);
  return world;
}

describe('a running simulator', () => {
  let simulator: RunningSimulator;
  let scene: Scene;
  let at: readonly string[];
  beforeAll(async () => {
    simulator = await startSimulator();
    scene = await deployScene(simulator);
    at = ['--endpoint', simulator.url];
  }, 60_000);
  afterAll(() => simulator.close());

  test('exit code 0: it arrives, and so does the answer', async () => {
    const ran = await trace(...at, '--from', scene.one, '--to', `${scene.twoAddress}:80`, '--both');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^There:\n1\. {2}guest i-/);
    expect(ran.stdout.match(/^DELIVERED to i-/gm)).toHaveLength(2);
  }, 60_000);

  test('exit code 1: it does not, and --json says why as data', async () => {
    const from = ['--from', scene.one, '--from-port', '5000', '--bytes', '9001'];
    const ran = await trace(...at, ...from, '--to', '10.0.0.99:80', '--proto', 'udp', '--json');
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      disposition: 'NOTHING_ANSWERS_ARP',
      findings: [{ code: 'NOTHING_ANSWERS_ARP', objects: [scene.one] }],
      packet: { protocol: 'udp', sourcePort: 5000, destinationPort: 80, lengthBytes: 9001 },
    });
  }, 60_000);

  test('any protocol by its number, from the address of an ENI', async () => {
    const ran = await trace(
      ...at,
      '--from',
      '10.0.0.11',
      '--to',
      scene.twoAddress,
      '--proto',
      '47',
      '--json',
    );
    expect(JSON.parse(ran.stdout)).toMatchObject({ disposition: 'DELIVERED', packet: { protocol: 47 } });
  }, 60_000);

  const questions: readonly (readonly [string, () => readonly string[], RegExp])[] = [
    ['an ENI that is not there', () => [...at, '--from', 'eni-0123', '--to', '10.0.0.12'], /nearest: eni-/],
    ['a name that is none', () => [...at, '--from', 'web', '--to', '10.0.0.12'], /no instance \(i-\.\.\.\)/],
    ['no destination', () => [...at, '--from', scene.one], /--to/],
    ['a port that is none', () => [...at, '--from', scene.one, '--to', '10.0.0.12:0'], /'0' is not a port/],
    ['UDP to no port', () => [...at, '--from', scene.one, '--to', '::1', '--proto', 'udp'], /needs a port/],
    ['nobody there', () => ['--endpoint', 'http://127.0.0.1:1', '--from', 'i-1', '--to', '::1'], /byoa sim/],
    ['no such file', () => ['--world', 'no.world', '--from', 'i-1', '--to', '::1'], /no file no\.world/],
    ['both places', () => [...at, '--world', 'x', '--from', 'i-1', '--to', '::1'], /cannot be used with/],
  ];
  test.each(questions)(
    'exit code 2: %s',
    async (_, args, why) => {
      const ran = await trace(...args());
      expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(why) });
    },
    60_000,
  );
});

/** The same text with ids, MACs and drawn public addresses numbered in the order in which they appear. */
function anonymous(text: string): string {
  const seen: string[] = [];
  return text.replace(
    /\b[0-9a-f]{17}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b|\b198\.1[89]\.\d+\.\d+/g,
    (name) => {
      if (!seen.includes(name)) seen.push(name);
      return `#${seen.indexOf(name)}`;
    },
  );
}

describe('docs/trace.md', () => {
  save('office.world', BASES.office().world);
  save('broken.world', broken('office', 'MORE_SPECIFIC_ROUTE').world);
  const examples = [...DOCUMENT.matchAll(/```console\n\$ byoa trace ([^\n]*)\n([\s\S]*?)```/g)];

  test('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(2));

  test.each(examples.map(([, args = '', shown = '']) => [args, shown]))(
    'byoa trace %s',
    async (args, shown) => {
      expect(anonymous((await trace(...args.split(' '))).stdout)).toBe(anonymous(shown));
    },
    60_000,
  );
});

test('a file of a world without hosts: the site and the Internet are assumed', async () => {
  const world = BASES.branch();
  world.world.hosts.clear();
  world.world.ends.clear();
  save('bare.world', world.world);
  const far = async (to: string) =>
    (await trace('--world', 'bare.world', '--from', world.machine.instance, '--to', to)).stdout;
  expect(await far('192.168.99.1')).toContain('DELIVERED to 192.168.99.1');
  expect(await far('2001:db8:1234::1')).toContain('DELIVERED to 2001:db8:1234::1');
}, 60_000);
