/** The rules of the structure test, each shown to catch what it is for: every breach is planted here. */
import { describe, expect, it } from 'vitest';
import { illShaped, impureCode, longFunctions, waysRound } from './code.ts';
import { forbiddenImports, importCircles } from './imports.ts';
import { parse } from './source.ts';

const files = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([path, text]) => parse(path, text));

describe('imports', () => {
  const others = {
    'sim/world/world.ts': '',
    'controller/shell/run.ts': '',
    'controller/base/ip.ts': '',
    'controller/config.ts': '',
    'infra/index.ts': '',
  };
  const breaches = (path: string, text: string) => forbiddenImports(files({ ...others, [path]: text }));

  it.each([
    ['controller/node.ts', "import { world } from '../sim/world/world.ts';"],
    ['controller/node.ts', "import type { World } from '../sim/world/world.ts';"],
    ['controller/node.ts', "export { world } from '../sim/world/world.ts';"],
    ['controller/node.ts', "const later = () => import('../infra/index.ts');"],
    ['controller/node.ts', "type World = import('../sim/world/world.ts').World;"],
    ['controller/base/time.ts', "import '../config.ts';"],
    ['controller/health/probe.ts', "import '../shell/run.ts';"],
    ['sim/world/node.ts', "import '../../controller/shell/run.ts';"],
    ['sim/vpc/fabric.ts', "import '../world/world.ts';"],
    ['infra/stack.ts', "import '../controller/base/ip.ts';"],
    ['stray/file.ts', "import '../controller/config.ts';"],
  ])('refuses that %s has: %s', (path, text) => {
    expect(breaches(path, text)).toEqual([expect.stringMatching(`^${path}:1: `)]);
  });

  it('refuses a name without extension, and a file that is not there', () => {
    expect(breaches('controller/node.ts', "import './config';")).toEqual([
      expect.stringContaining('extension'),
    ]);
    expect(breaches('controller/node.ts', "import './nowhere.ts';")).toEqual([
      expect.stringContaining('exist'),
    ]);
  });

  it('allows what the architecture allows', () => {
    expect(breaches('infra/stack.ts', "import '../controller/config.ts'; import './index.ts';")).toEqual([]);
    expect(breaches('sim/world/node.ts', "import '../../controller/config.ts'; import 'zod';")).toEqual([]);
  });

  it('finds circles between files, and between folders', () => {
    const pair = files({
      'sim/vpc/a.ts': "import './b.ts';",
      'sim/vpc/b.ts': "import type {} from './a.ts';",
    });
    expect(importCircles(pair)).toEqual([
      'files import each other: sim/vpc/a.ts -> sim/vpc/b.ts -> sim/vpc/a.ts',
    ]);
    const folders = files({
      'sim/vpc/a.ts': "import '../ec2/b.ts';",
      'sim/ec2/b.ts': '',
      'sim/ec2/c.ts': "import '../vpc/d.ts';",
      'sim/vpc/d.ts': '',
    });
    expect(importCircles(folders)).toEqual(['folders import each other: sim/vpc -> sim/ec2 -> sim/vpc']);
    expect(importCircles(files({ 'sim/vpc/a.ts': "import './b.ts';", 'sim/vpc/b.ts': '' }))).toEqual([]);
  });
});

describe('pure code', () => {
  it.each([
    'const a = Date.now();',
    'const a = new Date();',
    'const a = Math.random();',
    'const a = performance.now();',
    'const a = process.env;',
    'console.log(1);',
    'setTimeout(a, 1);',
    'const a = { fetch };',
    'async function a() {}',
    'const a = async () => 1;',
    'const a = Promise.resolve();',
    "import { readFileSync } from 'node:fs';",
    "import * as net from 'node:net';",
    "import { randomBytes } from 'node:crypto';",
    "const a = import('node:http');",
  ])('refuses: %s', (text) => {
    expect(impureCode(parse('controller/failover/plan.ts', text))).toEqual([
      expect.stringMatching('^controller/failover/plan.ts:1: '),
    ]);
    expect(impureCode(parse('controller/shell/run.ts', text))).toEqual([]);
  });

  it.each([
    'const a = new Date(1);',
    'const a = b.process; const c = { console: 1 };',
    'function step(process: string) { return process; }',
    "import { createHash } from 'node:crypto';",
    'interface A { fetch(): void }',
  ])('allows: %s', (text) => expect(impureCode(parse('sim/world/kernel.ts', text))).toEqual([]));
});

describe('ways round the compiler', () => {
  const comment = (word: string): string => `// ${word} because`;
  it.each([
    'let a: any;',
    'const a = b as any;',
    'const a = b!.c;',
    'enum A { b }',
    'namespace A { export const b = 1; }',
    'class A { constructor(private readonly b: number) {} }',
    comment(['biome', 'ignore'].join('-')),
    comment(`@ts-${'ignore'}`),
    comment(['TO', 'DO'].join('')),
  ])('refuses: %s', (text) => expect(waysRound(parse('bench/a.ts', text))).toHaveLength(1));

  it('allows a word inside a string', () => {
    expect(waysRound(parse('bench/a.ts', `const a = '${['TO', 'DO'].join('')}'; const any = 1;`))).toEqual(
      [],
    );
  });
});

describe('shape', () => {
  const top = '/** What it is. */\n';
  const shape = (text: string, path = 'sim/vpc/route.ts') => illShaped(parse(path, text));

  it('wants a comment at the top', () => {
    expect(shape('const a = 1;\n')).toEqual([expect.stringContaining('sim/vpc/route.ts:1: ')]);
    expect(shape('const a = 1;\n', 'test/vpc/route.test.ts')).toEqual([]);
    expect(shape(`#!/usr/bin/env node\n${top}`)).toEqual([]);
  });

  it('measures lines and files', () => {
    expect(shape(`${top}// ${'word '.repeat(30)}\n`)).toEqual([
      expect.stringMatching('^sim/vpc/route.ts:2: '),
    ]);
    expect(shape(`${top}const a = b(${'word, '.repeat(30)});\n`)).toHaveLength(1);
    expect(shape(`${top}const a = '${'word '.repeat(30)}';\n`)).toEqual([]);
    expect(shape(top + '\n'.repeat(500))).toEqual([expect.stringContaining('split the file')]);
  });

  it('refuses names that say nothing', () => {
    expect(shape(top, 'sim/vpc/utils.ts')).toHaveLength(1);
    expect(shape(top, 'controller/route-helper.ts')).toHaveLength(1);
    expect(shape(top, 'controller/utility-vehicle.ts')).toEqual([]);
  });

  it('measures functions, but not those of tests', () => {
    const long = `function a() {\n${'  b();\n'.repeat(100)}}\n`;
    expect(longFunctions(parse('sim/vpc/route.ts', long))).toEqual([expect.stringContaining('route.ts:1: ')]);
    expect(longFunctions(parse('test/vpc/route.test.ts', long))).toEqual([]);
  });
});
