/**
 * The resources that a Pulumi program registers, as Terraform configuration in JSON: Pulumi's AWS provider is
 * a bridge to Terraform's, so the same graph can be applied by it. The recording stands for the provider with
 * unique ids; wherever one of them is found again, inside other text too, there is a reference.
 */
import type { Registration } from '../infra/recorded.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The prefix of a Pulumi module's resources in Terraform. */
const MODULES: Readonly<Record<string, string>> = {
  ec2: '',
  ec2transitgateway: 'ec2_transit_gateway_',
  iam: 'iam_',
  vpc: 'vpc_',
  dynamodb: 'dynamodb_',
  ssm: 'ssm_',
};

/** Where the bridge gives a resource a name of its own. */
const TYPES: Readonly<Record<string, string>> = {
  'aws:ec2/managedPrefixList:ManagedPrefixList': 'aws_ec2_managed_prefix_list',
  'aws:ec2transitgateway/transitGateway:TransitGateway': 'aws_ec2_transit_gateway',
};

/** `networkInterfaceId` to `network_interface_id`. */
const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter, at: number) => `${at > 0 ? '_' : ''}${letter.toLowerCase()}`);

function typeOf({ type }: Registration): string {
  const special = TYPES[type];
  if (special !== undefined) return special;
  const [, module = '', kind = ''] = /^aws:(\w+)\/\w+:(\w+)$/.exec(type) ?? [];
  const prefix = MODULES[module];
  if (prefix === undefined) throw new Error(`No Terraform resource is known for the Pulumi type ${type}`);
  return `aws_${prefix}${snake(kind)}`;
}

const labelOf = ({ name }: Registration): string => name.replace(/[^a-zA-Z0-9_-]/g, '_');
const addressOf = (one: Registration): string => `${typeOf(one)}.${labelOf(one)}`;

/** Terraform reads templates in every text: what is text here must stay text. */
const literal = (text: string): string => text.replace(/([$%])\{/g, '$1$1{');

/** What Pulumi's bridge does beyond names: a name of its own where one is needed, and blocks of version 6. */
function adapted(type: string, one: Registration): Readonly<Record<string, unknown>> {
  const { primaryNetworkInterface: primary, ...rest } = one.inputs;
  if (['aws_placement_group', 'aws_ssm_parameter'].includes(type)) return { name: labelOf(one), ...rest };
  if (type !== 'aws_instance' || primary === undefined) return one.inputs;
  return { ...rest, networkInterface: [{ ...(primary as object), deviceIndex: 0 }] };
}

/** Keys are names of attributes, but for tags, which are the user's. */
function written(value: unknown, text: (found: string) => string, keys: (name: string) => string): Json {
  if (typeof value === 'string') return text(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((each) => written(each, text, keys));
  const entries = Object.entries(value as object).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.map(([name, each]) => [keys(name), written(each, text, name === 'tags' ? (tag) => tag : keys)]),
  );
}

/** The content of a `.tf.json`. */
export function terraformOf(
  seen: readonly Registration[],
  {
    variables,
    outputs,
  }: {
    /** Texts of the recording that stand for variables of the configuration: `{ text: name }`. */
    readonly variables: Readonly<Record<string, string>>;
    readonly outputs: Readonly<Record<string, string>>;
  },
): Json {
  const resources = seen.filter((one) => one.custom);
  const references = new Map(Object.entries(variables).map(([text, name]) => [text, `\${var.${name}}`]));
  for (const one of resources)
    for (const [attribute, value] of Object.entries(one.outputs))
      references.set(value, `\${${addressOf(one)}.${snake(attribute)}}`);
  // The longer first: an ARN contains its id.
  const known = [...references.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(known.map((each) => each.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&')).join('|'), 'g');
  const text = (found: string): string =>
    literal(found).replace(pattern, (token) => references.get(token) ?? token);

  const addresses = new Map(resources.map((one) => [one.urn, addressOf(one)]));
  const made: Record<string, Record<string, Json>> = {};
  for (const one of resources) {
    const type = typeOf(one);
    const after = one.dependencies.flatMap((urn) => addresses.get(urn) ?? []);
    const ignored = one.ignoreChanges.map(snake);
    made[type] ??= {};
    made[type][labelOf(one)] = {
      ...(written(adapted(type, one), text, snake) as object),
      ...(after.length === 0 ? {} : { depends_on: after }),
      ...(ignored.length === 0 ? {} : { lifecycle: { ignore_changes: ignored } }),
    };
  }
  const told = Object.entries(outputs).map(([name, value]) => [name, { value: text(value) }] as const);
  return { resource: made, output: Object.fromEntries(told) };
}
