/** IAM roles, policies and profiles, and STS, through the service without HTTP. */
import type {
  CreateRoleResponse,
  GetInstanceProfileResponse,
  GetRolePolicyResponse,
  GetRoleResponse,
  ListRolePoliciesResponse,
} from '@aws-sdk/client-iam';
import type { AssumeRoleResponse, GetCallerIdentityResponse } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { handle } from '../../sim/ec2/service.ts';
import { calls } from './calls.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['ec2:ReplaceRoute', 'ec2:Describe*'], Resource: '*' }],
});

const iamOf = (cloud: ReturnType<typeof calls>) => ({
  call: <O>(action: string, input: object) => cloud.call<O>(action, input, 'iam'),
  code: (action: string, input: object) => cloud.code(action, input, 'iam'),
});

describe('IAM', () => {
  it('keeps roles and answers with their policies in percent encoding', () => {
    const iam = iamOf(calls());
    const made = iam.call<CreateRoleResponse>('CreateRole', {
      RoleName: 'failover',
      Path: '/byoa/',
      AssumeRolePolicyDocument: TRUST,
    });
    expect(made.Role?.Arn).toBe('arn:aws:iam::111122223333:role/byoa/failover');
    expect(made.Role?.RoleId).toMatch(/^AROA[A-Z2-7]{17}$/);
    const { Role: role } = iam.call<GetRoleResponse>('GetRole', { RoleName: 'failover' });
    expect(role?.AssumeRolePolicyDocument).not.toContain('{');
    expect(decodeURIComponent(role?.AssumeRolePolicyDocument ?? '')).toBe(TRUST);

    iam.call('PutRolePolicy', { RoleName: 'failover', PolicyName: 'routes', PolicyDocument: POLICY });
    const got = iam.call<GetRolePolicyResponse>('GetRolePolicy', {
      RoleName: 'failover',
      PolicyName: 'routes',
    });
    expect(got.PolicyDocument).not.toContain('*');
    expect(decodeURIComponent(got.PolicyDocument ?? '')).toBe(POLICY);
    const list = iam.call<ListRolePoliciesResponse>('ListRolePolicies', { RoleName: 'failover' });
    expect(list).toEqual({ PolicyNames: ['routes'], IsTruncated: false });
  });

  it('refuses to delete what is in use, and says how in its codes', () => {
    const iam = iamOf(calls());
    iam.call('CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: TRUST });
    iam.call('CreateInstanceProfile', { InstanceProfileName: 'p' });
    iam.call('AddRoleToInstanceProfile', { InstanceProfileName: 'p', RoleName: 'r' });
    iam.call('PutRolePolicy', { RoleName: 'r', PolicyName: 'x', PolicyDocument: POLICY });
    const profile = iam.call<GetInstanceProfileResponse>('GetInstanceProfile', { InstanceProfileName: 'p' });
    expect(profile.InstanceProfile?.Roles?.map((role) => role.RoleName)).toEqual(['r']);
    expect(iam.code('CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: TRUST })).toBe(
      'EntityAlreadyExists',
    );
    expect(iam.code('AddRoleToInstanceProfile', { InstanceProfileName: 'p', RoleName: 'r' })).toBe(
      'LimitExceeded',
    );
    expect(iam.code('DeleteInstanceProfile', { InstanceProfileName: 'p' })).toBe('DeleteConflict');
    expect(iam.code('DeleteRole', { RoleName: 'r' })).toBe('DeleteConflict');
    iam.call('RemoveRoleFromInstanceProfile', { InstanceProfileName: 'p', RoleName: 'r' });
    expect(iam.code('DeleteRole', { RoleName: 'r' })).toBe('DeleteConflict');
    iam.call('DeleteRolePolicy', { RoleName: 'r', PolicyName: 'x' });
    const managed = { RoleName: 'r', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' };
    iam.call('AttachRolePolicy', managed);
    expect(iam.code('DeleteRole', { RoleName: 'r' })).toBe('DeleteConflict');
    iam.call('DetachRolePolicy', managed);
    iam.call('DeleteRole', { RoleName: 'r' });
    iam.call('DeleteInstanceProfile', { InstanceProfileName: 'p' });
    expect(iam.code('GetRole', { RoleName: 'r' })).toBe('NoSuchEntity');
    expect(iam.code('GetInstanceProfile', { InstanceProfileName: 'p' })).toBe('NoSuchEntity');
  });

  it.each([
    ['not JSON', '{'],
    ['an unknown version', POLICY.replace('2012-10-17', '2012-10-18')],
    ['no statement', '{"Version":"2012-10-17"}'],
    ['an effect that is none', POLICY.replace('Allow', 'Permit')],
    ['an action without a service', POLICY.replace('ec2:ReplaceRoute', 'ReplaceRoute')],
    ['a principal', POLICY.replace('"Effect"', '"Principal":"*","Effect"')],
    ['no resource', POLICY.replace(',"Resource":"*"', '')],
    ['a resource that is no ARN', POLICY.replace('"Resource":"*"', '"Resource":"rtb-1"')],
  ])('calls a policy with %s malformed', (_, PolicyDocument) => {
    const iam = iamOf(calls());
    iam.call('CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: TRUST });
    expect(iam.code('PutRolePolicy', { RoleName: 'r', PolicyName: 'p', PolicyDocument })).toBe(
      'MalformedPolicyDocument',
    );
  });

  it('wants a principal, not a resource, in a trust policy', () => {
    const iam = iamOf(calls());
    const input = { RoleName: 'r', AssumeRolePolicyDocument: POLICY };
    expect(iam.code('CreateRole', input)).toBe('MalformedPolicyDocument');
  });

  it('is one for all regions of an account and apart from other accounts', () => {
    const cloud = calls();
    cloud.call('CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: TRUST }, 'iam');
    const from = (account: string, region: string): string =>
      handle(cloud.cloud, { account, region, service: 'iam', action: 'GetRole', input: { RoleName: 'r' } }, 0)
        .kind;
    expect(from('111122223333', 'us-east-1')).toBe('ok');
    expect(from('999988887777', 'eu-central-1')).toBe('error');
  });
});

describe('STS', () => {
  it('says who calls', () => {
    const identity = calls().call<GetCallerIdentityResponse>('GetCallerIdentity', {}, 'sts');
    expect(identity).toMatchObject({ Account: '111122223333', Arn: 'arn:aws:iam::111122223333:root' });
  });

  it('hands out credentials whose key id is the account of the role', () => {
    const cloud = calls();
    const input = { RoleArn: 'arn:aws:iam::999988887777:role/byoa', RoleSessionName: 'daemon' };
    const answer = cloud.call<AssumeRoleResponse>('AssumeRole', input, 'sts');
    expect(answer.Credentials?.AccessKeyId).toBe('999988887777');
    expect(answer.AssumedRoleUser?.Arn).toBe('arn:aws:sts::999988887777:assumed-role/byoa/daemon');
    const own = { ...input, RoleArn: 'arn:aws:iam::111122223333:role/absent' };
    expect(cloud.code('AssumeRole', own, 'sts')).toBe('AccessDenied');
  });
});
