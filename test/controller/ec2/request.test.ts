/** What the daemon asks EC2 for, against the schemas of the AWS SDK: the SDK drops what it does not know. */
import { expect, it } from 'vitest';
import { toRequest } from '../../../controller/ec2/request.ts';
import { operationOf, type Shape } from '../../../sim/ec2/shape.ts';
import { CALLS } from './calls.ts';

/** Paths of what a shape does not have. */
function unknownIn(shape: Shape, value: unknown, path: string): readonly string[] {
  if (Array.isArray(value))
    return shape.kind === 'list'
      ? value.flatMap((one, index) => unknownIn(shape.element(), one, `${path}[${index}]`))
      : [path];
  if (typeof value !== 'object' || value === null) return [];
  if (shape.kind !== 'structure') return [path];
  return Object.entries(value).flatMap(([name, inner]) => {
    const member = shape.members.find((one) => one.name === name);
    return member === undefined ? [`${path}.${name}`] : unknownIn(member.shape(), inner, `${path}.${name}`);
  });
}

it.each(Object.values(CALLS).flat())('$kind says nothing that its action does not know', (call) => {
  const { action, input } = toRequest(call);
  const operation = operationOf('ec2', action);
  expect(operation, action).toBeDefined();
  expect(operation && unknownIn(operation.input, input, action)).toEqual([]);
});
