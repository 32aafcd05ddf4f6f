/** VPC endpoints through the EC2 API. */
import type {
  CreateVpcEndpointResult,
  DescribePrefixListsResult,
  DescribeVpcEndpointServicesResult,
  DescribeVpcEndpointsResult,
  VpcEndpoint,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { takeChanges } from '../../sim/ec2/service.ts';
import { name, refusal, type Site, site } from './site.ts';

const S3 = 'com.amazonaws.eu-central-1.s3';
const EC2 = 'com.amazonaws.eu-central-1.ec2';

const create = (at: Site, more: object = {}): string =>
  name(
    at.call<CreateVpcEndpointResult>('CreateVpcEndpoint', { VpcId: at.vpc, ServiceName: S3, ...more })
      .VpcEndpoint?.VpcEndpointId,
  );

const one = (at: Site, id: string): VpcEndpoint =>
  present(
    at.call<DescribeVpcEndpointsResult>('DescribeVpcEndpoints', { VpcEndpointIds: [id] }).VpcEndpoints?.[0],
    id,
  );

const lists = (at: Site) => at.call<DescribePrefixListsResult>('DescribePrefixLists').PrefixLists ?? [];

describe('a gateway endpoint', () => {
  it('puts a route for the list of its service into the tables, which goes with it', () => {
    const at = site();
    const list = lists(at).find((each) => each.PrefixListName === S3);
    const id = create(at, { RouteTableIds: [at.table] });
    expect(one(at, id)).toMatchObject({
      VpcEndpointType: 'Gateway',
      State: 'available',
      RouteTableIds: [at.table],
      PolicyDocument: expect.stringContaining('"Allow"'),
    });
    const added = { DestinationPrefixListId: list?.PrefixListId, GatewayId: id };
    expect(at.routes().at(-1)).toMatchObject({ ...added, Origin: 'CreateRoute', State: 'active' });
    const entries = takeChanges(at.cloud).find(({ kind }) => kind === 'prefix-list')?.value;
    expect(entries).toEqual({ id: list?.PrefixListId, entries: list?.Cidrs });
    const route = { RouteTableId: at.table, DestinationPrefixListId: list?.PrefixListId };
    expect(refusal(at, 'DeleteRoute', route)).toMatch(
      /^InvalidParameterValue: cannot remove VPC endpoint route/,
    );
    const elsewhere = { ...route, GatewayId: at.gateway };
    expect(refusal(at, 'ReplaceRoute', elsewhere)).toMatch(/cannot remove VPC endpoint route/);
    expect(at.code('DeleteVpc', { VpcId: at.vpc })).toBe('DependencyViolation');
    expect(at.call('DeleteVpcEndpoints', { VpcEndpointIds: [id] })).toEqual({ Unsuccessful: [] });
    expect(at.routes().map((each) => each.GatewayId)).toEqual(['local']);
    expect(at.code('DescribeVpcEndpoints', { VpcEndpointIds: [id] })).toBe('InvalidVpcEndpointId.NotFound');
  });

  it('changes its tables and its policy; a table has one endpoint of a service', () => {
    const at = site();
    const id = create(at);
    const VpcEndpointId = id;
    at.call('ModifyVpcEndpoint', { VpcEndpointId, AddRouteTableIds: [at.table], PolicyDocument: '{"a":1}' });
    expect(one(at, id)).toMatchObject({ RouteTableIds: [at.table], PolicyDocument: '{"a":1}' });
    const twice = { VpcId: at.vpc, ServiceName: S3, RouteTableIds: [at.table] };
    expect(at.code('CreateVpcEndpoint', twice)).toBe('RouteAlreadyExists');
    create(at, { ServiceName: 'com.amazonaws.eu-central-1.dynamodb', RouteTableIds: [at.table] });
    at.call('ModifyVpcEndpoint', { VpcEndpointId, RemoveRouteTableIds: [at.table], ResetPolicy: true });
    expect(one(at, id)).toMatchObject({
      RouteTableIds: [],
      PolicyDocument: expect.stringContaining('Allow'),
    });
    expect(at.routes()).toHaveLength(2);
  });

  it('refuses what EC2 refuses', () => {
    const at = site({ quotas: { gatewayEndpoints: 1 } });
    const refused = (more: object): string =>
      refusal(at, 'CreateVpcEndpoint', { VpcId: at.vpc, ServiceName: S3, ...more });
    expect(refused({ ServiceName: 'com.amazonaws.eu-west-1.s3' })).toMatch(/^InvalidServiceName/);
    expect(refused({ ServiceName: EC2 })).toBe(
      'InvalidParameter: Endpoint type (Gateway) does not match available service types ([Interface]).',
    );
    expect(refused({ SubnetIds: [at.subnets[0]] })).toMatch(/^InvalidParameter: Subnet IDs/);
    expect(refused({ PolicyDocument: 'all' })).toMatch(/^InvalidPolicyDocument/);
    at.call('AssociateRouteTable', { RouteTableId: at.table, GatewayId: at.gateway });
    expect(refused({ RouteTableIds: [at.table] })).toMatch(/^InvalidParameter: .*associated with a gateway/);
    create(at);
    expect(refused({})).toMatch(/^VpcEndpointLimitExceeded/);
    const absent = 'vpce-00000000000000000';
    expect(at.call('DeleteVpcEndpoints', { VpcEndpointIds: [absent] })).toMatchObject({
      Unsuccessful: [{ ResourceId: absent, Error: { Code: 'InvalidVpcEndpointId.NotFound' } }],
    });
  });
});

describe('an interface endpoint', () => {
  it('has an ENI in each subnet that nobody else may touch, and takes its time', () => {
    const at = site({ endpointMs: 1000 });
    at.call('ModifyVpcAttribute', { VpcId: at.vpc, EnableDnsHostnames: { Value: true } });
    const id = create(at, { ServiceName: EC2, VpcEndpointType: 'Interface', SubnetIds: [at.subnets[0]] });
    expect(one(at, id)).toMatchObject({ State: 'pending', PrivateDnsEnabled: true });
    at.pass(1000);
    const made = one(at, id);
    expect(made.State).toBe('available');
    expect(made.DnsEntries?.map((each) => each.DnsName)).toEqual([
      expect.stringMatching(/^vpce-.*\.ec2\.eu-central-1\.vpce\.amazonaws\.com$/),
      expect.stringMatching(/-eu-central-1a\.ec2\.eu-central-1\.vpce/),
      'ec2.eu-central-1.amazonaws.com',
    ]);
    const eni = name(made.NetworkInterfaceIds?.[0]);
    expect(at.interfaceOf(eni)).toMatchObject({
      InterfaceType: 'vpc_endpoint',
      Status: 'in-use',
      RequesterManaged: true,
      Groups: made.Groups,
    });
    expect(at.code('DeleteNetworkInterface', { NetworkInterfaceId: eni })).toBe('InvalidParameterValue');
    at.call('ModifyVpcEndpoint', {
      VpcEndpointId: id,
      AddSubnetIds: [at.subnets[1]],
      RemoveSubnetIds: [at.subnets[0]],
    });
    expect(one(at, id).SubnetIds).toEqual([at.subnets[1]]);
    expect(at.code('DescribeNetworkInterfaces', { NetworkInterfaceIds: [eni] })).toMatch(/NotFound/);
    at.call('DeleteVpcEndpoints', { VpcEndpointIds: [id] });
    expect(one(at, id).State).toBe('deleting');
    expect(at.code('DeleteSubnet', { SubnetId: at.subnets[1] })).toBe('DependencyViolation');
    at.pass(1000);
    expect(at.code('DescribeVpcEndpoints', { VpcEndpointIds: [id] })).toMatch(/NotFound/);
    at.call('DeleteSubnet', { SubnetId: at.subnets[1] });
  });

  it('changes the security groups of all its ENIs', () => {
    const at = site();
    const group = (GroupName: string): string =>
      at.call<{ GroupId: string }>('CreateSecurityGroup', { GroupName, Description: 'd', VpcId: at.vpc })
        .GroupId;
    const [a, b] = [group('a'), group('b')];
    const id = create(at, {
      ServiceName: EC2,
      VpcEndpointType: 'Interface',
      PrivateDnsEnabled: false,
      SubnetIds: at.subnets,
      SecurityGroupIds: [a],
    });
    at.call('ModifyVpcEndpoint', {
      VpcEndpointId: id,
      AddSecurityGroupIds: [b],
      RemoveSecurityGroupIds: [a],
    });
    const { NetworkInterfaceIds: enis = [], Groups } = one(at, id);
    expect(Groups).toEqual([{ GroupId: b, GroupName: 'b' }]);
    expect(enis.map((eni) => at.interfaceOf(eni).Groups)).toEqual([Groups, Groups]);
    expect(at.code('DeleteSecurityGroup', { GroupId: b })).toBe('DependencyViolation');
  });

  it('refuses two subnets of one zone, and private names in a VPC without DNS host names', () => {
    const at = site();
    const wanted = { ServiceName: EC2, VpcEndpointType: 'Interface', VpcId: at.vpc };
    expect(refusal(at, 'CreateVpcEndpoint', wanted)).toMatch(
      /^InvalidParameter: Enabling private DNS requires/,
    );
    const quiet = { ...wanted, PrivateDnsEnabled: false };
    const { Subnet: other } = at.call<{ Subnet: { SubnetId: string } }>('CreateSubnet', {
      VpcId: at.vpc,
      CidrBlock: '10.0.7.0/24',
      AvailabilityZone: 'eu-central-1a',
    });
    const both = { ...quiet, SubnetIds: [at.subnets[0], other.SubnetId] };
    expect(at.code('CreateVpcEndpoint', both)).toBe('DuplicateSubnetsInSameZone');
    expect(refusal(at, 'CreateVpcEndpoint', { ...quiet, RouteTableIds: [at.table] })).toMatch(
      /^InvalidParameter/,
    );
  });
});

describe('services and their prefix lists', () => {
  it('are described, each once for a type, and have no subnets of their own', () => {
    const at = site();
    const all = at.call<DescribeVpcEndpointServicesResult>('DescribeVpcEndpointServices');
    expect(all.ServiceNames).toContain(EC2);
    const some = at.call<DescribeVpcEndpointServicesResult>('DescribeVpcEndpointServices', {
      Filters: [{ Name: 'service-type', Values: ['Gateway'] }],
    });
    expect(some.ServiceDetails?.map((each) => each.ServiceName)).toEqual([
      S3,
      'com.amazonaws.eu-central-1.dynamodb',
    ]);
    expect(at.code('DescribeVpcEndpointServices', { ServiceNames: ['x'] })).toBe('InvalidServiceName');
    const named = { Filters: [{ Name: 'prefix-list-name', Values: [S3] }] };
    const found = at.call<DescribePrefixListsResult>('DescribePrefixLists', named).PrefixLists;
    expect(found).toEqual([lists(at)[0]]);
  });

  it("are AWS's own: shown among the managed ones, usable in routes, and not to be changed", () => {
    const at = site({ quotas: { prefixLists: 1 } });
    const id = name(lists(at)[0]?.PrefixListId);
    const managed = () =>
      at.call<{ PrefixLists: { OwnerId: string; PrefixListArn: string }[] }>('DescribeManagedPrefixLists', {
        PrefixListIds: [id],
      }).PrefixLists;
    expect(managed()[0]).toMatchObject({
      OwnerId: 'AWS',
      PrefixListArn: `arn:aws:ec2:eu-central-1:aws:prefix-list/${id}`,
    });
    at.call('CreateRoute', { RouteTableId: at.table, DestinationPrefixListId: id, GatewayId: at.gateway });
    expect(managed()).toHaveLength(1);
    expect(at.call('GetManagedPrefixListEntries', { PrefixListId: id })).toMatchObject({
      Entries: [{ Cidr: lists(at)[0]?.Cidrs?.[0] }],
    });
    const change = { PrefixListId: id, CurrentVersion: 1, AddEntries: [{ Cidr: '10.0.0.0/8' }] };
    expect(at.code('ModifyManagedPrefixList', change)).toBe('OperationNotPermitted');
    at.call('CreateManagedPrefixList', { PrefixListName: 'own', MaxEntries: 1, AddressFamily: 'IPv4' });
  });
});
