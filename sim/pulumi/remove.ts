/** Deletes resources, dependents first and as many at once as the dependencies allow. */

import { providerOf, type Stack, save, stepOf, taken } from './stack.ts';
import { nameOf, type ResourceState } from './state.ts';
import { revealedProperties } from './value.ts';

/** All that a resource needs to exist. */
const needsOf = (resource: ResourceState): readonly string[] => [
  ...resource.dependencies,
  ...Object.values(resource.propertyDependencies).flat(),
  ...(resource.parent === undefined ? [] : [resource.parent]),
  ...(resource.provider === undefined ? [] : [resource.provider.split('::').slice(0, -1).join('::')]),
];

/** How many of the resources hang directly on another URN, for each that they hang on. */
function hangersOf(resources: readonly ResourceState[]): Map<string, number> {
  const hangers = new Map<string, number>();
  for (const urn of resources.flatMap(grips)) hangers.set(urn, (hangers.get(urn) ?? 0) + 1);
  return hangers;
}

/** The URNs that a resource hangs on, each once. */
const grips = (resource: ResourceState): readonly string[] =>
  [...new Set(needsOf(resource))].filter((urn) => urn !== resource.urn);

/**
 * Deletes them; where one fails, what hangs below it stays, and the first failure is thrown when the rest is
 * done.
 */
export async function deleteAll(stack: Stack, doomed: readonly ResourceState[]): Promise<void> {
  const protectedOne = doomed.find((one) => one.protect === true);
  if (protectedOne !== undefined) {
    throw new Error(
      `${protectedOne.urn} is protected and is not deleted; unprotect it in the program, deploy, then delete`,
    );
  }
  const left = new Set(doomed);
  const urns = new Set(doomed.map((one) => one.urn));
  const hangers = hangersOf(doomed);
  const running = new Map<ResourceState, Promise<void>>();
  const failures: unknown[] = [];
  const start = (one: ResourceState): void => {
    const work = deleteOne(stack, one, urns).then(
      () => {
        left.delete(one);
        running.delete(one);
        for (const urn of grips(one)) hangers.set(urn, (hangers.get(urn) ?? 0) - 1);
      },
      (error: unknown) => {
        failures.push(error);
        running.delete(one);
      },
    );
    running.set(one, work);
  };
  while (left.size > 0 && failures.length === 0) {
    const ready = [...left].filter((one) => !running.has(one) && (hangers.get(one.urn) ?? 0) === 0);
    for (const one of ready) start(one);
    if (running.size === 0) {
      throw new Error(
        `these resources depend on each other in a circle: ${[...left].map(({ urn }) => nameOf(urn)).join(', ')}`,
      );
    }
    await Promise.race(running.values());
  }
  await Promise.all(running.values());
  if (failures.length > 0) throw failures[0];
}

async function deleteOne(stack: Stack, one: ResourceState, doomed: ReadonlySet<string>): Promise<void> {
  await taken(stack, stepOf('delete', one), async () => {
    const goesWithAnother = one.deletedWith !== undefined && doomed.has(one.deletedWith);
    const outside = one.custom && one.id !== undefined && !one.type.startsWith('pulumi:providers:');
    if (!stack.dry && outside && one.external !== true && one.retainOnDelete !== true && !goesWithAnother) {
      const type = providerOf(stack, one.provider, one.type).resourceType(one.type);
      await type.remove(one.id ?? '', revealedProperties(one.inputs));
    }
  });
  stack.retired.delete(one);
  if (stack.before.get(one.urn) === one) stack.before.delete(one.urn);
  save(stack);
}
