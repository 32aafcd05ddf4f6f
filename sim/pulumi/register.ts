/**
 * What happens when the program registers a resource: find what it was, check its inputs, compare, and
 * create, update or replace it, or leave it as it is.
 */
import { randomUUID } from 'node:crypto';
import type { Made, ResourceType } from './provider.ts';
import { deleteAll } from './remove.ts';
import { providerOf, type Stack, type StepKind, save, stepOf, taken } from './stack.ts';
import { type ResourceState, urnOf } from './state.ts';
import {
  changedKeys,
  hasSecret,
  hasUnknown,
  keepOld,
  markSecret,
  type Properties,
  pathSegments,
  revealedProperties,
} from './value.ts';

/** A registration, as the program sent it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly custom: boolean;
  readonly inputs: Properties;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly provider: string;
  /** Version of the package, for the name of its default provider. */
  readonly version: string;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Undefined: as the type has it, which is create first. */
  readonly deleteBeforeReplace: boolean | undefined;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deletedWith: string;
  readonly additionalSecretOutputs: readonly string[];
  /** Former URNs. */
  readonly aliases: readonly string[];
}

const PROVIDER = 'pulumi:providers:';

/** Brings one resource to what the program wants, and returns its state. */
export async function register(stack: Stack, wanted: Registration): Promise<ResourceState> {
  const urn = urnOf(stack.name, stack.project, wanted.parent, wanted.type, wanted.name);
  if (stack.now.has(urn)) throw new Error(`two resources are named ${urn}; give one of them another name`);
  const old = takeBefore(stack, [urn, ...wanted.aliases]);
  const provider =
    wanted.custom && !wanted.type.startsWith(PROVIDER) ? providerReference(stack, wanted) : undefined;
  const base: ResourceState = {
    urn,
    type: wanted.type,
    custom: wanted.custom,
    inputs: wanted.inputs,
    outputs: wanted.inputs,
    dependencies: wanted.dependencies,
    propertyDependencies: wanted.propertyDependencies,
    ...(wanted.parent === '' ? {} : { parent: wanted.parent }),
    ...(provider === undefined ? {} : { provider }),
    ...(wanted.protect ? { protect: true } : {}),
    ...(wanted.retainOnDelete ? { retainOnDelete: true } : {}),
    ...(wanted.deletedWith === '' ? {} : { deletedWith: wanted.deletedWith }),
    ...(wanted.additionalSecretOutputs.length === 0
      ? {}
      : { additionalSecretOutputs: wanted.additionalSecretOutputs }),
  };
  try {
    if (!stack.dry && hasUnknown(wanted.inputs))
      throw new Error(`${urn} has inputs that are not known; this is a fault`);
    const state =
      provider === undefined ? await logical(stack, base, old) : await physical(stack, base, old, wanted);
    stack.now.set(urn, state);
    // What is the same outside can wait for the end.
    if (provider !== undefined && (old === undefined || isOther(old, state))) save(stack);
    return state;
  } catch (error) {
    // What was there is still there; a later deployment goes on from it.
    if (old !== undefined && !wasDeleted(stack, old)) stack.before.set(old.urn, old);
    save(stack);
    throw error;
  }
}

const isOther = (old: ResourceState, state: ResourceState): boolean =>
  old.id !== state.id || changedKeys(old.inputs, state.inputs).length > 0;

const wasDeleted = (stack: Stack, old: ResourceState): boolean =>
  stack.steps.some((step) => step.kind === 'delete' && step.urn === old.urn);

/** What the resource was, by its URN or one that it had; it is no longer among those not met. */
function takeBefore(stack: Stack, urns: readonly string[]): ResourceState | undefined {
  const found = urns.map((urn) => stack.before.get(urn)).find((state) => state !== undefined);
  if (found !== undefined) stack.before.delete(found.urn);
  return found;
}

/** Components and providers: nothing outside the state. */
async function logical(
  stack: Stack,
  base: ResourceState,
  old: ResourceState | undefined,
): Promise<ResourceState> {
  const changed = old === undefined ? [] : changedKeys(old.inputs, base.inputs);
  const isProvider = base.type.startsWith(PROVIDER);
  const kind: StepKind = old === undefined ? 'create' : isProvider && changed.length > 0 ? 'update' : 'same';
  const id = isProvider ? { id: old?.id ?? randomUUID() } : {};
  return taken(stack, stepOf(kind, base, kind === 'update' ? changed : []), async () => ({ ...base, ...id }));
}

