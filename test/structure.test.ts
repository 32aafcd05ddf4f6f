/** The structure of the tree: who imports whom, where the world is touched, and how a file must look. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { illShaped, impureCode, longFunctions, waysRound } from './structure/code.ts';
import { forbiddenImports, importCircles } from './structure/imports.ts';
import { readSources } from './structure/source.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const sources = readSources(ROOT, ['bench', 'bin', 'controller', 'infra', 'sim', 'test']);

describe('structure', () => {
  it('has sources to judge', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.map((source) => source.path)).toContain('controller/event.ts');
  });

  it('imports only what the architecture allows', () => expect(forbiddenImports(sources)).toEqual([]));

  it('imports in no circle', () => expect(importCircles(sources)).toEqual([]));

  it('touches the world in the shells alone', () => expect(sources.flatMap(impureCode)).toEqual([]));

  it('does not go round the compiler or the linter', () => expect(sources.flatMap(waysRound)).toEqual([]));

  it('keeps files and lines readable', () => expect(sources.flatMap(illShaped)).toEqual([]));

  it('keeps functions short', () => expect(sources.flatMap(longFunctions)).toEqual([]));

  it('is Apache-2.0, and says so twice', () => {
    expect(readFileSync(join(ROOT, 'LICENSE'), 'utf8')).toContain('Apache License');
    expect(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))).toMatchObject({
      license: 'Apache-2.0',
    });
  });
});
