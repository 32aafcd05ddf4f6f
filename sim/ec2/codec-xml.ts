/** Values as the SDK's commands return them -> XML, by the schema of the operation's output. */
import { unreachable } from '../../controller/base/result.ts';
import type { Member, Shape } from './shape.ts';

/** Makes XML of a value; a member that the schema does not know is a fault of ours and throws. */
type Encoder = (value: unknown) => string;

const encoders = new WeakMap<Shape, Encoder>();

/** What makes the content of an element of a shape; compiled when first asked for. */
export function encoderOf(shape: Shape): Encoder {
  let encoder = encoders.get(shape);
  if (encoder === undefined) {
    encoder = compile(shape);
    encoders.set(shape, encoder);
  }
  return encoder;
}

function compile(shape: Shape): Encoder {
  switch (shape.kind) {
    case 'structure':
      return structureEncoder(shape.byName);
    case 'list': {
      const item = elementEncoder(shape.xmlName, shape.element);
      return (value) => {
        let xml = '';
        for (const inner of value as readonly unknown[]) xml += item(inner);
        return xml;
      };
    }
    case 'map': {
      const item = elementEncoder('value', shape.value);
      return (value) => {
        let xml = '';
        for (const [key, inner] of Object.entries(value as object))
          xml += element('entry', element('key', escapeXml(key)) + item(inner));
        return xml;
      };
    }
    case 'string':
    case 'number':
    case 'boolean':
      return (value) => escapeXml(String(value));
    case 'timestamp':
      return (value) => (value as Date).toISOString();
    case 'blob':
      return (value) => btoa(Array.from(value as Uint8Array, (byte) => String.fromCharCode(byte)).join(''));
    default:
      return unreachable(shape);
  }
}

function structureEncoder(members: ReadonlyMap<string, Member>): Encoder {
  const encoded = new Map<string, Encoder>();
  for (const [name, { xmlName, shape }] of members) encoded.set(name, elementEncoder(xmlName, shape));
  return (value) => {
    const given = value as Readonly<Record<string, unknown>>;
    let xml = '';
    for (const name of Object.keys(given)) {
      const inner = given[name];
      if (inner === undefined || inner === null) continue;
      const encoder = encoded.get(name);
      if (encoder === undefined) throw new Error(`the output has a member '${name}' that its schema has not`);
      xml += encoder(inner);
    }
    return xml;
  };
}

/** Encodes a value as an element; the shape is asked for with the first value. */
function elementEncoder(name: string, shape: () => Shape): Encoder {
  const [open, close, empty] = [`<${name}>`, `</${name}>`, `<${name}/>`];
  let content: Encoder | undefined;
  return (value) => {
    content ??= encoderOf(shape());
    const inner = content(value);
    return inner === '' ? empty : open + inner + close;
  };
}

/** `<name>content</name>`, or `<name/>` where there is no content. */
export const element = (name: string, content: string): string =>
  content === '' ? `<${name}/>` : `<${name}>${content}</${name}>`;

/**
 * Escapes text; characters that XML 1.0 cannot carry become U+FFFD, line ends and tabs survive as references.
 */
export function escapeXml(text: string): string {
  return /[^\x20-\x7e]|[&<>"']/.test(text) ? Array.from(text, escapeCharacter).join('') : text;
}

function escapeCharacter(ch: string): string {
  const code = ch.codePointAt(0) ?? 0;
  if ('&<>"\'\t\n\r'.includes(ch)) return `&#${code};`;
  const carried = code >= 0x20 && code !== 0xfffe && code !== 0xffff && !(code >= 0xd800 && code <= 0xdfff);
  return carried ? ch : '\ufffd';
}
