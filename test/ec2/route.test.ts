import type { DescribeRouteTablesResult, ReplaceRouteTableAssociationResult } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import { name, refusal, type Site, site } from './site.ts';

const anywhere = '0.0.0.0/0';

const create = (at: Site, more: object): unknown =>
  at.call('CreateRoute', { RouteTableId: at.table, ...more });
const refused = (at: Site, action: string, more: object): string =>
  refusal(at, action, { RouteTableId: at.table, ...more });

describe('CreateRoute', () => {
  it('clears host bits, in IPv4 and IPv6', () => {
    const at = site();
    create(at, { DestinationCidrBlock: '192.0.2.77/24', GatewayId: at.gateway });
    create(at, { DestinationIpv6CidrBlock: '2001:DB8:0:0::1/32', GatewayId: at.gateway });
    expect(at.routes().map((route) => route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock)).toEqual([
      '10.0.0.0/16',
      '192.0.2.0/24',
      '2001:db8::/32',
    ]);
  });

  it('succeeds again when identical, and refuses another target for the same destination', () => {
    const at = site();
    create(at, { DestinationCidrBlock: anywhere, GatewayId: at.gateway });
    create(at, { DestinationCidrBlock: anywhere, GatewayId: at.gateway });
    const other = { DestinationCidrBlock: anywhere, NetworkInterfaceId: at.eni(at.subnets[0]) };
    expect(refused(at, 'CreateRoute', other)).toBe(
      'RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.',
    );
    expect(at.routes()).toHaveLength(2);
  });

  it('takes an instance with one ENI as that ENI, and refuses one with two', () => {
    const at = site();
    const { id, eni } = at.instance(at.subnets[0]);
    create(at, { DestinationCidrBlock: anywhere, InstanceId: id });
    expect(at.routes()[1]).toMatchObject({ NetworkInterfaceId: eni, InstanceId: id, State: 'active' });
    const second = { NetworkInterfaceId: at.eni(at.subnets[0]), InstanceId: id, DeviceIndex: 1 };
    at.call('AttachNetworkInterface', second);
    expect(refused(at, 'CreateRoute', { DestinationCidrBlock: '192.0.2.0/24', InstanceId: id })).toMatch(
      /^InvalidInstanceID: There are multiple interfaces attached/,
    );
  });

  it('allows the whole block of a subnet to an ENI, and nothing else inside the VPC', () => {
    const at = site();
    const eni = at.eni(at.subnets[0]);
    create(at, { DestinationCidrBlock: '10.0.1.0/24', NetworkInterfaceId: eni });
    const inside = (DestinationCidrBlock: string, target: object): string =>
      refused(at, 'CreateRoute', { DestinationCidrBlock, ...target });
    expect(inside('10.0.0.0/24', { GatewayId: at.gateway })).toBe(
      'InvalidParameterValue: The destination CIDR block 10.0.0.0/24 is equal to or ' +
        "more specific than one of this VPC's CIDR blocks. " +
        'This route can target only an interface or an instance.',
    );
    expect(inside('10.0.0.0/25', { NetworkInterfaceId: eni })).toMatch(
      /^InvalidParameterValue: .*entire CIDR block/,
    );
    expect(inside('10.0.0.0/16', { NetworkInterfaceId: eni })).toMatch(/^InvalidParameterValue/);
    create(at, { DestinationCidrBlock: '10.0.0.0/8', GatewayId: at.gateway });
  });

  it('knows the rules of 2020: nothing inside the VPC at all', () => {
    const at = site({ rulesOf2020: ['111122223333'] });
    const inside = { DestinationCidrBlock: '10.0.1.0/24', NetworkInterfaceId: at.eni(at.subnets[0]) };
    expect(refused(at, 'CreateRoute', inside)).toMatch(
      /^InvalidParameterValue: Route target is not supported/,
    );
  });

  it('refuses what EC2 refuses', () => {
    const at = site();
    const { Vpc: other } = at.call<{ Vpc: { VpcId: string } }>('CreateVpc', { CidrBlock: '10.1.0.0/16' });
    const far = at.call<{ Subnet: { SubnetId: string } }>('CreateSubnet', {
      VpcId: other.VpcId,
      CidrBlock: '10.1.0.0/24',
    });
    const { InternetGateway: loose } = at.call<{ InternetGateway: { InternetGatewayId: string } }>(
      'CreateInternetGateway',
    );
    const eni = at.eni(at.subnets[0]);
    const dest = { DestinationCidrBlock: anywhere };
    const cases: readonly [object, RegExp][] = [
      [{ ...dest }, /^MissingParameter/],
      [{ GatewayId: at.gateway }, /^MissingParameter/],
      [
        { ...dest, GatewayId: at.gateway, NetworkInterfaceId: eni },
        /^InvalidParameterCombination: .*exactly one of/,
      ],
      [{ ...dest, DestinationIpv6CidrBlock: '::/0', GatewayId: at.gateway }, /^InvalidParameterCombination/],
      [{ ...dest, GatewayId: 'local' }, /^InvalidGatewayID.NotFound: The gateway ID 'local' does not exist/],
      [
        { ...dest, GatewayId: loose.InternetGatewayId },
        /^InvalidParameterValue: .*belong to different networks/,
      ],
      [
        { ...dest, NetworkInterfaceId: at.eni(name(far.Subnet.SubnetId)) },
        /^InvalidParameterValue: .*belong to different networks/,
      ],
      [{ ...dest, NetworkInterfaceId: 'eni-00000000000000000' }, /^InvalidNetworkInterfaceID.NotFound/],
      [{ ...dest, NetworkInterfaceId: 'eni-xyz' }, /^InvalidNetworkInterfaceId.Malformed/],
      [{ ...dest, NatGatewayId: 'nat-00000000000000000' }, /^InvalidNatGatewayID.NotFound/],
      [{ DestinationCidrBlock: '::/0', GatewayId: at.gateway }, /^InvalidParameterValue: Value \(::\/0\)/],
      [
        { DestinationCidrBlock: '1.2.3.4', GatewayId: at.gateway },
        /^InvalidParameterValue: .*not a valid CIDR/,
      ],
      [
        { DestinationCidrBlock: '169.254.169.254/32', GatewayId: at.gateway },
        /^InvalidParameterValue: .*reserves/,
      ],
      [
        { RouteTableId: 'rtb-00000000000000000', ...dest, GatewayId: at.gateway },
        /^InvalidRouteTableID.NotFound/,
      ],
    ];
    for (const [input, words] of cases) expect(refused(at, 'CreateRoute', input)).toMatch(words);
    expect(at.routes()).toHaveLength(1);
  });

  it('counts IPv4 and IPv6 routes apart against the quota', () => {
    const at = site({ quotas: { routesPerTable: 1 } });
    create(at, { DestinationCidrBlock: anywhere, GatewayId: at.gateway });
    create(at, { DestinationIpv6CidrBlock: '::/0', GatewayId: at.gateway });
    const third = { DestinationCidrBlock: '192.0.2.0/24', GatewayId: at.gateway };
    expect(refused(at, 'CreateRoute', third)).toMatch(/^RouteLimitExceeded/);
  });
});

