/** VPC peering connections: their life, and the routes and rules that lean on them. */
import type {
  CreateVpcPeeringConnectionResult,
  DescribeVpcPeeringConnectionsResult,
  Vpc,
  VpcPeeringConnection,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, refusal, type Site, site } from './site.ts';

const HOUR_MS = 3_600_000;

const vpcOf = (at: Site, CidrBlock: string): string =>
  name(at.call<{ Vpc: Vpc }>('CreateVpc', { CidrBlock }).Vpc.VpcId);

const request = (at: Site, PeerVpcId: string): string => {
  const made = at.call<CreateVpcPeeringConnectionResult>('CreateVpcPeeringConnection', {
    VpcId: at.vpc,
    PeerVpcId,
  });
  return name(made.VpcPeeringConnection?.VpcPeeringConnectionId);
};

const all = (at: Site, input: object = {}): readonly VpcPeeringConnection[] =>
  at.call<DescribeVpcPeeringConnectionsResult>('DescribeVpcPeeringConnections', input)
    .VpcPeeringConnections ?? [];

const stateOf = (at: Site, id: string): string | undefined =>
  all(at, { VpcPeeringConnectionIds: [id] })[0]?.Status?.Code;

/** The site's VPC and another one, with a request between them. */
function requested(options: CloudOptions = {}) {
  const at = site(options);
  const other = vpcOf(at, '10.1.0.0/16');
  return { at, other, id: request(at, other) };
}

const refer = (id: string) => ({ VpcPeeringConnectionId: id });

describe('VPC peering connections', () => {
  it('are requested, accepted, active, deleted, and shown for two hours more', () => {
    const { at, other, id } = requested();
    expect(all(at)[0]).toMatchObject({
      Status: { Code: 'pending-acceptance', Message: 'Pending Acceptance' },
      RequesterVpcInfo: { VpcId: at.vpc, CidrBlock: '10.0.0.0/16', OwnerId: '111122223333' },
      AccepterVpcInfo: { VpcId: other, CidrBlockSet: [{ CidrBlock: '10.1.0.0/16' }], Region: 'eu-central-1' },
      ExpirationTime: new Date(7 * 24 * HOUR_MS),
    });
    takeChanges(at.cloud);
    const accepted = at.call<CreateVpcPeeringConnectionResult>('AcceptVpcPeeringConnection', refer(id));
    expect(accepted.VpcPeeringConnection?.Status?.Code).toBe('provisioning');
    expect(stateOf(at, id)).toBe('active');
    expect(takeChanges(at.cloud).at(-1)).toEqual({
      kind: 'vpc-peering-connection',
      id,
      value: { id, requesterVpc: at.vpc, accepterVpc: other, active: true },
    });
    expect(at.call('DeleteVpcPeeringConnection', refer(id))).toEqual({ Return: true });
    expect(stateOf(at, id)).toBe('deleted');
    at.pass(2 * HOUR_MS - 1);
    expect(stateOf(at, id)).toBe('deleted');
    at.pass(1);
    expect(at.code('DescribeVpcPeeringConnections', { VpcPeeringConnectionIds: [id] })).toBe(
      'InvalidVpcPeeringConnectionID.NotFound',
    );
  });

  it('are rejected, or expire after seven days', () => {
    const { at, id } = requested();
    at.call('RejectVpcPeeringConnection', refer(id));
    expect(stateOf(at, id)).toBe('rejected');
    const again = request(at, vpcOf(at, '10.2.0.0/16'));
    at.pass(7 * 24 * HOUR_MS);
    expect(stateOf(at, again)).toBe('expired');
  });

  it('fail for blocks that overlap, in any block of either VPC, and for a VPC that is not there', () => {
    const at = site();
    expect(stateOf(at, request(at, vpcOf(at, '10.0.128.0/20')))).toBe('failed');
    const apart = vpcOf(at, '10.9.0.0/16');
    at.call('AssociateVpcCidrBlock', { VpcId: at.vpc, CidrBlock: '10.9.64.0/20' });
    expect(stateOf(at, request(at, apart))).toBe('failed');
    expect(stateOf(at, request(at, at.vpc))).toBe('failed');
    const [none] = [request(at, 'vpc-0123456789abcdef0')];
    expect(all(at, { VpcPeeringConnectionIds: [none] })[0]?.Status?.Message).toMatch(/^Failed due to/);
  });

  it('refuses steps from the wrong state, in the words that clients match', () => {
    const { at, id } = requested();
    at.call('RejectVpcPeeringConnection', refer(id));
    expect(refusal(at, 'AcceptVpcPeeringConnection', refer(id))).toMatch(/^InvalidStateTransition: Invalid/);
    expect(refusal(at, 'DeleteVpcPeeringConnection', refer(id))).toBe(
      `InvalidStateTransition: Invalid state transition for ${id}, ` +
        'attempted to transition from rejected to deleting',
    );
    expect(at.code('AcceptVpcPeeringConnection', refer('pcx-1'))).toBe(
      'InvalidVpcPeeringConnectionId.Malformed',
    );
  });

  it('are one for each pair, a limited number for each VPC, and only within an account and region', () => {
    const { at, other } = requested({ quotas: { peeringsPerVpc: 1 } });
    const ask = (more: object) => at.code('CreateVpcPeeringConnection', { VpcId: at.vpc, ...more });
    expect(ask({ PeerVpcId: other })).toBe('VpcPeeringConnectionAlreadyExists');
    const third = vpcOf(at, '10.2.0.0/16');
    expect(ask({ PeerVpcId: third })).toBe('VpcPeeringConnectionsPerVpcLimitExceeded');
    expect(ask({ PeerVpcId: third, PeerRegion: 'us-east-1' })).toBe('UnsupportedOperation');
    expect(at.code('CreateVpcPeeringConnection', { VpcId: at.vpc })).toBe('MissingParameter');
    const few = requested({ quotas: { pendingPeerings: 1 } }).at;
    const another = { VpcId: few.vpc, PeerVpcId: vpcOf(few, '10.2.0.0/16') };
    expect(few.code('CreateVpcPeeringConnection', another)).toBe('PendingVpcPeeringConnectionLimitExceeded');
  });

  it('are found by filters and tags; a dry run makes none', () => {
    const { at, other, id } = requested();
    const found = (Name: string, Value: string) => all(at, { Filters: [{ Name, Values: [Value] }] }).length;
    expect(found('accepter-vpc-info.vpc-id', other)).toBe(1);
    expect(found('accepter-vpc-info.vpc-id', at.vpc)).toBe(0);
    expect(found('requester-vpc-info.cidr-block', '10.0.*')).toBe(1);
    expect(found('status-code', 'active')).toBe(0);
    at.call('CreateTags', { Resources: [id], Tags: [{ Key: 'Name', Value: 'p' }] });
    expect(found('tag:Name', 'p')).toBe(1);
    const third = vpcOf(at, '10.2.0.0/16');
    const dry = { VpcId: at.vpc, PeerVpcId: third, DryRun: true };
    expect(at.code('CreateVpcPeeringConnection', dry)).toBe('DryRunOperation');
    expect(all(at)).toHaveLength(1);
  });

  it('have DNS options, for active connections only', () => {
    const { at, id } = requested();
    const ask = {
      ...refer(id),
      RequesterPeeringConnectionOptions: { AllowDnsResolutionFromRemoteVpc: true },
    };
    expect(at.code('ModifyVpcPeeringConnectionOptions', ask)).toBe('OperationNotPermitted');
    at.call('AcceptVpcPeeringConnection', refer(id));
    expect(at.call('ModifyVpcPeeringConnectionOptions', ask)).toMatchObject({
      RequesterPeeringConnectionOptions: { AllowDnsResolutionFromRemoteVpc: true },
    });
    const [peering] = all(at);
    expect(peering?.RequesterVpcInfo?.PeeringOptions?.AllowDnsResolutionFromRemoteVpc).toBe(true);
    expect(peering?.AccepterVpcInfo?.PeeringOptions?.AllowDnsResolutionFromRemoteVpc).toBe(false);
  });
});

