/**
 * The schema of the package `byoa` for Pulumi's other languages, from the catalog of designs and the list of
 * keys. Shape: https://www.pulumi.com/docs/iac/extending-pulumi/schema/. Pure.
 */
import type { Design } from '../design.ts';
import { DESIGNS, type DesignName, NAMES } from '../designs/catalog.ts';
import { KEYS, type Key, type KeyPlan, keysOf } from '../keys.ts';

export const PACKAGE = 'byoa';

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** `egress-pair` to `EgressPair`. */
const className = (name: string): string =>
  name.replace(/(^|-)(.)/g, (_, _dash, letter: string) => letter.toUpperCase());

/** The type token of a design's component. */
export const tokenOf = (name: DesignName): string => `${PACKAGE}:index:${className(name)}`;

/** The design of a type token. */
export const designOfToken = (token: string): DesignName | undefined =>
  NAMES.find((name) => tokenOf(name) === token);

const TEXT = { type: 'string' };
const TYPES: Readonly<Record<KeyPlan['type'], Json>> = {
  id: TEXT,
  text: TEXT,
  flag: { type: 'boolean' },
  number: { type: 'integer' },
  list: { type: 'array', items: { ...TEXT, plain: true } },
  map: { type: 'object', additionalProperties: { ...TEXT, plain: true } },
  subnets: {
    type: 'object',
    additionalProperties: { $ref: `#/types/${PACKAGE}:index:Subnet`, plain: true },
  },
};

/** What a component takes: all keys but the design, which its class says. */
export const inputsOf = (design: Design): readonly Key[] => keysOf(design).filter((key) => key !== 'design');

/** Whether it may come from another resource. */
export const isId = (key: string): boolean => key in KEYS && KEYS[key as Key].type === 'id';

/** Zones are looked up for a stack alone: a component plans before it can ask. */
const isRequired = (key: Key): boolean => key === 'zones' || 'required' in KEYS[key];

const inputProperties = (design: Design): Json =>
  Object.fromEntries(
    inputsOf(design).map((key) => [
      key,
      {
        ...(TYPES[KEYS[key].type] as object),
        // Plain: the plan is made of it, in the preview too.
        ...(isId(key) ? {} : { plain: true }),
        description: KEYS[key].what,
      },
    ]),
  );

const listOf = (type: string): Json => ({
  type: 'array',
  items: { $ref: `#/types/${PACKAGE}:index:${type}` },
});

const OUTPUTS: Readonly<Record<string, Json>> = {
  vpcIds: { type: 'array', items: TEXT, description: 'Ids of the VPCs.' },
  nodes: { ...(listOf('Node') as object), description: 'Machines with a daemon.' },
  appliances: { ...(listOf('Appliance') as object), description: 'The appliances.' },
  workloads: { ...(listOf('Workload') as object), description: 'Clients, where some were asked for.' },
  flows: { ...(listOf('Flow') as object), description: 'What the design promises.' },
  ids: {
    type: 'object',
    additionalProperties: TEXT,
    description: 'Ids by what they are of, such as "table workload-eu-central-1a" or "transit gateway".',
  },
};

export const outputNames: readonly string[] = Object.keys(OUTPUTS);

const object = (properties: Readonly<Record<string, Json>>, ...optional: readonly string[]): Json => ({
  type: 'object',
  properties,
  required: Object.keys(properties)
    .filter((name) => !optional.includes(name))
    .sort(),
});
const texts = (...names: readonly string[]): Readonly<Record<string, Json>> =>
  Object.fromEntries(names.map((name) => [name, TEXT]));

/** As `infra/outputs.ts` has them. */
const OBJECTS: Readonly<Record<string, Json>> = {
  Node: object(texts('name', 'zone', 'privateIp', 'publicIp', 'instanceId', 'networkInterfaceId', 'config')),
  Appliance: object({
    ...texts('name', 'zone', 'privateIp', 'publicIp', 'instanceId', 'networkInterfaceId', 'role'),
    translates: { type: 'array', items: TEXT },
    overlay: { type: 'array', items: TEXT },
  }),
  Subnet: object(texts('id', 'cidr', 'table'), 'table'),
  Workload: object(texts('name', 'instanceId', 'privateIp', 'publicIp')),
  Flow: object(
    {
      ...texts('name', 'group'),
      from: { $ref: 'pulumi.json#/Any' },
      to: { $ref: 'pulumi.json#/Any' },
      objectiveMs: { type: 'integer' },
    },
    'group',
  ),
};

const LANGUAGES = ['nodejs', 'python', 'csharp', 'java', 'go'];

/** The schema, as JSON. */
export function packageSchema(version: string): Json {
  const component = (name: DesignName): Json => {
    const design: Design = DESIGNS[name];
    return {
      type: 'object',
      isComponent: true,
      description: `${design.summary}.`,
      inputProperties: inputProperties(design),
      requiredInputs: inputsOf(design).filter(isRequired).toSorted(),
      properties: OUTPUTS,
      required: outputNames.toSorted(),
    };
  };
  return {
    name: PACKAGE,
    version,
    description: 'Appliance designs on AWS that survive the loss of an appliance.',
    resources: Object.fromEntries(NAMES.map((name) => [tokenOf(name), component(name)])),
    types: Object.fromEntries(
      Object.entries(OBJECTS).map(([name, type]) => [`${PACKAGE}:index:${name}`, type]),
    ),
    language: Object.fromEntries(LANGUAGES.map((name) => [name, { respectSchemaVersion: true }])),
  };
}
