/** Spread placement groups, so that appliances of one zone never share a rack. */
import * as aws from '@pulumi/aws';
import type * as pulumi from '@pulumi/pulumi';
import { sharedZones } from '../rules.ts';
import type { Context } from './context.ts';
import { tagged } from './tags.ts';

/** The name of the placement group of each zone in which several appliances are. */
export function placements({
  parent,
  prefix,
  plan,
  tags,
}: Context): ReadonlyMap<string, pulumi.Output<string>> {
  return new Map(
    sharedZones(plan).map((zone) => {
      const name = `${prefix}-${zone}`;
      const args = { strategy: 'spread', tags: tagged(tags, name) } as const;
      return [zone, new aws.ec2.PlacementGroup(name, args, { parent }).id];
    }),
  );
}
