/** Parameter Store: names, versions, secrets, paths, and what is refused. */
import type {
  DescribeParametersResult,
  GetParameterResult,
  GetParametersByPathResult,
  GetParametersResult,
  ListTagsForResourceResult,
  PutParameterResult,
} from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { type Site, site } from './site.ts';

const ask = <O>(at: Site, action: string, input: object): O => at.call<O>(action, input, 'ssm');
const refused = (at: Site, action: string, input: object): string => at.code(action, input, 'ssm');
const secret = { Name: '/byoa/egress/bgp', Value: 'sesame', Type: 'SecureString' };

function stocked(...names: readonly string[]): Site {
  const at = site();
  for (const Name of names) ask(at, 'PutParameter', { ...secret, Name });
  return at;
}

describe('a parameter', () => {
  it('is read by its name and its ARN, and a secret only with decryption', () => {
    const at = stocked(secret.Name);
    const { Parameter: sealed } = ask<GetParameterResult>(at, 'GetParameter', { Name: secret.Name });
    expect(sealed?.Value).not.toContain('sesame');
    const open = { Name: sealed?.ARN, WithDecryption: true };
    expect(ask<GetParameterResult>(at, 'GetParameter', open).Parameter).toMatchObject({
      Name: secret.Name,
      Value: 'sesame',
      Type: 'SecureString',
      Version: 1,
      ARN: expect.stringMatching(/^arn:aws:ssm:[a-z0-9-]+:\d{12}:parameter\/byoa\/egress\/bgp$/),
    });
  });

  it('is overwritten only on demand, and only its newest version is kept', () => {
    const at = stocked(secret.Name);
    expect(refused(at, 'PutParameter', secret)).toBe('ParameterAlreadyExists');
    const again = { Name: secret.Name, Value: 'other', Overwrite: true };
    expect(ask<PutParameterResult>(at, 'PutParameter', again)).toMatchObject({ Version: 2 });
    const read = (Name: string) => ({ Name, WithDecryption: true });
    expect(ask<GetParameterResult>(at, 'GetParameter', read(`${secret.Name}:2`)).Parameter).toMatchObject({
      Value: 'other',
      Type: 'SecureString',
    });
    expect(refused(at, 'GetParameter', read(`${secret.Name}:1`))).toBe('ParameterVersionNotFound');
  });

  it('takes tags, gives them up, and keeps them when it is overwritten', () => {
    const at = site();
    ask(at, 'PutParameter', { ...secret, Tags: [{ Key: 'team', Value: 'network' }] });
    const named = { ResourceType: 'Parameter', ResourceId: secret.Name };
    const tags = () => ask<ListTagsForResourceResult>(at, 'ListTagsForResource', named).TagList;
    ask(at, 'AddTagsToResource', { ...named, Tags: [{ Key: 'owner', Value: 'b' }] });
    ask(at, 'PutParameter', { Name: secret.Name, Value: 'other', Overwrite: true });
    expect(tags()).toEqual([
      { Key: 'team', Value: 'network' },
      { Key: 'owner', Value: 'b' },
    ]);
    ask(at, 'RemoveTagsFromResource', { ...named, TagKeys: ['team', 'none'] });
    expect(tags()).toEqual([{ Key: 'owner', Value: 'b' }]);
    expect(refused(at, 'AddTagsToResource', { ...named, ResourceId: '/none', Tags: [] })).toBe(
      'InvalidResourceId',
    );
  });

  it('is gone when it is deleted', () => {
    const at = stocked(secret.Name);
    ask(at, 'DeleteParameter', { Name: secret.Name });
    expect(refused(at, 'GetParameter', { Name: secret.Name })).toBe('ParameterNotFound');
    expect(refused(at, 'DeleteParameter', { Name: secret.Name })).toBe('ParameterNotFound');
  });

  it.each([
    ['a path without a slash before it', { ...secret, Name: 'byoa/key' }],
    ['a name that begins as those of AWS', { ...secret, Name: '/aws/key' }],
    ['a name with other characters', { ...secret, Name: '/byoa/a key' }],
    ['no type', { Name: '/byoa/key', Value: 'x' }],
    ['more than 4 KB', { ...secret, Value: 'x'.repeat(4097) }],
  ])('is refused: %s', (_, input) => {
    expect(refused(site(), 'PutParameter', input)).toBe('ValidationException');
  });
});

describe('parameters', () => {
  const NAMES = ['/byoa/a', '/byoa/b', '/byoa/deep/c', '/other/d'];

  it('are read several at once; those that are not there are named', () => {
    const input = { Names: ['/byoa/a', '/byoa/none'], WithDecryption: true };
    const found = ask<GetParametersResult>(stocked(...NAMES), 'GetParameters', input);
    expect(found.Parameters?.map(({ Name, Value }) => [Name, Value])).toEqual([['/byoa/a', 'sesame']]);
    expect(found.InvalidParameters).toEqual(['/byoa/none']);
  });

  it.each([
    [false, ['/byoa/a', '/byoa/b']],
    [true, ['/byoa/a', '/byoa/b', '/byoa/deep/c']],
  ])('are listed below a path (recursive: %s)', (Recursive, expected) => {
    const input = { Path: '/byoa', Recursive };
    const { Parameters } = ask<GetParametersByPathResult>(stocked(...NAMES), 'GetParametersByPath', input);
    expect(Parameters?.map(({ Name }) => Name)).toEqual(expected);
  });

  it('are described without their values, in pages', () => {
    const at = stocked(...NAMES);
    const first = ask<DescribeParametersResult>(at, 'DescribeParameters', { MaxResults: 3 });
    const { NextToken } = first;
    const rest = ask<DescribeParametersResult>(at, 'DescribeParameters', { MaxResults: 3, NextToken });
    expect([first, rest].map(({ Parameters }) => Parameters?.map(({ Name }) => Name))).toEqual([
      NAMES.slice(0, 3),
      NAMES.slice(3),
    ]);
    expect(JSON.stringify([first, rest])).not.toContain('sesame');
    expect(refused(at, 'DescribeParameters', { MaxResults: 51 })).toBe('ValidationException');
    expect(refused(at, 'DescribeParameters', { NextToken: 'none' })).toBe('InvalidNextToken');
  });
});
