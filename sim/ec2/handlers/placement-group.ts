/** Placement groups: which instances share a rack, and which must not. EC2 User Guide, "Placement groups". */
import type {
  CreatePlacementGroupRequest,
  CreatePlacementGroupResult,
  DeletePlacementGroupRequest,
  DescribePlacementGroupsRequest,
  DescribePlacementGroupsResult,
  Placement,
  PlacementGroup,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { PlacementGroupRecord } from '../record/compute.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

/** A spread group has at most so many running instances in a zone. */
const SPREAD_PER_ZONE = 7;
const MAX_PARTITIONS = 7;

const shown = (tx: Tx, group: PlacementGroupRecord): PlacementGroup => ({
  GroupName: group.name,
  GroupId: group.id,
  GroupArn: `arn:aws:ec2:${tx.region}:${group.account}:placement-group/${group.name}`,
  State: 'available',
  Strategy: group.strategy,
  ...(group.partitions !== undefined && { PartitionCount: group.partitions }),
  ...(group.strategy === 'spread' && { SpreadLevel: 'rack' }),
  Tags: shownTags(group.tags),
});

const filters: Filters<PlacementGroupRecord> = {
  'group-name': (group) => group.name,
  'group-arn': (group, tx) => shown(tx, group).GroupArn,
  state: () => 'available',
  strategy: (group) => group.strategy,
  'spread-level': (group) => (group.strategy === 'spread' ? 'rack' : undefined),
};

const byName = (tx: Tx, name: string): PlacementGroupRecord | undefined =>
  tx.list('placement-group').find((group) => group.name === name);

const needByName = (tx: Tx, name: string): PlacementGroupRecord =>
  byName(tx, name) ?? refuse('InvalidPlacementGroup.Unknown', `The Placement Group '${name}' is unknown.`);

function partitionsOf({ Strategy, PartitionCount: count }: CreatePlacementGroupRequest): {
  partitions?: number;
} {
  if (Strategy !== 'partition') {
    return count === undefined
      ? {}
      : refuse('InvalidParameterCombination', 'PartitionCount goes with the strategy partition alone.');
  }
  const partitions = count ?? 2;
  return partitions >= 1 && partitions <= MAX_PARTITIONS
    ? { partitions }
    : invalidValue('PartitionCount', count, `It is 1 to ${MAX_PARTITIONS}.`);
}

function create(tx: Tx, input: CreatePlacementGroupRequest): CreatePlacementGroupResult {
  const name = input.GroupName ?? missing('GroupName');
  if (!/^[\x20-\x7e]{1,255}$/.test(name))
    invalidValue('GroupName', name, 'It has 1 to 255 ASCII characters.');
  const { Strategy: strategy = 'cluster', SpreadLevel: level = 'rack' } = input;
  if (level !== 'rack') refuse('UnsupportedOperation', 'Spread over hosts, on Outposts, is not simulated.');
  if (strategy !== 'cluster' && strategy !== 'partition' && strategy !== 'spread')
    return invalidValue('strategy', strategy, 'It is cluster, partition or spread.');
  if (byName(tx, name))
    refuse('InvalidPlacementGroup.Duplicate', `The Placement Group '${name}' already exists.`);
  const group = tx.put('placement-group', {
    id: tx.newId('pg'),
    tags: specifiedTags(tx, input.TagSpecifications, 'placement-group'),
    name,
    account: tx.account,
    strategy,
    ...partitionsOf({ ...input, Strategy: strategy }),
  });
  return { PlacementGroup: shown(tx, group) };
}

const livingIn = (tx: Tx, name: string) =>
  tx.referring('instance', name).filter((one) => one.placementGroup === name && one.state !== 'terminated');

function remove(tx: Tx, input: DeletePlacementGroupRequest): undefined {
  const group = needByName(tx, input.GroupName ?? missing('GroupName'));
  if (livingIn(tx, group.name).length > 0) {
    const why = `The placement group '${group.name}' is in use and may not be deleted.`;
    refuse('InvalidPlacementGroup.InUse', why);
  }
  tx.remove('placement-group', group.id);
  return undefined;
}

function describe(tx: Tx, input: DescribePlacementGroupsRequest): DescribePlacementGroupsResult {
  const named = [
    ...(input.GroupNames ?? []).map((name) => needByName(tx, name)),
    ...(input.GroupIds ?? []).map((id) => tx.need('placement-group', id)),
  ];
  const found = (named.length > 0 ? [...new Set(named)] : tx.list('placement-group')).filter(
    matcher(tx, input.Filters ?? [], filters),
  );
  return { PlacementGroups: found.map((group) => shown(tx, group)) };
}

/** The group that a launch of so many instances in a zone names; refuses where it is full. */
export function placementOf(
  tx: Tx,
  { GroupName: name = '', GroupId: id }: Placement,
  launch: { readonly zone: string; readonly count: number },
): { readonly placementGroup?: string } {
  if (name === '' && id === undefined) return {};
  const group = id === undefined ? needByName(tx, name) : tx.need('placement-group', id);
  const there = livingIn(tx, group.name).filter(({ zone }) => zone === launch.zone).length;
  if (group.strategy === 'spread' && there + launch.count > SPREAD_PER_ZONE) {
    const why = `${there} of the ${SPREAD_PER_ZONE} instances that it may have in ${launch.zone} are there.`;
    refuse('InsufficientInstanceCapacity', `The spread placement group '${group.name}' is full: ${why}`, 500);
  }
  return { placementGroup: group.name };
}

export const placementGroupHandlers: Handlers = {
  CreatePlacementGroup: handler(create),
  DeletePlacementGroup: handler(remove),
  DescribePlacementGroups: handler(describe),
};
