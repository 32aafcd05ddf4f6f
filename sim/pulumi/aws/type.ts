/** What all AWS resource types have in common: checking, reading inputs, tags. */
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  type ResourceType as TaggedType,
  type TagSpecification,
} from '@aws-sdk/client-ec2';
import type { Made, ResourceType } from '../provider.ts';
import { isObject, type Properties, UNKNOWN, type Value } from '../value.ts';
import type { Clients } from './clients.ts';

/** One type, as its file defines it; `resourceType` makes a whole `ResourceType` of it. */
export interface Definition {
  /** All inputs that this engine knows; another one is an error rather than lost. */
  readonly inputs: readonly string[];
  /** Inputs whose change needs a new resource. */
  readonly fixed: readonly string[];
  readonly defaults?: Properties;
  /** The input that gets a name of its own where the program gives none. */
  readonly named?: string;
  create(clients: Clients, inputs: Properties): Promise<Made>;
  read(clients: Clients, id: string, inputs: Properties): Promise<Made | undefined>;
  /** Absent where every change needs a new resource. */
  update?(clients: Clients, id: string, old: Properties, inputs: Properties): Promise<void>;
  remove(clients: Clients, id: string, inputs: Properties): Promise<void>;
  /** What needs a new resource only with some values. */
  replaces?(property: string, old: Properties, inputs: Properties): boolean;
}

/** Random letters for names that the program leaves to us, as Pulumi's are. */
const suffix = (): string => crypto.randomUUID().replaceAll('-', '').slice(0, 7);

export function resourceType(clients: Clients, token: string, definition: Definition): ResourceType {
  const known = new Set([...definition.inputs, ...definition.fixed]);
  return {
    replaces: (property, old, inputs) =>
      definition.fixed.includes(property) || (definition.replaces?.(property, old, inputs) ?? false),
    check: (name, inputs, old) => {
      const strange = Object.keys(inputs).filter((key) => !known.has(key));
      if (strange.length > 0) {
        throw new Error(
          `the test engine does not know ${strange.join(', ')} of ${token}; deploy it with the Pulumi CLI`,
        );
      }
      const { named } = definition;
      const given =
        named === undefined || named in inputs ? {} : { [named]: old?.[named] ?? `${name}-${suffix()}` };
      return { ...definition.defaults, ...given, ...inputs };
    },
    create: (inputs) => definition.create(clients, inputs),
    read: (id, inputs) => definition.read(clients, id, inputs),
    update: async (id, old, inputs) => {
      if (definition.update === undefined) throw new Error(`${token} cannot be changed in place`);
      await definition.update(clients, id, old, inputs);
      const made = await definition.read(clients, id, inputs);
      if (made === undefined) throw new Error(`${id} is gone after the change`);
      return made;
    },
    remove: (id, inputs) => definition.remove(clients, id, inputs),
  };
}

/** A text among the inputs; fails where it is absent. */
export function text(inputs: Properties, key: string): string {
  const value = inputs[key];
  if (typeof value === 'string' && value !== UNKNOWN) return value;
  throw new Error(`${key} is ${JSON.stringify(value)} and must be text`);
}

export const optionalText = (inputs: Properties, key: string): string | undefined =>
  inputs[key] === undefined ? undefined : text(inputs, key);

export const flag = (inputs: Properties, key: string): boolean =>
  inputs[key] === true || inputs[key] === 'true';

export const count = (inputs: Properties, key: string): number => Number(inputs[key] ?? 0);

export const texts = (inputs: Properties, key: string): string[] => {
  const value: Value = inputs[key] ?? [];
  return Array.isArray(value) ? value.map(String) : [];
};

/** An object among the inputs; none is an empty one. */
export const group = (inputs: Properties, key: string): Properties => {
  const value = inputs[key];
  return isObject(value) ? value : {};
};

/** The members of an object that are there. */
export const defined = (values: { readonly [key: string]: Value | undefined }): Properties =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );

const tagList = (inputs: Properties): { Key: string; Value: string }[] =>
  Object.entries(group(inputs, 'tags')).map(([Key, value]) => ({ Key, Value: String(value) }));

/** The tags for a call that creates; EC2 refuses an empty list of tags. */
export const tagging = (kind: TaggedType, inputs: Properties): { TagSpecifications?: TagSpecification[] } => {
  const Tags = tagList(inputs);
  return Tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: kind, Tags }] };
};

/** IAM's form of the same. */
export const iamTagging = (inputs: Properties): { Tags?: { Key: string; Value: string }[] } => {
  const Tags = tagList(inputs);
  return Tags.length === 0 ? {} : { Tags };
};

/** Makes the tags of an EC2 resource those of the inputs. */
export async function retag(
  clients: Clients,
  id: string,
  old: Properties,
  inputs: Properties,
): Promise<void> {
  const before = group(old, 'tags');
  const now = group(inputs, 'tags');
  const gone = Object.keys(before).filter((key) => !(key in now));
  const set = tagList(inputs).filter(({ Key, Value }) => before[Key] !== Value);
  if (gone.length > 0) {
    await clients.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: gone.map((Key) => ({ Key })) }));
  }
  if (set.length > 0) await clients.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: set }));
}

/** Whether an input differs. */
export const differs = (old: Properties, inputs: Properties, key: string): boolean =>
  JSON.stringify(old[key]) !== JSON.stringify(inputs[key]);
