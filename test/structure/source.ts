/** Reads TypeScript sources for the structure test: their imports and syntax trees. Judges nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface Import {
  readonly from: string;
  readonly line: number;
  /** As written. */
  readonly name: string;
  /** The file of ours that a relative name means, by path from the root. */
  readonly target?: string;
  /** The names taken by a static import; empty where it takes the whole. */
  readonly taken: readonly string[];
}

export function parse(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
}

/** Every TypeScript file below `folders` of `root`, in the order of their paths. */
export function readSources(root: string, folders: readonly string[]): readonly Source[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => posix.join(folder, name.replaceAll('\\', '/'))),
  );
  return paths.sort().map((path) => parse(path, readFileSync(join(root, path), 'utf8')));
}

/** The line of a node, counted from 1. */
export const lineOf = (source: Source, node: ts.Node): number =>
  source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1;

/** Calls `visit` for every node of a tree, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function takenBy(node: ts.Node): readonly string[] {
  if (!ts.isImportDeclaration(node)) return [];
  const bindings = node.importClause?.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings) || node.importClause?.name !== undefined)
    return [];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

/**
 * The module that a node imports: by a declaration, a re-export, `import()` of a literal or a type
 * `import('x')`.
 */
function moduleNamed(node: ts.Node): ts.StringLiteralLike | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const name = node.moduleSpecifier;
    return name !== undefined && ts.isStringLiteralLike(name) ? name : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [name] = node.arguments;
    return name !== undefined && ts.isStringLiteralLike(name) ? name : undefined;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return ts.isStringLiteralLike(node.argument.literal) ? node.argument.literal : undefined;
  }
  return undefined;
}

/** Everything that a file imports, types included. */
export function importsOf(source: Source): readonly Import[] {
  const imports: Import[] = [];
  walk(source.tree, (node) => {
    const literal = moduleNamed(node);
    if (literal === undefined) return;
    const name = literal.text;
    const relative = name.startsWith('.') ? posix.join(posix.dirname(source.path), name) : undefined;
    const target = relative === undefined ? {} : { target: relative };
    imports.push({ from: source.path, line: lineOf(source, literal), name, taken: takenBy(node), ...target });
  });
  return imports;
}
