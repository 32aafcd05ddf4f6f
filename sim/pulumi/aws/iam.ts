/** `aws:iam` Role, RolePolicy and InstanceProfile. */
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { tagsFrom, unlessGone, until, whileRefused } from './clients.ts';
import { type Definition, defined, differs, iamTagging, optionalText, text } from './type.ts';

/** IAM gives policies URL-encoded. */
const policyText = (encoded: string | undefined): string | undefined =>
  encoded === undefined ? undefined : decodeURIComponent(encoded);

export const role: Definition = {
  inputs: ['assumeRolePolicy'],
  fixed: ['name', 'description', 'tags'],
  named: 'name',
  create: async (clients, inputs) => {
    const id = text(inputs, 'name');
    await clients.iam.send(
      new CreateRoleCommand({
        RoleName: id,
        AssumeRolePolicyDocument: text(inputs, 'assumeRolePolicy'),
        Description: optionalText(inputs, 'description'),
        ...iamTagging(inputs),
      }),
    );
    return until(`role ${id} is there`, () => role.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = (await unlessGone(clients.iam.send(new GetRoleCommand({ RoleName: id }))))?.Role;
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: found.Arn,
      name: found.RoleName,
      uniqueId: found.RoleId,
      description: found.Description,
      assumeRolePolicy: policyText(found.AssumeRolePolicyDocument),
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    if (!differs(old, inputs, 'assumeRolePolicy')) return;
    const PolicyDocument = text(inputs, 'assumeRolePolicy');
    await clients.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: id, PolicyDocument }));
  },
  remove: async (clients, id) => {
    const work = () => clients.iam.send(new DeleteRoleCommand({ RoleName: id }));
    await unlessGone(whileRefused(['DeleteConflictException', 'DeleteConflict'], work));
  },
};

/** The id of a role policy is `role:policy`. */
const policyKey = (id: string) => ({ RoleName: id.split(':')[0], PolicyName: id.split(':')[1] });

export const rolePolicy: Definition = {
  inputs: ['policy'],
  fixed: ['name', 'role'],
  named: 'name',
  create: async (clients, inputs) => {
    const [RoleName, PolicyName] = [text(inputs, 'role'), text(inputs, 'name')];
    const PolicyDocument = text(inputs, 'policy');
    await clients.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    const id = `${RoleName}:${PolicyName}`;
    return until(`policy ${id} is there`, () => rolePolicy.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const found = await unlessGone(clients.iam.send(new GetRolePolicyCommand(policyKey(id))));
    if (found === undefined) return undefined;
    const outputs = defined({
      name: found.PolicyName,
      role: found.RoleName,
      policy: policyText(found.PolicyDocument),
    });
    return { id, outputs };
  },
  update: async (clients, id, _old, inputs) => {
    const PolicyDocument = text(inputs, 'policy');
    await clients.iam.send(new PutRolePolicyCommand({ ...policyKey(id), PolicyDocument }));
  },
  remove: async (clients, id) => {
    await unlessGone(clients.iam.send(new DeleteRolePolicyCommand(policyKey(id))));
  },
};

export const instanceProfile: Definition = {
  inputs: ['role'],
  fixed: ['name', 'tags'],
  named: 'name',
  create: async (clients, inputs) => {
    const id = text(inputs, 'name');
    await clients.iam.send(
      new CreateInstanceProfileCommand({ InstanceProfileName: id, ...iamTagging(inputs) }),
    );
    const RoleName = optionalText(inputs, 'role');
    if (RoleName !== undefined) {
      await clients.iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: id, RoleName }));
    }
    return until(`instance profile ${id} is there`, () => instanceProfile.read(clients, id, inputs));
  },
  read: async (clients, id) => {
    const command = new GetInstanceProfileCommand({ InstanceProfileName: id });
    const found = (await unlessGone(clients.iam.send(command)))?.InstanceProfile;
    if (found === undefined) return undefined;
    const outputs = defined({
      arn: found.Arn,
      name: found.InstanceProfileName,
      uniqueId: found.InstanceProfileId,
      role: found.Roles?.[0]?.RoleName,
      tags: tagsFrom(found.Tags),
      tagsAll: tagsFrom(found.Tags),
    });
    return { id, outputs };
  },
  update: async (clients, id, old, inputs) => {
    const InstanceProfileName = id;
    const [before, now] = [optionalText(old, 'role'), optionalText(inputs, 'role')];
    if (before !== undefined) {
      const command = new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName: before });
      await unlessGone(clients.iam.send(command));
    }
    if (now !== undefined) {
      await clients.iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: now }));
    }
  },
  remove: async (clients, id) => {
    const InstanceProfileName = id;
    const RoleName = (await instanceProfile.read(clients, id, {}))?.outputs.role;
    if (typeof RoleName === 'string') {
      await unlessGone(
        clients.iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName })),
      );
    }
    await unlessGone(clients.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName })));
  },
};