describe('what leans on a peering connection', () => {
  it('takes a route before it is accepted: a blackhole until then, and again after it is deleted', () => {
    const { at, id } = requested();
    const route = { RouteTableId: at.table, DestinationCidrBlock: '10.1.0.0/16', ...refer(id) };
    at.call('CreateRoute', route);
    expect(at.routes()[1]).toMatchObject({ ...refer(id), State: 'blackhole', Origin: 'CreateRoute' });
    at.call('AcceptVpcPeeringConnection', refer(id));
    expect(at.routes()[1]?.State).toBe('active');
    at.call('DeleteVpcPeeringConnection', refer(id));
    expect(at.routes()[1]?.State).toBe('blackhole');
  });

  it('refuses a route to a connection of other VPCs, and one for a block of the own VPC', () => {
    const { at, other, id } = requested();
    const third = vpcOf(at, '10.2.0.0/16');
    const { VpcPeeringConnection: foreign } = at.call<CreateVpcPeeringConnectionResult>(
      'CreateVpcPeeringConnection',
      { VpcId: other, PeerVpcId: third },
    );
    const route = { RouteTableId: at.table, DestinationCidrBlock: '10.2.0.0/16' };
    const strange = { ...route, ...refer(name(foreign?.VpcPeeringConnectionId)) };
    expect(refusal(at, 'CreateRoute', strange)).toMatch(/^InvalidParameterValue: .* different networks$/);
    const inside = { ...route, DestinationCidrBlock: '10.0.1.0/24', ...refer(id) };
    expect(refusal(at, 'CreateRoute', inside)).toMatch(/can target only an interface or an instance/);
  });

  it('lets rules name groups of the other VPC while it is active', () => {
    const { at, other, id } = requested();
    const [group] =
      at.call<{ SecurityGroups: { GroupId: string }[] }>('DescribeSecurityGroups', {
        Filters: [{ Name: 'vpc-id', Values: [at.vpc] }],
      }).SecurityGroups ?? [];
    const made = at.call<{ GroupId: string }>('CreateSecurityGroup', {
      GroupName: 'far',
      Description: 'far',
      VpcId: other,
    });
    const UserIdGroupPairs = [{ GroupId: made.GroupId }];
    const rule = { GroupId: group?.GroupId, IpPermissions: [{ IpProtocol: '-1', UserIdGroupPairs }] };
    expect(at.code('AuthorizeSecurityGroupIngress', rule)).toBe('InvalidGroup.NotFound');
    at.call('AcceptVpcPeeringConnection', refer(id));
    at.call('AuthorizeSecurityGroupIngress', rule);
    at.call('DeleteVpcPeeringConnection', refer(id));
    expect(at.code('AuthorizeSecurityGroupEgress', rule)).toBe('InvalidGroup.NotFound');
  });

  it('keeps its VPCs from being deleted while it binds them', () => {
    const { at, other, id } = requested();
    expect(at.code('DeleteVpc', { VpcId: other })).toBe('DependencyViolation');
    at.call('RejectVpcPeeringConnection', refer(id));
    at.call('DeleteVpc', { VpcId: other });
    expect(all(at)[0]?.AccepterVpcInfo).toMatchObject({ VpcId: other });
  });
});
