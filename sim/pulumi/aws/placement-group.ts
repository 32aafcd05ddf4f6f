/** `aws:ec2` PlacementGroup; its id is its name. */
import {
  CreatePlacementGroupCommand,
  DeletePlacementGroupCommand,
  DescribePlacementGroupsCommand,
  type PlacementStrategy,
} from '@aws-sdk/client-ec2';
import { tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { type Definition, defined, retag, tagging, text } from './type.ts';

export const placementGroup: Definition = {
  inputs: ['tags'],
  fixed: ['name', 'strategy'],
  named: 'name',
  create: async (clients, inputs) => {
    const name = text(inputs, 'name');
    const command = new CreatePlacementGroupCommand({
      GroupName: name,
      Strategy: text(inputs, 'strategy') as PlacementStrategy,
      ...tagging('placement-group', inputs),
    });
    await clients.ec2.send(command);
    return until(`placement group ${name} is there`, () => placementGroup.read(clients, name, inputs));
  },
  read: async (clients, name) => {
    const command = new DescribePlacementGroupsCommand({ GroupNames: [name] });
    const found = (await unlessGone(clients.ec2.send(command)))?.PlacementGroups?.[0];
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: found.GroupArn,
      name,
      strategy: found.Strategy,
      placementGroupId: found.GroupId,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id: name, outputs };
  },
  update: async (clients, name, old, inputs) => {
    const made = await placementGroup.read(clients, name, inputs);
    await retag(clients, text(made?.outputs ?? {}, 'placementGroupId'), old, inputs);
  },
  remove: async (clients, name) => {
    const work = () => clients.ec2.send(new DeletePlacementGroupCommand({ GroupName: name }));
    await unlessGone(whileRefused(['InvalidPlacementGroup.InUse'], work));
  },
};
