/** Unmodified clients of Direct Connect against the simulator over HTTP: the SDK, awscli, boto3. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateConnectionCommand,
  CreateDirectConnectGatewayCommand,
  CreateTransitVirtualInterfaceCommand,
  DescribeVirtualInterfacesCommand,
  DirectConnectClient,
  DirectConnectClientException,
  DuplicateTagKeysException,
  TagResourceCommand,
} from '@aws-sdk/client-direct-connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSimulator } from '../../sim/index.ts';
import { ACCOUNT, answers, clientEnvironment, instantSimulator, REGION, run } from './simulator.ts';

let simulator: RunningSimulator;
const folder = mkdtempSync(join(tmpdir(), 'byoa-dx-'));
beforeAll(async () => {
  simulator = await instantSimulator();
});
afterAll(async () => {
  await simulator.close();
  rmSync(folder, { recursive: true });
});

const ran = async (program: string, args: readonly string[], input = '') => {
  const done = await run(program, args, {
    env: clientEnvironment(simulator.url, folder),
    cwd: folder,
    input,
  });
  return `${done.stdout}${done.stderr}`.trim();
};

describe('the SDK', () => {
  it('makes a transit virtual interface, and reads refusals as their classes', async () => {
    const client = new DirectConnectClient({
      endpoint: simulator.url,
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' },
    });
    const { connectionId = '' } = await client.send(
      new CreateConnectionCommand({ location: 'SIM-A', bandwidth: '10Gbps', connectionName: 'port' }),
    );
    const made = await client.send(
      new CreateDirectConnectGatewayCommand({ directConnectGatewayName: 'd', amazonSideAsn: 4_200_000_001 }),
    );
    const { directConnectGatewayId } = made.directConnectGateway ?? {};
    const newTransitVirtualInterface = {
      ...{ virtualInterfaceName: 'line', vlan: 7, asnLong: 4_200_000_002, mtu: 8500, directConnectGatewayId },
    };
    const transit = new CreateTransitVirtualInterfaceCommand({ connectionId, newTransitVirtualInterface });
    const { virtualInterface } = await client.send(transit);
    const { virtualInterfaceId } = virtualInterface ?? {};
    const shown = await client.send(new DescribeVirtualInterfacesCommand({ virtualInterfaceId }));
    expect(shown.virtualInterfaces).toMatchObject([
      { vlan: 7, asnLong: 4_200_000_002, amazonSideAsn: 4_200_000_001, virtualInterfaceState: 'down' },
    ]);
    await expect(client.send(transit)).rejects.toBeInstanceOf(DirectConnectClientException);
    const resourceArn = `arn:aws:directconnect:${REGION}:${ACCOUNT}:dxvif/${virtualInterfaceId}`;
    const twice = new TagResourceCommand({ resourceArn, tags: [{ key: 'a' }, { key: 'a' }] });
    await expect(client.send(twice)).rejects.toBeInstanceOf(DuplicateTagKeysException);
    client.destroy();
  });
});

describe.skipIf(!answers('aws', ['--version']))('awscli (skipped: aws not found; install awscli)', () => {
  it('makes a Direct Connect gateway, and prints a refusal', async () => {
    const aws = (...args: string[]) => ran('aws', ['directconnect', ...args, '--output', 'text']);
    const name = ['--direct-connect-gateway-name', 'cli'];
    const id = await aws(
      ...['create-direct-connect-gateway', ...name],
      ...['--query', 'directConnectGateway.directConnectGatewayId'],
    );
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await aws('describe-connections', '--connection-id', 'dxcon-f0000000')).toContain(
      '(DirectConnectClientException)',
    );
  }, 60_000);
});

const STORY = `
import boto3, json
dx = boto3.client('directconnect')
ec2 = boto3.client('ec2')
vpc = ec2.create_vpc(CidrBlock='10.0.0.0/16')['Vpc']['VpcId']
vgw = ec2.create_vpn_gateway(Type='ipsec.1')['VpnGateway']['VpnGatewayId']
ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=vgw)
port = dx.create_connection(location='SIM-A', bandwidth='1Gbps', connectionName='port')['connectionId']
gateway = dx.create_direct_connect_gateway(directConnectGatewayName='d')['directConnectGateway']['directConnectGatewayId']
dx.create_direct_connect_gateway_association(directConnectGatewayId=gateway, gatewayId=vgw)
line = dict(virtualInterfaceName='line', vlan=7, asn=65010, directConnectGatewayId=gateway)
made = dx.create_private_virtual_interface(connectionId=port, newPrivateVirtualInterface=line)
try:
    dx.create_private_virtual_interface(connectionId=port, newPrivateVirtualInterface=line)
except dx.exceptions.DirectConnectClientException as error:
    code = error.response['Error']['Code']
found = dx.describe_direct_connect_gateway_associations(associatedGatewayId=vgw)
print(json.dumps([made['vlan'], code, found['directConnectGatewayAssociations'][0]['associationState']]))
`;

describe.skipIf(!answers('python3', ['-c', 'import boto3']))(
  'boto3 (skipped: boto3 not found; install python3-boto3)',
  () => {
    it('associates a VPN gateway and makes a private virtual interface', async () => {
      const said = await ran('python3', ['-'], STORY);
      expect(JSON.parse(said)).toEqual([7, 'DirectConnectClientException', 'associated']);
    }, 60_000);
  },
);
