/**
 * IAM roles with their inline and attached policies, which are kept and checked for form here; what they
 * permit is `iam/authorize.ts`'s.
 */
import type {
  AttachRolePolicyRequest,
  CreateRoleRequest,
  CreateRoleResponse,
  DeleteRolePolicyRequest,
  DeleteRoleRequest,
  DetachRolePolicyRequest,
  GetRolePolicyRequest,
  GetRolePolicyResponse,
  GetRoleRequest,
  GetRoleResponse,
  ListAttachedRolePoliciesRequest,
  ListAttachedRolePoliciesResponse,
  ListRolePoliciesRequest,
  ListRolePoliciesResponse,
  ListRolesRequest,
  ListRolesResponse,
  ListRoleTagsRequest,
  ListRoleTagsResponse,
  PutRolePolicyRequest,
  Role,
  TagRoleRequest,
  UntagRoleRequest,
  UpdateAssumeRolePolicyRequest,
  UpdateRoleRequest,
  UpdateRoleResponse,
} from '@aws-sdk/client-iam';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { RoleRecord } from '../record/identity.ts';
import { refuse } from '../refusal.ts';
import {
  checkedName,
  checkedPath,
  checkedPolicy,
  encodedPolicy,
  iamPage,
  iamTags,
  mergeIamTags,
  needRole,
  roleArn,
  uniqueId,
  withoutTags,
} from './iam-name.ts';

/** A role as IAM shows it: the trust policy in percent encoding. */
export const shownRole = (role: RoleRecord): Role => ({
  Path: role.path,
  RoleName: role.id,
  RoleId: role.uniqueId,
  Arn: roleArn(role),
  CreateDate: role.created,
  AssumeRolePolicyDocument: encodedPolicy(role.trustPolicy),
  MaxSessionDuration: role.maxSessionDurationS,
  ...(role.description !== undefined && { Description: role.description }),
  ...(role.permissionsBoundary !== undefined && {
    PermissionsBoundary: {
      PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
      PermissionsBoundaryArn: role.permissionsBoundary,
    },
  }),
  ...(Object.keys(role.tags).length > 0 && { Tags: iamTags(role.tags) }),
});

function checkedSession(durationS = 3600): number {
  if (durationS < 3600 || durationS > 43_200) {
    refuse('ValidationError', `MaxSessionDuration is 3600 to 43200 seconds, not ${durationS}`);
  }
  return durationS;
}

function createRole(tx: Tx, input: CreateRoleRequest): CreateRoleResponse {
  const name = checkedName('roleName', input.RoleName, 64);
  if (tx.get('role', name)) refuse('EntityAlreadyExists', `Role with name ${name} already exists.`, 409);
  const role = tx.put('role', {
    id: name,
    uniqueId: uniqueId(tx, 'AROA'),
    account: tx.account,
    path: checkedPath(input.Path),
    created: tx.date(),
    trustPolicy: checkedPolicy(input.AssumeRolePolicyDocument, 'trust'),
    ...(input.Description !== undefined && { description: input.Description }),
    ...(input.PermissionsBoundary !== undefined && { permissionsBoundary: input.PermissionsBoundary }),
    maxSessionDurationS: checkedSession(input.MaxSessionDuration),
    policies: {},
    attached: [],
    tags: mergeIamTags({}, input.Tags),
  });
  return { Role: shownRole(role) };
}

function deleteRole(tx: Tx, input: DeleteRoleRequest): undefined {
  const role = needRole(tx, input.RoleName);
  const conflict = (what: string): never =>
    refuse('DeleteConflict', `Cannot delete entity, must ${what} first.`, 409);
  if (tx.referring('instance-profile', role.id).length > 0) conflict('remove roles from instance profile');
  if (role.attached.length > 0) conflict('detach all policies');
  if (Object.keys(role.policies).length > 0) conflict('delete policies');
  tx.remove('role', role.id);
  return undefined;
}

const noSuchPolicy = (name = ''): never =>
  refuse('NoSuchEntity', `The role policy with name ${name} cannot be found.`, 404);

function policyNameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

function attach(tx: Tx, input: AttachRolePolicyRequest): undefined {
  const role = needRole(tx, input.RoleName);
  const arn = input.PolicyArn ?? '';
  if (!/^arn:aws[\w-]*:iam::(aws|\d{12}):policy\/.+$/.test(arn)) {
    refuse('InvalidInput', `ARN ${arn} is not valid.`);
  }
  if (!role.attached.includes(arn)) tx.put('role', { ...role, attached: [...role.attached, arn] });
  return undefined;
}

function detach(tx: Tx, input: DetachRolePolicyRequest): undefined {
  const role = needRole(tx, input.RoleName);
  if (!role.attached.includes(input.PolicyArn ?? '')) {
    refuse('NoSuchEntity', `Policy ${input.PolicyArn} was not found.`, 404);
  }
  tx.put('role', { ...role, attached: role.attached.filter((each) => each !== input.PolicyArn) });
  return undefined;
}

