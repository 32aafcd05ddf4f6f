/** Values as the SDK's commands return them -> XML, by the schema of the operation's output. */
import { unreachable } from '../../controller/base/result.ts';
import type { Shape } from './shape.ts';

/**
 * The elements of a structure's members. A member that the schema does not know is a fault of ours and
 * throws.
 */
export function encode(shape: Shape, value: unknown): string {
  switch (shape.kind) {
    case 'structure': {
      let xml = '';
      for (const [name, inner] of Object.entries(value as object)) {
        if (inner === undefined || inner === null) continue;
        const member = shape.byName.get(name);
        if (member === undefined)
          throw new Error(`the output has a member '${name}' that its schema has not`);
        xml += element(member.xmlName, encode(member.shape(), inner));
      }
      return xml;
    }
    case 'list': {
      let xml = '';
      for (const inner of value as readonly unknown[])
        xml += element(shape.xmlName, encode(shape.element(), inner));
      return xml;
    }
    case 'map': {
      let xml = '';
      for (const [key, inner] of Object.entries(value as object)) {
        xml += element(
          'entry',
          element('key', escapeXml(key)) + element('value', encode(shape.value(), inner)),
        );
      }
      return xml;
    }
    case 'string':
    case 'number':
    case 'boolean':
      return escapeXml(String(value));
    case 'timestamp':
      return (value as Date).toISOString();
    case 'blob':
      return btoa(Array.from(value as Uint8Array, (byte) => String.fromCharCode(byte)).join(''));
    default:
      return unreachable(shape);
  }
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
