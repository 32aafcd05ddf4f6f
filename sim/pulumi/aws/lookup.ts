/**
 * The functions of the AWS provider that programs call: getAmi, getAvailabilityZones, getCallerIdentity,
 * getRegion.
 */
import { DescribeAvailabilityZonesCommand, DescribeImagesCommand, type Filter } from '@aws-sdk/client-ec2';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { isObject, type Properties } from '../value.ts';
import { type Clients, tagsFrom } from './clients.ts';
import { defined, optionalText, text, texts } from './type.ts';

type Lookup = (clients: Clients, args: Properties) => Promise<Properties>;

const filters = (args: Properties): Filter[] => {
  const list = Array.isArray(args.filters) ? args.filters : [];
  return list.filter(isObject).map((one) => ({ Name: text(one, 'name'), Values: texts(one, 'values') }));
};

const getAmi: Lookup = async (clients, args) => {
  const Filters = filters(args);
  const Owners = texts(args, 'owners');
  const answer = await clients.ec2.send(
    new DescribeImagesCommand({
      ...(Filters.length > 0 ? { Filters } : {}),
      ...(Owners.length > 0 ? { Owners } : {}),
    }),
  );
  const images = [...(answer.Images ?? [])].sort((a, b) =>
    (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''),
  );
  const [newest, another] = images;
  const query = JSON.stringify({ owners: Owners, filters: Filters });
  if (newest === undefined)
    throw new Error(`no AMI matches ${query}; name one: pulumi config set byoa:ami ami-...`);
  if (another !== undefined && args.mostRecent !== true)
    throw new Error(`several AMIs match ${query}; set mostRecent`);
  return defined({
    id: newest.ImageId,
    imageId: newest.ImageId,
    arn: `arn:aws:ec2:${clients.region}::image/${newest.ImageId ?? ''}`,
    name: newest.Name,
    architecture: newest.Architecture,
    creationDate: newest.CreationDate,
    ownerId: newest.OwnerId,
    tags: tagsFrom(newest.Tags),
  });
};

const getAvailabilityZones: Lookup = async (clients, args) => {
  const state = optionalText(args, 'state');
  const Filters = [...filters(args), ...(state === undefined ? [] : [{ Name: 'state', Values: [state] }])];
  const command = new DescribeAvailabilityZonesCommand(Filters.length > 0 ? { Filters } : {});
  const zones = (await clients.ec2.send(command)).AvailabilityZones ?? [];
  const sorted = [...zones].sort((a, b) => (a.ZoneName ?? '').localeCompare(b.ZoneName ?? ''));
  return {
    id: clients.region,
    region: clients.region,
    names: sorted.map((zone) => zone.ZoneName ?? ''),
    zoneIds: sorted.map((zone) => zone.ZoneId ?? ''),
    groupNames: [...new Set(sorted.map((zone) => zone.GroupName ?? clients.region))],
  };
};

const getCallerIdentity: Lookup = async (clients) => {
  const found = await clients.sts.send(new GetCallerIdentityCommand({}));
  return defined({ id: found.Account, accountId: found.Account, arn: found.Arn, userId: found.UserId });
};

const getRegion: Lookup = async ({ region }) => ({ id: region, name: region, region, description: region });

/** By token. */
export const lookups: Readonly<Record<string, Lookup>> = {
  'aws:ec2/getAmi:getAmi': getAmi,
  'aws:index/getAvailabilityZones:getAvailabilityZones': getAvailabilityZones,
  'aws:index/getCallerIdentity:getCallerIdentity': getCallerIdentity,
  'aws:index/getRegion:getRegion': getRegion,
};
