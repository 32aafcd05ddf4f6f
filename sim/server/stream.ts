/**
 * A simulated TCP connection as a Node stream, so that an HTTP server can be handed one. Owns nothing else.
 */
import { Duplex } from 'node:stream';
import { abort, type Connection, finish, type TcpProgram, unacknowledged, write } from '../world/tcp.ts';

/** Bytes under way above which a writer waits. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Does something to the world at the present instant. */
export type Act = <T>(what: () => T) => T;

/** The stream of a connection, and the program to give to that connection. */
export function streamOf(
  connection: Connection,
  act: Act,
): { readonly stream: Duplex; readonly program: TcpProgram } {
  let resumeWriter: (() => void) | undefined;
  let over = false;
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      act(() => write(connection, new Uint8Array(chunk)));
      if (unacknowledged(connection) < HIGH_WATER_BYTES) done();
      else resumeWriter = done;
    },
    final: (done) => {
      act(() => finish(connection));
      done();
    },
    destroy: (error, done) => {
      if (!over && connection.state !== 'closed') act(() => abort(connection));
      done(error);
    },
  });
  const program: TcpProgram = {
    data: (bytes) => {
      stream.push(bytes);
    },
    end: () => {
      stream.push(null);
    },
    reset: (reason) => {
      over = true;
      stream.destroy(new Error(reason));
    },
    drained: () => {
      const resume = resumeWriter;
      resumeWriter = undefined;
      resume?.();
    },
  };
  return { stream, program };
}