describe('ReplaceRoute', () => {
  it('replaces the target in place, and tells the data plane once', () => {
    const at = site();
    const eni = at.eni(at.subnets[0]);
    create(at, { DestinationCidrBlock: anywhere, GatewayId: at.gateway });
    create(at, { DestinationCidrBlock: '192.0.2.0/24', GatewayId: at.gateway });
    takeChanges(at.cloud);
    const input = { RouteTableId: at.table, DestinationCidrBlock: anywhere, NetworkInterfaceId: eni };
    at.call('ReplaceRoute', input);
    at.call('ReplaceRoute', input);
    expect(at.routes().map((route) => route.NetworkInterfaceId ?? route.GatewayId)).toEqual([
      'local',
      eni,
      at.gateway,
    ]);
    expect(takeChanges(at.cloud)).toMatchObject([
      { kind: 'route-table', id: at.table, value: { routes: [{}, { target: { kind: 'eni', eni } }, {}] } },
    ]);
  });

  it('needs such a route, exactly', () => {
    const at = site();
    const eni = at.eni(at.subnets[0]);
    create(at, { DestinationCidrBlock: '192.0.2.0/24', GatewayId: at.gateway });
    const to = (destination: string): string =>
      refused(at, 'ReplaceRoute', { DestinationCidrBlock: destination, NetworkInterfaceId: eni });
    const none = "There is no route defined for '0.0.0.0/0' in the route table. Use CreateRoute instead.";
    expect(to(anywhere)).toBe(`InvalidParameterValue: ${none}`);
    expect(to('192.0.2.1/24')).toMatch(/^InvalidParameterValue: There is no route defined/);
    at.call('ReplaceRoute', {
      RouteTableId: at.table,
      DestinationCidrBlock: '192.0.2.0/24',
      NetworkInterfaceId: eni,
    });
  });
});

