/**
 * One deployment under way: what was there, what is there now, the steps taken. Keeps the state file abreast
 * of every step, so that a deployment that stops half way loses nothing.
 */
import type { Provider, ProviderFactory } from './provider.ts';
import { nameOf, type ResourceState, writeState } from './state.ts';
import { type Properties, revealedProperties } from './value.ts';

export type Operation = 'preview' | 'up' | 'refresh' | 'destroy';
export type StepKind = 'same' | 'create' | 'update' | 'replace' | 'delete' | 'refresh' | 'read';

/** What was done, or in a preview would be done, to one resource. */
export interface Step {
  readonly kind: StepKind;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Properties that differ; on a replacement, those that need one. */
  readonly changed: readonly string[];
}

/** Told while a deployment runs. */
export type DeployEvent =
  | { readonly kind: 'step-started'; readonly step: Step }
  | { readonly kind: 'step-done'; readonly step: Step; readonly elapsedMs: number }
  | { readonly kind: 'step-failed'; readonly step: Step; readonly reason: string }
  /** What the program says: through Pulumi's log, or on its standard output. */
  | { readonly kind: 'message'; readonly severity: 'info' | 'warning' | 'error'; readonly text: string };

export interface Stack {
  readonly project: string;
  readonly name: string;
  /** Nothing is written, neither to AWS nor to the state. */
  readonly dry: boolean;
  readonly stateFile: string;
  readonly config: Readonly<Record<string, string>>;
  /** By package: `aws`. */
  readonly factories: Readonly<Record<string, ProviderFactory>>;
  readonly providers: Map<string, Provider>;
  /** Plugins of components by package: `127.0.0.1:port`. */
  readonly plugins: Readonly<Record<string, string>>;
  readonly onEvent: (event: DeployEvent) => void;
  /** What the last deployment left and this one has not met yet, by URN. */
  readonly before: Map<string, ResourceState>;
  /** What this deployment has, in the order of completion. */
  readonly now: Map<string, ResourceState>;
  /** Replaced resources that are to be deleted at the end. */
  readonly retired: Set<ResourceState>;
  readonly steps: Step[];
  /** The first failure; nothing new is begun after it. */
  failure: Error | undefined;
  rootUrn: string;
}

/** Writes what is known of the stack; nothing in a preview. */
export function save(stack: Stack): void {
  if (stack.dry) return;
  writeState(stack.stateFile, [...stack.now.values(), ...stack.before.values(), ...stack.retired]);
}

export const stepOf = (
  kind: StepKind,
  resource: Pick<ResourceState, 'urn' | 'type'>,
  changed: readonly string[] = [],
): Step => ({
  kind,
  urn: resource.urn,
  type: resource.type,
  name: nameOf(resource.urn),
  changed,
});

/** Runs one step, tells of it, and remembers its failure, which stops the deployment. */
export async function taken<T>(stack: Stack, step: Step, run: () => Promise<T>): Promise<T> {
  if (stack.failure !== undefined)
    throw new Error(`not begun, because the deployment stopped: ${stack.failure.message}`);
  const began = performance.now();
  stack.onEvent({ kind: 'step-started', step });
  try {
    const result = await run();
    stack.steps.push(step);
    stack.onEvent({ kind: 'step-done', step, elapsedMs: performance.now() - began });
    return result;
  } catch (error) {
    const reason =
      error instanceof Error
        ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}`
        : String(error);
    const failure = new Error(`${step.kind} of ${step.type} '${step.name}' failed: ${reason}`);
    stack.failure ??= failure;
    stack.onEvent({ kind: 'step-failed', step, reason });
    throw failure;
  }
}

/** The package of a type or function token: `aws`. */
const packageOf = (token: string): string => token.split(':')[0] ?? '';

/** The provider behind a reference `urn::id`, made when first needed. */
export function providerOf(stack: Stack, reference: string | undefined, token: string): Provider {
  const name = packageOf(token);
  const factory = stack.factories[name];
  if (factory === undefined) {
    throw new Error(
      `the test engine has no provider '${name}' for ${token}; it has ${Object.keys(stack.factories).join(', ')}`,
    );
  }
  const urn =
    reference === undefined || reference === '' ? '' : reference.split('::').slice(0, -1).join('::');
  const own = stack.now.get(urn) ?? stack.before.get(urn);
  const key = own === undefined ? name : urn;
  const known = stack.providers.get(key);
  if (known !== undefined) return known;
  const config =
    own === undefined ? defaultConfig(stack, name) : providerConfig(revealedProperties(own.inputs));
  const made = factory(config);
  stack.providers.set(key, made);
  return made;
}

/**
 * The configuration of a package's default provider: the stack's keys `aws:...`; JSON where the text is JSON.
 */
export const defaultConfig = (stack: Pick<Stack, 'config'>, name: string): Properties =>
  providerConfig(
    Object.fromEntries(
      Object.entries(stack.config).flatMap(([key, value]) =>
        key.startsWith(`${name}:`) ? [[key.slice(name.length + 1), value]] : [],
      ),
    ),
  );

/** Provider inputs travel as text; lists and objects are JSON in it. */
const providerConfig = (inputs: Properties): Properties =>
  Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [key, typeof value === 'string' ? maybeJson(value) : value]),
  );

function maybeJson(text: string): Properties[string] {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as Properties[string];
  } catch {
    return text;
  }
}
