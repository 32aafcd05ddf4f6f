/** What policies say, without any resource: patterns, operators, and how statements add up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { contextOf } from '../../sim/ec2/iam/context.ts';
import { type Decision, decide } from '../../sim/ec2/iam/evaluate.ts';
import { OPERATOR_NAMES } from '../../sim/ec2/iam/operator.ts';
import { matches } from '../../sim/ec2/iam/pattern.ts';
import { parsePolicy } from '../../sim/ec2/iam/policy.ts';

const ARN = 'arn:aws:ec2:eu-central-1:111122223333:route-table/rtb-1';

type Keys = Readonly<Record<string, string | readonly string[]>>;

/** What a policy of these statements says of ReplaceRoute on a table. */
const says = (statements: readonly object[], keys: Keys = {}, action = 'ec2:ReplaceRoute'): Decision => {
  const full = statements.map((each) => ({ Effect: 'Allow', ...each }));
  const text = JSON.stringify({ Version: '2012-10-17', Statement: full });
  const context = contextOf(Object.entries(keys));
  return decide([must(parsePolicy(text, 'identity'))], { action, resource: ARN, context });
};
const ALL = { Action: '*', Resource: '*' };

describe('statements', () => {
  const cases: readonly (readonly [string, readonly object[], Decision])[] = [
    ['nothing that applies denies', [{ Action: 'ec2:CreateRoute', Resource: '*' }], 'implicit-deny'],
    ['an allow allows', [ALL], 'allow'],
    ['a deny outweighs every allow', [ALL, { ...ALL, Effect: 'Deny' }, ALL], 'explicit-deny'],
    ['actions do not mind case', [{ Action: 'EC2:replaceROUTE', Resource: '*' }], 'allow'],
    ['resources do', [{ Action: '*', Resource: ARN.toUpperCase().replace('ARN', 'arn') }], 'implicit-deny'],
    ['one of several will do', [{ Action: ['ec2:X', 'ec2:Replace*'], Resource: ['arn:x', ARN] }], 'allow'],
    ['NotAction is all others', [{ NotAction: 'ec2:ReplaceRoute', Resource: '*' }], 'implicit-deny'],
    ['NotResource too', [{ Action: '*', NotResource: `${ARN}2` }], 'allow'],
    ['another table is another resource', [{ Action: '*', Resource: `${ARN}2` }], 'implicit-deny'],
  ];

  it.each(cases)('%s', (_, statements, decision) => {
    expect(says(statements)).toBe(decision);
  });

  it('a variable stands for the value of its key, letter by letter', () => {
    const own = { Action: '*', Resource: ARN.replace('rtb-1', `\${aws:PrincipalTag/table}`) };
    expect(says([own], { 'aws:PrincipalTag/table': 'rtb-1' })).toBe('allow');
    expect(says([own], { 'aws:PrincipalTag/table': '*' })).toBe('implicit-deny');
    expect(says([own])).toBe('implicit-deny');
    const named = { ...own, Resource: ARN.replace('rtb-1', `\${aws:PrincipalTag/table, 'rtb-1'}`) };
    expect(says([named])).toBe('allow');
  });
});

