/**
 * The same requests to the simulator and to moto: what AWS refuses or does, and what each of them answers.
 * docs/simulator.md has a line for each title.
 */
import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateNetworkInterfaceCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpnGatewayCommand,
  DeleteNetworkInterfaceCommand,
  DescribeImagesCommand,
  DescribeRouteTablesCommand,
  DetachInternetGatewayCommand,
  EC2Client,
  EnableVgwRoutePropagationCommand,
  ReplaceRouteCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import type { RunningSimulator } from '../../sim/index.ts';
import { titleOf } from '../title.ts';
import { type Moto, startMoto, whyNoMoto } from './moto-server.ts';
import { instantSimulator, REGION } from './simulator.ts';

interface Place {
  readonly ec2: EC2Client;
  readonly vpc: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly table: string;
  /** An ENI of the VPC, and one of another VPC. */
  readonly eni: string;
  readonly foreign: string;
}

const id = (text: string | undefined): string => present(text, 'an id');

/** Two VPCs, the first with a gateway and a route table. */
async function furnish(ec2: EC2Client): Promise<Place> {
  const network = async (n: number): Promise<{ vpc: string; subnet: string; eni: string }> => {
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: `10.${n}.0.0/16` }));
    const vpc = id(Vpc?.VpcId);
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpc, CidrBlock: `10.${n}.1.0/24` }));
    const subnet = id(Subnet?.SubnetId);
    const made = await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet }));
    return { vpc, subnet, eni: id(made.NetworkInterface?.NetworkInterfaceId) };
  };
  const [own, other] = [await network(70), await network(71)];
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const gateway = id(InternetGateway?.InternetGatewayId);
  await ec2.send(new AttachInternetGatewayCommand({ VpcId: own.vpc, InternetGatewayId: gateway }));
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId: own.vpc }));
  return { ec2, ...own, gateway, table: id(RouteTable?.RouteTableId), foreign: other.eni };
}

/** `done`, or the code of the refusal; moto has none for what it does not serve. */
const outcome = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => 'done',
    ({ name }: Error) => (name === 'Error' ? 'no answer of EC2' : name),
  );

const route = ({ ec2, table }: Place, more: object): Promise<string> =>
  outcome(ec2.send(new CreateRouteCommand({ RouteTableId: table, ...more })));

async function targetOf({ ec2, table }: Place, destination: string) {
  const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table] }));
  return RouteTables?.[0]?.Routes?.find((each) => each.DestinationCidrBlock === destination);
}

async function attachedEni({ ec2, subnet }: Place): Promise<string> {
  const { Images } = await ec2.send(new DescribeImagesCommand({}));
  const launch = {
    ImageId: id(Images?.[0]?.ImageId),
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
  } as const;
  const { Instances } = await ec2.send(new RunInstancesCommand({ ...launch, SubnetId: subnet }));
  return id(Instances?.[0]?.NetworkInterfaces?.[0]?.NetworkInterfaceId);
}

/** What is tried, what the simulator answers as AWS does, and what moto answers. */
const TRIED: readonly (readonly [string, (at: Place) => Promise<string>, string, string])[] = [
  [
    'a route of a subnet inside the VPC to an Internet gateway',
    (at) => route(at, { DestinationCidrBlock: '10.70.1.0/24', GatewayId: at.gateway }),
    'InvalidParameterValue',
    'done',
  ],
  [
    'a route to an ENI of another VPC',
    (at) => route(at, { DestinationCidrBlock: '192.0.2.0/24', NetworkInterfaceId: at.foreign }),
    'InvalidParameterValue',
    'done',
  ],
  [
    'a route without a target',
    (at) => route(at, { DestinationCidrBlock: '198.51.100.0/24' }),
    'MissingParameter',
    'done',
  ],
  [
    'the state of a route whose Internet gateway is gone',
    async (at) => {
      await route(at, { DestinationCidrBlock: '0.0.0.0/0', GatewayId: at.gateway });
      await at.ec2.send(new DetachInternetGatewayCommand({ VpcId: at.vpc, InternetGatewayId: at.gateway }));
      return (await targetOf(at, '0.0.0.0/0'))?.State ?? 'none';
    },
    'blackhole',
    'active',
  ],
  [
    'ReplaceRoute as a dry run',
    async (at) => {
      const wanted = { RouteTableId: at.table, DestinationCidrBlock: '203.0.113.0/24' };
      await at.ec2.send(new CreateRouteCommand({ ...wanted, NetworkInterfaceId: at.eni }));
      const dry = { ...wanted, NetworkInterfaceId: at.eni, DryRun: true };
      return outcome(at.ec2.send(new ReplaceRouteCommand(dry)));
    },
    'DryRunOperation',
    'done',
  ],
  [
    'the deletion of an ENI in use',
    async (at) => {
      const NetworkInterfaceId = await attachedEni(at);
      return outcome(at.ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId })));
    },
    'InvalidParameterValue',
    'done',
  ],
  [
    'two ENIs with one client token',
    async ({ ec2, subnet }) => {
      const make = () =>
        ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet, ClientToken: 'one' }));
      const [first, second] = [await make(), await make()];
      const same = first.NetworkInterface?.NetworkInterfaceId === second.NetworkInterface?.NetworkInterfaceId;
      return same ? 'one ENI' : 'two ENIs';
    },
    'one ENI',
    'two ENIs',
  ],
  [
    'propagation of an unattached VPN gateway into a table',
    async ({ ec2, table }) => {
      const { VpnGateway } = await ec2.send(new CreateVpnGatewayCommand({ Type: 'ipsec.1' }));
      const input = { GatewayId: VpnGateway?.VpnGatewayId, RouteTableId: table };
      return outcome(ec2.send(new EnableVgwRoutePropagationCommand(input)));
    },
    'Gateway.NotAttached',
    'no answer of EC2',
  ],
];

describe('the simulator answers as AWS does', () => {
  let simulator: RunningSimulator;
  let ec2: EC2Client;
  beforeAll(async () => {
    simulator = await instantSimulator();
    const credentials = { accessKeyId: '123456789012', secretAccessKey: 'simulated' };
    ec2 = new EC2Client({ endpoint: simulator.url, region: REGION, credentials });
  });
  afterAll(async () => {
    ec2.destroy();
    await simulator.close();
  });

  it('in all of these', async () => {
    const place = await furnish(ec2);
    const answers: Record<string, string> = {};
    for (const [title, attempt] of TRIED) answers[title] = await attempt(place);
    expect(answers).toEqual(Object.fromEntries(TRIED.map(([title, , ours]) => [title, ours])));
  });
});

describe.skipIf(whyNoMoto !== undefined)(titleOf('moto answers otherwise', whyNoMoto), () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.close());

  it('in all of these', async () => {
    const place = await furnish(moto.ec2);
    const answers: Record<string, string> = {};
    for (const [title, attempt] of TRIED) answers[title] = await attempt(place);
    expect(answers).toEqual(Object.fromEntries(TRIED.map(([title, , , theirs]) => [title, theirs])));
  });
});
