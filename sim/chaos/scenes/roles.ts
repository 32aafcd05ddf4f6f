/** The roles of appliances that may not write themselves, and of one that they assume to write. */
import { handle } from '../../ec2/service.ts';
import type { World } from '../../world/state.ts';
import { ask, PLACE } from './network.ts';

const WRITER = 'routes';
const APPLIANCE = 'appliance';

const iam = (world: World, action: string, input: object): void => {
  const made = handle(world.api.cloud, { ...PLACE, service: 'iam', action, input }, world.now);
  if (made.kind === 'error') throw new Error(`${action}: ${made.message}`);
};

function createRole(world: World, RoleName: string, Principal: object, Action: readonly string[]): void {
  const trust = { Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Principal } };
  iam(world, 'CreateRole', { RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
  const policy = { Statement: { Effect: 'Allow', Action, Resource: '*' } };
  iam(world, 'PutRolePolicy', { RoleName, PolicyName: 'own', PolicyDocument: JSON.stringify(policy) });
}

/** Gives instances a role that may look and assume another one; the ARN of that, which may write routes. */
export function createRoles(world: World, instances: readonly string[]): string {
  createRole(world, WRITER, { AWS: PLACE.account }, ['ec2:*Route*']);
  createRole(world, APPLIANCE, { Service: 'ec2.amazonaws.com' }, ['ec2:Describe*', 'sts:AssumeRole']);
  iam(world, 'CreateInstanceProfile', { InstanceProfileName: APPLIANCE });
  iam(world, 'AddRoleToInstanceProfile', { InstanceProfileName: APPLIANCE, RoleName: APPLIANCE });
  for (const InstanceId of instances)
    ask(world, 'AssociateIamInstanceProfile', { InstanceId, IamInstanceProfile: { Name: APPLIANCE } });
  return `arn:aws:iam::${PLACE.account}:role/${WRITER}`;
}