describe('conditions', () => {
  const holds = (condition: object, keys: Keys): boolean =>
    says([{ ...ALL, Condition: condition }], keys) === 'allow';
  /** Operator, what the policy wants, what the request has, whether it holds. */
  const cases: readonly (readonly [string, unknown, Keys[string] | undefined, boolean])[] = [
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', 'a', undefined, false],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIgnoreCase', 'Ab', 'aB', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', 'a', undefined, true],
    ['StringLike', 'a*?', 'ab', true],
    ['StringLike', 'a*?', 'a', false],
    ['StringNotLike', 'a*', 'ab', false],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThanEquals', 10, '10', true],
    ['NumericGreaterThan', '10', 'ten', false],
    ['DateGreaterThan', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', true],
    ['DateLessThan', '1767225600', '2026-01-02T00:00:00Z', false],
    ['Bool', true, 'TRUE', true],
    ['IpAddress', '10.0.0.0/8', '10.1.2.3', true],
    ['IpAddress', '2001:db8::/32', '10.1.2.3', false],
    ['NotIpAddress', '10.0.0.0/8', '10.1.2.3', false],
    ['ArnLike', 'arn:aws:ec2:*:*:vpc/*', 'arn:aws:ec2:eu:1:vpc/vpc-1', true],
    ['ArnLike', 'arn:aws:*:vpc/vpc-1', 'arn:aws:ec2:eu:1:vpc/vpc-1', false],
    ['ArnNotEquals', 'arn:aws:ec2:*:*:vpc/*', 'arn:aws:ec2:eu:1:vpc/vpc-1', false],
    ['Null', 'true', undefined, true],
    ['Null', false, 'a', true],
    ['Null', 'true', 'a', false],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', 'a', ['a', 'b'], false],
    ['ForAllValues:StringEquals', 'a', undefined, true],
    ['ForAnyValue:StringEquals', 'a', ['a', 'b'], true],
    ['ForAnyValue:StringEquals', 'a', undefined, false],
    ['ForAnyValue:StringNotEquals', 'a', ['a', 'b'], true],
    ['ForAllValues:StringNotEquals', 'a', ['a', 'b'], false],
  ];

  it.each(cases)('%s %j of %j: %s', (operator, wanted, found, expected) => {
    const keys: Keys = found === undefined ? {} : { 'aws:TestKey': found };
    expect(holds({ [operator]: { 'AWS:testkey': wanted } }, keys)).toBe(expected);
  });

  it('of one statement must all hold', () => {
    const two = { StringEquals: { a: '1', b: '2' }, Bool: { c: 'true' } };
    expect(holds(two, { a: '1', b: '2', c: 'true' })).toBe(true);
    for (const missing of ['a', 'b', 'c'] as const)
      expect(holds(two, { a: '1', b: '2', c: 'true', [missing]: 'x' })).toBe(false);
  });

  it('of an operator that there is none make the policy malformed', () => {
    const text = (operator: string): string =>
      JSON.stringify({ Statement: { Effect: 'Allow', ...ALL, Condition: { [operator]: { a: 'b' } } } });
    for (const name of ['StringIs', 'NullIfExists', 'ForSome:StringEquals', '', 'constructor'])
      expect(parsePolicy(text(name), 'identity').ok).toBe(false);
    for (const name of OPERATOR_NAMES) expect(parsePolicy(text(name), 'identity').ok).toBe(true);
  });
});

/** The same language by a regular expression. */
const byRegex = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');

describe('properties', () => {
  const few = (chars: string) => fc.string({ unit: fc.constantFrom(...chars), maxLength: 8 });

  it('a pattern fits what a regular expression of it fits', () => {
    fc.assert(
      fc.property(few('.b*?'), few('.b*?'), (pattern, text) => {
        expect(matches(pattern, text)).toBe(byRegex(pattern).test(text));
      }),
    );
  });

  it('a pattern of many wildcards is judged in time', () => {
    expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000))).toBe(false);
  });

  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Action: fc.constantFrom('*', 'ec2:*', 'ec2:ReplaceRoute', 'ec2:CreateRoute'),
    Resource: fc.constantFrom('*', ARN, `${ARN}2`),
  });

  it('the order of statements is of no matter; a deny never allows more, an allow never less', () => {
    const rank: Readonly<Record<Decision, number>> = { 'explicit-deny': 0, 'implicit-deny': 1, allow: 2 };
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1 }), statement, (statements, more) => {
        const before = says(statements);
        expect(says(statements.toReversed())).toBe(before);
        const after = says([...statements, more]);
        if (more.Effect === 'Deny') expect(rank[after]).toBeLessThanOrEqual(rank[before]);
        else expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
      }),
    );
  });

  it('negation is negation, where the key is there', () => {
    const pairs = OPERATOR_NAMES.filter((name) => name.includes('Not')).map((name) => [
      name.replace('Not', ''),
      name,
    ]);
    const value = fc.constantFrom('1', '2', '10.0.0.1', '10.0.0.0/8', 'arn:a:b:c:d:e', 'a*', 'ab');
    fc.assert(
      fc.property(fc.constantFrom(...pairs), value, value, ([plain = '', negated = ''], wanted, found) => {
        const holds = (operator: string): boolean =>
          says([{ ...ALL, Condition: { [operator]: { k: wanted } } }], { k: found }) === 'allow';
        expect(holds(negated)).toBe(!holds(plain));
      }),
    );
  });
});
