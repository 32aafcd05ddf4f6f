/** Reads the body of an HTTP request, but not more than is allowed. */
import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from '../../controller/base/result.ts';

/** The body as text (UTF-8), or why it was not read: too large, or the client left. */
export function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Result<string>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        incoming.removeAllListeners('data');
        incoming.resume();
        resolve(err(`The request's body exceeds ${maxBytes} bytes; send a smaller one.`));
        return;
      }
      chunks.push(chunk);
    });
    incoming.on('end', () => resolve(ok(Buffer.concat(chunks).toString('utf8'))));
    incoming.on('error', () => resolve(err('The client left before the request was complete.')));
    incoming.on('close', () => resolve(err('The client left before the request was complete.')));
  });
}
