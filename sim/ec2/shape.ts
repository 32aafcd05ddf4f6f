/**
 * The shapes of requests and responses, read from the runtime schemas that the SDK's clients export. Each
 * operation's shapes are compiled when first used. Schemas are arrays: [kind, namespace, name, traits, ...];
 * members may be [schema, traits]; numbers are simple types; functions are deferred.
 */
import { present, unreachable } from '../../controller/base/result.ts';
import { clients as exported } from './sdk.ts';

export const SERVICES = ['ec2', 'sts', 'iam', 'elasticloadbalancing', 'directconnect', 'ssm'] as const;
/** By the names that signatures have for them. */
export type ServiceName = (typeof SERVICES)[number];

export interface Member {
  /** The SDK's name of the member. */
  readonly name: string;
  /** Its name as a form parameter. */
  readonly queryName: string;
  /** Its element in a response. */
  readonly xmlName: string;
  readonly required: boolean;
  readonly shape: () => Shape;
}

export type Shape =
  | {
      readonly kind: 'structure';
      readonly members: readonly Member[];
      readonly byQueryName: ReadonlyMap<string, Member>;
      readonly byName: ReadonlyMap<string, Member>;
    }
  | {
      readonly kind: 'list';
      readonly xmlName: string;
      readonly queryName: string;
      readonly element: () => Shape;
    }
  | { readonly kind: 'map'; readonly value: () => Shape }
  | { readonly kind: 'string' | 'number' | 'boolean' | 'timestamp' | 'blob' };

export interface Operation {
  readonly service: ServiceName;
  readonly name: string;
  readonly input: Shape;
  readonly output: Shape;
}

type Raw = unknown;

const clients: Readonly<Record<ServiceName, Readonly<Record<string, Raw>>>> = exported;
const compiled = new Map<string, Operation | undefined>();

/** The shapes of an operation, or undefined where the service has no such operation. */
export function operationOf(service: ServiceName, name: string): Operation | undefined {
  const key = `${service}/${name}`;
  if (compiled.has(key)) return compiled.get(key);
  const schema = Object.hasOwn(clients[service], `${name}$`) ? clients[service][`${name}$`] : undefined;
  if (!Array.isArray(schema) || schema[0] !== OPERATION) return undefined;
  const compile = compiler(service);
  const operation = { service, name, input: compile(schema[4]), output: compile(schema[5]) };
  compiled.set(key, operation);
  return operation;
}

/** The names of all operations of a service. */
export const operationNames = (service: ServiceName): string[] =>
  Object.entries(clients[service]).flatMap(([name, value]) =>
    Array.isArray(value) && value[0] === OPERATION ? [name.slice(0, -1)] : [],
  );

const SIMPLE = 0;
const LIST = 1;
const MAP = 2;
const STRUCTURE = 3;
const UNION = 4;
const OPERATION = 9;
const LIST_OF = 64;
const MAP_OF = 128;

const shapes = new Map<ServiceName, Map<Raw, Shape>>();

function compiler(service: ServiceName): (schema: Raw) => Shape {
  const known = shapes.get(service) ?? new Map<Raw, Shape>();
  shapes.set(service, known);
  const compile = (deferred: Raw): Shape => {
    const schema = resolve(deferred);
    const earlier = known.get(schema);
    if (earlier) return earlier;
    const shape = Array.isArray(schema) ? composite(service, schema, compile) : simple(schema, compile);
    known.set(schema, shape);
    return shape;
  };
  return compile;
}

/** Follows deferred schemas and drops a member's traits. */
function resolve(schema: Raw): Raw {
  if (typeof schema === 'function') return resolve(schema());
  if (Array.isArray(schema) && schema.length === 2) return resolve(schema[0]);
  if (Array.isArray(schema) && schema[0] === SIMPLE) return resolve(schema[4]);
  return schema;
}

