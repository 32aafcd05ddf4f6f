/**
 * A program that does nothing but call the C library through koffi: built as bundle and executable by a test.
 */
import koffi from 'koffi';

export function main(version: string): void {
  const libc = koffi.load('libc.so.6');
  const getpid = libc.func('int getpid()');
  process.stdout.write(`${version} ${getpid() === process.pid} ${koffi.sizeof('int')}\n`);
}
