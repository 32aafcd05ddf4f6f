/** The package as npm would publish it: what it holds, and that another project can import and run it. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as shapes from '../../sim/ec2/shape.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the package', () => {
  const project = mkdtempSync(join(tmpdir(), 'byoa-package-'));
  const modules = join(project, 'node_modules');
  let files: readonly string[] = [];

  beforeAll(() => {
    const args = ['pack', '--json', '--pack-destination', project];
    const output = execFileSync('npm', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [packed] = JSON.parse(output.slice(output.indexOf('\n[') + 1));
    files = packed.files.map((file: { readonly path: string }) => file.path);
    mkdirSync(modules);
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    execFileSync('tar', ['-xzf', join(project, packed.filename), '-C', project]);
    execFileSync('mv', [join(project, 'package'), join(modules, 'byoa')]);
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  }, 180_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('holds the compiled parts, and neither sources nor tests', () => {
    expect(files).toContain('LICENSE');
    expect(files).toContain('bin/byoa.js');
    expect(files).toContain('dist/lib/sim/index.js');
    expect(files).toContain('dist/lib/sim/index.d.ts');
    expect(files).toContain('dist/lib/controller/bgp/index.d.ts');
    const strangers = files.filter((file) => /(^|\/)(test|bench|node_modules)\/|[^d]\.ts$/.test(file));
    expect(strangers).toEqual([]);
  });

  it('runs its command line without sources', () => {
    const { version } = JSON.parse(execFileSync('cat', [join(ROOT, 'package.json')], { encoding: 'utf8' }));
    const program = join(modules, 'byoa', 'bin', 'byoa.js');
    const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
    expect(run('schema')).toMatchObject({ status: 0, stdout: expect.stringContaining('"appliances"') });
  });

  /** What the compiler has against a file of the other project. */
  function compile(file: string): string {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck'];
    const args = [tsc, ...flags, '--types', 'node', file];
    return spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' }).stdout;
  }

  it('starts a simulator in process, as its declarations say', () => {
    const text = [
      "import { startSimulator } from 'byoa/sim';",
      'const simulator = await startSimulator({ port: 0 });',
      "const answer = await fetch(new URL('/_byoa/state', simulator.url));",
      'console.log(answer.status);',
      'await simulator.close();',
    ];
    writeFileSync(join(project, 'use.mts'), `${text.join('\n')}\n`);
    writeFileSync(join(project, 'use.mjs'), `${text.join('\n')}\n`);
    const run = spawnSync(process.execPath, ['use.mjs'], { cwd: project, encoding: 'utf8', timeout: 30_000 });
    expect(run).toMatchObject({ status: 0, stdout: '200\n' });
    expect(compile('use.mts')).toBe('');
  });

  it('writes a project for a design that compiles, and drills it', () => {
    const program = join(modules, 'byoa', 'bin', 'byoa.js');
    const byoa = (...args: string[]) =>
      spawnSync(process.execPath, [program, ...args], { cwd: project, encoding: 'utf8', timeout: 170_000 });
    expect(byoa('init', 'mine', '--design', 'floating-eni', '--region', 'us-west-2', '-y')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('wrote mine/index.ts'),
    });
    expect(compile('mine/index.ts')).toBe('');
    const drilled = byoa('drill', '--program', 'mine', '--no-pairs', '--limit', '30s', '--json');
    expect(drilled).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\[\{"title":"mine"/) });
    const again = byoa('init', 'mine', '-y');
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('nothing was written') });
  }, 180_000);

  it('knows every operation with its members, though without the clients of the SDK', async () => {
    const built: typeof shapes = await import(join(modules, 'byoa', 'dist', 'lib', 'sim', 'ec2', 'shape.js'));
    const members = ({ operationOf }: typeof shapes, service: shapes.ServiceName, name: string) =>
      [operationOf(service, name)?.input, operationOf(service, name)?.output].map(
        (shape) =>
          shape?.kind === 'structure' &&
          shape.members.map((each) => [each.queryName, each.xmlName, each.required, each.shape().kind]),
      );
    for (const service of shapes.SERVICES) {
      expect(built.operationNames(service)).toEqual(shapes.operationNames(service));
      for (const name of shapes.operationNames(service)) {
        expect(members(built, service, name), name).toEqual(members(shapes, service, name));
      }
    }
    const text = readFileSync(join(modules, 'byoa', 'dist', 'lib', 'sim', 'ec2', 'sdk.js'), 'utf8');
    expect(/@aws-sdk\/client|resolveMiddleware/.test(text)).toBe(false);
  }, 60_000);

  it('speaks BGP and BFD without I/O, as its declarations say', () => {
    const text = [
      "import { bfdStatus, createBfd, createSpeaker, decodeOpen, frame, isNotification } from 'byoa/bgp';",
      "import { DEFAULT_PEER, DEFAULT_SPEAKER, nextSpeakerDeadline, stepSpeaker, summary } from 'byoa/bgp';",
      "const b = { ...DEFAULT_PEER, name: 'b', address: '10.0.0.2', as: 65002, passive: true, shutdown: false };",
      "const options = { ...DEFAULT_SPEAKER, as: 65001, routerId: '10.0.0.1', neighbors: [b] };",
      'const speaker = createSpeaker(options, { seed: 1 }, 0);',
      "stepSpeaker(speaker, { kind: 'start' }, 0);",
      "const link = { connection: 1, local: '10.0.0.1', remote: '10.0.0.2' };",
      "const effects = stepSpeaker(speaker, { kind: 'tcp-accepted', ...link }, 0);",
      "const sent = effects.find((one) => one.kind === 'tcp-send');",
      "if (sent?.kind !== 'tcp-send') throw new Error('no OPEN');",
      'const one = frame(sent.data, 0, sent.data.length, 4096);',
      "if (one.kind !== 'message') throw new Error('no message');",
      'const open = decodeOpen(sent.data, one.bodyStart, one.bodyEnd);',
      "if (isNotification(open)) throw new Error('no OPEN');",
      'const [seen] = summary(speaker, 0).peers;',
      'const deadline = nextSpeakerDeadline(speaker);',
      'console.log(open.as, seen?.state, deadline, bfdStatus(createBfd({ seed: 1 })).length);',
    ];
    writeFileSync(join(project, 'speak.mts'), `${text.join('\n')}\n`);
    writeFileSync(join(project, 'speak.mjs'), `${text.join('\n')}\n`);
    const run = spawnSync(process.execPath, ['speak.mjs'], {
      cwd: project,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(run).toMatchObject({ status: 0, stdout: '65001 OpenSent 30000 0\n' });
    expect(compile('speak.mts')).toBe('');
  });
});
