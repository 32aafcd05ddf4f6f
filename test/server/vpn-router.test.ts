/** A router at a site by the control API: it speaks BGP through the tunnels, which can be set down. */
import {
  AttachVpnGatewayCommand,
  CreateCustomerGatewayCommand,
  CreateVpnConnectionCommand,
  CreateVpnGatewayCommand,
  DescribeVpcsCommand,
  DescribeVpnConnectionsCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { startSimulator } from '../../sim/index.ts';
import { clientOf, deployScene, until } from './scene.ts';

test('a router at a site is set, heard, seen in the state, and switched off; a tunnel is set down', async () => {
  const simulator = await startSimulator({ profile: 'instant' });
  const client = clientOf(simulator);
  const control = async (method: string, path: string, body: object = {}): Promise<number> => {
    const text = method === 'GET' ? {} : { body: JSON.stringify(body) };
    return (await fetch(`${simulator.url}/_byoa/${path}`, { method, ...text })).status;
  };
  try {
    await deployScene(simulator);
    const VpcId = (await client.send(new DescribeVpcsCommand({}))).Vpcs?.[0]?.VpcId;
    const { VpnGateway: vgw } = await client.send(new CreateVpnGatewayCommand({ Type: 'ipsec.1' }));
    await client.send(new AttachVpnGatewayCommand({ VpcId, VpnGatewayId: vgw?.VpnGatewayId }));
    const site = new CreateCustomerGatewayCommand({
      Type: 'ipsec.1',
      IpAddress: '203.0.113.7',
      BgpAsn: 65_010,
    });
    const cgw = present((await client.send(site)).CustomerGateway?.CustomerGatewayId, 'a customer gateway');
    expect(await control('PUT', `routers/${cgw}`, { announces: ['172.16.0.1/16'] })).toBe(400);
    expect(await control('PUT', 'routers/vgw-1', { announces: [] })).toBe(409);
    expect(await control('PUT', `routers/${cgw}`, { announces: ['172.16.0.0/16'] })).toBe(200);
    const both = { Type: 'ipsec.1', CustomerGatewayId: cgw, VpnGatewayId: vgw?.VpnGatewayId };
    const { VpnConnection: vpn } = await client.send(new CreateVpnConnectionCommand(both));
    const id = present(vpn?.VpnConnectionId, 'a connection');
    const router = () => simulator.state().siteRouters.find((each) => each.customerGateway === cgw);
    await until(
      'both sessions',
      () => (router()?.sessions ?? []).filter(({ heard }) => heard.length === 1).length === 2,
    );
    const named = { VpnConnectionIds: [id] };
    const { VpnConnections: found } = await client.send(new DescribeVpnConnectionsCommand(named));
    const telemetry = found?.[0]?.VgwTelemetry ?? [];
    expect(telemetry.map(({ AcceptedRouteCount }) => AcceptedRouteCount)).toEqual([1, 1]);
    const outside = telemetry[0]?.OutsideIpAddress;
    expect(await control('PUT', `vpn-connections/${id}/tunnels/192.0.2.1`, { state: 'down' })).toBe(409);
    expect(await control('PUT', `vpn-connections/${id}/tunnels/${outside}`, { state: 'down' })).toBe(200);
    const { VpnConnections: after } = await client.send(new DescribeVpnConnectionsCommand(named));
    expect(after?.[0]?.VgwTelemetry?.[0]).toMatchObject({ Status: 'DOWN', StatusMessage: 'IPSEC IS DOWN' });
    expect(await control('DELETE', `routers/${cgw}`)).toBe(200);
    expect(await control('DELETE', `routers/${cgw}`)).toBe(404);
    expect(router()?.power).toBe('dead');
  } finally {
    client.destroy();
    await simulator.close();
  }
});
