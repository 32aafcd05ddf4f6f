/** Attributes of instances, one a call, as DescribeInstanceAttribute and its kin read and change them. */
import type {
  AttributeBooleanValue,
  DescribeInstanceAttributeRequest,
  DescribeInstanceCreditSpecificationsRequest,
  DescribeInstanceCreditSpecificationsResult,
  InstanceAttribute,
  ModifyInstanceAttributeRequest,
  ModifyInstanceCreditSpecificationRequest,
  ModifyInstanceCreditSpecificationResult,
  ModifyInstanceMaintenanceOptionsRequest,
  ModifyInstanceMaintenanceOptionsResult,
  ModifyInstanceMetadataOptionsRequest,
  ModifyInstanceMetadataOptionsResult,
} from '@aws-sdk/client-ec2';
import { INSTANCE_TYPES } from '../catalog/instance-types.ts';
import { describe, type Filters } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { groupsFor } from '../network-interface.ts';
import type { InstanceRecord } from '../record/compute.ts';
import type { NetworkInterfaceRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { interfacesOf, shownInstance, shownMetadata } from './instance.ts';
import { coresOf, needInstanceType } from './instance-type.ts';
import { changedMetadata, checkedUserData } from './run-instances.ts';

const read: Readonly<Record<string, (tx: Tx, instance: InstanceRecord) => Partial<InstanceAttribute>>> = {
  blockDeviceMapping: (tx, instance) => ({
    BlockDeviceMappings: shownInstance(tx, instance).BlockDeviceMappings,
  }),
  disableApiStop: (_, instance) => ({ DisableApiStop: { Value: instance.disableApiStop } }),
  disableApiTermination: (_, instance) => ({
    DisableApiTermination: { Value: instance.disableApiTermination },
  }),
  ebsOptimized: (_, instance) => ({ EbsOptimized: { Value: instance.ebsOptimized } }),
  enaSupport: () => ({ EnaSupport: { Value: true } }),
  enclaveOptions: () => ({ EnclaveOptions: { Enabled: false } }),
  groupSet: (tx, instance) => ({ Groups: shownInstance(tx, instance).SecurityGroups }),
  instanceInitiatedShutdownBehavior: (_, instance) => ({
    InstanceInitiatedShutdownBehavior: { Value: instance.shutdownBehavior },
  }),
  instanceType: (_, instance) => ({ InstanceType: { Value: instance.type } }),
  kernel: () => ({}),
  productCodes: () => ({ ProductCodes: [] }),
  ramdisk: () => ({}),
  rootDeviceName: (_, instance) => ({ RootDeviceName: { Value: instance.rootDevice } }),
  sourceDestCheck: (tx, instance) => ({
    SourceDestCheck: { Value: onlyInterface(tx, instance).sourceDestCheck },
  }),
  sriovNetSupport: () => ({ SriovNetSupport: { Value: 'simple' } }),
  userData: (_, instance) => ({
    UserData: instance.userData === undefined ? {} : { Value: instance.userData },
  }),
};

/** The ENI of an instance that has one; with several, EC2 wants the ENI named. */
function onlyInterface(tx: Tx, instance: InstanceRecord): NetworkInterfaceRecord {
  const [eni, another] = interfacesOf(tx, instance.id);
  if (eni === undefined || another !== undefined) {
    const how = 'Please specify an interface ID for the operation instead.';
    return refuse(
      'InvalidInstanceID',
      `There are multiple interfaces attached to instance '${instance.id}'. ${how}`,
    );
  }
  return eni;
}

/** An attribute in the request's two spellings: a member of its own, or Attribute and Value. */
interface Wanted {
  readonly name: string;
  readonly text: string;
}

const NAMED: readonly (readonly [
  name: string,
  of: (input: ModifyInstanceAttributeRequest) => string | boolean | undefined,
])[] = [
  ['sourceDestCheck', (input) => flagOf(input.SourceDestCheck)],
  ['disableApiTermination', (input) => flagOf(input.DisableApiTermination)],
  ['disableApiStop', (input) => flagOf(input.DisableApiStop)],
  ['ebsOptimized', (input) => flagOf(input.EbsOptimized)],
  ['enaSupport', (input) => flagOf(input.EnaSupport)],
  ['instanceType', (input) => input.InstanceType?.Value],
  ['instanceInitiatedShutdownBehavior', (input) => input.InstanceInitiatedShutdownBehavior?.Value],
  ['kernel', (input) => input.Kernel?.Value],
  ['ramdisk', (input) => input.Ramdisk?.Value],
  ['sriovNetSupport', (input) => input.SriovNetSupport?.Value],
  ['userData', (input) => input.UserData && base64(input.UserData.Value ?? new Uint8Array())],
  ['groupSet', (input) => (input.Groups?.length ? input.Groups.join(',') : undefined)],
];

const flagOf = (attribute: AttributeBooleanValue | undefined): boolean | undefined => attribute?.Value;

/** User data comes decoded here, unlike at launch. */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function wantedAttribute(input: ModifyInstanceAttributeRequest): Wanted {
  const found = NAMED.flatMap(([name, of]) => {
    const value = of(input);
    return value === undefined ? [] : [{ name, text: String(value) }];
  });
  if (input.BlockDeviceMappings?.length) found.push({ name: 'blockDeviceMapping', text: '' });
  if (input.Attribute !== undefined) found.push({ name: input.Attribute, text: input.Value ?? '' });
  const [only, another] = found;
  if (only === undefined) return refuse('InvalidParameterCombination', 'No attributes specified.');
  if (another !== undefined) {
    const names = found.map(({ name }) => name).join(', ');
    refuse('InvalidParameterCombination', `Fields for multiple attribute types specified: ${names}`);
  }
  return only;
}

function flag({ name, text }: Wanted): boolean {
  if (text !== 'true' && text !== 'false') invalidValue(name, text, 'Valid values: true, false.');
  return text === 'true';
}

function stopped(instance: InstanceRecord): void {
  if (instance.state !== 'stopped') {
    refuse('IncorrectInstanceState', `The instance '${instance.id}' is not in the 'stopped' state.`);
  }
}

function resized(instance: InstanceRecord, name: string): InstanceRecord {
  stopped(instance);
  const type = needInstanceType(name);
  const cores = coresOf(type);
  return { ...instance, type: type.name, cpuOptions: { cores, threadsPerCore: type.vcpus / cores } };
}

function modifyAttribute(tx: Tx, input: ModifyInstanceAttributeRequest): undefined {
  const instance = tx.need('instance', input.InstanceId ?? missing('InstanceId'));
  if (instance.state === 'terminated') {
    refuse(
      'IncorrectInstanceState',
      `The instance '${instance.id}' is terminated; its attributes cannot be changed.`,
    );
  }
  const wanted = wantedAttribute(input);
  switch (wanted.name) {
    case 'sourceDestCheck':
      tx.put('network-interface', { ...onlyInterface(tx, instance), sourceDestCheck: flag(wanted) });
      break;
    case 'groupSet': {
      const groups = groupsFor(tx, instance.vpc, wanted.text.split(','));
      tx.put('network-interface', { ...onlyInterface(tx, instance), groups });
      break;
    }
    case 'disableApiTermination':
      tx.put('instance', { ...instance, disableApiTermination: flag(wanted) });
      break;
    case 'disableApiStop':
      tx.put('instance', { ...instance, disableApiStop: flag(wanted) });
      break;
    case 'ebsOptimized':
      stopped(instance);
      tx.put('instance', { ...instance, ebsOptimized: flag(wanted) });
      break;
    case 'instanceType':
      tx.put('instance', resized(instance, wanted.text));
      break;
    case 'instanceInitiatedShutdownBehavior':
      if (wanted.text !== 'stop' && wanted.text !== 'terminate') {
        return invalidValue(wanted.name, wanted.text, 'Valid values: stop, terminate.');
      }
      tx.put('instance', { ...instance, shutdownBehavior: wanted.text });
      break;
    case 'userData':
      stopped(instance);
      tx.put('instance', { ...instance, userData: checkedUserData(wanted.text) });
      break;
    default:
      refuse('UnsupportedOperation', `The attribute '${wanted.name}' cannot be changed in the simulator.`);
  }
  return undefined;
}

function describeAttribute(tx: Tx, input: DescribeInstanceAttributeRequest): InstanceAttribute {
  const instance = tx.need('instance', input.InstanceId ?? missing('InstanceId'));
  const name = input.Attribute ?? missing('Attribute');
  const reader = Object.hasOwn(read, name) ? read[name] : undefined;
  if (reader === undefined) return invalidValue('attribute', name, 'Unknown attribute.');
  return { InstanceId: instance.id, ...reader(tx, instance) };
}

const creditFilters: Filters<InstanceRecord> = { 'instance-id': (instance) => instance.id };

const isBurstable = (instance: InstanceRecord): boolean =>
  INSTANCE_TYPES.get(instance.type)?.burstable ?? false;

function describeCredits(
  tx: Tx,
  input: DescribeInstanceCreditSpecificationsRequest,
): DescribeInstanceCreditSpecificationsResult {
  const { InstanceIds: ids } = input;
  const other = (ids ?? []).map((id) => tx.need('instance', id)).find((instance) => !isBurstable(instance));
  if (other) {
    refuse('UnsupportedOperation', `The instance '${other.id}' of type ${other.type} has no CPU credits.`);
  }
  const page = describe(tx, { kind: 'instance', ids, input, filters: creditFilters, visible: isBurstable });
  const shown = page.records.map((instance) => ({ InstanceId: instance.id, CpuCredits: instance.credits }));
  return { InstanceCreditSpecifications: shown, ...page.next };
}

function modifyCredits(
  tx: Tx,
  input: ModifyInstanceCreditSpecificationRequest,
): ModifyInstanceCreditSpecificationResult {
  const done: { InstanceId: string }[] = [];
  const failed: {
    InstanceId: string;
    Error: { Code: 'InstanceCreditSpecification.NotSupported'; Message: string };
  }[] = [];
  for (const { InstanceId = '', CpuCredits: credits } of input.InstanceCreditSpecifications ?? []) {
    const instance = tx.need('instance', InstanceId);
    if (credits !== 'standard' && credits !== 'unlimited') return invalidValue('CpuCredits', credits);
    if (isBurstable(instance)) {
      tx.put('instance', { ...instance, credits });
      done.push({ InstanceId });
    } else {
      const Message = `The instance type ${instance.type} has no CPU credits.`;
      failed.push({ InstanceId, Error: { Code: 'InstanceCreditSpecification.NotSupported', Message } });
    }
  }
  return { SuccessfulInstanceCreditSpecifications: done, UnsuccessfulInstanceCreditSpecifications: failed };
}

export const instanceAttributeHandlers: Handlers = {
  DescribeInstanceAttribute: handler(describeAttribute),
  ModifyInstanceAttribute: handler(modifyAttribute),
  ModifyInstanceMetadataOptions: handler(
    (tx, input: ModifyInstanceMetadataOptionsRequest): ModifyInstanceMetadataOptionsResult => {
      const instance = tx.need('instance', input.InstanceId ?? missing('InstanceId'));
      const metadata = changedMetadata(instance.metadata, input);
      const changed = tx.put('instance', { ...instance, metadata });
      return { InstanceId: instance.id, InstanceMetadataOptions: shownMetadata(changed) };
    },
  ),
  ModifyInstanceMaintenanceOptions: handler(
    (tx, input: ModifyInstanceMaintenanceOptionsRequest): ModifyInstanceMaintenanceOptionsResult => {
      const instance = tx.need('instance', input.InstanceId ?? missing('InstanceId'));
      const autoRecovery = input.AutoRecovery ?? instance.autoRecovery;
      tx.put('instance', { ...instance, autoRecovery });
      return { InstanceId: instance.id, AutoRecovery: autoRecovery };
    },
  ),
  DescribeInstanceCreditSpecifications: handler(describeCredits),
  ModifyInstanceCreditSpecification: handler(modifyCredits),
};