function simple(schema: Raw, compile: (schema: Raw) => Shape): Shape {
  if (schema === 'unit') return structure([]);
  if (typeof schema !== 'number') throw new Error(`unknown schema ${JSON.stringify(schema)}`);
  if (schema >= MAP_OF) return { kind: 'map', value: once(() => compile(schema - MAP_OF)) };
  if (schema >= LIST_OF) {
    const element = once(() => compile(schema - LIST_OF));
    return { kind: 'list', xmlName: 'member', queryName: 'member', element };
  }
  if (schema === 1 || schema === 17 || schema === 19) return { kind: 'number' };
  if (schema === 2) return { kind: 'boolean' };
  if (schema >= 4 && schema <= 7) return { kind: 'timestamp' };
  if (schema === 21 || schema === 42) return { kind: 'blob' };
  return { kind: 'string' };
}

function composite(service: ServiceName, schema: readonly Raw[], compile: (schema: Raw) => Shape): Shape {
  switch (schema[0]) {
    case LIST: {
      const element = schema[4];
      const name = traitsOf(element).xmlName ?? 'member';
      return { kind: 'list', xmlName: name, queryName: name, element: once(() => compile(element)) };
    }
    case MAP:
      return { kind: 'map', value: once(() => compile(schema[5])) };
    case STRUCTURE:
    case UNION: {
      const required = Number(schema[6] ?? 0);
      const types = schema[5] as readonly Raw[];
      return structure(
        (schema[4] as readonly string[]).map((name, index) => {
          const type = present(types[index], `the schema of member ${name}`);
          const xmlName = traitsOf(type).xmlName ?? name;
          const queryName = service === 'ec2' ? (traitsOf(type).ec2QueryName ?? capital(xmlName)) : xmlName;
          const shape = once(() => compile(type));
          return { name, queryName, xmlName, required: index < required, shape };
        }),
      );
    }
    default:
      throw new Error(`unknown schema kind ${String(schema[0])}`);
  }
}

/** What `make` makes, made when it is first asked for: shapes may contain themselves. */
function once(make: () => Shape): () => Shape {
  let made: Shape | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const structure = (members: readonly Member[]): Shape => ({
  kind: 'structure',
  members,
  byQueryName: new Map(members.map((member) => [member.queryName, member])),
  byName: new Map(members.map((member) => [member.name, member])),
});

function traitsOf(type: Raw): { readonly xmlName?: string; readonly ec2QueryName?: string } {
  const traits = Array.isArray(type) && type.length === 2 ? type[1] : undefined;
  return typeof traits === 'object' && traits !== null ? traits : {};
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** The dotted path of the first required member that `value` lacks, as EC2 would name it. */
export function missingMember(shape: Shape, value: unknown, path = ''): string | undefined {
  switch (shape.kind) {
    case 'structure': {
      if (typeof value !== 'object' || value === null) return undefined;
      const members = value as Readonly<Record<string, unknown>>;
      for (const member of shape.members) {
        const inner = members[member.name];
        if (inner === undefined || inner === null || (member.required && inner === '')) {
          if (member.required) return path + member.queryName;
        } else if (typeof inner === 'object') {
          const missing = missingMember(member.shape(), inner, `${path}${member.queryName}.`);
          if (missing !== undefined) return missing;
        }
      }
      return undefined;
    }
    case 'list': {
      if (!Array.isArray(value)) return undefined;
      for (const [index, inner] of value.entries()) {
        const missing = missingMember(shape.element(), inner, `${path}${index + 1}.`);
        if (missing !== undefined) return missing;
      }
      return undefined;
    }
    case 'map':
    case 'string':
    case 'number':
    case 'boolean':
    case 'timestamp':
    case 'blob':
      return undefined;
    default:
      return unreachable(shape);
  }
}

/** What speaks JSON, by the name that `X-Amz-Target` has for it. */
export const JSON_TARGETS = { OvertureService: 'directconnect', AmazonSSM: 'ssm' } as const;
export type JsonService = (typeof JSON_TARGETS)[keyof typeof JSON_TARGETS];

export const speaksJson = (service: string): service is JsonService =>
  Object.values<string>(JSON_TARGETS).includes(service);
