/**
 * The AWS JSON 1.1 protocol: JSON bodies to the input that the SDK's command takes, and outputs to JSON, by
 * the schemas of the operation. Dates are seconds of Unix time. Members that a schema has not are left out,
 * as AWS does; a value of the wrong type is a SerializationException.
 */
import { err, ok, type Result, unreachable } from '../../controller/base/result.ts';
import type { Fault } from './codec-query.ts';
import type { Shape } from './shape.ts';

/** Structures and lists inside one another in a body. */
const MAX_DEPTH = 24;

/** Reads a JSON body as a value of the shape; an empty one is `{}`. */
export function readJson(shape: Shape, body: string): Result<unknown, Fault> {
  try {
    return ok(decode(shape, body === '' ? {} : JSON.parse(body), '', 0));
  } catch (thrown) {
    if (thrown instanceof Unreadable || thrown instanceof SyntaxError) return serialization(thrown.message);
    throw thrown;
  }
}

const serialization = (message: string): Result<never, Fault> =>
  err({ code: 'SerializationException', message, status: 400 });

class Unreadable extends Error {}

/** Throws Unreadable where the value is not of the shape. */
function decode(shape: Shape, value: unknown, path: string, depth: number): unknown {
  const wrong = (wanted: string): never => {
    throw new Unreadable(`Value for '${path.slice(0, 200) || 'the body'}' must be ${wanted}.`);
  };
  if (depth > MAX_DEPTH) return wrong('less deep');
  const inner = (of: () => Shape, name: string | number, each: unknown): unknown =>
    decode(of(), each, path === '' ? String(name) : `${path}.${name}`, depth + 1);
  switch (shape.kind) {
    case 'structure':
      if (!isObject(value)) return wrong('an object');
      return Object.fromEntries(
        Object.entries(value).flatMap(([name, each]) => {
          const member = each === null ? undefined : shape.byName.get(name);
          return member === undefined ? [] : [[name, inner(member.shape, name, each)]];
        }),
      );
    case 'map':
      if (!isObject(value)) return wrong('an object');
      return Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, inner(shape.value, name, each)]),
      );
    case 'list':
      if (!Array.isArray(value)) return wrong('a list');
      return value.map((each, index) => inner(shape.element, index, each));
    case 'string':
      return typeof value === 'string' ? value : wrong('a string');
    case 'number':
      return typeof value === 'number' ? value : wrong('a number');
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong('true or false');
    case 'timestamp':
      return typeof value === 'number' && Math.abs(value) < 8.64e12
        ? new Date(value * 1000)
        : wrong('seconds of Unix time');
    case 'blob':
      return typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0
        ? Uint8Array.from(atob(value), (ch) => ch.charCodeAt(0))
        : wrong('base64');
    default:
      return unreachable(shape);
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as the SDK's command returns it, as JSON. A member that the schema has not throws: our fault. */
export const writeJson = (shape: Shape, value: unknown): string => JSON.stringify(encode(shape, value));

function encode(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'structure':
      return Object.fromEntries(
        Object.entries(value as object).flatMap(([name, each]) => {
          if (each === undefined || each === null) return [];
          const member = shape.byName.get(name);
          if (member === undefined)
            throw new Error(`the output has a member '${name}' that its schema has not`);
          return [[name, encode(member.shape(), each)]];
        }),
      );
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([name, each]) => [name, encode(shape.value(), each)]),
      );
    case 'list':
      return (value as readonly unknown[]).map((each) => encode(shape.element(), each));
    case 'timestamp':
      return (value as Date).getTime() / 1000;
    case 'blob':
      return btoa(Array.from(value as Uint8Array, (byte) => String.fromCharCode(byte)).join(''));
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    default:
      return unreachable(shape);
  }
}
