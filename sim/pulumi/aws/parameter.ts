/** `aws:ssm` Parameter; its id is its name. */
import {
  AddTagsToResourceCommand,
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  ListTagsForResourceCommand,
  type ParameterType,
  PutParameterCommand,
  RemoveTagsFromResourceCommand,
} from '@aws-sdk/client-ssm';
import type { Properties } from '../value.ts';
import { tagsFrom, unlessGone } from './clients.ts';
import { type Definition, defined, optionalText, text } from './type.ts';

const valuesOf = (inputs: Properties) => ({
  Name: text(inputs, 'name'),
  Type: text(inputs, 'type') as ParameterType,
  Value: text(inputs, 'value'),
  Description: optionalText(inputs, 'description'),
});

const tagsOf = ({ tags = {} }: Properties) =>
  Object.entries(tags as Readonly<Record<string, string>>).map(([Key, Value]) => ({ Key, Value }));

export const parameter: Definition = {
  inputs: ['value', 'description', 'tags'],
  fixed: ['name', 'type'],
  named: 'name',
  create: async (clients, inputs) => {
    await clients.ssm.send(new PutParameterCommand({ ...valuesOf(inputs), Tags: tagsOf(inputs) }));
    const made = await parameter.read(clients, text(inputs, 'name'), inputs);
    if (made === undefined) throw new Error(`the parameter ${text(inputs, 'name')} was made, and is gone`);
    return made;
  },
  read: async (clients, name) => {
    const command = new GetParameterCommand({ Name: name, WithDecryption: true });
    const found = (await unlessGone(clients.ssm.send(command)))?.Parameter;
    if (found === undefined) return undefined;
    const ParameterFilters = [{ Key: 'Name', Option: 'Equals', Values: [name] }];
    const { Parameters } = await clients.ssm.send(new DescribeParametersCommand({ ParameterFilters }));
    const asked = { ResourceType: 'Parameter', ResourceId: name } as const;
    const { TagList } = await clients.ssm.send(new ListTagsForResourceCommand(asked));
    const outputs = defined({
      arn: found.ARN,
      name,
      type: found.Type,
      value: found.Value,
      version: found.Version,
      description: Parameters?.[0]?.Description,
      tags: tagsFrom(TagList),
      tagsAll: tagsFrom(TagList),
    });
    return { id: name, outputs };
  },
  update: async (clients, name, old, inputs) => {
    await clients.ssm.send(new PutParameterCommand({ ...valuesOf(inputs), Overwrite: true }));
    const parameter = { ResourceType: 'Parameter', ResourceId: name } as const;
    const TagKeys = tagsOf(old).flatMap(({ Key }) =>
      tagsOf(inputs).some((one) => one.Key === Key) ? [] : Key,
    );
    await clients.ssm.send(new RemoveTagsFromResourceCommand({ ...parameter, TagKeys }));
    await clients.ssm.send(new AddTagsToResourceCommand({ ...parameter, Tags: tagsOf(inputs) }));
  },
  remove: async (clients, name) => {
    await unlessGone(clients.ssm.send(new DeleteParameterCommand({ Name: name })));
  },
};
