/** Pulumi programs that can be deployed: the designs of `infra/`, and projects of users. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { DesignName } from './designs.ts';

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Program {
  /** What it is called where its results are shown. */
  readonly title: string;
  /** A file, or a folder with an `index.ts`. */
  readonly dir: string;
  readonly project: string;
  /** Keys of the stack. */
  readonly config: Readonly<Record<string, string>>;
}

/** In a simulator user data never runs, so the executable that it would fetch needs not be there. */
const NO_DAEMON = {
  'byoa:daemonUrl': 'https://releases.example.com/byoa-linux-x64',
  'byoa:daemonSha256': '0'.repeat(64),
};

/** The program that deploys a design: beside this folder. */
export const designProgram = (design: DesignName): Program => ({
  title: design,
  dir: fileURLToPath(new URL('../../infra', import.meta.url)),
  project: 'byoa',
  config: { ...NO_DAEMON, 'byoa:design': design },
});

/**
 * The project in a folder, with the configuration of one of its stacks; throws an error that names the file
 * that lacks something.
 */
export function readProgram(folder: string, stack: string): Program {
  const { name, main = 'index.ts' } = readYaml(join(folder, 'Pulumi.yaml'));
  if (typeof name !== 'string' || typeof main !== 'string')
    throw new Error(`${join(folder, 'Pulumi.yaml')} must have a name, and main must be a file.`);
  const file = join(folder, `Pulumi.${stack}.yaml`);
  const { config = {} } = readYaml(file);
  if (!isMapping(config)) throw new Error(`${file}: config must be a mapping of keys to values.`);
  const entries = Object.entries(config).map(([key, value]): [string, string] => {
    if (isMapping(value) && 'secure' in value)
      throw new Error(
        `${file}: ${key} is encrypted, and only the Pulumi CLI can read it: drill a stack with plain values.`,
      );
    const full = key.includes(':') ? key : `${name}:${key}`;
    return [full, typeof value === 'string' ? value : JSON.stringify(value)];
  });
  return {
    title: name,
    dir: join(folder, main),
    project: name,
    config: { ...NO_DAEMON, ...Object.fromEntries(entries) },
  };
}

function readYaml(file: string): Mapping {
  if (!existsSync(file))
    throw new Error(`There is no ${file}: name a folder with a Pulumi project, and one of its stacks.`);
  const content: unknown = parse(readFileSync(file, 'utf8'));
  if (isMapping(content)) return content;
  throw new Error(`${file} must be a mapping of keys to values.`);
}
