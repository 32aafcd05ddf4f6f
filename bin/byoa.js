#!/usr/bin/env node
// One command line for the three parts. From a clone it runs the TypeScript sources through tsx; from a
// published package, where there are none, it runs what `npm run build` compiled.
import { existsSync, readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const source = new URL('./cli.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
}
const program = existsSync(source) ? source : new URL('../dist/lib/bin/cli.js', import.meta.url);
const { main } = await import(program.href);
await main(version);
