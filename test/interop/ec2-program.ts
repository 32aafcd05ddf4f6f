/**
 * Makes in a simulator what a lab has in namespaces: the VPC of the lab, appliances with the lab's addresses,
 * and a table whose route points at the first. Prints it as a line of JSON, and for each line that it reads
 * what the API says now. Not a test itself.
 */
import { createInterface } from 'node:readline';
import {
  CreateNetworkInterfaceCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';
import { ACCOUNT, REGION } from '../clients/simulator.ts';

export const DESTINATION = '198.51.100.0/24';

/** What was made: the ENIs by address, and the route table. */
export interface Made {
  readonly kind: 'made';
  readonly enis: Readonly<Record<string, string>>;
  readonly table: string;
}

/** What the API says: the ENI that the route points at, and the calls so far that wrote. */
export interface Seen {
  readonly kind: 'seen';
  readonly target: string | undefined;
  readonly writes: readonly string[];
}

const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' };

async function make(ec2: EC2Client, addresses: readonly string[]): Promise<Made> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '192.0.2.0/24' }));
  const VpcId = present(Vpc?.VpcId, 'a VPC');
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: '192.0.2.0/24' }));
  const SubnetId = present(Subnet?.SubnetId, 'a subnet');
  const enis: Record<string, string> = {};
  for (const PrivateIpAddress of addresses) {
    const { NetworkInterface } = await ec2.send(
      new CreateNetworkInterfaceCommand({ SubnetId, PrivateIpAddress }),
    );
    const NetworkInterfaceId = present(NetworkInterface?.NetworkInterfaceId, 'an ENI');
    const SourceDestCheck = { Value: false };
    await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, SourceDestCheck }));
    enis[PrivateIpAddress] = NetworkInterfaceId;
  }
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId }));
  const RouteTableId = present(RouteTable?.RouteTableId, 'a route table');
  const NetworkInterfaceId = present(enis[addresses[0] ?? ''], 'the first ENI');
  await ec2.send(
    new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: DESTINATION, NetworkInterfaceId }),
  );
  return { kind: 'made', enis, table: RouteTableId };
}

interface Event {
  readonly seq: number;
  readonly service: string;
  readonly action: string;
}

/** The API calls that the simulator has counted since an event. */
async function callsSince(url: string, since: number): Promise<readonly Event[]> {
  const answer = await fetch(`${url}/_byoa/events?since=${since}&kinds=api`);
  const { events }: { readonly events: readonly Event[] } = JSON.parse(await answer.text());
  return events;
}

async function look(ec2: EC2Client, url: string, table: string, since: number): Promise<Seen> {
  const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table] }));
  const route = RouteTables?.[0]?.Routes?.find((one) => one.DestinationCidrBlock === DESTINATION);
  const calls = await callsSince(url, since);
  const writes = calls.filter(({ service, action }) => service === 'ec2' && !action.startsWith('Describe'));
  return { kind: 'seen', target: route?.NetworkInterfaceId, writes: writes.map(({ action }) => action) };
}

async function run([url = '', ...addresses]: readonly string[]): Promise<void> {
  const ec2 = new EC2Client({ region: REGION, endpoint: url, credentials });
  const say = (line: Made | Seen): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const made = await make(ec2, addresses);
  const since = (await callsSince(url, 0)).at(-1)?.seq ?? 0;
  say(made);
  for await (const _ of createInterface(process.stdin)) say(await look(ec2, url, made.table, since));
}

if (process.argv[1] === new URL(import.meta.url).pathname) await run(process.argv.slice(2));
