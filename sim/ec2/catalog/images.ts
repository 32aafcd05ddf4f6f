/**
 * The AMIs that a DescribeImages search finds: Debian 12 and Amazon Linux 2023 for both architectures, in
 * every region. Ids are the simulator's own, one for each region, as they differ between regions on AWS;
 * names follow the publishers'.
 */
import { next, prng } from '../../../controller/base/prng.ts';

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** The publisher's account, and its alias where it has one. */
  readonly owner: string;
  readonly ownerAlias?: string;
  readonly architecture: 'x86_64' | 'arm64';
  readonly creationDate: string;
  readonly rootDeviceName: string;
  readonly rootSizeGiB: number;
}

type Published = Omit<Image, 'id'>;

const DEBIAN = '136693071363';
const AMAZON = '137112412989';

const debian = (architecture: 'x86_64' | 'arm64', build: string, creationDate: string): Published => ({
  name: `debian-12-${architecture === 'x86_64' ? 'amd64' : 'arm64'}-${build}`,
  description: `Debian 12 (${build})`,
  owner: DEBIAN,
  architecture,
  creationDate,
  rootDeviceName: '/dev/xvda',
  rootSizeGiB: 8,
});

const amazonLinux = (architecture: 'x86_64' | 'arm64'): Published => ({
  name: `al2023-ami-2023.5.20240805.0-kernel-6.1-${architecture}`,
  description: `Amazon Linux 2023 AMI 2023.5.20240805.0 ${architecture} HVM kernel-6.1`,
  owner: AMAZON,
  ownerAlias: 'amazon',
  architecture,
  creationDate: '2024-08-07T21:21:32.000Z',
  rootDeviceName: '/dev/xvda',
  rootSizeGiB: 8,
});

const PUBLISHED: readonly Published[] = [
  debian('x86_64', '20240507-1740', '2024-05-07T17:54:13.000Z'),
  debian('arm64', '20240507-1740', '2024-05-07T17:54:31.000Z'),
  debian('x86_64', '20240717-1811', '2024-07-17T18:25:02.000Z'),
  debian('arm64', '20240717-1811', '2024-07-17T18:25:47.000Z'),
  amazonLinux('x86_64'),
  amazonLinux('arm64'),
];

function imageId(region: string, name: string): string {
  let state = prng(region, name);
  let digits = '';
  while (digits.length < 17) {
    const [value, following] = next(state);
    state = following;
    digits += Math.floor(value * 16).toString(16);
  }
  return `ami-${digits}`;
}

/** The registered images of a region, oldest first. */
export const imagesOf = (region: string): readonly Image[] =>
  PUBLISHED.map((image) => ({ id: imageId(region, image.name), ...image }));