const inlinePolicies: Handlers = {
  PutRolePolicy: handler((tx, input: PutRolePolicyRequest) => {
    const role = needRole(tx, input.RoleName);
    const name = checkedName('policyName', input.PolicyName, 128);
    const text = checkedPolicy(input.PolicyDocument, 'identity');
    const policies = { ...role.policies, [name]: text };
    const size = Object.values(policies).reduce((sum, each) => sum + each.replaceAll(/\s/g, '').length, 0);
    if (size > 10_240) {
      refuse('LimitExceeded', `Maximum policy size of 10240 bytes exceeded for role ${role.id}`, 409);
    }
    tx.put('role', { ...role, policies });
    return undefined;
  }),
  GetRolePolicy: handler((tx, input: GetRolePolicyRequest): GetRolePolicyResponse => {
    const role = needRole(tx, input.RoleName);
    const name = input.PolicyName ?? '';
    const text = Object.hasOwn(role.policies, name) ? role.policies[name] : undefined;
    const PolicyDocument = text === undefined ? noSuchPolicy(name) : encodedPolicy(text);
    return { RoleName: role.id, PolicyName: name, PolicyDocument };
  }),
  DeleteRolePolicy: handler((tx, input: DeleteRolePolicyRequest) => {
    const role = needRole(tx, input.RoleName);
    const { [input.PolicyName ?? '']: gone, ...policies } = role.policies;
    if (gone === undefined) noSuchPolicy(input.PolicyName);
    tx.put('role', { ...role, policies });
    return undefined;
  }),
  ListRolePolicies: handler((tx, input: ListRolePoliciesRequest): ListRolePoliciesResponse => {
    const page = iamPage(Object.keys(needRole(tx, input.RoleName).policies), input, (policy) => policy);
    return { PolicyNames: page.items, ...page.rest };
  }),
};

const attachedPolicies: Handlers = {
  AttachRolePolicy: handler(attach),
  DetachRolePolicy: handler(detach),
  ListAttachedRolePolicies: handler(
    (tx, input: ListAttachedRolePoliciesRequest): ListAttachedRolePoliciesResponse => {
      const page = iamPage(needRole(tx, input.RoleName).attached, input, (arn) => arn);
      const shown = page.items.map((arn) => ({ PolicyArn: arn, PolicyName: policyNameOf(arn) }));
      return { AttachedPolicies: shown, ...page.rest };
    },
  ),
};

const tagging: Handlers = {
  TagRole: handler((tx, input: TagRoleRequest) => {
    const role = needRole(tx, input.RoleName);
    tx.put('role', { ...role, tags: mergeIamTags(role.tags, input.Tags) });
    return undefined;
  }),
  UntagRole: handler((tx, input: UntagRoleRequest) => {
    const role = needRole(tx, input.RoleName);
    tx.put('role', { ...role, tags: withoutTags(role.tags, input.TagKeys) });
    return undefined;
  }),
  ListRoleTags: handler((tx, input: ListRoleTagsRequest): ListRoleTagsResponse => {
    const page = iamPage(iamTags(needRole(tx, input.RoleName).tags), input, (tag) => tag.Key ?? '');
    return { Tags: page.items, ...page.rest };
  }),
};

export const iamRoleHandlers: Handlers = {
  CreateRole: handler(createRole),
  GetRole: handler(
    (tx, input: GetRoleRequest): GetRoleResponse => ({ Role: shownRole(needRole(tx, input.RoleName)) }),
  ),
  ListRoles: handler((tx, input: ListRolesRequest): ListRolesResponse => {
    const under = tx.list('role').filter((role) => role.path.startsWith(input.PathPrefix ?? '/'));
    const page = iamPage(under, input, (role) => role.id);
    return { Roles: page.items.map(shownRole), ...page.rest };
  }),
  UpdateRole: handler((tx, input: UpdateRoleRequest): UpdateRoleResponse => {
    const role = needRole(tx, input.RoleName);
    tx.put('role', {
      ...role,
      ...(input.Description !== undefined && { description: input.Description }),
      maxSessionDurationS: checkedSession(input.MaxSessionDuration ?? role.maxSessionDurationS),
    });
    return {};
  }),
  UpdateAssumeRolePolicy: handler((tx, input: UpdateAssumeRolePolicyRequest) => {
    const role = needRole(tx, input.RoleName);
    tx.put('role', { ...role, trustPolicy: checkedPolicy(input.PolicyDocument, 'trust') });
    return undefined;
  }),
  DeleteRole: handler(deleteRole),
  ...inlinePolicies,
  ...attachedPolicies,
  ...tagging,
};
