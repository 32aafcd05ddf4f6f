/**
 * docs/RFC.md against the tests: every test that it names exists under that title, every test that names
 * an RFC is listed under it, and nothing is called done without one.
 *
 * A test stands in the last column as `folder/file: title`, with the title of an `it` or of a `describe`,
 * which stands for all in it; several are divided by `<br>`. In titles made of values, those are written
 * `*`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { readSources, type Source } from '../structure/source.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STATES = ['done', 'deviation', 'not done', 'not applicable'];

/** What the project promises, and what it says of others. */
const PROMISED = [
  '1997 2385 2545 2918 4271 4360 4451 4456 4486 4724 4760 5004 5082 5492 5880 5881 5882 5883 6286 6608',
  '6793 7313 7606 7607 7911 7947 7999 8092 8203 8212 8326 8538 8654 8950 9003 9072 9234 9384 9494 9687 9774',
].flatMap((line) => line.split(' '));

interface Test {
  /** `bgp/fsm`. */
  readonly file: string;
  /** Titles from the outermost `describe` to its own. */
  readonly titles: readonly string[];
}

/** The title that a call has, values in it as `*`; absent where it is no literal. */
function titleOf(node: ts.CallExpression): string | undefined {
  const [title] = node.arguments;
  if (title === undefined) return undefined;
  if (ts.isStringLiteralLike(title)) return title.text.replace(/%\w|\$\w+/g, '*');
  if (!ts.isTemplateExpression(title)) return undefined;
  return title.head.text + title.templateSpans.map(({ literal }) => `*${literal.text}`).join('');
}

/** `it`, `it.each(...)`, `describe.skipIf(...)`: the word that it begins with. */
function wordOf(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) return wordOf(node.expression);
  return '';
}

function testsOf({ path, tree }: Source): readonly Test[] {
  const file = path.replace(/^test\//, '').replace(/\.test\.ts$/, '');
  const found: Test[] = [];
  const visit = (node: ts.Node, titles: readonly string[]): void => {
    const title = ts.isCallExpression(node) ? titleOf(node) : undefined;
    const word = ts.isCallExpression(node) && title !== undefined ? wordOf(node.expression) : '';
    const inner = title !== undefined && (word === 'it' || word === 'describe') ? [...titles, title] : titles;
    if (word === 'it') found.push({ file, titles: inner });
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(tree, []);
  return found;
}

const folders = ['test/wire', 'test/bgp', 'test/bfd', 'test/fuzz'];
const tests = readSources(ROOT, folders)
  .filter(({ path }) => path.endsWith('.test.ts'))
  .flatMap(testsOf);

interface Row {
  readonly line: number;
  /** Number of the RFC, or the heading where it has none. */
  readonly rfc: string;
  readonly section: string;
  readonly state: string;
  readonly where: readonly string[];
  readonly tests: readonly string[];
}

const DIVIDER = '<br>';
const list = (cell: string): readonly string[] => cell.split(DIVIDER).filter((one) => one !== '');

function rowsOf(text: string): readonly Row[] {
  let rfc = '';
  return text.split('\n').flatMap((line, index) => {
    const heading = /^## (?:RFC (\d+))?(.*)$/.exec(line);
    if (heading !== null) rfc = heading[1] ?? heading[2] ?? '';
    if (!line.startsWith('| ') || /^\| (section|---)/.test(line)) return [];
    const [section = '', , state = '', where = '', named = ''] = line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim());
    return [{ line: index + 1, rfc, section, state, where: list(where), tests: list(named) }];
  });
}

const rows = rowsOf(readFileSync(join(ROOT, 'docs/RFC.md'), 'utf8'));

/** The tests that an entry of the last column means. */
function meant(entry: string): readonly Test[] {
  const [file, ...rest] = entry.split(': ');
  const title = rest.join(': ');
  return tests.filter((one) => one.file === file && one.titles.includes(title));
}

/**
 * The RFCs that a test speaks of: in its own title, or else in that of the innermost `describe` that names
 * one.
 */
function rfcsOf({ titles }: Test): readonly string[] {
  const named = titles.map((title) => [...title.matchAll(/\bRFC (\d+)\b/g)].map((match) => match[1] ?? ''));
  return named.findLast((one) => one.length > 0) ?? [];
}

describe('docs/RFC.md', () => {
  it('has a table for each RFC that the project promises', () => {
    const known = new Set(rows.map(({ rfc }) => rfc));
    expect(PROMISED.filter((rfc) => !known.has(rfc))).toEqual([]);
  });

  it('knows four states, and calls nothing done without a test', () => {
    const wrong = rows.filter(({ state, tests: named }) => {
      const isKnown = STATES.includes(state);
      return !isKnown || (state === 'done' && named.length === 0);
    });
    expect(wrong.map(({ line, section, state }) => `line ${line}: ${section} is '${state}'`)).toEqual([]);
  });

  it('names tests and files that exist', () => {
    const lost = rows.flatMap(({ line, where, tests: named }) => [
      ...named.filter((one) => meant(one).length === 0).map((one) => `line ${line}: no test '${one}'`),
      ...where
        .filter((one) => one.includes('/') && !existsSync(join(ROOT, 'controller', one)))
        .map((one) => `line ${line}: no file '${one}'`),
    ]);
    expect(lost).toEqual([]);
  });

  it('lists every test that names an RFC under that RFC', () => {
    const listed = new Set<string>();
    const keyOf = (rfc: string, { file, titles }: Test) => `RFC ${rfc}: ${file}: ${titles.join(' > ')}`;
    for (const { rfc, tests: named } of rows)
      for (const one of named.flatMap(meant)) listed.add(keyOf(rfc, one));
    const missing = tests.flatMap((one) =>
      rfcsOf(one)
        .map((rfc) => keyOf(rfc, one))
        .filter((key) => !listed.has(key)),
    );
    expect(tests.length).toBeGreaterThan(300);
    expect([...new Set(missing)]).toEqual([]);
  });
});
