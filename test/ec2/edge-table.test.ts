import type { AssociateRouteTableResult, DescribeRouteTablesResult } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, refusal, type Site, site } from './site.ts';

const associate = (at: Site, more: object = {}): string =>
  name(
    at.call<AssociateRouteTableResult>('AssociateRouteTable', {
      RouteTableId: at.table,
      GatewayId: at.gateway,
      ...more,
    }).AssociationId,
  );

const refused = (at: Site, action: string, more: object): string =>
  refusal(at, action, { RouteTableId: at.table, ...more });

describe('an edge route table', () => {
  it('is associated with an Internet gateway once, shown, found, and let go with it', () => {
    const at = site();
    const association = associate(at);
    expect(associate(at)).toBe(association);
    const { RouteTables: found } = at.call<DescribeRouteTablesResult>('DescribeRouteTables', {
      Filters: [{ Name: 'association.gateway-id', Values: [at.gateway] }],
    });
    expect(found?.[0]?.Associations).toEqual([
      {
        RouteTableAssociationId: association,
        RouteTableId: at.table,
        Main: false,
        GatewayId: at.gateway,
        AssociationState: { State: 'associated' },
      },
    ]);
    const { RouteTable: other } = at.call<{ RouteTable: { RouteTableId: string } }>('CreateRouteTable', {
      VpcId: at.vpc,
    });
    const second = { RouteTableId: other.RouteTableId, GatewayId: at.gateway };
    expect(at.code('AssociateRouteTable', second)).toBe('Resource.AlreadyAssociated');
    expect(at.code('DeleteRouteTable', { RouteTableId: at.table })).toBe('DependencyViolation');
    at.call('DisassociateRouteTable', { AssociationId: association });
    associate(at, second);
    at.call('DetachInternetGateway', { InternetGatewayId: at.gateway, VpcId: at.vpc });
    at.call('DeleteInternetGateway', { InternetGatewayId: at.gateway });
    at.call('DeleteRouteTable', { RouteTableId: other.RouteTableId });
  });

  it('takes whole subnets and ENIs, and nothing else', () => {
    const at = site();
    associate(at);
    const eni = at.eni(at.subnets[0]);
    const route = (DestinationCidrBlock: string, target: object = { NetworkInterfaceId: eni }): string =>
      refused(at, 'CreateRoute', { DestinationCidrBlock, ...target });
    const input = { RouteTableId: at.table, DestinationCidrBlock: '10.0.1.0/24', NetworkInterfaceId: eni };
    at.call('CreateRoute', input);
    expect(route('10.0.0.0/25')).toMatch(/^InvalidParameterValue: .*entire CIDR block of a subnet/);
    expect(route('0.0.0.0/0')).toMatch(/^InvalidParameterValue: .*entire CIDR block of a subnet/);
    expect(route('10.0.0.0/24', { GatewayId: at.gateway })).toMatch(/neither local nor a network interface/);
    at.call('ReplaceRoute', { ...input, DestinationCidrBlock: '10.0.0.0/16' });
    expect(at.routes()[0]).toMatchObject({ NetworkInterfaceId: eni, Origin: 'CreateRouteTable' });
  });

  it('is refused to a table that has what it may not have', () => {
    const at = site();
    const edge = { GatewayId: at.gateway };
    const anywhere = { RouteTableId: at.table, DestinationCidrBlock: '0.0.0.0/0' };
    at.call('CreateRoute', { ...anywhere, GatewayId: at.gateway });
    expect(refused(at, 'AssociateRouteTable', edge)).toMatch(/^InvalidParameterValue: .*neither local/);
    at.call('ReplaceRoute', { ...anywhere, NetworkInterfaceId: at.eni(at.subnets[0]) });
    expect(refused(at, 'AssociateRouteTable', edge)).toMatch(/^InvalidParameterValue: .*entire CIDR/);
    at.call('DeleteRoute', anywhere);
    associate(at);
    const { RouteTables: all } = at.call<DescribeRouteTablesResult>('DescribeRouteTables', {
      Filters: [{ Name: 'association.main', Values: ['true'] }],
    });
    const main = { RouteTableId: all?.[0]?.RouteTableId };
    expect(at.code('AssociateRouteTable', { ...main, ...edge })).toBe('InvalidParameterValue');
    const { InternetGateway: loose } = at.call<{ InternetGateway: { InternetGatewayId: string } }>(
      'CreateInternetGateway',
    );
    expect(refused(at, 'AssociateRouteTable', { GatewayId: loose.InternetGatewayId })).toMatch(
      /^Gateway.NotAttached/,
    );
    expect(refused(at, 'AssociateRouteTable', { GatewayId: 'vgw-1' })).toMatch(/^InvalidGatewayID.NotFound/);
    expect(refused(at, 'AssociateRouteTable', {})).toMatch(/^MissingParameter/);
    const mainAssociation = all?.[0]?.Associations?.[0]?.RouteTableAssociationId;
    const swap = { AssociationId: mainAssociation, RouteTableId: at.table };
    expect(at.code('ReplaceRouteTableAssociation', swap)).toBe('InvalidParameterValue');
  });
});

