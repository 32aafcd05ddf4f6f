/**
 * What may not stand in a file: impure words in pure code, ways round the compiler, and shapes that nobody
 * can read.
 */
import ts from 'typescript';
import { importsOf, lineOf, type Source, walk } from './source.ts';

/** The only places that may read clocks, draw random numbers, open files or sockets, or wait. */
const SHELL = [
  'controller/shell/',
  'controller/main.ts',
  'sim/main.ts',
  'sim/index.ts',
  'sim/chaos/main.ts',
  'sim/chaos/terminal.ts',
  'sim/server/',
  'sim/pulumi/',
  'sim/demo/',
  'sim/drill/campaign.ts',
  'sim/drill/source.ts',
  'sim/drill/main.ts',
  'sim/lab/',
  'infra/',
  'bin/',
  'bench/',
  'test/',
];

export const isPure = (path: string): boolean =>
  !SHELL.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));

const BANNED_GLOBALS: Readonly<Record<string, string>> = {
  process: 'pass what it says as an argument',
  console: 'return an effect of kind log',
  performance: 'take `now` as an argument',
  setTimeout: 'keep a deadline in the state',
  setInterval: 'keep a deadline in the state',
  setImmediate: 'keep a deadline in the state',
  queueMicrotask: 'keep a deadline in the state',
  crypto: 'draw from the seeded generator in base/prng.ts',
  fetch: 'return an effect, or move it to a shell',
  Promise: 'pure code waits for nothing: return an effect',
};

/** Modules of Node that compute and do nothing else, with the names that may be taken from them. */
const PURE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:buffer': ['Buffer'],
  'node:crypto': ['createHash', 'createHmac'],
};

/** The names that a file declares itself: parameters, variables, imports. */
function declared(source: Source): ReadonlySet<string> {
  const names = new Set<string>();
  walk(source.tree, (node) => {
    const named =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node);
    if (named && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}

/** Whether an identifier stands for a value, not for a property, a label or a type. */
function refers(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent)) return false;
  const names =
    ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent);
  if (names && parent.name === node) return false;
  return !ts.isBindingElement(parent) && !ts.isImportSpecifier(parent) && !ts.isMethodSignature(parent);
}

function impurity(node: ts.Node, own: ReadonlySet<string>): string | undefined {
  if (
    ts.isIdentifier(node) &&
    refers(node) &&
    !own.has(node.text) &&
    Object.hasOwn(BANNED_GLOBALS, node.text)
  ) {
    return `'${node.text}' in pure code; ${BANNED_GLOBALS[node.text]}`;
  }
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const name = `${node.expression.text}.${node.name.text}`;
    if (name === 'Date.now') return `'${name}' reads a clock in pure code; take \`now\` as an argument`;
    if (name === 'Math.random')
      return `'${name}' in pure code; draw from the seeded generator in base/prng.ts`;
  }
  if (
    ts.isNewExpression(node) &&
    node.expression.getText() === 'Date' &&
    (node.arguments?.length ?? 0) === 0
  ) {
    return "'new Date()' reads a clock in pure code; take `now` as an argument";
  }
  if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AsyncKeyword) {
    return `'${node.getText().split(/\s/)[0]}' in pure code; pure code waits for nothing: return an effect`;
  }
  return undefined;
}

/** Clocks, randomness, waiting and I/O in code that must be pure. */
export function impureCode(source: Source): readonly string[] {
  if (!isPure(source.path)) return [];
  const own = declared(source);
  const found: string[] = [];
  walk(source.tree, (node) => {
    const what = impurity(node, own);
    if (what !== undefined) found.push(`${source.path}:${lineOf(source, node)}: ${what}`);
  });
  for (const { name, line, taken } of importsOf(source)) {
    if (!name.startsWith('node:')) continue;
    const allowed = PURE_MODULES[name] ?? [];
    const stranger = taken.length === 0 ? 'the whole module' : taken.find((one) => !allowed.includes(one));
    if (stranger !== undefined) {
      found.push(`${source.path}:${line}: pure code takes ${stranger} of '${name}'; move it to a shell`);
    }
  }
  return found;
}

