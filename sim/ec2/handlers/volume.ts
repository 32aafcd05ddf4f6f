/**
 * The volumes that come with instances: made at launch, described, deleted on termination. They hold no
 * data.
 */
import type {
  BlockDeviceMapping,
  DescribeVolumesRequest,
  DescribeVolumesResult,
  Volume,
} from '@aws-sdk/client-ec2';
import type { Image } from '../catalog/images.ts';
import { byShown, describe, type Filters, type Property, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { BlockDevice, VolumeRecord } from '../record/compute.ts';
import { refuse } from '../refusal.ts';
import { zonesOf } from '../zones.ts';
import { snapshotOf } from './image.ts';

const TYPES: readonly string[] = ['standard', 'gp2', 'gp3', 'io1', 'io2', 'sc1', 'st1'];

interface Disk {
  readonly device: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops?: number | undefined;
  readonly throughput?: number | undefined;
  readonly encrypted: boolean;
  readonly snapshot: string;
  readonly deleteOnTermination: boolean;
}

/** The disks of a launch: the image's root, as the request alters it, and those that the request adds. */
export function disksOf(image: Image, mappings: readonly BlockDeviceMapping[]): readonly Disk[] {
  const root: Disk = {
    device: image.rootDeviceName,
    sizeGiB: image.rootSizeGiB,
    type: 'gp3',
    encrypted: false,
    snapshot: snapshotOf(image.id),
    deleteOnTermination: true,
  };
  const disks = new Map([[root.device, root]]);
  for (const { DeviceName: device, Ebs: ebs, NoDevice, VirtualName } of mappings) {
    if (device === undefined) refuse('MissingParameter', 'The request must contain the parameter deviceName');
    if (NoDevice !== undefined || VirtualName !== undefined || ebs === undefined) continue;
    const base = disks.get(device);
    const disk: Disk = {
      device,
      sizeGiB: ebs.VolumeSize ?? base?.sizeGiB ?? 0,
      type: ebs.VolumeType ?? base?.type ?? 'gp2',
      iops: ebs.Iops,
      throughput: ebs.Throughput,
      encrypted: ebs.Encrypted ?? false,
      snapshot: ebs.SnapshotId ?? base?.snapshot ?? '',
      deleteOnTermination: ebs.DeleteOnTermination ?? base?.deleteOnTermination ?? true,
    };
    checkDisk(disk, base?.sizeGiB ?? 1);
    disks.set(device, disk);
  }
  return [...disks.values()];
}

function checkDisk(disk: Disk, smallestGiB: number): void {
  if (!TYPES.includes(disk.type)) {
    refuse(
      'InvalidParameterValue',
      `Invalid value '${disk.type}' for VolumeType: one of ${TYPES.join(', ')}.`,
    );
  }
  if (disk.sizeGiB < smallestGiB) {
    refuse(
      'InvalidBlockDeviceMapping',
      `Volume of size ${disk.sizeGiB}GB is smaller than the snapshot of ${disk.device}, ` +
        `expect size >= ${smallestGiB}GB`,
    );
  }
  if (disk.sizeGiB > 65_536)
    refuse('InvalidParameterValue', `Volume of ${disk.sizeGiB} GiB is too big for ${disk.type}`);
  if (disk.iops !== undefined && !['gp3', 'io1', 'io2'].includes(disk.type)) {
    refuse('InvalidParameterCombination', `The parameter iops is not supported for ${disk.type} volumes.`);
  }
}

/** I/O operations a second of a disk that names none. */
function defaultIops(disk: Disk): number {
  if (disk.type === 'gp3') return 3000;
  return disk.type === 'gp2' ? Math.min(16_000, Math.max(100, 3 * disk.sizeGiB)) : 100;
}

/** Makes the volumes of an instance. */
export function createVolumes(
  tx: Tx,
  disks: readonly Disk[],
  owner: { readonly instance: string; readonly zone: string; readonly tags: Tags },
): BlockDevice[] {
  return disks.map((disk) => {
    const volume = tx.put('volume', {
      id: tx.newId('vol'),
      account: tx.account,
      zone: owner.zone,
      sizeGiB: disk.sizeGiB,
      type: disk.type,
      iops: disk.iops ?? defaultIops(disk),
      ...(disk.type === 'gp3' && { throughput: disk.throughput ?? 125 }),
      encrypted: disk.encrypted,
      snapshot: disk.snapshot,
      created: tx.date(),
      instance: owner.instance,
      tags: owner.tags,
    });
    const { device, deleteOnTermination } = disk;
    return { device, volume: volume.id, attachTime: tx.date(), deleteOnTermination };
  });
}

/** What becomes of the volumes of an instance that terminates: deleted, or left behind unattached. */
export function releaseVolumes(tx: Tx, devices: readonly BlockDevice[]): void {
  for (const { volume: id, deleteOnTermination } of devices) {
    const { instance: _, ...volume } = tx.need('volume', id);
    if (deleteOnTermination) tx.remove('volume', id);
    else tx.put('volume', volume);
  }
}

function deviceOf(tx: Tx, volume: VolumeRecord): BlockDevice | undefined {
  const instance = volume.instance === undefined ? undefined : tx.get('instance', volume.instance);
  return instance?.devices.find((device) => device.volume === volume.id);
}

const ofDevice =
  (value: (device: BlockDevice) => Property) =>
  (volume: VolumeRecord, tx: Tx): Property => {
    const device = deviceOf(tx, volume);
    return device && value(device);
  };

function shown(tx: Tx, volume: VolumeRecord): Volume {
  const device = deviceOf(tx, volume);
  const attachment = device && {
    AttachTime: device.attachTime,
    DeleteOnTermination: device.deleteOnTermination,
    Device: device.device,
    InstanceId: volume.instance,
    State: 'attached' as const,
    VolumeId: volume.id,
  };
  return {
    VolumeId: volume.id,
    Size: volume.sizeGiB,
    SnapshotId: volume.snapshot,
    AvailabilityZone: volume.zone,
    AvailabilityZoneId: zonesOf(tx).find((zone) => zone.name === volume.zone)?.id,
    State: volume.instance === undefined ? 'available' : 'in-use',
    CreateTime: volume.created,
    Attachments: attachment ? [attachment] : [],
    Encrypted: volume.encrypted,
    Iops: volume.iops,
    VolumeType: volume.type as NonNullable<Volume['VolumeType']>,
    ...(volume.throughput !== undefined && { Throughput: volume.throughput }),
    MultiAttachEnabled: false,
    Tags: shownTags(volume.tags),
  };
}

const filters: Filters<VolumeRecord> = {
  'attachment.attach-time': ofDevice((device) => device.attachTime.toISOString()),
  'attachment.delete-on-termination': ofDevice((device) => device.deleteOnTermination),
  'attachment.device': ofDevice((device) => device.device),
  'attachment.instance-id': (volume) => volume.instance,
  'attachment.status': (volume) => (volume.instance === undefined ? undefined : 'attached'),
  'availability-zone': (volume) => volume.zone,
  'create-time': (volume) => volume.created.toISOString(),
  encrypted: (volume) => volume.encrypted,
  size: (volume) => volume.sizeGiB,
  'snapshot-id': (volume) => volume.snapshot,
  status: (volume) => (volume.instance === undefined ? 'available' : 'in-use'),
  'volume-id': (volume) => volume.id,
  'volume-type': (volume) => volume.type,
  ...byShown(
    shown,
    'availability-zone-id',
    'fast-restored',
    'multi-attach-enabled',
    'operator.managed',
    'operator.principal',
  ),
};

export const volumeHandlers: Handlers = {
  DescribeVolumes: handler((tx, input: DescribeVolumesRequest): DescribeVolumesResult => {
    const { VolumeIds: ids } = input;
    const page = describe(tx, { kind: 'volume', ids, input, filters, indexed: ['attachment.instance-id'] });
    return { Volumes: page.records.map((volume) => shown(tx, volume)), ...page.next };
  }),
};
