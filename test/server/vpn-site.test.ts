/** A site behind a VPN, as the control API makes it: a host there, traced and sent to and fro. */
import {
  AttachVpnGatewayCommand,
  CreateCustomerGatewayCommand,
  CreateRouteCommand,
  CreateVpnConnectionCommand,
  CreateVpnConnectionRouteCommand,
  CreateVpnGatewayCommand,
  DeleteVpnConnectionCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { clientOf, deployScene, until } from './scene.ts';

/** Connects the scene's VPC to a site 172.16.0.0/16; the customer gateway and the connection. */
async function connect(simulator: RunningSimulator) {
  const client = clientOf(simulator);
  const VpcId = (await client.send(new DescribeVpcsCommand({}))).Vpcs?.[0]?.VpcId;
  const vgw = (await client.send(new CreateVpnGatewayCommand({ Type: 'ipsec.1' }))).VpnGateway?.VpnGatewayId;
  await client.send(new AttachVpnGatewayCommand({ VpcId, VpnGatewayId: vgw }));
  const tables = (await client.send(new DescribeRouteTablesCommand({}))).RouteTables ?? [];
  const RouteTableId = tables.find((each) => each.Associations?.some((one) => !one.Main))?.RouteTableId;
  const DestinationCidrBlock = '172.16.0.0/16';
  await client.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock, GatewayId: vgw }));
  const site = new CreateCustomerGatewayCommand({ Type: 'ipsec.1', IpAddress: '203.0.113.7' });
  const cgw = present((await client.send(site)).CustomerGateway?.CustomerGatewayId, 'a customer gateway');
  const Options = { StaticRoutesOnly: true };
  const both = { Type: 'ipsec.1', CustomerGatewayId: cgw, VpnGatewayId: vgw, Options };
  const { VpnConnection: made } = await client.send(new CreateVpnConnectionCommand(both));
  const named = { VpnConnectionId: made?.VpnConnectionId };
  await client.send(new CreateVpnConnectionRouteCommand({ ...named, DestinationCidrBlock }));
  const disconnect = async (): Promise<void> => {
    await client.send(new DeleteVpnConnectionCommand(named));
    client.destroy();
  };
  return { cgw, disconnect };
}

test('a host behind a customer gateway answers over the VPN, and no longer when it is gone', async () => {
  const simulator = await startSimulator({ profile: 'instant' });
  const control = async (method: string, path: string, body: object) => {
    const response = await fetch(`${simulator.url}/_byoa/${path}`, { method, body: JSON.stringify(body) });
    return { status: response.status, json: await response.json() };
  };
  try {
    const { one } = await deployScene(simulator);
    const { cgw, disconnect } = await connect(simulator);
    const ask = { from: one, to: '172.16.0.9' };
    expect(simulator.trace(ask).disposition).toBe('SITE_NO_HOST');
    expect((await control('POST', 'hosts', { address: '172.16.0.9', behind: cgw })).status).toBe(201);
    const twice = await control('POST', 'hosts', { address: '172.16.0.9', behind: cgw });
    expect(twice.json).toMatchObject({ error: { why: expect.stringContaining('already') } });
    expect((await control('POST', 'hosts', { address: '172.16.0.8', behind: 'vgw-1' })).status).toBe(400);
    expect(simulator.trace({ from: '172.16.0.9', to: '10.0.0.11' }).deliveredTo).toBe(one);
    await control('POST', 'flows', { id: 'f', ...ask });
    const flow = () => simulator.state().flows.find((each) => each.id === 'f');
    await until('an answer over the VPN', () => (flow()?.answered ?? 0) > 0);
    await disconnect();
    expect(simulator.trace(ask).disposition).toBe('NO_ROUTE_TO_DESTINATION');
    expect(simulator.trace({ from: '172.16.0.9', to: '10.0.0.11' }).disposition).toBe('BAD_STATE_VPN');
  } finally {
    await simulator.close();
  }
});
