#!/usr/bin/env node
// One command line for the three parts. From a clone it runs the TypeScript sources through tsx; from a
// published package, where there are none, it runs what `npm run build` compiled.
import { existsSync } from 'node:fs';

const source = new URL('./cli.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else {
  await import(new URL('../dist/lib/bin/cli.js', import.meta.url).href);
}