describe('the local route', () => {
  const replace = (at: Site, more: object): void => {
    at.call('ReplaceRoute', { RouteTableId: at.table, DestinationCidrBlock: '10.0.0.0/16', ...more });
  };

  it('may lead to an ENI and back, survives new blocks, and is never deleted', () => {
    const at = site();
    const eni = at.eni(at.subnets[0]);
    replace(at, { NetworkInterfaceId: eni });
    at.call('AssociateVpcCidrBlock', { VpcId: at.vpc, CidrBlock: '10.1.0.0/16' });
    expect(at.routes().map((route) => route.NetworkInterfaceId ?? route.GatewayId)).toEqual([eni, 'local']);
    const local = { DestinationCidrBlock: '10.0.0.0/16' };
    expect(refused(at, 'DeleteRoute', local)).toMatch(/cannot remove local route/);
    expect(refused(at, 'ReplaceRoute', { ...local, GatewayId: at.gateway })).toMatch(
      /equal to or more specific/,
    );
    replace(at, { LocalTarget: true });
    expect(at.routes()[0]).toMatchObject({ GatewayId: 'local' });
    at.call('CreateRoute', {
      RouteTableId: at.table,
      DestinationIpv6CidrBlock: '::/0',
      GatewayId: at.gateway,
    });
    expect(refused(at, 'ReplaceRoute', { DestinationIpv6CidrBlock: '::/0', LocalTarget: true })).toMatch(
      /^InvalidParameterValue: .*its target cannot be local/,
    );
    const both = { ...local, LocalTarget: true, NetworkInterfaceId: eni };
    expect(refused(at, 'ReplaceRoute', both)).toMatch(/^InvalidParameterCombination/);
  });

  it('A1: by the rules of 2020 it and subnets may be retargeted in edge tables only, by account', () => {
    const outcome = (options: CloudOptions, isEdge: boolean): readonly string[] => {
      const at = site(options);
      if (isEdge) associate(at);
      const NetworkInterfaceId = at.eni(at.subnets[0]);
      const input = { RouteTableId: at.table, NetworkInterfaceId };
      const tried = (action: string, DestinationCidrBlock: string): string => {
        try {
          at.call(action, { ...input, DestinationCidrBlock });
          return 'ok';
        } catch (error) {
          return String(error).includes('Route target is not supported') ? 'refused' : String(error);
        }
      };
      return [tried('CreateRoute', '10.0.1.0/24'), tried('ReplaceRoute', '10.0.0.0/16')];
    };
    const old = { rulesOf2020: ['111122223333'] };
    expect(outcome(old, false)).toEqual(['refused', 'refused']);
    expect(outcome(old, true)).toEqual(['ok', 'ok']);
    expect(outcome({ rulesOf2020: ['999999999999'] }, false)).toEqual(['ok', 'ok']);
    expect(outcome({ rulesOf2020: ['*'] }, false)).toEqual(['refused', 'refused']);
  });

  it('is not to be created again; the code is a knob', () => {
    for (const createOverLocal of ['InvalidParameterValue', 'RouteAlreadyExists'] as const) {
      const at = site({ createOverLocal });
      const input = { DestinationCidrBlock: '10.0.0.0/16', NetworkInterfaceId: at.eni(at.subnets[0]) };
      expect(refused(at, 'CreateRoute', input)).toContain(createOverLocal);
    }
  });
});
