/** `aws:ec2` Instance, on a primary ENI of its own (`primaryNetworkInterface`). */
import {
  DescribeInstancesCommand,
  type Instance,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { Properties } from '../value.ts';
import { type Clients, need, only, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { arn } from './network.ts';
import {
  count,
  type Definition,
  defined,
  differs,
  flag,
  group,
  optionalText,
  retag,
  tagging,
  text,
} from './type.ts';

async function describe(clients: Clients, id: string) {
  const answer = await unlessGone(clients.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })));
  const reservation = answer?.Reservations?.[0];
  return { instance: reservation?.Instances?.[0], owner: reservation?.OwnerId };
}

const stateOf = (instance: Instance | undefined): string => instance?.State?.Name ?? 'terminated';

/** Waits until it is so; an instance that ends meanwhile is a failure. */
const reaches = (clients: Clients, id: string, state: 'running' | 'stopped' | 'terminated'): Promise<true> =>
  until(`instance ${id} is ${state}`, async () => {
    const { instance } = await describe(clients, id);
    const now = stateOf(instance);
    if (now === 'terminated' && state !== 'terminated') {
      throw new Error(
        `instance ${id} ended instead of being ${state}: ${instance?.StateReason?.Message ?? 'no reason given'}`,
      );
    }
    return now === state ? true : undefined;
  });

const base64 = (plain: string): string => Buffer.from(plain).toString('base64');

function metadata(inputs: Properties) {
  const options = group(inputs, 'metadataOptions');
  return {
    HttpEndpoint: optionalText(options, 'httpEndpoint') as 'enabled' | 'disabled' | undefined,
    HttpTokens: optionalText(options, 'httpTokens') as 'optional' | 'required' | undefined,
    ...('httpPutResponseHopLimit' in options
      ? { HttpPutResponseHopLimit: count(options, 'httpPutResponseHopLimit') }
      : {}),
  };
}

function launch(inputs: Properties): RunInstancesCommandInput {
  const primary = optionalText(group(inputs, 'primaryNetworkInterface'), 'networkInterfaceId');
  const userData = optionalText(inputs, 'userData');
  const profile = optionalText(inputs, 'iamInstanceProfile');
  const disk = group(inputs, 'rootBlockDevice');
  const placement = optionalText(inputs, 'placementGroup');
  return {
    ImageId: text(inputs, 'ami'),
    InstanceType: text(inputs, 'instanceType') as NonNullable<RunInstancesCommandInput['InstanceType']>,
    MinCount: 1,
    MaxCount: 1,
    ClientToken: crypto.randomUUID(),
    ...(primary === undefined
      ? { SubnetId: optionalText(inputs, 'subnetId') }
      : { NetworkInterfaces: [{ DeviceIndex: 0, NetworkInterfaceId: primary }] }),
    ...('metadataOptions' in inputs ? { MetadataOptions: metadata(inputs) } : {}),
    ...('encrypted' in disk
      ? { BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: flag(disk, 'encrypted') } }] }
      : {}),
    ...(placement === undefined ? {} : { Placement: { GroupName: placement } }),
    ...(profile === undefined ? {} : { IamInstanceProfile: { Name: profile } }),
    ...(userData === undefined ? {} : { UserData: base64(userData) }),
    ...tagging('instance', inputs),
  };
}

/** What can only be changed while the instance is stopped. */
async function changeStopped(
  clients: Clients,
  id: string,
  old: Properties,
  inputs: Properties,
): Promise<void> {
  const type = differs(old, inputs, 'instanceType');
  const data = differs(old, inputs, 'userData');
  if (!type && !data) return;
  await clients.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await reaches(clients, id, 'stopped');
  const change = (
    input: Omit<ConstructorParameters<typeof ModifyInstanceAttributeCommand>[0], 'InstanceId'>,
  ) => clients.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, ...input }));
  if (type) await change({ InstanceType: { Value: text(inputs, 'instanceType') } });
  if (data) await change({ UserData: { Value: Buffer.from(optionalText(inputs, 'userData') ?? '') } });
  await clients.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  await reaches(clients, id, 'running');
}

export const instance: Definition = {
  inputs: ['instanceType', 'userData', 'userDataReplaceOnChange', 'metadataOptions', 'tags'],
  fixed: [
    ...['ami', 'primaryNetworkInterface', 'subnetId', 'iamInstanceProfile', 'rootBlockDevice'],
    'placementGroup',
  ],
  replaces: (property, _old, inputs) => property === 'userData' && flag(inputs, 'userDataReplaceOnChange'),
  create: async (clients, inputs) => {
    // A new role or an ENI that is still leaving its old instance needs a moment.
    const codes = ['InvalidNetworkInterface.InUse', 'InvalidParameterValue'];
    const answer = await whileRefused(
      codes,
      () => clients.ec2.send(new RunInstancesCommand(launch(inputs))),
      10_000,
    );
    const id = need(only(answer.Instances, 'RunInstances').InstanceId, 'InstanceId');
    await reaches(clients, id, 'running');
    return until(`instance ${id} is there`, () => instance.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const { instance: found, owner } = await describe(clients, id);
    if (found === undefined || ['terminated', 'shutting-down'].includes(stateOf(found))) return undefined;
    const primary = found.NetworkInterfaces?.find((one) => one.Attachment?.DeviceIndex === 0);
    const outputs = defined({
      arn: arn(clients, owner, 'instance', id),
      ami: found.ImageId,
      instanceType: found.InstanceType,
      instanceState: stateOf(found),
      availabilityZone: found.Placement?.AvailabilityZone,
      placementGroup: found.Placement?.GroupName === '' ? undefined : found.Placement?.GroupName,
      subnetId: found.SubnetId,
      privateIp: found.PrivateIpAddress,
      publicIp: found.PublicIpAddress,
      primaryNetworkInterfaceId: primary?.NetworkInterfaceId,
      primaryNetworkInterface: defined({ networkInterfaceId: primary?.NetworkInterfaceId }),
      metadataOptions: defined({
        httpEndpoint: found.MetadataOptions?.HttpEndpoint,
        httpTokens: found.MetadataOptions?.HttpTokens,
        httpPutResponseHopLimit: found.MetadataOptions?.HttpPutResponseHopLimit,
      }),
      iamInstanceProfile: found.IamInstanceProfile?.Arn?.split('/').at(-1),
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await changeStopped(clients, id, old, inputs);
    if (differs(old, inputs, 'metadataOptions')) {
      await clients.ec2.send(
        new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, ...metadata(inputs) }),
      );
    }
    await retag(clients, id, old, inputs);
  },
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));
    await reaches(clients, id, 'terminated');
  },
};
