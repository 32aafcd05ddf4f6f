/** The AWS SDK for JavaScript, unmodified, against the simulator over HTTP. */
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AttachInternetGatewayCommand,
  AttachNetworkInterfaceCommand,
  CreateInternetGatewayCommand,
  CreateNetworkInterfaceCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DetachNetworkInterfaceCommand,
  EC2Client,
  EC2ServiceException,
  ReplaceRouteCommand,
  RunInstancesCommand,
  waitUntilInstanceRunning,
} from '@aws-sdk/client-ec2';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSimulator } from '../../sim/index.ts';
import { ACCOUNT, instantSimulator, REGION } from './simulator.ts';

const OTHER_ACCOUNT = '210987654321';

describe('the AWS SDK for JavaScript', () => {
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await instantSimulator();
  });
  afterAll(() => simulator.close());

  const settings = (account = ACCOUNT, region = REGION) => ({
    endpoint: simulator.url,
    region,
    credentials: { accessKeyId: account, secretAccessKey: 'simulated' },
  });
  const refusal = async (sent: Promise<unknown>): Promise<string> => {
    const error = await sent.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error instanceof EC2ServiceException) return error.name;
    throw new Error('not refused by EC2', { cause: error });
  };

  /** A VPC with two running appliances and a third ENI, by ids. */
  async function site(ec2: EC2Client) {
    const vpc = (await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))).Vpc?.VpcId;
    const subnet = (await ec2.send(new CreateSubnetCommand({ VpcId: vpc, CidrBlock: '10.0.0.0/24' }))).Subnet
      ?.SubnetId;
    const eni = async (): Promise<string> => {
      const made = await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet }));
      return made.NetworkInterface?.NetworkInterfaceId ?? '';
    };
    const enis = [await eni(), await eni(), await eni()] as const;
    const instances: string[] = [];
    for (const id of enis.slice(0, 2)) {
      const launched = await ec2.send(
        new RunInstancesCommand({
          ImageId: 'ami-0123456789abcdef0',
          InstanceType: 't3.micro',
          MinCount: 1,
          MaxCount: 1,
          NetworkInterfaces: [{ DeviceIndex: 0, NetworkInterfaceId: id }],
        }),
      );
      instances.push(launched.Instances?.[0]?.InstanceId ?? '');
    }
    await waitUntilInstanceRunning({ client: ec2, maxWaitTime: 30, minDelay: 1 }, { InstanceIds: instances });
    return { vpc, subnet, enis, instances };
  }

  it('moves routes and ENIs, and gets what EC2 says as typed errors', async () => {
    const ec2 = new EC2Client(settings());
    const { vpc, enis, instances } = await site(ec2);
    const [a, b, service] = enis;
    const table = (await ec2.send(new CreateRouteTableCommand({ VpcId: vpc }))).RouteTable?.RouteTableId;
    const route = { RouteTableId: table, DestinationCidrBlock: '0.0.0.0/0' };
    expect(await refusal(ec2.send(new ReplaceRouteCommand({ ...route, NetworkInterfaceId: a })))).toBe(
      'InvalidParameterValue',
    );
    await ec2.send(new CreateRouteCommand({ ...route, NetworkInterfaceId: a }));
    await ec2.send(new ReplaceRouteCommand({ ...route, NetworkInterfaceId: b }));
    const tables = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table ?? ''] }));
    expect(tables.RouteTables?.[0]?.Routes).toContainEqual(
      expect.objectContaining({ DestinationCidrBlock: '0.0.0.0/0', NetworkInterfaceId: b, State: 'active' }),
    );

    const attach = async (instance: string | undefined): Promise<string | undefined> => {
      const at = { NetworkInterfaceId: service, InstanceId: instance, DeviceIndex: 1 };
      return (await ec2.send(new AttachNetworkInterfaceCommand(at))).AttachmentId;
    };
    const attachment = await attach(instances[0]);
    await ec2.send(new DetachNetworkInterfaceCommand({ AttachmentId: attachment, Force: true }));
    await attach(instances[1]);
    const moved = await ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [service] }));
    expect(moved.NetworkInterfaces?.[0]).toMatchObject({
      Status: 'in-use',
      Attachment: { InstanceId: instances[1], DeviceIndex: 1, Status: 'attached' },
    });
    ec2.destroy();
  });

  it('gives an appliance a public address that the instance then shows', async () => {
    const ec2 = new EC2Client(settings());
    const { vpc, enis, instances } = await site(ec2);
    const address = await ec2.send(new AllocateAddressCommand({ Domain: 'vpc' }));
    const associate = { AllocationId: address.AllocationId, NetworkInterfaceId: enis[0] };
    expect(await refusal(ec2.send(new AssociateAddressCommand(associate)))).toBe('Gateway.NotAttached');
    const gateway = (await ec2.send(new CreateInternetGatewayCommand({}))).InternetGateway?.InternetGatewayId;
    await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gateway, VpcId: vpc }));
    await ec2.send(new AssociateAddressCommand(associate));
    const found = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: 'ip-address', Values: [address.PublicIp ?? ''] }] }),
    );
    const shown = found.Reservations?.flatMap((each) => each.Instances ?? []) ?? [];
    expect(shown.map((each) => [each.InstanceId, each.PublicIpAddress])).toEqual([
      [instances[0], address.PublicIp],
    ]);
    ec2.destroy();
  });

  it('keeps accounts and regions apart', async () => {
    const here = new EC2Client(settings());
    const { enis } = await site(here);
    for (const elsewhere of [settings(OTHER_ACCOUNT), settings(ACCOUNT, 'us-east-1')]) {
      const ec2 = new EC2Client(elsewhere);
      const sent = ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [enis[0]] }));
      expect(await refusal(sent)).toBe('InvalidNetworkInterfaceID.NotFound');
      ec2.destroy();
    }
    here.destroy();
  });

  it('speaks to STS and IAM, and acts as an assumed role in its account', async () => {
    const sts = new STSClient(settings());
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe(ACCOUNT);
    const RoleArn = `arn:aws:iam::${OTHER_ACCOUNT}:role/byoa`;
    const assumed = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'daemon' }));
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = assumed.Credentials ?? {};
    expect(assumed.Credentials?.Expiration).toBeInstanceOf(Date);
    const credentials = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };
    const other = new STSClient({ ...settings(), credentials });
    expect((await other.send(new GetCallerIdentityCommand({}))).Account).toBe(OTHER_ACCOUNT);
    const iam = new IAMClient(settings());
    const missing = iam.send(new GetRoleCommand({ RoleName: 'absent' }));
    await expect(missing).rejects.toBeInstanceOf(NoSuchEntityException);
    for (const client of [sts, other, iam]) client.destroy();
  });
});
