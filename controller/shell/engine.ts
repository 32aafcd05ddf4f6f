/** How V8 compiles the daemon. */
import { setFlagsFromString } from 'node:v8';
import type { Millis } from '../base/time.ts';
import { trimHeap } from './libc.ts';

/** Bytecode that one function may take in by inlining; V8's own limit is 920. */
const MOST_INLINED = 250;
/** What runs at a start has been compiled by then. */
const COMPILED_MS: Millis = 10_000;

/**
 * Asks V8 to inline less: it compiles hot code on threads of its own, which take a processor from us where
 * there are two, and what many functions take in is compiled for each of them again; while a first table
 * comes in that is more work than the table. And to make a function's machine code, and the place for what
 * it learns, with the function, and not when that has run for a while: a daemon runs for months, most of its
 * code seldom, and its memory would grow for hours. What compilation needs for that at a start is given back
 * afterwards. Has to be called before anything is hot.
 */
export function tuneEngine(): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${MOST_INLINED}`);
  setFlagsFromString('--always-sparkplug');
  setFlagsFromString('--no-lazy-feedback-allocation');
  // Without a C library that can there is nothing to be done about it.
  setTimeout(() => void trimHeap(), COMPILED_MS).unref();
}
