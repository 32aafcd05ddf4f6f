/** What a role's session may do: requests to the service, judged by the policies of the role. */
import { describe, expect, it } from 'vitest';
import { denialOf, handle, type Reply, takeChanges } from '../../sim/ec2/service.ts';
import type { ServiceName } from '../../sim/ec2/shape.ts';
import { calls } from './calls.ts';
import { snapshot } from './snapshot.ts';
import { example, OPERATIONS, specimen } from './specimen.ts';

const [account, region] = ['111122223333', 'eu-central-1'];
const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const arn = (rest: string): string => `arn:aws:ec2:${region}:${account}:${rest}`;

/** An account with two tables, two instances, an ENI that moves, and a role of these statements. */
function scene(...statements: readonly object[]) {
  const cloud = calls();
  const { call } = cloud;
  const { Vpc } = call<{ Vpc: { VpcId: string } }>('CreateVpc', { CidrBlock: '10.0.0.0/16' });
  const { Subnet } = call<{ Subnet: { SubnetId: string } }>('CreateSubnet', {
    ...{ VpcId: Vpc.VpcId, CidrBlock: '10.0.0.0/24', AvailabilityZone: `${region}a` },
  });
  const table = (owner: string): string =>
    call<{ RouteTable: { RouteTableId: string } }>('CreateRouteTable', {
      VpcId: Vpc.VpcId,
      TagSpecifications: [{ ResourceType: 'route-table', Tags: [{ Key: 'owner', Value: owner }] }],
    }).RouteTable.RouteTableId;
  const [ours, theirs] = [table('byoa'), table('else')];
  const eni = (): string =>
    call<{ NetworkInterface: { NetworkInterfaceId: string } }>('CreateNetworkInterface', {
      SubnetId: Subnet.SubnetId,
    }).NetworkInterface.NetworkInterfaceId;
  const instance = (): string =>
    call<{ Instances: { InstanceId: string }[] }>('RunInstances', {
      ...{ ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro', SubnetId: Subnet.SubnetId },
      ...{ MinCount: 1, MaxCount: 1 },
    }).Instances[0]?.InstanceId ?? '';
  const [first, second, moved] = [instance(), instance(), eni()];
  for (const RouteTableId of [ours, theirs])
    call('CreateRoute', { RouteTableId, DestinationCidrBlock: '192.0.2.0/24', NetworkInterfaceId: moved });
  call('CreateRole', { RoleName: 'daemon', AssumeRolePolicyDocument: TRUST }, 'iam');
  const put = (RoleName: string, Statement: readonly object[]): void => {
    if (Statement.length === 0) return;
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    call('PutRolePolicy', { RoleName, PolicyName: 'own', PolicyDocument }, 'iam');
  };
  put('daemon', statements);
  const ask = (action: string, input: object, service: ServiceName = 'ec2', role = 'daemon'): Reply => {
    const principal = `arn:aws:sts::${account}:assumed-role/${role}/i-1`;
    return handle(cloud.cloud, { account, region, principal, service, action, input }, 0);
  };
  /** `ok`, or the code of the refusal. */
  const ends = (...asked: Parameters<typeof ask>): string => {
    const reply = ask(...asked);
    return reply.kind === 'ok' ? 'ok' : reply.code;
  };
  const replace = (RouteTableId: string, more: object = {}) =>
    [
      'ReplaceRoute',
      { RouteTableId, DestinationCidrBlock: '192.0.2.0/24', NetworkInterfaceId: moved, ...more },
    ] as const;
  return { ...cloud, ask, ends, put, replace, ours, theirs, first, second, moved, subnet: Subnet.SubnetId };
}

describe('a session of a role', () => {
  it('may do nothing without a policy, and is told so in the words of EC2', () => {
    const { ask, ours, replace } = scene();
    const user = `arn:aws:sts::${account}:assumed-role/daemon/i-1`;
    const why = (action: string) => `because no identity-based policy allows the ${action} action`;
    const start = `You are not authorized to perform this operation. User: ${user} is not authorized to perform:`;
    expect(ask('DescribeVpcs', {})).toEqual({
      kind: 'error',
      code: 'UnauthorizedOperation',
      status: 403,
      message: `${start} ec2:DescribeVpcs ${why('ec2:DescribeVpcs')}`,
    });
    expect(ask(...replace(ours))).toMatchObject({
      message: `${start} ec2:ReplaceRoute on resource: ${arn(`route-table/${ours}`)} ${why('ec2:ReplaceRoute')}`,
    });
  });

  it('may replace routes of the table that is named, in earnest and dry, and of no other', () => {
    const { ends, ours, theirs, replace, put } = scene();
    put('daemon', [{ Effect: 'Allow', Action: 'ec2:ReplaceRoute', Resource: arn(`route-table/${ours}`) }]);
    expect([ends(...replace(ours)), ends(...replace(theirs))]).toEqual(['ok', 'UnauthorizedOperation']);
    const dry = [ends(...replace(ours, { DryRun: true })), ends(...replace(theirs, { DryRun: true }))];
    expect(dry).toEqual(['DryRunOperation', 'UnauthorizedOperation']);
    const { DestinationCidrBlock, RouteTableId } = replace(ours)[1];
    expect(ends('DeleteRoute', { DestinationCidrBlock, RouteTableId })).toBe('UnauthorizedOperation');
  });

  it('may do by tag what its policy says by tag', () => {
    const Condition = { StringEquals: { 'aws:ResourceTag/owner': 'byoa' } };
    const { ends, ours, theirs, replace } = scene({
      ...{ Effect: 'Allow', Action: 'ec2:ReplaceRoute', Resource: arn('route-table/*'), Condition },
    });
    expect([ends(...replace(ours)), ends(...replace(theirs))]).toEqual(['ok', 'UnauthorizedOperation']);
  });

  it('is refused by an explicit deny whatever else is allowed', () => {
    const { ask, ours, replace } = scene(
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: 'ec2:Replace*', Resource: '*' },
    );
    expect(ask(...replace(ours))).toMatchObject({
      message: expect.stringContaining('with an explicit deny in an identity-based policy'),
    });
  });

  it('needs leave for the ENI and for the instance to detach by an attachment', () => {
    const { call, ends, put, first, moved } = scene();
    const { AttachmentId } = call<{ AttachmentId: string }>('AttachNetworkInterface', {
      ...{ NetworkInterfaceId: moved, InstanceId: first, DeviceIndex: 1 },
    });
    const end = (...resources: readonly string[]): string => {
      put('daemon', [
        { Effect: 'Allow', Action: 'ec2:DetachNetworkInterface', Resource: resources.map(arn) },
      ]);
      return ends('DetachNetworkInterface', { AttachmentId, DryRun: true });
    };
    const [eni, instance] = [`network-interface/${moved}`, `instance/${first}`];
    expect([end(eni), end(instance), end(eni, instance)]).toEqual([
      'UnauthorizedOperation',
      'UnauthorizedOperation',
      'DryRunOperation',
    ]);
  });

  it('needs leave for the subnet and for both tables to change an association', () => {
    const { call, ends, put, ours, theirs, subnet } = scene();
    const { AssociationId } = call<{ AssociationId: string }>('AssociateRouteTable', {
      ...{ RouteTableId: ours, SubnetId: subnet },
    });
    const all = [`route-table/${ours}`, `route-table/${theirs}`, `subnet/${subnet}`];
    const end = (resources: readonly string[]): string => {
      put('daemon', [
        { Effect: 'Allow', Action: 'ec2:ReplaceRouteTableAssociation', Resource: resources.map(arn) },
      ]);
      return ends('ReplaceRouteTableAssociation', { AssociationId, RouteTableId: theirs, DryRun: true });
    };
    expect(end(all)).toBe('DryRunOperation');
    for (const missing of all)
      expect(end(all.filter((each) => each !== missing))).toBe('UnauthorizedOperation');
  });

  it('needs leave to tag what it makes, and to give an instance a role', () => {
    const allow = (Action: string, Resource = '*') => ({ Effect: 'Allow', Action, Resource });
    const { call, ends, put, subnet } = scene();
    call('CreateInstanceProfile', { InstanceProfileName: 'p' }, 'iam');
    call('AddRoleToInstanceProfile', { InstanceProfileName: 'p', RoleName: 'daemon' }, 'iam');
    const launch = {
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.micro',
      SubnetId: subnet,
      DryRun: true,
    };
    const TagSpecifications = [{ ResourceType: 'instance', Tags: [{ Key: 'a', Value: 'b' }] }];
    const end = (more: object): string =>
      ends('RunInstances', { ...launch, MinCount: 1, MaxCount: 1, ...more });
    const IamInstanceProfile = { Name: 'p' };
    put('daemon', [allow('ec2:RunInstances')]);
    expect([end({}), end({ TagSpecifications }), end({ IamInstanceProfile })]).toEqual([
      'DryRunOperation',
      'UnauthorizedOperation',
      'UnauthorizedOperation',
    ]);
    const how = { Condition: { StringEquals: { 'ec2:CreateAction': 'RunInstances' } } };
    const role = `arn:aws:iam::${account}:role/daemon`;
    put('daemon', [
      allow('ec2:RunInstances'),
      { ...allow('ec2:CreateTags'), ...how },
      allow('iam:PassRole', role),
    ]);
    expect(end({ TagSpecifications, IamInstanceProfile })).toBe('DryRunOperation');
  });

  it('is judged by the attribute that it changes', () => {
    const { ends, moved } = scene({
      Effect: 'Allow',
      Action: 'ec2:ModifyNetworkInterfaceAttribute',
      Resource: '*',
      Condition: { StringEquals: { 'ec2:Attribute/SourceDestCheck': 'false' } },
    });
    const end = (more: object): string =>
      ends('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId: moved, ...more });
    expect(end({ SourceDestCheck: { Value: false } })).toBe('ok');
    expect(end({ SourceDestCheck: { Value: true } })).toBe('UnauthorizedOperation');
    expect(end({ Description: { Value: 'x' } })).toBe('UnauthorizedOperation');
  });

  it('has what managed policies give, within its boundary', () => {
    const managed = (name: string) => `arn:aws:iam::aws:policy/${name}`;
    const { call, ends, ours, replace } = scene();
    call('AttachRolePolicy', { RoleName: 'daemon', PolicyArn: managed('AmazonEC2FullAccess') }, 'iam');
    const bound = { RoleName: 'bound', AssumeRolePolicyDocument: TRUST };
    call('CreateRole', { ...bound, PermissionsBoundary: managed('AmazonEC2ReadOnlyAccess') }, 'iam');
    call('AttachRolePolicy', { RoleName: 'bound', PolicyArn: managed('AdministratorAccess') }, 'iam');
    expect([ends(...replace(ours)), ends('ListRoles', {}, 'iam')]).toEqual(['ok', 'AccessDenied']);
    const [action, input] = replace(ours);
    expect([ends(action, input, 'ec2', 'bound'), ends('DescribeVpcs', {}, 'ec2', 'bound')]).toEqual([
      'UnauthorizedOperation',
      'ok',
    ]);
  });

  it('is worth nothing when its role is gone', () => {
    const { call, ends } = scene();
    call('DeleteRole', { RoleName: 'daemon' }, 'iam');
    expect([ends('DescribeVpcs', {}), ends('GetCallerIdentity', {}, 'sts')]).toEqual([
      'AuthFailure',
      'InvalidClientTokenId',
    ]);
  });
});

describe('to assume a role', () => {
  const trust = (AWS: string): string =>
    JSON.stringify({ Statement: { Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' } });
  const own = `arn:aws:iam::${account}:role/daemon`;
  const RoleArn = `arn:aws:iam::${account}:role/other`;
  const ask = { RoleArn, RoleSessionName: 'daemon' };
  const allowed = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: RoleArn };

  it.each([
    ['which trusts the role itself', own, [], 'ok'],
    ['which trusts the account', account, [], 'AccessDenied'],
    ['which trusts the account, and the policy allows it', account, [allowed], 'ok'],
    ['which trusts somebody else, whatever the policy allows', `${own}2`, [allowed], 'AccessDenied'],
    ['which trusts it, and the policy denies it', own, [{ ...allowed, Effect: 'Deny' }], 'AccessDenied'],
  ] as const)('%s', (_, AWS, statements, end) => {
    const { call, ends } = scene(...statements);
    call('CreateRole', { RoleName: 'other', AssumeRolePolicyDocument: trust(AWS) }, 'iam');
    expect(ends('AssumeRole', ask, 'sts')).toBe(end);
  });

  it('is to become it: the session says who it is, and may what the role may', () => {
    const { call, cloud } = scene({ Effect: 'Allow', Action: '*', Resource: '*' });
    const role = { RoleArn: own, RoleSessionName: 'me' };
    const { Credentials } = call<{ Credentials: { SessionToken: string } }>('AssumeRole', role, 'sts');
    const principal = Credentials.SessionToken;
    const asked = {
      account,
      region,
      principal,
      service: 'sts',
      action: 'GetCallerIdentity',
      input: {},
    } as const;
    const Arn = `arn:aws:sts::${account}:assumed-role/daemon/me`;
    expect(handle(cloud, asked, 0)).toMatchObject({ output: { Account: account, Arn } });
  });
});

describe('every operation', () => {
  const at = specimen();
  const RoleName = 'judged';
  const root = (action: string, input: object): Reply =>
    handle(at.cloud, { account, region, service: 'iam', action, input }, 0);
  root('CreateRole', { RoleName, AssumeRolePolicyDocument: TRUST });
  const allow = (Action: readonly string[]): Reply => {
    const Statement = { Effect: 'Allow', Action, Resource: '*' };
    const input = { RoleName, PolicyName: 'p', PolicyDocument: JSON.stringify({ Statement }) };
    return root('PutRolePolicy', input);
  };
  const principal = `arn:aws:sts::${account}:assumed-role/${RoleName}/session`;
  const others = OPERATIONS.filter(({ action }) => action !== 'GetCallerIdentity');

  it('is refused without a policy, and changes nothing', () => {
    const before = snapshot(at.cloud);
    takeChanges(at.cloud);
    const ends = others.map((operation) => {
      const asked = { account, region, principal, ...operation, input: example(operation, at.known) };
      const reply = handle(at.cloud, asked, 0);
      return reply.kind === 'ok' ? `${operation.action} was done` : reply.code;
    });
    expect([...new Set(ends)].sort()).toEqual([
      'AccessDenied',
      'AccessDeniedException',
      'UnauthorizedOperation',
    ]);
    expect([snapshot(at.cloud), takeChanges(at.cloud)]).toEqual([before, []]);
  });

  it('is allowed by its own name on everything, with leave to tag and to pass roles', () => {
    // To assume a role takes that role's trust, too.
    const refused = others
      .filter(({ action }) => action !== 'AssumeRole')
      .filter((operation) => {
        const { service, action } = operation;
        allow([`${service}:${action}`, 'ec2:CreateTags', 'iam:PassRole']);
        const asked = { account, region, principal, service, action, input: example(operation, at.known) };
        return denialOf(at.cloud, asked, 0) !== undefined;
      });
    expect(refused).toEqual([]);
  });
});
