/** Reads the body of an HTTP request, but not more than is allowed. */
import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from '../../controller/base/result.ts';

/** Why a body was not read, and the HTTP status that says so. */
export interface Unread {
  readonly status: 400 | 413 | 415;
  readonly why: string;
}

/**
 * Bytes of a refused body that are waited for, and dropped, before the answer: most clients read it only
 * after they have sent all.
 */
const DROPPED_BYTES = 8 << 20;

/** The body as text (UTF-8); refused where it is compressed or too large, or the client leaves. */
export function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Result<string, Unread>> {
  const { 'content-encoding': encoding = 'identity', 'content-length': announced = '0' } = incoming.headers;
  const refused = whyNot(encoding);
  const tooLarge = unread(413, `The request's body exceeds ${maxBytes} bytes; send a smaller one.`);
  const gone = unread(400, 'The client left before the request was complete.');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const drop = (): void => {
      incoming.removeAllListeners('data');
      incoming.resume();
      resolve(refused ?? tooLarge);
    };
    if (Number(announced) > DROPPED_BYTES) return drop();
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > DROPPED_BYTES) drop();
      else if (refused === undefined && bytes <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
    });
    incoming.on('end', () => {
      resolve(refused ?? (bytes > maxBytes ? tooLarge : ok(Buffer.concat(chunks).toString('utf8'))));
    });
    incoming.on('error', () => resolve(gone));
    incoming.on('close', () => resolve(gone));
  });
}

const unread = (status: Unread['status'], why: string): Result<never, Unread> => err({ status, why });

const whyNot = (encoding: string): Result<never, Unread> | undefined =>
  encoding === 'identity'
    ? undefined
    : unread(415, `The content encoding ${encoding.slice(0, 40)} is not taken; send the body as it is.`);
