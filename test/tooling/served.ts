/**
 * What the sources of the simulator say that it serves: for each operation the parameters that its handler
 * reads, its filters, and the codes with which it refuses. Read from the syntax tree: whatever a handler
 * reaches counts, so that a list may be longer than what one request can meet, never shorter.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { kinds } from '../../sim/ec2/record/kinds.ts';
import { operationOf, type ServiceName } from '../../sim/ec2/shape.ts';
import { walk } from '../structure/source.ts';

export interface Served {
  readonly service: ServiceName;
  readonly action: string;
  /** Parameters by the SDK's names, in its order. */
  readonly read: readonly string[];
  readonly ignored: readonly string[];
  readonly filters: readonly string[];
  /** Filters that AWS documents for the operation. */
  readonly documented: readonly string[];
  readonly codes: readonly string[];
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TABLE = join(ROOT, 'sim/ec2/handlers.ts');

/** Parameters that are dealt with around every handler. */
const EVERYWHERE = ['DryRun', 'ClientToken'];

interface Reader {
  readonly checker: ts.TypeChecker;
  /** The declaration that a name stands for, where it is one of ours. */
  readonly declarationOf: (name: ts.Node) => ts.Declaration | undefined;
}

function openReader(program: ts.Program): Reader {
  const checker = program.getTypeChecker();
  return {
    checker,
    declarationOf: (name) => {
      const found = ts.isShorthandPropertyAssignment(name.parent)
        ? checker.getShorthandAssignmentValueSymbol(name.parent)
        : checker.getSymbolAtLocation(name);
      const symbol = found && found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
      const declaration = symbol?.valueDeclaration;
      const ours = declaration?.getSourceFile().fileName.includes('/sim/');
      return ours === true ? declaration : undefined;
    },
  };
}

/** Functions and constants at the top of a file. */
const isTopLevel = (node: ts.Declaration): boolean =>
  ts.isFunctionDeclaration(node) ||
  (ts.isVariableDeclaration(node) && ts.isSourceFile(node.parent.parent.parent));

/** The properties of an object literal, and of those spread into it, with what each is set to. */
function propertiesOf(reader: Reader, node: ts.Node): Map<string, ts.Expression> {
  const found = new Map<string, ts.Expression>();
  const literal = ts.isIdentifier(node) ? initializerOf(reader.declarationOf(node)) : node;
  if (literal === undefined || !ts.isObjectLiteralExpression(literal)) return found;
  for (const property of literal.properties) {
    if (ts.isSpreadAssignment(property)) {
      for (const [name, value] of propertiesOf(reader, property.expression)) found.set(name, value);
    } else if (ts.isPropertyAssignment(property) && property.name !== undefined) {
      found.set(nameOf(property.name), property.initializer);
    } else if (ts.isShorthandPropertyAssignment(property)) {
      found.set(property.name.text, property.name);
    }
  }
  return found;
}

const initializerOf = (node: ts.Declaration | undefined): ts.Expression | undefined =>
  node !== undefined && ts.isVariableDeclaration(node) ? node.initializer : undefined;

const nameOf = (name: ts.PropertyName): string =>
  ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : name.getText();

/** The texts that an expression may be: literals, either side of a condition, constants. */
function textsOf(reader: Reader, node: ts.Expression | undefined): readonly string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) {
    return [...textsOf(reader, node.whenTrue), ...textsOf(reader, node.whenFalse)];
  }
  const type = reader.checker.getTypeAtLocation(node);
  const parts = type.isUnion() ? type.types : [type];
  return parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
}

const isKind = (text: string): text is keyof typeof kinds => Object.hasOwn(kinds, text);

/** The codes of a call that refuses, or that needs a resource. */
function codesOf(reader: Reader, call: ts.CallExpression): readonly string[] {
  const name = ts.isPropertyAccessExpression(call.expression)
    ? call.expression.name.text
    : call.expression.getText();
  const absent = (texts: readonly string[]): readonly string[] =>
    texts.flatMap((text) => (isKind(text) ? [kinds[text].notFound, kinds[text].malformed] : []));
  if (name === 'refuse') return textsOf(reader, call.arguments[0]);
  if (name === 'need' && ts.isPropertyAccessExpression(call.expression)) {
    return absent(textsOf(reader, call.arguments[0]));
  }
  if (name !== 'describe' || call.arguments[1] === undefined) return [];
  const options = propertiesOf(reader, call.arguments[1]);
  return options.has('ids') ? absent(textsOf(reader, options.get('kind'))) : [];
}

/** The names of a table of filters: its own, those of a table spread into it, or made by a function. */
function filterNames(reader: Reader, node: ts.Expression, given: ReadonlyMap<string, string>): string[] {
  if (ts.isIdentifier(node)) {
    const initializer = initializerOf(reader.declarationOf(node));
    return initializer === undefined ? [] : filterNames(reader, initializer, given);
  }
  if (ts.isCallExpression(node)) return madeNames(reader, node);
  if (!ts.isObjectLiteralExpression(node)) return [];
  return node.properties.flatMap((property) => {
    if (ts.isSpreadAssignment(property)) return filterNames(reader, property.expression, given);
    const { name } = property;
    if (name === undefined) return [];
    if (!ts.isComputedPropertyName(name)) return [nameOf(name)];
    return ts.isTemplateExpression(name.expression) ? [filled(name.expression, given)] : [];
  });
}

const filled = (text: ts.TemplateExpression, given: ReadonlyMap<string, string>): string =>
  text.head.text +
  text.templateSpans.map((span) => `${given.get(span.expression.getText())}${span.literal.text}`).join('');

