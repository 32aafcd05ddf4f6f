/**
 * The daemon's configuration: YAML text or a plain object in, a checked `Config` or errors out. Deploying and
 * running share this parser. Reads no files.
 */
import { type Document, LineCounter, parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { err, ok, type Result } from './base/result.ts';
import { type ConfigError, explainIssue, locate, type Source } from './config/explain.ts';
import type { Config } from './config/model.ts';
import { resolve } from './config/resolve.ts';
import { type ConfigInput, fileSchema } from './config/schema.ts';

export {
  BFD_DEFAULT,
  type BfdSessionConfig,
  type BgpConfig,
  bfdOptions,
  type KernelConfig,
  type SecretSource,
  type Secrets,
  type StandIn,
  secretKey,
  secretsOf,
  speakerOptions,
} from './config/bgp-model.ts';
export { type ConfigError, formatConfigError } from './config/explain.ts';
export type {
  Appliance,
  Config,
  Course,
  EipResource,
  EniResource,
  Failback,
  Fence,
  Group,
  GroupLease,
  HookAction,
  Hooks,
  LeaseStore,
  Prepared,
  ProbeConfig,
  ProbeFrom,
  Resource,
  RouteSet,
  ThroughTarget,
  TransitRouteSet,
  Window,
} from './config/model.ts';
export {
  addressesOf,
  changesGuest,
  enisOf,
  hasLastResort,
  isEventDriven,
  lastResortsOf,
  ownAppliance,
  preparedTablesOf,
  probeByNextHop,
  probesOfNode,
  routeSetsOf,
} from './config/model.ts';
export { accountOf, type InRealm, type Realm, realmKey, sameRealm } from './config/realm.ts';
export { realmsOf } from './config/realms-of.ts';
export type { ConfigInput } from './config/schema.ts';
export type { SyncConfig } from './config/sync-model.ts';

/** Reads YAML text; `file` is for messages only. All mistakes are told, in the order of the text. */
export function parseConfig(text: string, file: string): Result<Config, readonly ConfigError[]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    return err(document.errors.map(({ message, linePos }) => yamlError(file, message, linePos?.[0])));
  }
  const input = toPlain(document);
  if (!input.ok) return err([yamlError(file, input.error)]);
  return checkConfig(input.value, { file, document, lines });
}

/** The plain value of a document; its aliases may lead nowhere, or multiply without end. */
function toPlain(document: Document): Result<unknown> {
  try {
    return ok(document.toJS({ maxAliasCount: 100 }));
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Checks an object as a file would be checked. */
export function checkConfig(
  input: unknown,
  source: Source = { file: 'configuration' },
): Result<Config, readonly ConfigError[]> {
  const parsed = fileSchema.safeParse(input);
  if (!parsed.success) {
    const schema = configJsonSchema();
    return err(inOrder(parsed.error.issues.flatMap((issue) => explainIssue(issue, source, input, schema))));
  }
  const { config, findings } = resolve(parsed.data);
  if (findings.length > 0) return err(inOrder(findings.map((finding) => locate(source, finding, input))));
  return ok(config);
}

/** The YAML text of a configuration, as `parseConfig` reads it. */
export function formatConfig(input: ConfigInput): string {
  return stringify(input, { lineWidth: 110 });
}

/** JSON Schema (draft 2020-12) of the file, for editors. What fields must agree on is not in it. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', unrepresentable: 'any' });
  return { title: 'byoa daemon configuration', ...schema };
}

function yamlError(file: string, message: string, at?: { line: number; col: number }): ConfigError {
  const why =
    message
      .split(/ at line \d/)[0]
      ?.replace(/\s+/g, ' ')
      .trim() ?? message;
  const place = at === undefined ? {} : { line: at.line, column: at.col };
  return { file, ...place, field: '', why: `this is not YAML: ${why}`, remedy: 'correct the text there' };
}

const inOrder = (errors: readonly ConfigError[]): readonly ConfigError[] =>
  [...errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

export { ROUTES_PER_TABLE } from './config/rules.ts';
