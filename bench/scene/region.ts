/**
 * A simulated region in a process of its own, with one VPC, a pair of appliances and route tables that point
 * at the first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';

export const REGION = 'eu-central-1';
export const ACCOUNT = '123456789012';

export interface Region {
  readonly url: string;
  /** The ENIs of the appliances a and b. */
  readonly enis: readonly [string, string];
  readonly tables: readonly string[];
  readonly close: () => Promise<unknown>;
}

const PROGRAM = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));

/** Ends a process politely, then by force; resolves with its exit code, null after a signal. */
export function end(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
    child.kill('SIGTERM');
  });
}

/** The URL in the simulator's ready line. */
function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new Error('the simulator has no output'));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /https?:\/\/[\d.]+:\d+/.exec(line)?.[0];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`byoa sim ended with exit code ${code}`)));
  });
}

async function appliance(ec2: EC2Client, subnet: string): Promise<string> {
  const run = new RunInstancesCommand({
    ImageId: 'ami-12345678',
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    SubnetId: subnet,
  });
  const { Instances } = await ec2.send(run);
  const eni = present(Instances?.[0]?.NetworkInterfaces?.[0]?.NetworkInterfaceId, "the appliance's ENI");
  const attribute = { NetworkInterfaceId: eni, SourceDestCheck: { Value: false } };
  await ec2.send(new ModifyNetworkInterfaceAttributeCommand(attribute));
  return eni;
}

/** Starts the simulator with `latencyMs` per call and builds the VPC with `tables` route tables. */
export async function openRegion(latencyMs: number, tables: number): Promise<Region> {
  const args = [PROGRAM, 'sim', '--port', '0', '--latency', String(latencyMs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const url = await ready(child);
  const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'any' };
  const ec2 = new EC2Client({ region: REGION, endpoint: url, credentials });
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }));
  const VpcId = present(Vpc?.VpcId, 'the VPC');
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: '10.0.0.0/24' }));
  const subnet = present(Subnet?.SubnetId, 'the subnet');
  const enis = [await appliance(ec2, subnet), await appliance(ec2, subnet)] as const;
  const ids: string[] = [];
  for (let count = 0; count < tables; count++) {
    const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId }));
    const RouteTableId = present(RouteTable?.RouteTableId, 'the route table');
    const route = { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', NetworkInterfaceId: enis[0] };
    await ec2.send(new CreateRouteCommand(route));
    ids.push(RouteTableId);
  }
  ec2.destroy();
  return { url, enis, tables: ids, close: () => end(child) };
}
