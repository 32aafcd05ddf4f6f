/** A role for an instance, made by the real SDK clients. Not a test itself. */
import { AssociateIamInstanceProfileCommand } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import type { RunningSimulator } from '../../sim/index.ts';
import { ACCOUNT, clientOf, REGION } from './scene.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } }],
});

/** Gives the instance the role `appliance`. */
export async function giveRole(simulator: RunningSimulator, InstanceId: string): Promise<void> {
  const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'any' };
  const iam = new IAMClient({ endpoint: simulator.url, region: REGION, credentials });
  const [RoleName, InstanceProfileName] = ['appliance', 'profile'];
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
  const IamInstanceProfile = { Name: InstanceProfileName };
  const ec2 = clientOf(simulator);
  await ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId, IamInstanceProfile }));
  iam.destroy();
  ec2.destroy();
}
