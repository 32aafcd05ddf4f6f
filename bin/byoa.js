#!/usr/bin/env node
// The lockfile pins an AWS SDK that supports Node 20; what later ones will need is no news to the user of this one.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

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
