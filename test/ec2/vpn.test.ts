/** VPN gateways, customer gateways and VPN connections through the EC2 API, and what route tables learn. */
import type {
  CreateCustomerGatewayResult,
  CreateVpnConnectionResult,
  CreateVpnGatewayResult,
  DescribeCustomerGatewaysResult,
  DescribeRouteTablesResult,
  DescribeVpnConnectionsResult,
  DescribeVpnGatewaysResult,
  Vpc,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, refusal, type Site, site } from './site.ts';

const gateway = (at: Site): string =>
  name(at.call<CreateVpnGatewayResult>('CreateVpnGateway', { Type: 'ipsec.1' }).VpnGateway?.VpnGatewayId);

const customer = (at: Site, IpAddress = '203.0.113.7'): string =>
  name(
    at.call<CreateCustomerGatewayResult>('CreateCustomerGateway', {
      Type: 'ipsec.1',
      BgpAsn: 65_010,
      IpAddress,
    }).CustomerGateway?.CustomerGatewayId,
  );

/** The site's VPC with a gateway attached, and a connection of static routes to a customer gateway. */
function connected(options: CloudOptions = {}) {
  const at = site(options);
  const [vgw, cgw] = [gateway(at), customer(at)];
  at.call('AttachVpnGateway', { VpnGatewayId: vgw, VpcId: at.vpc });
  const input = { Type: 'ipsec.1', VpnGatewayId: vgw, CustomerGatewayId: cgw };
  const made = at.call<CreateVpnConnectionResult>('CreateVpnConnection', {
    ...input,
    Options: { StaticRoutesOnly: true },
  });
  return { at, vgw, cgw, input, vpn: name(made.VpnConnection?.VpnConnectionId) };
}

const routeOf = (vpn: string, DestinationCidrBlock: string) => ({
  VpnConnectionId: vpn,
  DestinationCidrBlock,
});

describe('VPN gateways', () => {
  it('are attached to one VPC, which has one; detached, deleted, and shown as that', () => {
    const at = site();
    const id = gateway(at);
    const named = { VpnGatewayId: id };
    at.call('AttachVpnGateway', { ...named, VpcId: at.vpc });
    expect(takeChanges(at.cloud).at(-1)?.value).toEqual({ id, vpc: at.vpc });
    const other = name(at.call<{ Vpc: Vpc }>('CreateVpc', { CidrBlock: '10.9.0.0/16' }).Vpc.VpcId);
    const attach = (VpnGatewayId: string, VpcId: string) =>
      at.code('AttachVpnGateway', { VpnGatewayId, VpcId });
    expect(attach(id, other)).toBe('VpnGatewayAttachmentLimitExceeded');
    expect(attach(gateway(at), at.vpc)).toBe('InvalidVpcState');
    expect(at.code('DeleteVpnGateway', named)).toBe('IncorrectState');
    expect(at.code('DetachVpnGateway', { ...named, VpcId: other })).toBe(
      'InvalidVpnGatewayAttachment.NotFound',
    );
    at.call('DetachVpnGateway', { ...named, VpcId: at.vpc });
    at.call('DeleteVpnGateway', named);
    const find = (Name: string, Value: string) =>
      at
        .call<DescribeVpnGatewaysResult>('DescribeVpnGateways', { Filters: [{ Name, Values: [Value] }] })
        .VpnGateways?.map((each) => each.State);
    expect(find('vpn-gateway-id', id)).toEqual(['deleted']);
    expect(attach(id, other)).toBe('InvalidVpnGatewayID.NotFound');
    at.pass(3_600_000);
    expect(at.code('DescribeVpnGateways', { VpnGatewayIds: [id] })).toBe('InvalidVpnGatewayID.NotFound');
  });

  it('keep their VPC from being deleted; too many, and of another type, are refused', () => {
    const { at, vgw, vpn } = connected({ quotas: { vpnGateways: 1 } });
    expect(at.code('CreateVpnGateway', { Type: 'ipsec.1' })).toBe('VpnGatewayLimitExceeded');
    expect(at.code('CreateVpnGateway', { Type: 'ipsec.2' })).toBe('InvalidParameterValue');
    at.call('DetachVpnGateway', { VpnGatewayId: vgw, VpcId: at.vpc });
    expect(refusal(at, 'DeleteVpnGateway', { VpnGatewayId: vgw })).toContain(`VPN connections: ${vpn}`);
    const bare = name(at.call<{ Vpc: Vpc }>('CreateVpc', { CidrBlock: '10.9.0.0/16' }).Vpc.VpcId);
    at.call('AttachVpnGateway', { VpnGatewayId: vgw, VpcId: bare });
    expect(at.code('DeleteVpc', { VpcId: bare })).toBe('DependencyViolation');
  });
});

