import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../sim/ec2/codec.ts';
import { handlerFor } from '../../sim/ec2/handlers.ts';
import type { ServiceName } from '../../sim/ec2/shape.ts';
import { CALLS, PARAMETERS } from './provider-calls.ts';

/** Operations that the provider uses and that nobody serves yet. */
const OPEN = [
  'ec2:CreateVpcEndpoint',
  'ec2:DescribeVpcEndpoints',
  'ec2:DescribePrefixLists',
  'ec2:DeleteVpcEndpoints',
];

const split = (operation: string): readonly [ServiceName, string] => {
  const [service = '', action = ''] = operation.split(':');
  return [service as ServiceName, action];
};

describe("what Terraform's AWS provider asks", () => {
  it.each(Object.entries(CALLS))('for %s is served: %s', (_kind, operations) => {
    const unserved = operations.split(' ').filter((each) => handlerFor(...split(each)) === undefined);
    expect(unserved.filter((each) => !OPEN.includes(each))).toEqual([]);
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
