/** How V8 compiles the daemon. */
import { setFlagsFromString } from 'node:v8';

/** Bytecode that one function may take in by inlining; V8's own limit is 920. */
const MOST_INLINED = 250;

/**
 * Asks V8 to inline less. It compiles hot code on threads of its own, which take a processor from us where
 * there are two, and what many functions take in is compiled for each of them again: while a first table
 * comes in that is more work than the table. Has to be called before anything is hot.
 */
export const limitInlining = (): void =>
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${MOST_INLINED}`);