/** The names of a table that a function returns: the function's, with its literal arguments filled in. */
function madeNames(reader: Reader, call: ts.CallExpression): string[] {
  const literals = call.arguments.map((each) => (ts.isStringLiteralLike(each) ? each.text : undefined));
  if (call.expression.getText() === 'byShown') return literals.filter((each) => each !== undefined);
  const made = reader.declarationOf(call.expression);
  if (made === undefined || !ts.isFunctionDeclaration(made)) return [];
  const given = new Map(made.parameters.map((each, index) => [each.name.getText(), literals[index] ?? '']));
  const returned = made.body?.statements.find(ts.isReturnStatement)?.expression;
  return returned === undefined ? [] : filterNames(reader, returned, given);
}

/** The filters that a declaration adds: those of any constant of the type `Filters`. */
function filtersOf(reader: Reader, node: ts.Node): readonly string[] {
  if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return [];
  return /^(Filters|Searches)\b/.test(node.type?.getText() ?? '')
    ? filterNames(reader, node.initializer, new Map())
    : [];
}

/** The names that a node reads of an object: `input.VpcId`, `{ VpcId }`. */
function readBy(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (!ts.isBindingElement(node) || node.dotDotDotToken !== undefined) return undefined;
  return nameOf((node.propertyName ?? node.name) as ts.PropertyName);
}

/** The filters that the SDK's declarations document, by the name of the request. */
function documentedFilters(program: ts.Program): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.includes('client-ec2/')) continue;
    for (const request of file.statements.filter(ts.isInterfaceDeclaration)) {
      const member = request.members.find((each) => /^Filters?$/.test(each.name?.getText(file) ?? ''));
      if (member === undefined) continue;
      const texts = member
        .getFullText(file)
        .matchAll(/<li>[\s*]*<p>[\s*]*<code>([a-zA-Z0-9.:-]+)<\/code>\s*[-–]/g);
      const names = Array.from(texts, ([, name = '']) => name);
      found.set(
        request.name.text,
        names.filter((name) => !/^tag(:|$)|^tag-|^(informational|low|medium|high|critical)$/.test(name)),
      );
    }
  }
  return found;
}

/** What one declaration says by itself. */
interface Facts {
  readonly names: readonly ts.Node[];
  readonly accessed: readonly string[];
  readonly filters: readonly string[];
  readonly codes: readonly string[];
}

function factsOf(reader: Reader, node: ts.Node): Facts {
  const facts = { names: new Set<ts.Node>(), accessed: [], filters: [], codes: [] } as {
    names: Set<ts.Node>;
    accessed: string[];
    filters: string[];
    codes: string[];
  };
  walk(node, (inner) => {
    const declaration = ts.isIdentifier(inner) ? reader.declarationOf(inner) : undefined;
    if (declaration !== undefined && isTopLevel(declaration)) facts.names.add(declaration);
    const member = readBy(inner);
    if (member !== undefined) facts.accessed.push(member);
    facts.filters.push(...filtersOf(reader, inner));
    if (ts.isCallExpression(inner)) facts.codes.push(...codesOf(reader, inner));
  });
  return { ...facts, names: [...facts.names] };
}

/** Everything of ours that a handler reaches: itself, and what it names, and what that names. */
function reached(known: Map<ts.Node, Facts>, reader: Reader, handler: ts.Node): readonly Facts[] {
  const seen = new Set<ts.Node>([handler]);
  return Array.from(seen, (node) => {
    const facts = known.get(node) ?? factsOf(reader, node);
    known.set(node, facts);
    for (const name of facts.names) seen.add(name);
    return facts;
  });
}

function servedOf(name: string, facts: readonly Facts[], documented: readonly string[]): Served {
  const [service, action] = name.split('/') as [ServiceName, string];
  const all = (of: (one: Facts) => readonly string[]): string[] => [...new Set(facts.flatMap(of))].sort();
  const accessed = all((one) => one.accessed);
  const input = operationOf(service, action)?.input;
  const members = input?.kind === 'structure' ? input.members.map((member) => member.name) : [];
  const known = members.filter((member) => !EVERYWHERE.includes(member));
  return {
    service,
    action,
    read: known.filter((member) => accessed.includes(member)),
    ignored: known.filter((member) => !accessed.includes(member)),
    filters: all((one) => one.filters),
    documented,
    codes: all((one) => one.codes),
  };
}

/** Every operation that the table of handlers names, in the order of service and name. */
export function servedOperations(): readonly Served[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    config,
    ts.sys,
    ROOT,
    undefined,
    undefined,
    undefined,
    [],
  );
  const program = ts.createProgram([TABLE], { ...options, types: [] });
  const reader = openReader(program);
  const table = program.getSourceFile(TABLE);
  const services = table?.statements
    .filter(ts.isVariableStatement)
    .flatMap((statement) => statement.declarationList.declarations)
    .find((declaration) => declaration.name.getText() === 'services');
  if (services?.initializer === undefined) throw new Error(`${TABLE} has no table 'services'`);
  const found = new Map<string, ts.Node>();
  for (const [service, handlers] of propertiesOf(reader, services.initializer)) {
    for (const [action, handler] of propertiesOf(reader, handlers))
      found.set(`${service}/${action}`, handler);
  }
  const known = new Map<ts.Node, Facts>();
  const documented = documentedFilters(program);
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, handler]) => {
      const filters = name.startsWith('ec2/') ? documented.get(`${name.slice(4)}Request`) : undefined;
      return servedOf(name, reached(known, reader, handler), filters ?? []);
    });
}
