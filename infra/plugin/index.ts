/** What Pulumi runs for programs in other languages (`PulumiPlugin.yaml`): serves the package. */
import { readFileSync } from 'node:fs';
import * as pulumi from '@pulumi/pulumi';
import { createProvider } from './provider.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

void pulumi.provider.main(createProvider(String(version)), process.argv.slice(2));