async function physical(
  stack: Stack,
  base: ResourceState,
  old: ResourceState | undefined,
  wanted: Registration,
): Promise<ResourceState> {
  const type = providerOf(stack, base.provider, base.type).resourceType(base.type);
  const oldInputs = old === undefined ? undefined : revealedProperties(old.inputs);
  const given = wanted.ignoreChanges.reduce<Properties>(
    (inputs, path) =>
      old === undefined ? inputs : (keepOld(inputs, old.inputs, pathSegments(path)) as Properties),
    wanted.inputs,
  );
  const inputs = type.check(wanted.name, revealedProperties(given), oldInputs);
  const secrets = new Set([
    ...Object.keys(given).filter((key) => hasSecret(given[key] ?? null)),
    ...wanted.additionalSecretOutputs,
  ]);
  const finish = (made: Partial<Made>): ResourceState => {
    const outputs = markSecret(made.outputs ?? {}, secrets);
    return {
      ...base,
      inputs: markSecret(inputs, secrets),
      outputs,
      ...(made.id === undefined ? {} : { id: made.id }),
    };
  };
  if (old === undefined || oldInputs === undefined) return create(stack, base, type, inputs, finish);

  const changed = changedKeys(oldInputs, inputs);
  const replacing = changed.filter(
    (key) =>
      type.replaces(key, oldInputs, inputs) ||
      wanted.replaceOnChanges.some((path) => path === '*' || pathSegments(path)[0] === key),
  );
  const id = old.id ?? '';
  if (changed.length === 0) {
    return taken(stack, stepOf('same', base), async () => finish({ id, outputs: old.outputs }));
  }
  if (replacing.length === 0) {
    const planned = { id, outputs: { ...old.outputs, ...inputs } };
    return taken(stack, stepOf('update', base, changed), async () =>
      finish(stack.dry ? planned : await type.update(id, oldInputs, inputs)),
    );
  }
  return replace(stack, {
    base,
    old,
    type,
    inputs,
    replacing,
    finish,
    first: wanted.deleteBeforeReplace ?? false,
  });
}

async function create(
  stack: Stack,
  base: ResourceState,
  type: ResourceType,
  inputs: Properties,
  finish: (made: Partial<Made>) => ResourceState,
): Promise<ResourceState> {
  return taken(stack, stepOf('create', base), async () =>
    finish(stack.dry ? { outputs: inputs } : await type.create(inputs)),
  );
}

interface Replacement {
  readonly base: ResourceState;
  readonly old: ResourceState;
  readonly type: ResourceType;
  readonly inputs: Properties;
  readonly replacing: readonly string[];
  readonly finish: (made: Partial<Made>) => ResourceState;
  /** Delete the old one first. */
  readonly first: boolean;
}

/**
 * Makes the new one and leaves the old one to the end; or, where asked, deletes the old one and what hangs on
 * it first.
 */
async function replace(
  stack: Stack,
  { base, old, type, inputs, replacing, finish, first }: Replacement,
): Promise<ResourceState> {
  if (old.protect === true) {
    throw new Error(
      `${base.urn} is protected, and ${replacing.join(', ')} needs a new one; unprotect it first`,
    );
  }
  const retired: ResourceState = { ...old, delete: true };
  const doomed = first ? [...stack.before.values()].filter((other) => mustGoWith(stack, other, old)) : [];
  stack.retired.add(retired);
  try {
    if (first) await deleteAll(stack, [retired, ...doomed]);
    return await taken(stack, stepOf('replace', base, replacing), async () =>
      finish(stack.dry ? { outputs: inputs } : await type.create(inputs)),
    );
  } catch (error) {
    stack.retired.delete(retired);
    throw error;
  }
}

/**
 * Whether `other` must be deleted before `gone`: a property that cannot change in place comes from it, or
 * from such a one.
 */
function mustGoWith(stack: Stack, other: ResourceState, gone: ResourceState): boolean {
  if (!other.custom || other.type.startsWith(PROVIDER)) return false;
  const type = providerOf(stack, other.provider, other.type).resourceType(other.type);
  const fixed = Object.entries(other.propertyDependencies).filter(([key]) =>
    type.replaces(key, other.inputs, other.inputs),
  );
  return fixed.some(([, urns]) =>
    urns.some((urn) => {
      if (urn === gone.urn) return true;
      const between = stack.before.get(urn);
      return between !== undefined && mustGoWith(stack, between, gone);
    }),
  );
}

/**
 * The provider of a resource: the one that the program named, or its package's default, which is made here.
 */
function providerReference(stack: Stack, wanted: Registration): string {
  if (wanted.provider !== '') return wanted.provider;
  const name = wanted.type.split(':')[0] ?? '';
  const version = wanted.version === '' ? 'default' : `default_${wanted.version.replaceAll('.', '_')}`;
  const type = `${PROVIDER}${name}`;
  const urn = urnOf(stack.name, stack.project, '', type, version);
  const existing = stack.now.get(urn) ?? takeBefore(stack, [urn]);
  const inputs = Object.fromEntries(
    Object.entries(stack.config).flatMap(([key, value]) =>
      key.startsWith(`${name}:`) ? [[key.slice(name.length + 1), value]] : [],
    ),
  );
  const state: ResourceState = {
    urn,
    type,
    custom: true,
    id: existing?.id ?? randomUUID(),
    inputs,
    outputs: inputs,
    dependencies: [],
    propertyDependencies: {},
  };
  stack.now.set(urn, state);
  return `${urn}::${state.id}`;
}
