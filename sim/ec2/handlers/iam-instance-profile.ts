/** IAM instance profiles: the box that carries a role to an instance. */
import type {
  AddRoleToInstanceProfileRequest,
  CreateInstanceProfileRequest,
  CreateInstanceProfileResponse,
  DeleteInstanceProfileRequest,
  GetInstanceProfileRequest,
  GetInstanceProfileResponse,
  InstanceProfile,
  ListInstanceProfilesForRoleRequest,
  ListInstanceProfilesForRoleResponse,
  ListInstanceProfilesRequest,
  ListInstanceProfilesResponse,
  ListInstanceProfileTagsRequest,
  ListInstanceProfileTagsResponse,
  RemoveRoleFromInstanceProfileRequest,
  TagInstanceProfileRequest,
  UntagInstanceProfileRequest,
} from '@aws-sdk/client-iam';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { InstanceProfileRecord } from '../record/identity.ts';
import { refuse } from '../refusal.ts';
import {
  checkedName,
  checkedPath,
  iamPage,
  iamTags,
  mergeIamTags,
  needProfile,
  needRole,
  profileArn,
  uniqueId,
  withoutTags,
} from './iam-name.ts';
import { shownRole } from './iam-role.ts';

const shown = (tx: Tx, profile: InstanceProfileRecord): InstanceProfile => ({
  Path: profile.path,
  InstanceProfileName: profile.id,
  InstanceProfileId: profile.uniqueId,
  Arn: profileArn(profile),
  CreateDate: profile.created,
  Roles: profile.roles.map((name) => shownRole(needRole(tx, name))),
  Tags: iamTags(profile.tags),
});

function createProfile(tx: Tx, input: CreateInstanceProfileRequest): CreateInstanceProfileResponse {
  const name = checkedName('instanceProfileName', input.InstanceProfileName, 128);
  if (tx.get('instance-profile', name)) {
    refuse('EntityAlreadyExists', `Instance Profile ${name} already exists.`, 409);
  }
  const profile = tx.put('instance-profile', {
    id: name,
    uniqueId: uniqueId(tx, 'AIPA'),
    account: tx.account,
    path: checkedPath(input.Path),
    created: tx.date(),
    roles: [],
    tags: mergeIamTags({}, input.Tags),
  });
  return { InstanceProfile: shown(tx, profile) };
}

function addRole(tx: Tx, input: AddRoleToInstanceProfileRequest): undefined {
  const profile = needProfile(tx, input.InstanceProfileName);
  const role = needRole(tx, input.RoleName);
  if (profile.roles.length > 0) {
    refuse('LimitExceeded', 'Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1', 409);
  }
  tx.put('instance-profile', { ...profile, roles: [role.id] });
  return undefined;
}

function removeRole(tx: Tx, input: RemoveRoleFromInstanceProfileRequest): undefined {
  const profile = needProfile(tx, input.InstanceProfileName);
  const name = input.RoleName ?? '';
  if (!profile.roles.includes(name)) {
    refuse('NoSuchEntity', `The role ${name} is not in the instance profile ${profile.id}.`, 404);
  }
  tx.put('instance-profile', { ...profile, roles: profile.roles.filter((each) => each !== name) });
  return undefined;
}

const tagging: Handlers = {
  TagInstanceProfile: handler((tx, input: TagInstanceProfileRequest) => {
    const profile = needProfile(tx, input.InstanceProfileName);
    tx.put('instance-profile', { ...profile, tags: mergeIamTags(profile.tags, input.Tags) });
    return undefined;
  }),
  UntagInstanceProfile: handler((tx, input: UntagInstanceProfileRequest) => {
    const profile = needProfile(tx, input.InstanceProfileName);
    tx.put('instance-profile', { ...profile, tags: withoutTags(profile.tags, input.TagKeys) });
    return undefined;
  }),
  ListInstanceProfileTags: handler(
    (tx, input: ListInstanceProfileTagsRequest): ListInstanceProfileTagsResponse => {
      const page = iamPage(
        iamTags(needProfile(tx, input.InstanceProfileName).tags),
        input,
        (tag) => tag.Key ?? '',
      );
      return { Tags: page.items, ...page.rest };
    },
  ),
};

export const iamInstanceProfileHandlers: Handlers = {
  CreateInstanceProfile: handler(createProfile),
  GetInstanceProfile: handler(
    (tx, input: GetInstanceProfileRequest): GetInstanceProfileResponse => ({
      InstanceProfile: shown(tx, needProfile(tx, input.InstanceProfileName)),
    }),
  ),
  ListInstanceProfiles: handler((tx, input: ListInstanceProfilesRequest): ListInstanceProfilesResponse => {
    const under = tx.list('instance-profile').filter((each) => each.path.startsWith(input.PathPrefix ?? '/'));
    const page = iamPage(under, input, (profile) => profile.id);
    return { InstanceProfiles: page.items.map((each) => shown(tx, each)), ...page.rest };
  }),
  ListInstanceProfilesForRole: handler(
    (tx, input: ListInstanceProfilesForRoleRequest): ListInstanceProfilesForRoleResponse => {
      const page = iamPage(
        tx.referring('instance-profile', needRole(tx, input.RoleName).id),
        input,
        (profile) => profile.id,
      );
      return { InstanceProfiles: page.items.map((each) => shown(tx, each)), ...page.rest };
    },
  ),
  AddRoleToInstanceProfile: handler(addRole),
  RemoveRoleFromInstanceProfile: handler(removeRole),
  DeleteInstanceProfile: handler((tx, input: DeleteInstanceProfileRequest) => {
    const profile = needProfile(tx, input.InstanceProfileName);
    if (profile.roles.length > 0) {
      refuse('DeleteConflict', 'Cannot delete entity, must remove roles from instance profile first.', 409);
    }
    tx.remove('instance-profile', profile.id);
    return undefined;
  }),
  ...tagging,
};
