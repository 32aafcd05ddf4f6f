/** `aws:ec2` ManagedPrefixList and ManagedPrefixListEntry. */
import {
  type AddPrefixListEntry,
  CreateManagedPrefixListCommand,
  DeleteManagedPrefixListCommand,
  DescribeManagedPrefixListsCommand,
  GetManagedPrefixListEntriesCommand,
  ModifyManagedPrefixListCommand,
} from '@aws-sdk/client-ec2';
import { isObject, type Properties } from '../value.ts';
import { type Clients, need, tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { count, type Definition, defined, differs, optionalText, retag, tagging, text } from './type.ts';

const entriesOf = (inputs: Properties): AddPrefixListEntry[] =>
  (Array.isArray(inputs.entries) ? inputs.entries : []).filter(isObject).map((entry) => ({
    Cidr: text(entry, 'cidr'),
    Description: optionalText(entry, 'description'),
  }));

async function describeList(clients: Clients, id: string) {
  const command = new DescribeManagedPrefixListsCommand({ PrefixListIds: [id] });
  return (await unlessGone(clients.ec2.send(command)))?.PrefixLists?.[0];
}

/** The list, once no change of it is under way. */
const idle = (clients: Clients, id: string) =>
  until(`prefix list ${id} is idle`, async () => {
    const found = await describeList(clients, id);
    return found?.State?.endsWith('-complete') ? found : undefined;
  });

async function modify(clients: Clients, PrefixListId: string, what: object): Promise<void> {
  await clients.ec2.send(new ModifyManagedPrefixListCommand({ PrefixListId, ...what }));
  await idle(clients, PrefixListId);
}

export const managedPrefixList: Definition = {
  inputs: ['name', 'entries', 'maxEntries', 'tags'],
  fixed: ['addressFamily'],
  named: 'name',
  create: async (clients, inputs) => {
    const command = new CreateManagedPrefixListCommand({
      PrefixListName: text(inputs, 'name'),
      AddressFamily: text(inputs, 'addressFamily'),
      MaxEntries: count(inputs, 'maxEntries'),
      Entries: entriesOf(inputs),
      ...tagging('prefix-list', inputs),
    });
    const id = need((await clients.ec2.send(command)).PrefixList?.PrefixListId, 'PrefixListId');
    return until(`prefix list ${id} is there`, async () => {
      const found = await describeList(clients, id);
      return found?.State === 'create-complete' ? managedPrefixList.read(clients, id, inputs) : undefined;
    });
  },
  read: async (clients, id) => {
    const found = await describeList(clients, id);
    if (found === undefined) return undefined;
    const command = new GetManagedPrefixListEntriesCommand({ PrefixListId: id });
    const entries = (await unlessGone(clients.ec2.send(command)))?.Entries ?? [];
    const outputs = defined({
      name: found.PrefixListName,
      addressFamily: found.AddressFamily,
      maxEntries: found.MaxEntries,
      version: found.Version,
      arn: found.PrefixListArn,
      ownerId: found.OwnerId,
      entries: entries.map(({ Cidr = '', Description = '' }) => ({ cidr: Cidr, description: Description })),
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    await retag(clients, id, old, inputs);
    const change = (what: object) => modify(clients, id, what);
    if (differs(old, inputs, 'name')) await change({ PrefixListName: text(inputs, 'name') });
    if (differs(old, inputs, 'maxEntries')) await change({ MaxEntries: count(inputs, 'maxEntries') });
    if (!differs(old, inputs, 'entries')) return;
    const { Version: CurrentVersion } = await idle(clients, id);
    const RemoveEntries = entriesOf(old).map(({ Cidr }) => ({ Cidr }));
    await change({ CurrentVersion, RemoveEntries, AddEntries: entriesOf(inputs) });
  },
  remove: async (clients, id) => {
    await unlessGone(clients.ec2.send(new DeleteManagedPrefixListCommand({ PrefixListId: id })));
    await until(`prefix list ${id} is gone`, async () =>
      (await describeList(clients, id)) === undefined ? true : undefined,
    );
  },
};

/** Changes one entry of a list; of two changes at once EC2 refuses the one that saw an older version. */
async function changeEntry(clients: Clients, id: string, what: object): Promise<void> {
  const codes = ['PrefixListVersionMismatch', 'IncorrectState'];
  await whileRefused(codes, async () => {
    const { Version: CurrentVersion } = await idle(clients, id);
    await modify(clients, id, { CurrentVersion, ...what });
  });
}

export const managedPrefixListEntry: Definition = {
  inputs: [],
  fixed: ['prefixListId', 'cidr', 'description'],
  create: async (clients, inputs) => {
    const [list, Cidr] = [text(inputs, 'prefixListId'), text(inputs, 'cidr')];
    const Description = optionalText(inputs, 'description');
    await changeEntry(clients, list, { AddEntries: [{ Cidr, Description }] });
    const id = `${list},${Cidr}`;
    return until(`entry ${id} is there`, () => managedPrefixListEntry.read(clients, id, inputs));
  },
  read: async (clients, id, inputs) => {
    const command = new GetManagedPrefixListEntriesCommand({ PrefixListId: text(inputs, 'prefixListId') });
    const entries = (await unlessGone(clients.ec2.send(command)))?.Entries ?? [];
    const found = entries.find(({ Cidr }) => Cidr === text(inputs, 'cidr'));
    if (found === undefined) return undefined;
    return { id, outputs: { ...inputs, description: found.Description ?? '' } };
  },
  remove: async (clients, _id, inputs) => {
    const RemoveEntries = [{ Cidr: text(inputs, 'cidr') }];
    await unlessGone(changeEntry(clients, text(inputs, 'prefixListId'), { RemoveEntries }));
  },
};
