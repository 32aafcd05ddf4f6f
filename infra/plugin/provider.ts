/**
 * The designs as components of a Pulumi package, for programs in any language. The arguments of a component
 * are the keys of a stack, and are read by the same code.
 */
import * as pulumi from '@pulumi/pulumi';
import { stackConfig } from '../config.ts';
import { DESIGNS, type DesignName } from '../designs/catalog.ts';
import { COMPONENTS } from '../designs/components.ts';
import { KeyError } from '../keys.ts';
import { designArgs } from '../stack.ts';
import { designOfToken, inputsOf, isId, outputNames, packageSchema } from './schema.ts';

/** The error of an argument, which Pulumi shows with the place in the program. */
function wrongInput(propertyPath: string, reason: string): Error {
  const message = `the argument ${propertyPath} ${reason}`;
  return new pulumi.InputPropertiesError({ message, errors: [{ propertyPath, reason }] });
}

/** The text that a stack would have for an argument. */
function textOf(key: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (pulumi.Output.isInstance(value))
    throw wrongInput(key, 'comes from another resource, and the plan is made of it, in the preview too');
  return JSON.stringify(value);
}

/** The arguments of a design, checked; throws an error of the property that is wrong. */
function argsOf(name: DesignName, inputs: pulumi.Inputs) {
  const given = Object.entries(inputs).filter(([, value]) => value !== undefined && value !== null);
  const isMade = ([key, value]: readonly [string, unknown]): boolean =>
    isId(key) && pulumi.Output.isInstance(value);
  const made = Object.fromEntries(given.filter(isMade));
  try {
    const config = stackConfig({
      ...Object.fromEntries(
        given.filter((one) => !isMade(one)).map(([key, value]) => [key, textOf(key, value)]),
      ),
      design: name,
    });
    const { zones } = config;
    if (zones === undefined) throw new KeyError('zones', 'is not set: a component needs its zones', '');
    return { ...designArgs({ ...config, zones }), ...made };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw wrongInput(error.key, error.why);
  }
}

export const createProvider = (version: string): pulumi.provider.Provider => ({
  version,
  schema: JSON.stringify(packageSchema(version)),
  construct: async (name, type, inputs, options) => {
    const design = designOfToken(type);
    if (design === undefined)
      throw new Error(`there is no component ${type}; there are ${Object.keys(DESIGNS).join(', ')}`);
    const known = new Set<string>(inputsOf(DESIGNS[design]));
    const stranger = Object.keys(inputs).find((key) => !known.has(key));
    if (stranger !== undefined)
      throw wrongInput(stranger, `is not taken by ${design}; it takes ${[...known].join(', ')}`);
    const made = new COMPONENTS[design](name, argsOf(design, inputs), options);
    const outputs = Object.entries(made).filter(([key]) => outputNames.includes(key));
    return { urn: made.urn, state: Object.fromEntries(outputs) };
  },
});
