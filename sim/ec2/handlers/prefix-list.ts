/**
 * Managed prefix lists: named sets of CIDR blocks with versions. A list counts in a route table with its
 * MaxEntries, not with what it holds. ModifyManagedPrefixList is the one call here with a compare-and-set.
 */
import type {
  CreateManagedPrefixListRequest,
  CreateManagedPrefixListResult,
  DeleteManagedPrefixListRequest,
  DeleteManagedPrefixListResult,
  DescribeManagedPrefixListsRequest,
  DescribeManagedPrefixListsResult,
  DescribePrefixListsRequest,
  DescribePrefixListsResult,
  GetManagedPrefixListAssociationsRequest,
  GetManagedPrefixListAssociationsResult,
  GetManagedPrefixListEntriesRequest,
  GetManagedPrefixListEntriesResult,
  ManagedPrefixList,
  ModifyManagedPrefixListRequest,
  ModifyManagedPrefixListResult,
  PrefixListState,
  RestoreManagedPrefixListVersionRequest,
  RestoreManagedPrefixListVersionResult,
} from '@aws-sdk/client-ec2';
import { formatPrefix } from '../../../controller/base/ip.ts';
import { cidrParameter } from '../addressing.ts';
import { AWS_OWNER } from '../catalog/services.ts';
import { describe, type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { PrefixListEntry, PrefixListRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { serviceLists } from '../service-lists.ts';
import { specifiedTags } from '../tags.ts';
import { checkRoutesFit } from './route-quota.ts';
import { checkRulesFit } from './rule-quota.ts';

const isOfAws = (list: PrefixListRecord): boolean => list.account === AWS_OWNER;

const arn = ({ region, account, id }: PrefixListRecord): string =>
  `arn:aws:ec2:${region}:${account.toLowerCase()}:prefix-list/${id}`;

const stateOf = ({ state, busy }: PrefixListRecord): PrefixListState =>
  `${state}-${busy ? 'in-progress' : 'complete'}`;

const entriesOf = (list: PrefixListRecord): readonly PrefixListEntry[] => list.versions.at(-1) ?? [];

const shown = (list: PrefixListRecord): ManagedPrefixList => ({
  PrefixListId: list.id,
  PrefixListArn: arn(list),
  PrefixListName: list.name,
  AddressFamily: list.family === 4 ? 'IPv4' : 'IPv6',
  State: stateOf(list),
  ...(!isOfAws(list) && { MaxEntries: list.maxEntries, Version: list.versions.length }),
  OwnerId: list.account,
  Tags: shownTags(list.tags),
});

const filters: Filters<PrefixListRecord> = {
  'owner-id': (list) => list.account,
  'prefix-list-id': (list) => list.id,
  'prefix-list-name': (list) => list.name,
};

interface GivenEntry {
  readonly Cidr?: string | undefined;
  readonly Description?: string | undefined;
}

function entryOf(family: 4 | 6, { Cidr, Description }: GivenEntry): PrefixListEntry {
  const cidr = formatPrefix(cidrParameter('cidr', Cidr ?? missing('cidr'), family));
  return { cidr, ...(Description !== undefined && Description !== '' && { description: Description }) };
}

function checkEntries(entries: readonly PrefixListEntry[], maxEntries: number): void {
  const cidrs = entries.map((entry) => entry.cidr);
  const twice = cidrs.find((cidr, index) => cidrs.indexOf(cidr) !== index);
  if (twice !== undefined) invalidValue('cidr', twice, 'The prefix list already contains this CIDR block.');
  if (entries.length > maxEntries) {
    const why = `The prefix list would have ${entries.length} entries; its maxEntries are ${maxEntries}.`;
    refuse('PrefixListMaxEntriesExceeded', why);
  }
}

function checkMaxEntries(tx: Tx, value: number): number {
  const most = tx.settings.quotas.entriesPerPrefixList;
  if (!Number.isInteger(value) || value < 1 || value > most) {
    invalidValue('maxEntries', value, `Expecting a value between 1 and ${most}.`);
  }
  return value;
}

/** Names that begin with com.amazonaws are those of AWS's own lists. */
function checkedName(name: string): string {
  if (name.length > 255 || /^com\.amazonaws/.test(name)) invalidValue('prefixListName', name);
  return name;
}

function create(tx: Tx, input: CreateManagedPrefixListRequest): CreateManagedPrefixListResult {
  if (tx.list('prefix-list').filter((list) => !isOfAws(list)).length >= tx.settings.quotas.prefixLists) {
    refuse('PrefixListLimitExceeded', 'The maximum number of prefix lists has been reached.');
  }
  const { AddressFamily: asked } = input;
  const family = asked === 'IPv4' ? 4 : asked === 'IPv6' ? 6 : invalidValue('addressFamily', asked);
  const entries = (input.Entries ?? []).map((entry) => entryOf(family, entry));
  const maxEntries = checkMaxEntries(tx, input.MaxEntries ?? missing('maxEntries'));
  checkEntries(entries, maxEntries);
  const list = tx.put('prefix-list', {
    id: tx.newId('pl'),
    tags: specifiedTags(tx, input.TagSpecifications, 'prefix-list'),
    account: tx.account,
    region: tx.region,
    name: checkedName(input.PrefixListName ?? ''),
    family,
    maxEntries,
    state: 'create',
    busy: true,
    versions: [entries],
  });
  finish(tx, list);
  return { PrefixList: shown(list) };
}

const finish = (tx: Tx, { id }: PrefixListRecord): void =>
  tx.after(tx.settings.prefixListMs, { name: 'prefix-list-done', id });

function needIdle(tx: Tx, id: string): PrefixListRecord {
  if (serviceLists(tx).some((list) => list.id === id)) {
    refuse('OperationNotPermitted', `The prefix list '${id}' is owned by AWS and cannot be changed.`);
  }
  const list = tx.need('prefix-list', id);
  if (list.busy) {
    refuse('IncorrectState', `The prefix list '${list.id}' is in state ${stateOf(list)}; try again later.`);
  }
  return list;
}

function checkVersion(list: PrefixListRecord, asked: number | undefined): void {
  if (asked === undefined || asked === list.versions.length) return;
  const why = `The prefix list has the version ${list.versions.length}, not ${asked}.`;
  refuse('PrefixListVersionMismatch', why);
}

function modify(tx: Tx, input: ModifyManagedPrefixListRequest): ModifyManagedPrefixListResult {
  const list = needIdle(tx, input.PrefixListId ?? '');
  const { AddEntries: add = [], RemoveEntries: remove = [], MaxEntries } = input;
  const changes = add.length + remove.length > 0;
  if (changes && input.CurrentVersion === undefined) missing('currentVersion');
  if (changes && MaxEntries !== undefined) {
    const why = 'Entries and maxEntries cannot be changed in the same request';
    refuse('InvalidParameterCombination', why);
  }
  checkVersion(list, input.CurrentVersion);
  const maxEntries = MaxEntries === undefined ? list.maxEntries : checkMaxEntries(tx, MaxEntries);
  const gone = remove.map((entry) => entryOf(list.family, entry).cidr);
  for (const cidr of gone) {
    if (!entriesOf(list).some((entry) => entry.cidr === cidr)) {
      invalidValue('cidr', cidr, 'The prefix list does not contain this CIDR block.');
    }
  }
  const kept = entriesOf(list).filter((entry) => !gone.includes(entry.cidr));
  const entries = [...kept, ...add.map((entry) => entryOf(list.family, entry))];
  checkEntries(entries, maxEntries);
  const next = tx.put('prefix-list', {
    ...list,
    maxEntries,
    name: input.PrefixListName === undefined ? list.name : checkedName(input.PrefixListName),
    state: 'modify',
    busy: true,
    versions: changes ? [...list.versions, entries] : list.versions,
  });
  for (const table of tx.referring('route-table', list.id)) checkRoutesFit(tx, table, table.routes);
  for (const group of tx.referring('security-group', list.id)) checkRulesFit(tx, group.rules);
  finish(tx, next);
  return { PrefixList: shown(next) };
}

function restore(
  tx: Tx,
  input: RestoreManagedPrefixListVersionRequest,
): RestoreManagedPrefixListVersionResult {
  const list = needIdle(tx, input.PrefixListId ?? '');
  checkVersion(list, input.CurrentVersion);
  const entries = entriesAt(list, input.PreviousVersion);
  checkEntries(entries, list.maxEntries);
  const versions = [...list.versions, entries];
  const next = tx.put('prefix-list', { ...list, state: 'restore', busy: true, versions });
  finish(tx, next);
  return { PrefixList: shown(next) };
}

function entriesAt(list: PrefixListRecord, version: number | undefined): readonly PrefixListEntry[] {
  if (version === undefined) return entriesOf(list);
  const why = `The prefix list has the versions 1 to ${list.versions.length}.`;
  return list.versions[version - 1] ?? invalidValue('version', version, why);
}

/** What names a list: route tables and security groups. */
const usersOf = (tx: Tx, id: string) => [
  ...tx.referring('route-table', id),
  ...tx.referring('security-group', id),
];

function associations(
  tx: Tx,
  input: GetManagedPrefixListAssociationsRequest,
): GetManagedPrefixListAssociationsResult {
  const { PrefixListId: id = '' } = input;
  const list = serviceLists(tx).find((each) => each.id === id) ?? tx.need('prefix-list', id);
  const page = paginate(usersOf(tx, list.id), input, (user) => [user.id]);
  const PrefixListAssociations = page.records.map((user) => ({
    ResourceId: user.id,
    ResourceOwner: user.account,
  }));
  return { PrefixListAssociations, ...page.next };
}

function remove(
  tx: Tx,
  { PrefixListId: id = '' }: DeleteManagedPrefixListRequest,
): DeleteManagedPrefixListResult {
  const list = needIdle(tx, id);
  const [user] = usersOf(tx, list.id);
  if (user) {
    const why = `The prefix list '${list.id}' is referenced by ${user.id} and cannot be deleted.`;
    refuse('DependencyViolation', why);
  }
  const gone = tx.put('prefix-list', { ...list, state: 'delete', busy: true });
  finish(tx, gone);
  return { PrefixList: shown(gone) };
}

/** DescribePrefixLists knows AWS's own lists only. */
function describeServices(tx: Tx, input: DescribePrefixListsRequest): DescribePrefixListsResult {
  const { PrefixListIds: ids = [], Filters: wanted = [] } = input;
  const lists = serviceLists(tx);
  for (const id of ids) {
    if (lists.some((list) => list.id === id)) continue;
    refuse('InvalidPrefixListId.NotFound', `The prefix list ID '${id}' does not exist`);
  }
  const matches = matcher(tx, wanted, filters);
  const found = lists.filter((list) => (ids.length === 0 || ids.includes(list.id)) && matches(list));
  const page = paginate(found, input, ({ name }) => [name]);
  const shownLists = page.records.map((list) => ({
    PrefixListId: list.id,
    PrefixListName: list.name,
    Cidrs: entriesOf(list).map(({ cidr }) => cidr),
  }));
  return { PrefixLists: shownLists, ...page.next };
}

export const prefixListHandlers: Handlers = {
  DescribePrefixLists: handler(describeServices),
  CreateManagedPrefixList: handler(create),
  ModifyManagedPrefixList: handler(modify),
  RestoreManagedPrefixListVersion: handler(restore),
  DeleteManagedPrefixList: handler(remove),
  GetManagedPrefixListAssociations: handler(associations),

  DescribeManagedPrefixLists: handler(
    (tx, input: DescribeManagedPrefixListsRequest): DescribeManagedPrefixListsResult => {
      const beside = serviceLists(tx).filter((list) => tx.get('prefix-list', list.id) === undefined);
      const page = describe(tx, { kind: 'prefix-list', ids: input.PrefixListIds, input, filters, beside });
      return { PrefixLists: page.records.map(shown), ...page.next };
    },
  ),

  GetManagedPrefixListEntries: handler(
    (tx, input: GetManagedPrefixListEntriesRequest): GetManagedPrefixListEntriesResult => {
      const { PrefixListId: id = '' } = input;
      const list = serviceLists(tx).find((each) => each.id === id) ?? tx.need('prefix-list', id);
      const page = paginate(entriesAt(list, input.TargetVersion), input, ({ cidr }) => [cidr]);
      const shownEntries = page.records.map(({ cidr, description }) => ({
        Cidr: cidr,
        ...(description !== undefined && { Description: description }),
      }));
      return { Entries: shownEntries, ...page.next };
    },
  ),
};

export const prefixListTransitions: Transitions = {
  'prefix-list-done': (tx, id) => {
    const list = tx.get('prefix-list', id);
    if (list === undefined) return;
    if (list.state === 'delete') tx.remove('prefix-list', id);
    else tx.put('prefix-list', { ...list, busy: false });
  },
};