describe('DeleteRoute', () => {
  it('deletes by the exact destination only', () => {
    const at = site();
    create(at, { DestinationIpv6CidrBlock: '2001:db8::/32', GatewayId: at.gateway });
    const remove = { DestinationIpv6CidrBlock: '2001:0db8:0::/32' };
    at.call('DeleteRoute', { RouteTableId: at.table, ...remove });
    expect(refused(at, 'DeleteRoute', remove)).toMatch(
      /^InvalidRoute.NotFound: no route with destination-cidr-block/,
    );
    expect(refused(at, 'DeleteRoute', { DestinationCidrBlock: '10.0.0.0/16' })).toMatch(
      /^InvalidParameterValue: cannot remove local route/,
    );
  });
});

describe('the state of a route', () => {
  const state = (at: Site): unknown => at.routes()[1]?.State;

  it('is blackhole while the ENI is attached to nothing, and when it is gone', () => {
    const at = site();
    const eni = at.eni(at.subnets[0]);
    const { id } = at.instance(at.subnets[0]);
    create(at, { DestinationCidrBlock: anywhere, NetworkInterfaceId: eni });
    expect(state(at)).toBe('blackhole');
    at.call('AttachNetworkInterface', { NetworkInterfaceId: eni, InstanceId: id, DeviceIndex: 1 });
    expect(state(at)).toBe('active');
    at.call('DetachNetworkInterface', { AttachmentId: at.interfaceOf(eni).Attachment?.AttachmentId });
    expect(state(at)).toBe('blackhole');
    at.call('DeleteNetworkInterface', { NetworkInterfaceId: eni });
    expect(at.routes()[1]).toMatchObject({ NetworkInterfaceId: eni, State: 'blackhole' });
  });

  it.each([
    [false, 'active'],
    [true, 'blackhole'],
  ])('follows the setting where the instance is stopped (%s)', (stoppedIsBlackhole, expected) => {
    const at = site({ stoppedIsBlackhole });
    const { id, eni } = at.instance(at.subnets[0]);
    create(at, { DestinationCidrBlock: anywhere, NetworkInterfaceId: eni });
    at.call('StopInstances', { InstanceIds: [id] });
    at.pass(1);
    expect(state(at)).toBe(expected);
  });

  it('is blackhole when the gateway is detached', () => {
    const at = site();
    create(at, { DestinationCidrBlock: anywhere, GatewayId: at.gateway });
    expect(state(at)).toBe('active');
    at.call('DetachInternetGateway', { InternetGatewayId: at.gateway, VpcId: at.vpc });
    expect(state(at)).toBe('blackhole');
  });
});