function wayRound(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AnyKeyword)
    return "'any' switches the compiler off; write the type, or unknown";
  if (ts.isNonNullExpression(node)) return "'!' hides a missing value; use present() of base/result.ts";
  if (ts.isEnumDeclaration(node)) return 'enum; write a union of strings';
  if (ts.isModuleDeclaration(node)) return 'namespace; write a module';
  if (ts.isParameterPropertyDeclaration(node, node.parent)) return 'parameter property; declare the field';
  return undefined;
}

const MARKS: readonly (readonly [RegExp, string])[] = [
  [/\bbiome-ignore\b/, 'switches the linter off; mend the code'],
  [/@ts-(ignore|expect-error|nocheck)\b/, 'switches the compiler off; mend the code'],
  [/\b(TODO|FIXME|XXX|HACK)\b/, 'is unfinished work; do it, or open an issue'],
];

/** `any`, `!`, enums and comments that switch a tool off. */
export function waysRound(source: Source): readonly string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    const what = wayRound(node);
    if (what !== undefined) found.push(`${source.path}:${lineOf(source, node)}: ${what}`);
  });
  source.text.split('\n').forEach((line, index) => {
    for (const [mark, why] of MARKS) {
      const match = mark.exec(line);
      if (match && /\/\/|\/\*|^\s*\*/.test(line))
        found.push(`${source.path}:${index + 1}: '${match[0]}' ${why}`);
    }
  });
  return found;
}

const LINE_LIMIT = 110;
const FILE_LIMIT = 450;
/** Tests are lists: they may be longer, and their titles say what they are. */
const TEST_FILE_LIMIT = 600;
const FUNCTION_LIMIT = 80;

/** The lines that one literal makes too long, which no formatter breaks. */
function heldByLiteral(source: Source): ReadonlySet<number> {
  const held = new Set<number>();
  walk(source.tree, (node) => {
    if (
      !ts.isStringLiteralLike(node) &&
      !ts.isTemplateExpression(node) &&
      !ts.isRegularExpressionLiteral(node)
    )
      return;
    const at = (position: number): ts.LineAndCharacter => source.tree.getLineAndCharacterOfPosition(position);
    const start = at(node.getStart(source.tree));
    const end = at(node.getEnd());
    for (let line = start.line; line <= end.line; line++) {
      if (line < end.line || end.character > LINE_LIMIT - 20) held.add(line);
    }
  });
  return held;
}

/** File and line lengths, the comment at the top, and the name of the file. */
export function illShaped(source: Source): readonly string[] {
  const { path, text } = source;
  const lines = text.split('\n');
  const found: string[] = [];
  const first = text.replace(/^#!.*\n/, '');
  const isTest = path.endsWith('.test.ts');
  if (!/^\s*(\/\*\*?|\/\/)/.test(first) && !path.endsWith('.config.ts') && !isTest) {
    found.push(`${path}:1: no comment says what this file is and what it does not do; open it with one`);
  }
  const held = heldByLiteral(source);
  lines.forEach((line, index) => {
    if (line.length <= LINE_LIMIT || held.has(index)) return;
    found.push(`${path}:${index + 1}: ${line.length} characters; break the line at ${LINE_LIMIT}`);
  });
  const limit = isTest ? TEST_FILE_LIMIT : FILE_LIMIT;
  if (lines.length > limit) {
    found.push(
      `${path}:${limit}: ${lines.length} lines; split the file by meaning (about 400 lines at most)`,
    );
  }
  const word = /(^|[/-])(utils?|helpers?|manager|misc|common)\b/.exec(path)?.[2];
  if (word !== undefined)
    found.push(`${path}:1: '${word}' says nothing; name the file after what it is about`);
  return found;
}

/** Functions that do not fit on a screen; tests, whose `describe` holds many, are left out. */
export function longFunctions(source: Source): readonly string[] {
  if (source.path.startsWith('test/')) return [];
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node)) return;
    const start = lineOf(source, node);
    const length = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - start;
    if (length > FUNCTION_LIMIT) {
      found.push(`${source.path}:${start}: a function of ${length} lines; split it (about 70 at most)`);
    }
  });
  return found;
}
