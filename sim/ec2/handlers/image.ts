/**
 * AMIs: the registered ones, and by `strictAmi: false` any well-formed id. Nobody registers an image here.
 */
import type { DescribeImagesRequest, DescribeImagesResult, Image as ShownImage } from '@aws-sdk/client-ec2';
import { type Image, imagesOf } from '../catalog/images.ts';
import { byShown, type Filters, matcher, paginate } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { isId } from '../identifier.ts';
import type { Tags } from '../record/base.ts';
import { refuse } from '../refusal.ts';

type Described = Image & { readonly tags: Tags };

const filters: Filters<Described> = {
  architecture: (image) => image.architecture,
  'creation-date': (image) => image.creationDate,
  description: (image) => image.description,
  'ena-support': () => true,
  hypervisor: () => 'xen',
  'image-id': (image) => image.id,
  'image-type': () => 'machine',
  'is-public': () => true,
  name: (image) => image.name,
  'owner-alias': (image) => image.ownerAlias,
  'owner-id': (image) => image.owner,
  platform: () => undefined,
  'root-device-name': (image) => image.rootDeviceName,
  'root-device-type': () => 'ebs',
  state: () => 'available',
  'virtualization-type': () => 'hvm',
  'block-device-mapping.delete-on-termination': () => true,
  'block-device-mapping.encrypted': () => false,
  'block-device-mapping.snapshot-id': (image) => snapshotOf(image.id),
  'block-device-mapping.volume-size': (image) => image.rootSizeGiB,
  'block-device-mapping.volume-type': () => 'gp3',
  ...byShown(
    (_, image: Described) => shown(image),
    'block-device-mapping.device-name',
    'boot-mode',
    'free-tier-eligible',
    'image-allowed',
    'image-watermark.source-image-creation-time',
    'image-watermark.source-image-id',
    'image-watermark.source-image-region',
    'image-watermark.watermark-creation-time',
    'image-watermark.watermark-key',
    'instance-type-specification.supported-instance-type',
    'instance-type-specification.unsupported-instance-type',
    'kernel-id',
    'manifest-location',
    'product-code',
    'product-code.type',
    'public-ssm-parameter-name',
    'ramdisk-id',
    'scan-result.critical-fix-available-since',
    'scan-result.finding-scan-date',
    'scan-result.high-fix-available-since',
    'scan-result.highest-finding-severity-label',
    'scan-result.informational-fix-available-since',
    'scan-result.low-fix-available-since',
    'scan-result.medium-fix-available-since',
    'source-image-id',
    'source-image-region',
    'source-instance-id',
    'state-reason-code',
    'state-reason-message',
    'sriov-net-support',
  ),
};

/** The snapshot of an image: the image's own digits. */
export const snapshotOf = (image: string): string => image.replace('ami-', 'snap-');

const shown = (image: Image): ShownImage => ({
  ImageId: image.id,
  Name: image.name,
  Description: image.description,
  ImageLocation: `${image.ownerAlias ?? image.owner}/${image.name}`,
  ImageType: 'machine',
  OwnerId: image.owner,
  ...(image.ownerAlias !== undefined && { ImageOwnerAlias: image.ownerAlias }),
  Public: true,
  State: 'available',
  Architecture: image.architecture,
  CreationDate: image.creationDate,
  RootDeviceName: image.rootDeviceName,
  RootDeviceType: 'ebs',
  VirtualizationType: 'hvm',
  Hypervisor: 'xen',
  EnaSupport: true,
  BootMode: image.architecture === 'arm64' ? 'uefi' : 'uefi-preferred',
  PlatformDetails: 'Linux/UNIX',
  UsageOperation: 'RunInstances',
  ProductCodes: [],
  BlockDeviceMappings: [
    {
      DeviceName: image.rootDeviceName,
      Ebs: {
        DeleteOnTermination: true,
        Encrypted: false,
        SnapshotId: snapshotOf(image.id),
        VolumeSize: image.rootSizeGiB,
        VolumeType: 'gp3',
      },
    },
  ],
  Tags: [],
});

/** What an id that was never registered is taken for. */
const unregistered = (id: string): Image => ({
  id,
  name: `unregistered-${id}`,
  description: 'Not registered; the simulator takes any well-formed AMI id',
  owner: '000000000000',
  architecture: 'x86_64',
  creationDate: '2024-01-01T00:00:00.000Z',
  rootDeviceName: '/dev/xvda',
  rootSizeGiB: 8,
});

/** The image of an id, and whether it is a registered one; refuses as EC2 does. */
export function needImage(tx: Tx, id: string): Image & { readonly registered: boolean } {
  if (!isId('ami', id)) refuse('InvalidAMIID.Malformed', `Invalid id: "${id}" (expecting "ami-...")`);
  const found = imagesOf(tx.region).find((image) => image.id === id);
  if (found) return { ...found, registered: true };
  if (tx.settings.strictAmi) refuse('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
  return { ...unregistered(id), registered: false };
}

const ownedBy = (owners: readonly string[], image: Image): boolean =>
  owners.length === 0 || owners.includes(image.owner) || owners.includes(image.ownerAlias ?? '-');

function describeImages(tx: Tx, input: DescribeImagesRequest): DescribeImagesResult {
  const { ImageIds: ids = [], Owners: owners = [] } = input;
  const candidates = ids.length > 0 ? ids.map((id) => needImage(tx, id)) : imagesOf(tx.region);
  const matches = matcher(tx, input.Filters ?? [], filters);
  const found = candidates.filter((image) => ownedBy(owners, image) && matches({ ...image, tags: {} }));
  const page = paginate(found, input, ({ id }) => [id]);
  return { Images: page.records.map(shown), ...page.next };
}

export const imageHandlers: Handlers = { DescribeImages: handler(describeImages) };
