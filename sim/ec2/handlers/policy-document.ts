/**
 * Whether a text is an IAM policy: its grammar, not what it permits; the simulator authorises every call.
 * Source: IAM User Guide, "Grammar of the IAM JSON policy language".
 */
import { err, ok, type Result } from '../../../controller/base/result.ts';

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

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTexts = (value: unknown): boolean =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'));

function exactlyOne(statement: Json, one: string, other: string): boolean {
  return (statement[one] === undefined) !== (statement[other] === undefined);
}

function statementFault(statement: unknown, kind: 'trust' | 'identity'): string | undefined {
  if (!isObject(statement)) return 'Syntax errors in policy.';
  for (const element of Object.keys(statement)) {
    if (!ELEMENTS.has(element)) return 'Syntax errors in policy.';
  }
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    return statement.Effect === undefined
      ? 'Missing required field Effect'
      : `Invalid effect: ${String(statement.Effect)}`;
  }
  if (!exactlyOne(statement, 'Action', 'NotAction')) return 'Policy statement must contain actions.';
  const actions = statement.Action ?? statement.NotAction;
  if (!isTexts(actions)) return 'Syntax errors in policy.';
  for (const action of [actions].flat()) {
    if (action !== '*' && !/^[A-Za-z0-9-]+:[\w*?]+$/.test(String(action))) {
      return 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.';
    }
  }
  if (statement.Condition !== undefined && !isObject(statement.Condition)) return 'Syntax errors in policy.';
  return kind === 'trust' ? trustFault(statement) : identityFault(statement);
}

function trustFault(statement: Json): string | undefined {
  if (statement.Resource !== undefined || statement.NotResource !== undefined) {
    return 'Has prohibited field Resource';
  }
  if (!exactlyOne(statement, 'Principal', 'NotPrincipal')) return 'Missing required field Principal';
  const principal = statement.Principal ?? statement.NotPrincipal;
  if (principal === '*') return undefined;
  if (!isObject(principal) || !Object.values(principal).every(isTexts)) {
    return 'Invalid principal in policy';
  }
  const known = ['AWS', 'Service', 'Federated', 'CanonicalUser'];
  return Object.keys(principal).every((key) => known.includes(key))
    ? undefined
    : 'Invalid principal in policy';
}

function identityFault(statement: Json): string | undefined {
  if (statement.Principal !== undefined || statement.NotPrincipal !== undefined) {
    return 'Policy document should not specify a principal.';
  }
  if (!exactlyOne(statement, 'Resource', 'NotResource')) return 'Policy statement must contain resources.';
  const resources = statement.Resource ?? statement.NotResource;
  if (!isTexts(resources)) return 'Syntax errors in policy.';
  for (const resource of [resources].flat()) {
    if (resource !== '*' && !String(resource).startsWith('arn:') && !String(resource).startsWith('*')) {
      return `Resource ${String(resource)} must be in ARN format or "*".`;
    }
  }
  return undefined;
}

/**
 * Refuses what IAM calls a MalformedPolicyDocument, in IAM's words. `trust`: who may assume a role
 * (principals, no resources); `identity`: what the holder may do (resources, no principals).
 */
export function checkPolicyDocument(text: string, kind: 'trust' | 'identity'): Result<void> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return err('This policy contains invalid Json');
  }
  if (!isObject(parsed)) return err('Syntax errors in policy.');
  for (const element of Object.keys(parsed)) {
    if (!['Version', 'Id', 'Statement'].includes(element)) return err('Syntax errors in policy.');
  }
  if (parsed.Version !== undefined && !VERSIONS.includes(parsed.Version)) {
    return err('The policy must contain a valid version string');
  }
  const statements = [parsed.Statement ?? []].flat();
  if (statements.length === 0) return err('Missing required field Statement');
  for (const statement of statements) {
    const fault = statementFault(statement, kind);
    if (fault !== undefined) return err(fault);
  }
  return ok(undefined);
}
