/** The test engine's resource types within a VPC: each made, read, changed and removed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { awsProvider } from '../../sim/pulumi/aws/provider.ts';
import type { Made, Provider } from '../../sim/pulumi/provider.ts';
import type { Properties } from '../../sim/pulumi/value.ts';

let simulator: RunningSimulator;
let provider: Provider;

beforeAll(async () => {
  simulator = await startSimulator({ profile: 'instant' });
  const { url } = simulator;
  const endpoints = [{ ec2: url, iam: url, sts: url }];
  provider = awsProvider({ region: 'eu-central-1', accessKey: '123456789012', endpoints });
});
afterAll(async () => {
  provider.close();
  await simulator.close();
});

const typeOf = (token: string) => provider.resourceType(`aws:ec2/${token}`);
const make = (token: string, inputs: Properties): Promise<Made> => {
  const type = typeOf(token);
  return type.create(type.check('it', inputs, undefined));
};

async function home() {
  const vpc = await make('vpc:Vpc', { cidrBlock: '10.0.0.0/16' });
  const subnets: Made[] = [];
  for (const n of [0, 1]) {
    const place = { vpcId: vpc.id, availabilityZone: 'eu-central-1a', cidrBlock: `10.0.${n}.0/24` };
    subnets.push(await make('subnet:Subnet', place));
  }
  const [a, b] = subnets.map(({ id }) => id) as [string, string];
  const launch = (subnetId: string) =>
    make('instance:Instance', { subnetId, ami: 'ami-0123456789abcdef0', instanceType: 't3.small' });
  return { vpc: vpc.id, a, b, sender: await launch(a), receiver: await launch(b) };
}

/** How a packet from one subnet to the other ends. */
const fate = ({ sender, receiver }: Awaited<ReturnType<typeof home>>): string =>
  simulator.trace({ from: sender.id, to: String(receiver.outputs.privateIp) }).disposition;

it('NetworkAcl has the rules and subnets of its inputs, changes them, and lets subnets go', async () => {
  const place = await home();
  const token = 'networkAcl:NetworkAcl';
  const all = { protocol: '-1', cidrBlock: '0.0.0.0/0', fromPort: 0, toPort: 0 };
  const icmp = { ...all, protocol: 'icmp', icmpType: -1, icmpCode: -1 };
  const egress = [{ ...all, ruleNo: 100, action: 'allow' }];
  const ingress = [...egress, { ...icmp, ruleNo: 50, action: 'deny' }];
  const inputs = { vpcId: place.vpc, subnetIds: [place.b], ingress, egress };
  const { id, outputs } = await make(token, inputs);
  expect(outputs).toMatchObject({ subnetIds: [place.b], ingress, egress });
  expect(fate(place)).toBe('SUBNET_ACL_RESTRICTION');
  const open = { ...inputs, ingress: [{ ...all, ruleNo: 50, action: 'allow' }] };
  const changed = await typeOf(token).update(id, inputs, open);
  expect(changed.outputs).toMatchObject({ ingress: open.ingress });
  expect(fate(place)).not.toBe('SUBNET_ACL_RESTRICTION');
  const moved = await typeOf(token).update(id, open, { ...open, subnetIds: [place.a], ingress: [] });
  expect(moved.outputs).toMatchObject({ subnetIds: [place.a], ingress: [] });
  await typeOf(token).remove(id, open);
  expect(await typeOf(token).read(id, open)).toBeUndefined();
  expect(fate(place)).not.toBe('SUBNET_ACL_RESTRICTION');
});

it('ManagedPrefixListEntry adds to a list and takes away, several at once', async () => {
  const list = await make('managedPrefixList:ManagedPrefixList', {
    name: 'sites',
    addressFamily: 'IPv4',
    maxEntries: 5,
  });
  const token = 'managedPrefixListEntry:ManagedPrefixListEntry';
  const inputsOf = (cidr: string) => ({ prefixListId: list.id, cidr, description: `of ${cidr}` });
  const cidrs = ['192.0.2.0/25', '192.0.2.128/25', '198.51.100.0/24'];
  const made = await Promise.all(cidrs.map((cidr) => make(token, inputsOf(cidr))));
  expect(made.map(({ id }) => id)).toEqual(cidrs.map((cidr) => `${list.id},${cidr}`));
  const [first = ''] = cidrs;
  await typeOf(token).remove(`${list.id},${first}`, inputsOf(first));
  expect(await typeOf(token).read(`${list.id},${first}`, inputsOf(first))).toBeUndefined();
  const left = await typeOf('managedPrefixList:ManagedPrefixList').read(list.id, {});
  const entries = cidrs.slice(1).map((cidr) => ({ cidr, description: `of ${cidr}` }));
  expect(left?.outputs.entries).toEqual(expect.arrayContaining(entries));
  expect(left?.outputs.entries).toHaveLength(entries.length);
});

it('NetworkInterfaceAttachment attaches and detaches; VpcPeeringConnectionAccepter accepts', async () => {
  const place = await home();
  const eni = await make('networkInterface:NetworkInterface', { subnetId: place.a });
  const token = 'networkInterfaceAttachment:NetworkInterfaceAttachment';
  const inputs = { networkInterfaceId: eni.id, instanceId: place.sender.id, deviceIndex: 1 };
  const { id, outputs } = await make(token, inputs);
  expect(outputs).toMatchObject({ ...inputs, status: 'attached' });
  await typeOf(token).remove(id, inputs);
  expect(await typeOf(token).read(id, inputs)).toBeUndefined();

  const far = await make('vpc:Vpc', { cidrBlock: '10.9.0.0/16' });
  const ends = { vpcId: place.vpc, peerVpcId: far.id };
  const offer = await make('vpcPeeringConnection:VpcPeeringConnection', ends);
  const accepting = { vpcPeeringConnectionId: offer.id, autoAccept: true };
  const accepter = 'vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter';
  const accepted = await make(accepter, accepting);
  expect(accepted).toMatchObject({ id: offer.id, outputs: { acceptStatus: 'active' } });
  await typeOf(accepter).remove(accepted.id, accepting);
  expect(await typeOf(accepter).read(accepted.id, accepting)).toBeDefined();
});
