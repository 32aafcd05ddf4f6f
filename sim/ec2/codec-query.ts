/**
 * Form parameters of the EC2 Query and AWS Query protocols -> the input that the SDK's command takes, by its
 * schema. Total: hostile parameters are refused in EC2's words, at a cost linear in their size.
 */
import { err, ok, type Result, unreachable } from '../../controller/base/result.ts';
import type { Shape } from './shape.ts';

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly status: number;
}

interface Node {
  value?: string;
  readonly children: Map<string, Node>;
}

const MAX_PARAMETERS = 10_000;
const MAX_DEPTH = 24;

/** Names that belong to the request, not to the action: the protocol's own and those of a presigned query. */
const protocolNames =
  /^(Action|Version|AWSAccessKeyId|Signature(Method|Version)?|Timestamp|Expires|SecurityToken|X-Amz-.*)$/i;

const fault = (code: string, message: string): Result<never, Fault> => err({ code, message, status: 400 });

/** Sorts dotted names (`Filter.1.Value.2`) into a tree. */
export function parseParameters(parameters: Iterable<readonly [string, string]>): Result<Node, Fault> {
  const root: Node = { children: new Map() };
  let count = 0;
  for (const [name, value] of parameters) {
    if (protocolNames.test(name)) continue;
    if (++count > MAX_PARAMETERS)
      return fault('RequestEntityTooLarge', `More than ${MAX_PARAMETERS} parameters.`);
    const steps = name.split('.', MAX_DEPTH + 1);
    if (steps.length > MAX_DEPTH)
      return fault('UnknownParameter', `The parameter ${shortened(name)} is nested too deeply`);
    let node = root;
    for (const step of steps) {
      let child = node.children.get(step);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(step, child);
      }
      node = child;
    }
    node.value = value;
  }
  return ok(root);
}

/** Reads a tree of parameters as a value of the shape. */
export function decode(shape: Shape, node: Node, path = ''): Result<unknown, Fault> {
  switch (shape.kind) {
    case 'structure':
      return decodeStructure(shape, node, path);
    case 'list':
      return decodeList(shape, node, path);
    case 'map':
      return decodeMap(shape, node, path);
    case 'string':
    case 'number':
    case 'boolean':
    case 'timestamp':
    case 'blob': {
      const [inner] = node.children.keys();
      if (inner !== undefined) return unknownParameter(`${path}.${inner}`);
      return decodeSimple(shape.kind, node.value ?? '', path);
    }
    default:
      return unreachable(shape);
  }
}

const unknownParameter = (path: string): Result<never, Fault> =>
  fault('UnknownParameter', `The parameter ${shortened(path)} is not recognized`);

const invalid = (path: string, value: string, why: string): Result<never, Fault> =>
  fault('InvalidParameterValue', `Value (${shortened(value)}) for parameter ${path} is invalid. ${why}`);

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text);

function decodeStructure(
  shape: Extract<Shape, { kind: 'structure' }>,
  node: Node,
  path: string,
): Result<unknown, Fault> {
  if (node.value) return invalid(path, node.value, 'It has members: name one of them.');
  const value: Record<string, unknown> = {};
  for (const [name, child] of node.children) {
    const at = path === '' ? name : `${path}.${name}`;
    const member = shape.byQueryName.get(name);
    if (member === undefined) return unknownParameter(at);
    const inner = decode(member.shape(), child, at);
    if (!inner.ok) return inner;
    value[member.name] = inner.value;
  }
  return ok(value);
}

/** `Name.1`, `Name.2` in EC2; `Name.member.1` in the AWS Query protocol, where `Name=` is the empty list. */
function decodeList(
  shape: Extract<Shape, { kind: 'list' }>,
  node: Node,
  path: string,
): Result<unknown, Fault> {
  if (node.value) return invalid(path, node.value, `It is a list: use ${path}.1`);
  const wrapper = node.children.size === 1 ? node.children.get(shape.queryName) : undefined;
  const items = indexed(wrapper ?? node, path);
  if (!items.ok) return items;
  const values: unknown[] = [];
  for (const [index, child] of items.value) {
    const inner = decode(shape.element(), child, `${path}.${index}`);
    if (!inner.ok) return inner;
    values.push(inner.value);
  }
  return ok(values);
}

function decodeMap(shape: Extract<Shape, { kind: 'map' }>, node: Node, path: string): Result<unknown, Fault> {
  const entries = indexed(node.children.get('entry') ?? node, path);
  if (!entries.ok) return entries;
  const values: [string, unknown][] = [];
  for (const [index, child] of entries.value) {
    const key = child.children.get('key')?.value;
    const value = child.children.get('value');
    if (key === undefined || value === undefined) {
      return invalid(`${path}.${index}`, '', 'A map entry needs a key and a value.');
    }
    const inner = decode(shape.value(), value, `${path}.${index}.value`);
    if (!inner.ok) return inner;
    values.push([key, inner.value]);
  }
  return ok(Object.fromEntries(values));
}

function indexed(node: Node, path: string): Result<(readonly [number, Node])[], Fault> {
  const items: (readonly [number, Node])[] = [];
  for (const [name, child] of node.children) {
    if (!/^[0-9]{1,9}$/.test(name)) return unknownParameter(`${path}.${name}`);
    items.push([Number(name), child]);
  }
  return ok(items.sort(([a], [b]) => a - b));
}

type SimpleKind = 'string' | 'number' | 'boolean' | 'timestamp' | 'blob';

function decodeSimple(kind: SimpleKind, text: string, path: string): Result<unknown, Fault> {
  switch (kind) {
    case 'string':
      return ok(text);
    case 'number': {
      const plain = /^[+-]?[0-9]{1,19}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?$/.test(text);
      return plain ? ok(Number(text)) : invalid(path, text, 'It must be a number.');
    }
    case 'boolean': {
      const lower = text.toLowerCase();
      if (lower === 'true' || lower === 'false') return ok(lower === 'true');
      return invalid(path, text, 'It must be true or false.');
    }
    case 'timestamp': {
      const date = new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text : Number.NaN);
      return Number.isNaN(date.getTime()) ? invalid(path, text, 'It must be an ISO 8601 time.') : ok(date);
    }
    case 'blob':
      return decodeBase64(text, path);
    default:
      return unreachable(kind);
  }
}

function decodeBase64(text: string, path: string): Result<Uint8Array, Fault> {
  try {
    return ok(Uint8Array.from(atob(text), (ch) => ch.charCodeAt(0)));
  } catch {
    return invalid(path, text, 'It must be base64.');
  }
}
