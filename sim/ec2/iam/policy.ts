/**
 * IAM policies: from their text, with IAM's words for what is wrong, to statements. What they permit is
 * evaluate.ts's. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
 */
import { err, ok, type Result } from '../../../controller/base/result.ts';
import { type Operator, operatorOf } from './operator.ts';

/** `Action` or `NotAction` and the like: texts with `*` and `?`. */
export interface Element {
  readonly not: boolean;
  readonly patterns: readonly string[];
}

export interface Condition {
  readonly operator: Operator;
  readonly key: string;
  readonly values: readonly string[];
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: Element;
  /** Of identity policies. */
  readonly resources?: Element;
  /** Of trust policies: by kind (`AWS`, `Service`...), or `*` of kind `*`. */
  readonly principals?: { readonly not: boolean; readonly by: Readonly<Record<string, readonly string[]>> };
  readonly conditions: readonly Condition[];
}

export interface Policy {
  /** Whether `${...}` is a variable: since version 2012-10-17. */
  readonly variables: boolean;
  readonly statements: readonly Statement[];
}

const VERSIONS: readonly unknown[] = ['2012-10-17', '2008-10-17'];
const ELEMENTS = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
const SYNTAX = 'Syntax errors in policy.';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One text or several; undefined where it is neither. */
function textsOf(value: unknown): readonly string[] | undefined {
  const texts = [value].flat();
  return texts.length > 0 && texts.every((each) => typeof each === 'string') ? texts : undefined;
}

/** `name` or its opposite, of which a statement has exactly one. */
function eitherOf(
  statement: Json,
  name: string,
): { readonly not: boolean; readonly value: unknown } | undefined {
  const [plain, opposite] = [statement[name], statement[`Not${name}`]];
  if ((plain === undefined) === (opposite === undefined)) return undefined;
  return plain === undefined ? { not: true, value: opposite } : { not: false, value: plain };
}

function readActions(statement: Json): Result<Element> {
  const found = eitherOf(statement, 'Action');
  if (found === undefined) return err('Policy statement must contain actions.');
  const patterns = textsOf(found.value);
  if (patterns === undefined) return err(SYNTAX);
  return patterns.every((action) => action === '*' || /^[A-Za-z0-9-]+:[\w*?]+$/.test(action))
    ? ok({ not: found.not, patterns })
    : err('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
}

function readResources(statement: Json): Result<Element> {
  const found = eitherOf(statement, 'Resource');
  if (found === undefined) return err('Policy statement must contain resources.');
  const patterns = textsOf(found.value);
  if (patterns === undefined) return err(SYNTAX);
  const odd = patterns.find((each) => !/^(\*|arn:)/.test(each));
  return odd === undefined
    ? ok({ not: found.not, patterns })
    : err(`Resource ${odd} must be in ARN format or "*".`);
}

function readPrincipals(statement: Json): Result<NonNullable<Statement['principals']>> {
  const found = eitherOf(statement, 'Principal');
  if (found === undefined) return err('Missing required field Principal');
  if (found.value === '*') return ok({ not: found.not, by: { '*': ['*'] } });
  const invalid = err('Invalid principal in policy');
  if (!isObject(found.value)) return invalid;
  const by: Record<string, readonly string[]> = {};
  for (const [kind, value] of Object.entries(found.value)) {
    const texts = textsOf(value);
    if (texts === undefined || !['AWS', 'Service', 'Federated', 'CanonicalUser'].includes(kind))
      return invalid;
    by[kind] = texts;
  }
  return ok({ not: found.not, by });
}

/** `{ operator: { key: value or values } }`; numbers and booleans count as their texts. */
function readConditions(condition: unknown): Result<readonly Condition[]> {
  if (condition === undefined) return ok([]);
  if (!isObject(condition)) return err(SYNTAX);
  const read: Condition[] = [];
  for (const [name, keys] of Object.entries(condition)) {
    const operator = operatorOf(name);
    if (operator === undefined) return err(`Invalid Condition type : ${name}.`);
    if (!isObject(keys)) return err(SYNTAX);
    for (const [key, value] of Object.entries(keys)) {
      const values = [value].flat().map((each) => (typeof each === 'object' ? each : String(each)));
      const texts = textsOf(values);
      if (texts === undefined) return err(SYNTAX);
      read.push({ operator, key, values: texts });
    }
  }
  return ok(read);
}

function readStatement(statement: unknown, kind: 'trust' | 'identity'): Result<Statement> {
  if (!isObject(statement) || Object.keys(statement).some((element) => !ELEMENTS.has(element)))
    return err(SYNTAX);
  const { Effect: effect } = statement;
  if (effect === undefined) return err('Missing required field Effect');
  if (effect !== 'Allow' && effect !== 'Deny') return err(`Invalid effect: ${String(effect)}`);
  const actions = readActions(statement);
  if (!actions.ok) return actions;
  const conditions = readConditions(statement.Condition);
  if (!conditions.ok) return conditions;
  const common = { effect, actions: actions.value, conditions: conditions.value } as const;
  if (kind === 'trust') {
    if (eitherOf(statement, 'Resource') !== undefined) return err('Has prohibited field Resource');
    const principals = readPrincipals(statement);
    return principals.ok ? ok({ ...common, principals: principals.value }) : principals;
  }
  if (eitherOf(statement, 'Principal') !== undefined)
    return err('Policy document should not specify a principal.');
  const resources = readResources(statement);
  return resources.ok ? ok({ ...common, resources: resources.value }) : resources;
}

/**
 * The statements of a policy, or what IAM says of a MalformedPolicyDocument. `trust`: who may assume a role
 * (principals, no resources); `identity`: what the holder may do (resources, no principals).
 */
export function parsePolicy(text: string, kind: 'trust' | 'identity'): Result<Policy> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return err('This policy contains invalid Json');
  }
  if (!isObject(parsed)) return err(SYNTAX);
  if (Object.keys(parsed).some((element) => !['Version', 'Id', 'Statement'].includes(element)))
    return err(SYNTAX);
  if (parsed.Version !== undefined && !VERSIONS.includes(parsed.Version))
    return err('The policy must contain a valid version string');
  const statements: Statement[] = [];
  for (const each of [parsed.Statement ?? []].flat()) {
    const statement = readStatement(each, kind);
    if (!statement.ok) return statement;
    statements.push(statement.value);
  }
  if (statements.length === 0) return err('Missing required field Statement');
  return ok({ variables: parsed.Version === '2012-10-17', statements });
}
