/**
 * A stack's state in a file, in the shape of Pulumi's deployment version 3, so that `pulumi stack import` can
 * read it. Secrets are marked but NOT encrypted: this is a test engine. The file is replaced whole, and is
 * readable by its owner only.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isObject, isSecret, type Properties, SECRET, SIGNATURE, secret, type Value } from './value.ts';

/** One resource as the last deployment left it. */
export interface ResourceState {
  readonly urn: string;
  readonly custom: boolean;
  /** Replaced, and waiting to be deleted. */
  readonly delete?: boolean;
  readonly id?: string;
  readonly type: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
  readonly parent?: string;
  readonly protect?: boolean;
  readonly external?: boolean;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** `urn::id` of its provider. */
  readonly provider?: string;
  readonly additionalSecretOutputs?: readonly string[];
  readonly retainOnDelete?: boolean;
  readonly deletedWith?: string;
}

/** What stands between the parts of a URN. */
const SEPARATOR = '::';

/** The URN of a resource; the types of its ancestors stand before its own, except the stack's. */
export function urnOf(stack: string, project: string, parent: string, type: string, name: string): string {
  const above = parent === '' ? '' : typeChainOf(parent);
  const chain = above === '' || above === 'pulumi:pulumi:Stack' ? type : `${above}$${type}`;
  return `urn:pulumi:${[stack, project, chain, name].join(SEPARATOR)}`;
}

const typeChainOf = (urn: string): string => urn.split(SEPARATOR)[2] ?? '';

/** The name in a URN: all after the types. */
export const nameOf = (urn: string): string => urn.split(SEPARATOR).slice(3).join(SEPARATOR);

/** Reads the resources of a stack; none where there is no file yet. */
export function readState(path: string): readonly ResourceState[] {
  const text = readIfThere(path);
  if (text === undefined) return [];
  const parsed: unknown = parse(text, path);
  const file = parsed as { version?: unknown; deployment?: { resources?: unknown } };
  if (file?.version !== 3 || file.deployment === undefined) {
    throw new Error(`${path} is not a Pulumi deployment of version 3; name another file, or move it away`);
  }
  const resources = (file.deployment.resources ?? []) as readonly StoredResource[];
  return resources.map((one) => ({
    ...one,
    dependencies: one.dependencies ?? [],
    propertyDependencies: one.propertyDependencies ?? {},
    inputs: opened(one.inputs ?? {}),
    outputs: opened(one.outputs ?? {}),
  }));
}

type StoredResource = Partial<ResourceState> & Pick<ResourceState, 'urn' | 'custom' | 'type'>;

/** The text of a resource in the file. States never change, and each is written many times. */
const texts = new WeakMap<ResourceState, Buffer>();

function textOf(one: ResourceState): Buffer {
  const known = texts.get(one);
  if (known !== undefined) return known;
  const stored = { ...one, inputs: closed(one.inputs), outputs: closed(one.outputs) };
  const text = Buffer.from(`\n${JSON.stringify(stored, null, 1)}`);
  texts.set(one, text);
  return text;
}

const COMMA = Buffer.from(',');

/** Writes the resources, in an order in which each comes after what it depends on. */
export function writeState(path: string, resources: readonly ResourceState[]): void {
  const manifest = JSON.stringify({ time: new Date().toISOString(), magic: '', version: '' });
  const parts = resources.flatMap((one, index) => (index === 0 ? [textOf(one)] : [COMMA, textOf(one)]));
  const head = Buffer.from(`{"version":3,"deployment":{"manifest":${manifest},"resources":[`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, Buffer.concat([head, ...parts, Buffer.from(']}}\n')]), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Keeps another deployment of the same state away; returns what lets it in again. */
export function lockState(path: string): () => void {
  const lock = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  const holder = Number(readIfThere(lock) ?? Number.NaN);
  if (isAlive(holder)) {
    throw new Error(
      `process ${holder} is deploying with ${path}; wait until it ends, or name another state file`,
    );
  }
  rmSync(lock, { force: true });
  writeFileSync(lock, String(process.pid), { flag: 'wx' });
  return () => rmSync(lock, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(
      `${path} is not JSON (${String(error)}); restore it from a backup, or move it away to start anew`,
    );
  }
}

/** Secrets as the file has them: `plaintext` is the JSON of the value. */
const closed = (properties: Properties): Properties =>
  mapSecrets(properties, isSecret, (value) => ({
    [SIGNATURE]: SECRET,
    plaintext: JSON.stringify(value.value ?? null),
  }));

const opened = (properties: Properties): Properties =>
  mapSecrets(properties, isSecret, (value) => secret(JSON.parse(String(value.plaintext ?? 'null')) as Value));

function mapSecrets(
  properties: Properties,
  test: (value: Value) => value is Properties,
  change: (value: Properties) => Value,
): Properties {
  const visit = (value: Value): Value => {
    if (test(value)) return change(value);
    if (Array.isArray(value)) return value.map((member: Value) => visit(member));
    return isObject(value) ? mapSecrets(value, test, change) : value;
  };
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, visit(value)]));
}
