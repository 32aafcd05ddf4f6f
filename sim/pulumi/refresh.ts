/**
 * Reads every resource from the provider and makes the state say what is there; changes nothing outside the
 * state.
 */

import { providerOf, type Stack, save, stepOf, taken } from './stack.ts';
import type { ResourceState } from './state.ts';
import {
  changedKeys,
  equal,
  hasSecret,
  isObject,
  markSecret,
  type Properties,
  revealedProperties,
  type Value,
} from './value.ts';

const AT_ONCE = 8;

/** Refreshes the whole stack; a resource that is gone leaves the state, and nobody depends on it any more. */
export async function refreshAll(stack: Stack): Promise<void> {
  const waiting = [...stack.before.values()];
  const gone = new Set<string>();
  const work = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const fresh = await refreshOne(stack, one);
      if (fresh === undefined) gone.add(one.urn);
      else stack.before.set(one.urn, fresh);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const urn of gone) stack.before.delete(urn);
  for (const [urn, state] of stack.before) stack.before.set(urn, withoutDependencies(state, gone));
  save(stack);
}

async function refreshOne(stack: Stack, one: ResourceState): Promise<ResourceState | undefined> {
  if (!one.custom || one.id === undefined || one.type.startsWith('pulumi:providers:')) return one;
  const inputs = revealedProperties(one.inputs);
  const type = providerOf(stack, one.provider, one.type).resourceType(one.type);
  const found = await type
    .read(one.id, inputs)
    .catch((error: unknown) => taken(stack, stepOf('refresh', one), () => Promise.reject(error)));
  if (found === undefined) {
    await taken(stack, stepOf('delete', one), async () => undefined);
    return undefined;
  }
  const secrets = new Set(Object.keys(one.inputs).filter((key) => hasSecret(one.inputs[key] ?? null)));
  const adopted = one.external === true ? inputs : adoptInputs(inputs, found.outputs);
  const outputs = { ...revealedProperties(one.outputs), ...found.outputs };
  const changed = changedKeys(inputs, adopted);
  await taken(stack, stepOf('refresh', one, changed), async () => undefined);
  return {
    ...one,
    id: found.id,
    inputs: markSecret(adopted, secrets),
    outputs: markSecret(outputs, secrets),
  };
}

/**
 * The inputs with the values that are really there: only what the program set, as Pulumi's providers do it.
 */
export function adoptInputs(inputs: Properties, outputs: Properties): Properties {
  const adopt = (key: string, value: Value, now: Value | undefined): Value => {
    if (now === undefined || equal(value, now)) return value;
    return isObject(value) && isObject(now) && key !== 'tags' ? adoptInputs(value, now) : now;
  };
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [key, adopt(key, value, outputs[key])]),
  );
}

const withoutDependencies = (state: ResourceState, gone: ReadonlySet<string>): ResourceState => ({
  ...state,
  dependencies: state.dependencies.filter((urn) => !gone.has(urn)),
  propertyDependencies: Object.fromEntries(
    Object.entries(state.propertyDependencies).map(([key, urns]) => [
      key,
      urns.filter((urn) => !gone.has(urn)),
    ]),
  ),
});