describe('customer gateways', () => {
  it('are the same for the same address and AS number, in use while connected, and deleted', () => {
    const { at, cgw, vpn } = connected();
    expect(customer(at)).toBe(cgw);
    expect(customer(at, '203.0.113.8')).not.toBe(cgw);
    const named = { CustomerGatewayId: cgw };
    expect(at.code('DeleteCustomerGateway', named)).toBe('IncorrectState');
    at.call('DeleteVpnConnection', { VpnConnectionId: vpn });
    at.call('DeleteCustomerGateway', named);
    const found = at.call<DescribeCustomerGatewaysResult>('DescribeCustomerGateways', {
      CustomerGatewayIds: [cgw],
    });
    expect(found.CustomerGateways?.[0]).toMatchObject({ State: 'deleted', BgpAsn: '65010' });
    expect(at.code('CreateCustomerGateway', { Type: 'ipsec.1', IpAddress: 'x' })).toBe(
      'InvalidParameterValue',
    );
  });
});

describe('VPN connections', () => {
  it('have two tunnels that are up, and static routes, which reach the data plane', () => {
    const { at, vgw, cgw, vpn } = connected();
    at.call('CreateVpnConnectionRoute', routeOf(vpn, '172.16.3.0/16'));
    const [shown] =
      at.call<DescribeVpnConnectionsResult>('DescribeVpnConnections', { VpnConnectionIds: [vpn] })
        .VpnConnections ?? [];
    expect(shown?.VgwTelemetry?.map(({ Status }) => Status)).toEqual(['UP', 'UP']);
    expect(shown?.Routes?.map((each) => each.DestinationCidrBlock)).toEqual(['172.16.0.0/16']);
    expect(shown?.CustomerGatewayConfiguration).toContain('<ip_address>203.0.113.7</ip_address>');
    const tunnels = [1, 2].map(() => ({ outside: expect.any(String), up: true, routes: [] }));
    const value = { id: vpn, gateway: vgw, customerGateway: cgw, routes: ['172.16.0.0/16'], tunnels };
    expect(takeChanges(at.cloud).at(-1)?.value).toMatchObject(value);
    at.call('DeleteVpnConnectionRoute', routeOf(vpn, '172.16.0.0/16'));
    expect(at.code('DeleteVpnConnectionRoute', routeOf(vpn, '172.16.0.0/16'))).toBe('InvalidRoute.NotFound');
    at.call('DeleteVpnConnection', { VpnConnectionId: vpn });
    expect(takeChanges(at.cloud).at(-1)?.value).toMatchObject({ tunnels: [{ up: false }, { up: false }] });
    expect(at.code('DeleteVpnConnection', { VpnConnectionId: vpn })).toBe('IncorrectState');
  });

  it('of dynamic routing take no static routes; both kinds of gateway at once are refused', () => {
    const { at, input } = connected();
    const made = at.call<CreateVpnConnectionResult>('CreateVpnConnection', input);
    const dynamic = name(made.VpnConnection?.VpnConnectionId);
    expect(at.code('CreateVpnConnectionRoute', routeOf(dynamic, '172.16.0.0/16'))).toBe(
      'InvalidParameterValue',
    );
    expect(at.code('CreateVpnConnection', { ...input, TransitGatewayId: 'tgw-1' })).toBe(
      'InvalidParameterCombination',
    );
  });

  it('have the inside blocks and keys that were asked for, or free ones', () => {
    const { at, input, vpn } = connected();
    const shown = (id: string) =>
      at.call<DescribeVpnConnectionsResult>('DescribeVpnConnections', { VpnConnectionIds: [id] })
        .VpnConnections?.[0]?.Options?.TunnelOptions ?? [];
    const wanted = [
      { TunnelInsideCidr: '169.254.44.0/30', PreSharedKey: 'a-key-of-our-own' },
      { TunnelInsideCidr: '169.254.44.4/30' },
    ];
    const Options = { TunnelOptions: wanted };
    const made = at.call<CreateVpnConnectionResult>('CreateVpnConnection', { ...input, Options });
    expect(shown(name(made.VpnConnection?.VpnConnectionId))).toMatchObject(wanted);
    expect(at.code('CreateVpnConnection', { ...input, Options })).toBe('InvalidParameterValue');
    for (const TunnelInsideCidr of ['169.254.5.0/30', '10.0.0.0/30', '169.254.44.2/30']) {
      const refused = { ...input, Options: { TunnelOptions: [{ TunnelInsideCidr }] } };
      expect(at.code('CreateVpnConnection', refused), TunnelInsideCidr).toBe('InvalidParameterValue');
    }
    const free = shown(vpn).map(({ TunnelInsideCidr }) => TunnelInsideCidr);
    expect(new Set(free).size).toBe(2);
    expect(free.every((block) => /^169\.254\.\d+\.\d+\/30$/.test(block ?? ''))).toBe(true);
  });

  it('to a transit gateway take no static routes of their own', () => {
    const { at, cgw } = connected();
    const made = at.call<{ TransitGateway: { TransitGatewayId: string } }>('CreateTransitGateway');
    const { TransitGatewayId } = made.TransitGateway;
    const wanted = { Type: 'ipsec.1', CustomerGatewayId: cgw, TransitGatewayId };
    const Options = { StaticRoutesOnly: true };
    const { VpnConnection: vpn } = at.call<CreateVpnConnectionResult>('CreateVpnConnection', {
      ...wanted,
      Options,
    });
    expect(vpn).toMatchObject({ TransitGatewayId });
    expect(vpn?.VpnGatewayId).toBeUndefined();
    const route = routeOf(name(vpn?.VpnConnectionId), '172.16.0.0/16');
    expect(at.code('CreateVpnConnectionRoute', route)).toBe('InvalidParameterValue');
    expect(at.code('DeleteTransitGateway', { TransitGatewayId })).toBe('IncorrectState');
  });
});

