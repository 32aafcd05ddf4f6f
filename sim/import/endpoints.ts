/** VPC endpoints and launch templates, from their descriptions. */
import { servicesOf } from '../ec2/catalog/services.ts';
import { type Item, tagsOf } from './item.ts';
import { made, type Place, type Reader } from './place.ts';

const EPOCH = new Date(0);

const TYPES = ['Gateway', 'Interface', 'GatewayLoadBalancer'] as const;

/** The load balancer behind a service of the account's own. */
const behind = (service: string, { described }: Place): string | undefined =>
  (described.get('ServiceConfigurations') ?? [])
    .find((each) => each.text('ServiceName') === service)
    ?.texts('GatewayLoadBalancerArns')[0];

/** Endpoints; what they lead to is there where the simulator has the service, or the account offers it. */
const endpoint: Reader = (item, place) => {
  const { account, region, described, find } = place;
  const id = item.text('VpcEndpointId') ?? '';
  const given = item.text('VpcEndpointType');
  const type = TYPES.find((each) => each === given);
  const state = item.text('State')?.toLowerCase();
  if (type === undefined || state !== 'available') {
    item.ignore(...item.unread());
    const field = type === undefined ? 'VpcEndpointType' : 'State';
    const why =
      type === undefined ? `endpoints of type ${given} are not imported` : `it is ${state}: left out`;
    find({ list: 'VpcEndpoints', id, field, why });
    return [];
  }
  item.ignore('RouteTableIds', 'RequesterManaged', 'DnsEntries', 'OwnerId', 'ServiceRegion', 'IpAddressType');
  item.ignore('DnsOptions', 'NetworkInterfaceIds');
  const service = item.text('ServiceName') ?? '';
  const address = servicesOf(region).find((each) => each.name === service)?.address;
  const loadBalancer = type === 'GatewayLoadBalancer' ? behind(service, place) : undefined;
  if (address === undefined && loadBalancer === undefined) {
    find({ list: 'VpcEndpoints', id, field: 'ServiceName', why: `nothing answers for ${service}` });
  }
  const enis = item.texts('NetworkInterfaceIds');
  const interfaces = (described.get('NetworkInterfaces') ?? [])
    .map((each) => ({
      subnet: each.text('SubnetId') ?? '',
      eni: each.text('NetworkInterfaceId') ?? '',
    }))
    .filter(({ eni }) => enis.includes(eni));
  const subnets = item.texts('SubnetIds');
  return made('vpc-endpoint', {
    id,
    tags: tagsOf(item),
    account,
    vpc: item.text('VpcId') ?? '',
    service,
    type,
    state: 'available',
    policy: item.text('PolicyDocument') ?? '',
    createdAt: item.date('CreationTimestamp') ?? EPOCH,
    ...(address !== undefined && { address }),
    ...(loadBalancer !== undefined && { loadBalancer }),
    privateDns: item.flag('PrivateDnsEnabled'),
    interfaces: interfaces.sort((a, b) => subnets.indexOf(a.subnet) - subnets.indexOf(b.subnet)),
    groups: item.items('Groups').map((each) => {
      each.ignore('GroupName');
      return each.text('GroupId') ?? '';
    }),
  });
};

/** A template with those of its versions that DescribeLaunchTemplateVersions showed. */
const launchTemplate: Reader = (item, { account, described, find }) => {
  const id = item.text('LaunchTemplateId') ?? '';
  item.ignore('CreatedBy', 'Operator');
  const shown = (described.get('LaunchTemplateVersions') ?? []).filter(
    (each) => each.text('LaunchTemplateId') === id,
  );
  const versions = shown.map(versionOf).sort((a, b) => a.number - b.number);
  if (versions.length === 0) {
    const why = 'its versions are not known: save those of describe-launch-template-versions too; left out';
    item.ignore(...item.unread());
    find({ list: 'LaunchTemplates', id, why });
    return [];
  }
  return made('launch-template', {
    id,
    tags: tagsOf(item),
    name: item.text('LaunchTemplateName') ?? '',
    account,
    created: item.date('CreateTime') ?? EPOCH,
    defaultVersion: item.number('DefaultVersionNumber') ?? 1,
    latestVersion: item.number('LatestVersionNumber') ?? 1,
    versions,
  });
};

function versionOf(item: Item) {
  item.ignore('LaunchTemplateName', 'CreatedBy', 'DefaultVersion', 'Operator');
  const description = item.text('VersionDescription');
  return {
    number: item.number('VersionNumber') ?? 1,
    created: item.date('CreateTime') ?? EPOCH,
    ...(description !== undefined && { description }),
    data: item.whole('LaunchTemplateData'),
  };
}

export const endpointReaders: Readonly<Record<string, Reader>> = {
  VpcEndpoints: endpoint,
  LaunchTemplates: launchTemplate,
};
