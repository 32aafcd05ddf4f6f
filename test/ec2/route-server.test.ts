/** Route servers as the API keeps them: life, quotas, refusals; what they propagate is in test/world. */
import type {
  CreateRouteServerEndpointResult,
  CreateRouteServerPeerResult,
  CreateRouteServerResult,
  DescribeNetworkInterfacesResult,
  DescribeRouteServerEndpointsResult,
  DescribeRouteServersResult,
  GetRouteServerAssociationsResult,
  GetRouteServerPropagationsResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { name, type Site, site } from './site.ts';

const server = (one: Site, more: object = {}): string =>
  name(
    one.call<CreateRouteServerResult>('CreateRouteServer', { AmazonSideAsn: 65100, ...more }).RouteServer
      ?.RouteServerId,
  );

function associated(one: Site): string {
  const id = server(one);
  one.call('AssociateRouteServer', { RouteServerId: id, VpcId: one.vpc });
  return id;
}

const endpoint = (one: Site, RouteServerId: string, SubnetId: string): string =>
  name(
    one.call<CreateRouteServerEndpointResult>('CreateRouteServerEndpoint', { RouteServerId, SubnetId })
      .RouteServerEndpoint?.RouteServerEndpointId,
  );

const peer = (one: Site, RouteServerEndpointId: string, PeerAddress = '10.0.0.10'): string =>
  name(
    one.call<CreateRouteServerPeerResult>('CreateRouteServerPeer', {
      RouteServerEndpointId,
      PeerAddress,
      BgpOptions: { PeerAsn: 65001 },
    }).RouteServerPeer?.RouteServerPeerId,
  );

describe('route servers', () => {
  it('are pending, available, changed, and shown as deleted for an hour', () => {
    const one = site();
    const id = server(one, { PersistRoutes: 'enable', PersistRoutesDuration: 3 });
    const shown = () =>
      one.call<DescribeRouteServersResult>('DescribeRouteServers', { RouteServerIds: [id] })
        .RouteServers?.[0];
    expect(shown()).toMatchObject({
      State: 'available',
      PersistRoutesState: 'enabled',
      PersistRoutesDuration: 3,
    });
    one.call('ModifyRouteServer', { RouteServerId: id, PersistRoutes: 'disable' });
    expect(shown()).toMatchObject({ PersistRoutesState: 'disabled' });
    one.call('DeleteRouteServer', { RouteServerId: id });
    expect(shown()?.State).toBe('deleted');
    one.pass(3_600_000);
    expect(one.code('DescribeRouteServers', { RouteServerIds: [id] })).toBe('InvalidRouteServerId.NotFound');
  });

  it('have endpoints at ENIs that nobody else may delete, and which go with them', () => {
    const one = site();
    const id = endpoint(one, associated(one), one.subnets[0]);
    const { RouteServerEndpoints: found } = one.call<DescribeRouteServerEndpointsResult>(
      'DescribeRouteServerEndpoints',
      {},
    );
    const eni = name(found?.[0]?.EniId);
    expect(one.interfaceOf(eni)).toMatchObject({
      PrivateIpAddress: found?.[0]?.EniAddress,
      RequesterManaged: true,
      Status: 'in-use',
    });
    expect(one.code('DeleteNetworkInterface', { NetworkInterfaceId: eni })).toBe('InvalidParameterValue');
    one.call('DeleteRouteServerEndpoint', { RouteServerEndpointId: id });
    const left = one.call<DescribeNetworkInterfacesResult>('DescribeNetworkInterfaces', {});
    expect(left.NetworkInterfaces).toEqual([]);
  });

  it('are deleted from the leaves to the root only', () => {
    const one = site();
    const id = associated(one);
    const at = endpoint(one, id, one.subnets[0]);
    const session = peer(one, at);
    one.call('EnableRouteServerPropagation', { RouteServerId: id, RouteTableId: one.table });
    const vpc = { RouteServerId: id, VpcId: one.vpc };
    expect(one.code('DeleteRouteServerEndpoint', { RouteServerEndpointId: at })).toBe('IncorrectState');
    one.call('DeleteRouteServerPeer', { RouteServerPeerId: session });
    one.call('DeleteRouteServerEndpoint', { RouteServerEndpointId: at });
    expect(one.code('DisassociateRouteServer', vpc)).toBe('IncorrectState');
    one.call('DisableRouteServerPropagation', { RouteServerId: id, RouteTableId: one.table });
    expect(one.code('DeleteRouteServer', { RouteServerId: id })).toBe('IncorrectState');
    one.call('DisassociateRouteServer', vpc);
    one.call('DeleteRouteServer', { RouteServerId: id });
  });

  it('show their association and propagations, and refuse those of others', () => {
    const one = site();
    const id = associated(one);
    const named = { RouteServerId: id, RouteTableId: one.table };
    one.call('EnableRouteServerPropagation', named);
    const associations = one.call<GetRouteServerAssociationsResult>('GetRouteServerAssociations', named);
    expect(associations.RouteServerAssociations).toEqual([
      { RouteServerId: id, VpcId: one.vpc, State: 'associated' },
    ]);
    const propagations = one.call<GetRouteServerPropagationsResult>('GetRouteServerPropagations', named);
    expect(propagations.RouteServerPropagations).toEqual([{ ...named, State: 'available' }]);
    const other = { RouteServerId: server(one), RouteTableId: one.table };
    expect(one.code('EnableRouteServerPropagation', other)).toBe('InvalidRouteServerId.NotAssociated');
    expect(one.code('DisableRouteServerPropagation', other)).toBe('InvalidRouteServerId.NotPropagated');
    const elsewhere = { RouteServerId: other.RouteServerId, SubnetId: one.subnets[0] };
    expect(one.code('CreateRouteServerEndpoint', elsewhere)).toBe('InvalidRouteServerId.NotAssociated');
  });

  it('refuse the table of a VPN gateway', () => {
    const one = site();
    const id = associated(one);
    const { VpnGateway: gateway } = one.call<{ VpnGateway: { VpnGatewayId: string } }>('CreateVpnGateway', {
      Type: 'ipsec.1',
    });
    one.call('AttachVpnGateway', { VpcId: one.vpc, VpnGatewayId: gateway.VpnGatewayId });
    one.call('AssociateRouteTable', { RouteTableId: one.table, GatewayId: gateway.VpnGatewayId });
    const named = { RouteServerId: id, RouteTableId: one.table };
    expect(one.code('EnableRouteServerPropagation', named)).toBe('InvalidParameterValue');
  });

  it('hold to the quotas: endpoints in a subnet, sessions of an address', () => {
    const one = site({ quotas: { routeServerPeersPerInterface: 1 } });
    const id = associated(one);
    const [first] = [endpoint(one, id, one.subnets[0]), endpoint(one, id, one.subnets[0])];
    const third = { RouteServerId: id, SubnetId: one.subnets[0] };
    expect(one.code('CreateRouteServerEndpoint', third)).toBe('RouteServerEndpointLimitExceeded');
    const other = endpoint(one, id, one.subnets[1]);
    peer(one, first);
    const again = { PeerAddress: '10.0.0.10', BgpOptions: { PeerAsn: 65001 } };
    expect(one.code('CreateRouteServerPeer', { RouteServerEndpointId: first, ...again })).toBe(
      'IncorrectState',
    );
    expect(one.code('CreateRouteServerPeer', { RouteServerEndpointId: other, ...again })).toBe(
      'RouteServerPeerLimitExceeded',
    );
  });

  it('refuse what is no duration, no ASN, no address', () => {
    const one = site();
    const create = (more: object): string => one.code('CreateRouteServer', { AmazonSideAsn: 65100, ...more });
    expect(create({ PersistRoutes: 'enable', PersistRoutesDuration: 6 })).toBe('InvalidParameterValue');
    expect(create({ PersistRoutesDuration: 2 })).toBe('InvalidParameterCombination');
    expect(create({ AmazonSideAsn: 0 })).toBe('InvalidParameterValue');
    const at = { RouteServerEndpointId: endpoint(one, associated(one), one.subnets[0]) };
    const bgp = { BgpOptions: { PeerAsn: 65001 } };
    expect(one.code('CreateRouteServerPeer', { ...at, ...bgp, PeerAddress: 'here' })).toBe(
      'InvalidParameterValue',
    );
  });
});