describe('route tables', () => {
  const associations = (at: Site, RouteTableIds: string[]): unknown[] =>
    (at.call<DescribeRouteTablesResult>('DescribeRouteTables', { RouteTableIds }).RouteTables ?? []).flatMap(
      (table) => table.Associations ?? [],
    );

  const main = (at: Site): { readonly table: string; readonly association: string } => {
    const Filters = [
      { Name: 'association.main', Values: ['true'] },
      { Name: 'vpc-id', Values: [at.vpc] },
    ];
    const { RouteTables: tables } = at.call<DescribeRouteTablesResult>('DescribeRouteTables', { Filters });
    const [table] = tables ?? [];
    return {
      table: name(table?.RouteTableId),
      association: name(table?.Associations?.[0]?.RouteTableAssociationId),
    };
  };

  it('associate with one subnet each time, explicitly', () => {
    const at = site();
    const [SubnetId] = at.subnets;
    const input = { RouteTableId: at.table, SubnetId };
    const { AssociationId: id } = at.call<{ AssociationId: string }>('AssociateRouteTable', input);
    expect(at.call('AssociateRouteTable', input)).toMatchObject({ AssociationId: id });
    expect(refusal(at, 'AssociateRouteTable', { RouteTableId: main(at).table, SubnetId })).toMatch(
      /^Resource.AlreadyAssociated/,
    );
    expect(refusal(at, 'DeleteRouteTable', { RouteTableId: at.table })).toMatch(/^DependencyViolation/);
    const Filters = [{ Name: 'association.route-table-association-id', Values: [id] }];
    expect(at.call('DescribeRouteTables', { Filters })).toMatchObject({
      RouteTables: [{ RouteTableId: at.table }],
    });
    at.call('DisassociateRouteTable', { AssociationId: id });
    expect(refusal(at, 'DisassociateRouteTable', { AssociationId: id })).toMatch(
      /^InvalidAssociationID.NotFound/,
    );
    expect(at.call('DescribeRouteTables', { Filters })).toEqual({ RouteTables: [] });
    at.call('DeleteRouteTable', { RouteTableId: at.table });
  });

  it('take over as main by ReplaceRouteTableAssociation, which gives a new id', () => {
    const at = site();
    const before = main(at);
    takeChanges(at.cloud);
    const moved = at.call<ReplaceRouteTableAssociationResult>('ReplaceRouteTableAssociation', {
      AssociationId: before.association,
      RouteTableId: at.table,
    });
    expect(moved.NewAssociationId).not.toBe(before.association);
    expect(main(at)).toEqual({ table: at.table, association: moved.NewAssociationId });
    expect(associations(at, [before.table])).toEqual([]);
    expect(
      takeChanges(at.cloud).map(({ id, value }) => [id, value && 'main' in value && value.main]),
    ).toEqual([
      [before.table, false],
      [at.table, true],
    ]);
    expect(refusal(at, 'DisassociateRouteTable', { AssociationId: main(at).association })).toMatch(
      /^InvalidParameterValue/,
    );
    expect(refusal(at, 'DeleteRouteTable', { RouteTableId: at.table })).toMatch(/^DependencyViolation/);
    at.call('DeleteRouteTable', { RouteTableId: before.table });
  });

  it('learn and forget the blocks of their VPC', () => {
    const at = site();
    const { CidrBlockAssociation: added } = at.call<{ CidrBlockAssociation: { AssociationId: string } }>(
      'AssociateVpcCidrBlock',
      { VpcId: at.vpc, CidrBlock: '10.9.0.0/16' },
    );
    expect(at.routes().map((route) => route.DestinationCidrBlock)).toEqual(['10.0.0.0/16', '10.9.0.0/16']);
    at.call('DisassociateVpcCidrBlock', { AssociationId: added.AssociationId });
    expect(at.routes()).toHaveLength(1);
  });
});
