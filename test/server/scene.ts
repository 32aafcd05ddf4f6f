/**
 * A running simulator with one VPC and two instances in it, made by the real SDK client: the scene of the
 * server's tests.
 */
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';
import type { RunningSimulator } from '../../sim/index.ts';

export const REGION = 'eu-central-1';
export const ACCOUNT = '111122223333';

export const clientOf = (simulator: RunningSimulator, accessKeyId = ACCOUNT, maxAttempts = 1): EC2Client =>
  new EC2Client({
    endpoint: simulator.url,
    region: REGION,
    maxAttempts,
    credentials: { accessKeyId, secretAccessKey: 'any' },
  });

export interface Scene {
  readonly one: string;
  readonly two: string;
  readonly twoAddress: string;
}

/** Two instances with public addresses in one subnet with an Internet route; everything allowed. */
export async function deployScene(simulator: RunningSimulator): Promise<Scene> {
  const client = clientOf(simulator);
  const vpc = present(
    (await client.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))).Vpc?.VpcId,
    'vpc',
  );
  const gateway = (await client.send(new CreateInternetGatewayCommand({}))).InternetGateway
    ?.InternetGatewayId;
  await client.send(new AttachInternetGatewayCommand({ InternetGatewayId: gateway, VpcId: vpc }));
  const SubnetId = (await client.send(new CreateSubnetCommand({ VpcId: vpc, CidrBlock: '10.0.0.0/24' })))
    .Subnet?.SubnetId;
  const RouteTableId = (await client.send(new CreateRouteTableCommand({ VpcId: vpc }))).RouteTable
    ?.RouteTableId;
  await client.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
  await client.send(
    new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', GatewayId: gateway }),
  );
  const group = await client.send(
    new CreateSecurityGroupCommand({ GroupName: 'open', Description: 'open', VpcId: vpc }),
  );
  await client.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId: group.GroupId,
      IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
    }),
  );
  const launch = async (PrivateIpAddress: string): Promise<string> => {
    const { Instances = [] } = await client.send(
      new RunInstancesCommand({
        ImageId: 'ami-0123456789abcdef0',
        InstanceType: 't3.micro',
        MinCount: 1,
        MaxCount: 1,
        SubnetId,
        PrivateIpAddress,
        SecurityGroupIds: [group.GroupId ?? ''],
      }),
    );
    const { AllocationId } = await client.send(new AllocateAddressCommand({}));
    const NetworkInterfaceId = Instances[0]?.NetworkInterfaces?.[0]?.NetworkInterfaceId;
    await client.send(new AssociateAddressCommand({ AllocationId, NetworkInterfaceId }));
    return present(Instances[0]?.InstanceId, 'instance');
  };
  const one = await launch('10.0.0.11');
  const two = await launch('10.0.0.12');
  client.destroy();
  return { one, two, twoAddress: '10.0.0.12' };
}

/** Polls until `condition` holds, at most five seconds. */
export async function until<T>(what: string, condition: () => T | undefined | false): Promise<T> {
  const give = Date.now() + 5000;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > give) throw new Error(`${what}: not within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
