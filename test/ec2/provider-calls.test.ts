import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../sim/ec2/codec.ts';
import { handlerFor } from '../../sim/ec2/handlers.ts';
import type { ServiceName } from '../../sim/ec2/shape.ts';
import { CALLS, PARAMETERS } from './provider-calls.ts';

const CONFIGURATIONS = new URL('../clients/terraform/', import.meta.url);

const split = (operation: string): readonly [ServiceName, string] => {
  const [service = '', action = ''] = operation.split(':');
  return [service as ServiceName, action];
};

describe("what Terraform's AWS provider asks", () => {
  it.each(Object.entries(CALLS))('for %s is served: %s', (_kind, operations) => {
    const unserved = operations.split(' ').filter((each) => handlerFor(...split(each)) === undefined);
    expect(unserved).toEqual([]);
  });

  it('is asked in the client tests, for every kind of resource', () => {
    const files = readdirSync(CONFIGURATIONS).filter((name) => name.endsWith('.tf'));
    const texts = files.map((name) => readFileSync(new URL(name, CONFIGURATIONS), 'utf8')).join('');
    const made = new Set(Array.from(texts.matchAll(/^(?:resource|data) "(\w+)"/gm), ([, kind]) => kind));
    expect(Object.keys(CALLS).filter((kind) => kind !== 'provider' && !made.has(kind))).toEqual([]);
  });

  it.each(Object.entries(PARAMETERS))('%s has parameters that are known: %s', (operation, parameters) => {
    const [service, action] = split(operation);
    const names = parameters.split(' ').filter((name) => name !== '' && !/^Action$|^Filter=/.test(name));
    const unknown = names.filter((name) => {
      const decoded = decodeRequest(`Action=${action}&${name.replace(/\.N(?=\.|$)/g, '.1')}=1`, service);
      return !decoded.ok && decoded.error.code !== 'InvalidParameterValue';
    });
    expect(unknown).toEqual([]);
  });
});
