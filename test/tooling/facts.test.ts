/** Each fact of how a VPC forwards packets, F1 to F28 and A1 to A3, has a test titled by its number. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { readSources, walk } from '../structure/source.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const numbers = (letter: string, last: number): readonly string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
const FACTS = [...numbers('F', 28), ...numbers('A', 3)];

/** The numbers at the beginning of a title such as `F13, A1: a route...`. */
const numbersOf = (title: string): readonly string[] =>
  /^((?:[FA]\d+, )*[FA]\d+): /.exec(title)?.[1]?.split(', ') ?? [];

/** The titles of all tests. */
const titles = readSources(ROOT, ['test']).flatMap(({ tree }) => {
  const found: string[] = [];
  walk(tree, (node) => {
    if (!ts.isCallExpression(node) || !/^(it|test)$/.test(node.expression.getText(tree))) return;
    const [title] = node.arguments;
    if (title !== undefined && ts.isStringLiteralLike(title)) found.push(title.text);
  });
  return found;
});

it('every fact has a test, and no test names a fact that there is not', () => {
  const tested = new Set(titles.flatMap(numbersOf));
  expect(FACTS.filter((fact) => !tested.has(fact))).toEqual([]);
  expect([...tested].filter((fact) => !FACTS.includes(fact))).toEqual([]);
});