describe('propagation to route tables', () => {
  const enabled = () => {
    const made = connected();
    const { at, vgw, vpn } = made;
    at.call('CreateVpnConnectionRoute', routeOf(vpn, '172.16.0.0/16'));
    const pair = { RouteTableId: at.table, GatewayId: vgw };
    at.call('EnableVgwRoutePropagation', pair);
    return { ...made, pair };
  };
  const learnt = (at: Site): string[] =>
    at
      .routes()
      .filter((route) => route.Origin === 'EnableVgwRoutePropagation')
      .map((route) => `${route.DestinationCidrBlock} ${route.GatewayId} ${route.State}`);

  it('follows the static routes of the connections while it is enabled', () => {
    const { at, vgw, vpn, pair } = enabled();
    expect(learnt(at)).toEqual([`172.16.0.0/16 ${vgw} active`]);
    at.call('CreateVpnConnectionRoute', routeOf(vpn, '172.17.0.0/16'));
    expect(learnt(at)).toHaveLength(2);
    const tables = at.call<DescribeRouteTablesResult>('DescribeRouteTables', { RouteTableIds: [at.table] });
    expect(tables.RouteTables?.[0]?.PropagatingVgws).toEqual([{ GatewayId: vgw }]);
    at.call('DisableVgwRoutePropagation', pair);
    expect(learnt(at)).toEqual([]);
    at.call('CreateVpnConnectionRoute', routeOf(vpn, '172.18.0.0/16'));
    expect(learnt(at)).toEqual([]);
  });

  it('ends with the connection, and with the attachment', () => {
    const { at, vgw, vpn, pair } = enabled();
    at.call('DetachVpnGateway', { VpnGatewayId: vgw, VpcId: at.vpc });
    expect(learnt(at)).toEqual([]);
    expect(at.code('EnableVgwRoutePropagation', pair)).toBe('Gateway.NotAttached');
    at.call('AttachVpnGateway', { VpnGatewayId: vgw, VpcId: at.vpc });
    at.call('EnableVgwRoutePropagation', pair);
    expect(learnt(at)).toHaveLength(1);
    at.call('DeleteVpnConnection', { VpnConnectionId: vpn });
    expect(learnt(at)).toEqual([]);
  });

  it('leaves static routes alone, and the static one of a destination beside it', () => {
    const { at, vgw, vpn } = enabled();
    const own = { RouteTableId: at.table, DestinationCidrBlock: '172.16.0.0/16', GatewayId: at.gateway };
    at.call('CreateRoute', own);
    at.call('DeleteVpnConnectionRoute', routeOf(vpn, '172.16.0.0/16'));
    expect(at.routes().filter((route) => route.DestinationCidrBlock === '172.16.0.0/16')).toHaveLength(1);
    at.call('ReplaceRoute', { ...own, GatewayId: vgw });
    expect(at.routes().at(-1)).toMatchObject({ GatewayId: vgw, Origin: 'CreateRoute', State: 'active' });
  });

  it('and an edge association exclude each other; a VPN gateway may have an edge table', () => {
    const { at, vgw, pair } = enabled();
    const associate = { RouteTableId: at.table, GatewayId: vgw };
    expect(at.code('AssociateRouteTable', associate)).toBe('InvalidParameterValue');
    at.call('DisableVgwRoutePropagation', pair);
    at.call('AssociateRouteTable', associate);
    expect(at.code('EnableVgwRoutePropagation', pair)).toBe('InvalidParameterValue');
    at.call('DetachVpnGateway', { VpnGatewayId: vgw, VpcId: at.vpc });
    at.call('DeleteRouteTable', { RouteTableId: at.table });
  });
});
