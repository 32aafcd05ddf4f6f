/**
 * What policies say of one action on one resource: an explicit deny, an allow, or nothing, which denies too.
 * Source: IAM User Guide, "Policy evaluation logic".
 */
import type { Context } from './context.ts';
import { holds } from './operator.ts';
import { matches } from './pattern.ts';
import type { Element, Policy, Statement } from './policy.ts';

export type Decision = 'allow' | 'explicit-deny' | 'implicit-deny';

export interface Asked {
  /** `ec2:ReplaceRoute`. */
  readonly action: string;
  /** An ARN, or `*` for actions that know no resources. */
  readonly resource: string;
  readonly context: Context;
}

const fits = ({ not, patterns }: Element, test: (pattern: string) => boolean): boolean =>
  patterns.some(test) !== not;

/** Whether a statement speaks of what is asked. */
function applies(statement: Statement, { action, resource, context }: Asked, variables: boolean): boolean {
  const { actions, resources, conditions } = statement;
  const named = action.toLowerCase();
  return (
    fits(actions, (pattern) => matches(pattern.toLowerCase(), named)) &&
    (resources === undefined ||
      fits(resources, (pattern) => matches(pattern, resource, variables ? context : undefined))) &&
    conditions.every(({ operator, key, values }) => holds(operator, key, values, context, variables))
  );
}

/** What all policies together say. */
export function decide(policies: readonly Policy[], asked: Asked): Decision {
  let decision: Decision = 'implicit-deny';
  for (const { statements, variables } of policies) {
    for (const statement of statements) {
      if (!applies(statement, asked, variables)) continue;
      if (statement.effect === 'Deny') return 'explicit-deny';
      decision = 'allow';
    }
  }
  return decision;
}

/** Who asks to assume a role: an ARN of a role session, and the role's and the account's root's. */
export interface Asker {
  readonly arns: readonly string[];
  readonly account: string;
}

/** What a role's trust policy says of who wants to assume it; `account`: its account's policies decide. */
export function trust(policy: Policy, asker: Asker, context: Context): Decision | 'account' {
  const root = `arn:aws:iam::${asker.account}:root`;
  let decision: Decision | 'account' = 'implicit-deny';
  for (const statement of policy.statements) {
    if (!applies(statement, { action: 'sts:AssumeRole', resource: '*', context }, policy.variables)) continue;
    const { not = false, by = {} } = statement.principals ?? {};
    const named = [...(by['*'] ?? []), ...(by.AWS ?? [])];
    const direct = named.some((each) => each === '*' || asker.arns.includes(each)) !== not;
    const indirect = named.some((each) => each === root || each === asker.account) !== not;
    if (!direct && !indirect) continue;
    if (statement.effect === 'Deny') return 'explicit-deny';
    if (direct) decision = 'allow';
    else if (decision === 'implicit-deny') decision = 'account';
  }
  return decision;
}
