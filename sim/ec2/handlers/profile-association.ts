/**
 * Which instance profile an instance has: associate, replace, disassociate, describe. An instance has one
 * at most.
 */
import type {
  AssociateIamInstanceProfileRequest,
  AssociateIamInstanceProfileResult,
  DescribeIamInstanceProfileAssociationsRequest,
  DescribeIamInstanceProfileAssociationsResult,
  DisassociateIamInstanceProfileRequest,
  DisassociateIamInstanceProfileResult,
  IamInstanceProfileAssociation,
  IamInstanceProfileAssociationState,
  IamInstanceProfileSpecification,
  ReplaceIamInstanceProfileAssociationRequest,
  ReplaceIamInstanceProfileAssociationResult,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher, paginate } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { InstanceRecord } from '../record/compute.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { profileArn } from './iam-name.ts';

/** A profile on an instance; the id is that of the association. */
export type InstanceProfileOn = NonNullable<InstanceRecord['profile']>;

/** A new association with the profile that a request names; undefined where it names none. */
export function namedProfile(
  tx: Tx,
  specification: IamInstanceProfileSpecification | undefined,
): InstanceProfileOn | undefined {
  const { Name: name, Arn: arn } = specification ?? {};
  if (name === undefined && arn === undefined) return undefined;
  if (name !== undefined && arn !== undefined) {
    refuse(
      'InvalidParameterCombination',
      "The parameter 'iamInstanceProfile.name' may not be used with its arn",
    );
  }
  const profile = tx.get('instance-profile', name ?? (arn ?? '').slice((arn ?? '').lastIndexOf('/') + 1));
  if (profile === undefined || (arn !== undefined && profileArn(profile) !== arn)) {
    return name === undefined
      ? invalidValue('iamInstanceProfile.arn', arn, 'Invalid IAM Instance Profile ARN')
      : invalidValue('iamInstanceProfile.name', name, 'Invalid IAM Instance Profile name');
  }
  return { association: tx.newId('iip-assoc'), id: profile.uniqueId, arn: profileArn(profile) };
}

const shown = (
  instance: string,
  profile: InstanceProfileOn,
  State: IamInstanceProfileAssociationState,
): IamInstanceProfileAssociation => ({
  AssociationId: profile.association,
  InstanceId: instance,
  IamInstanceProfile: { Arn: profile.arn, Id: profile.id },
  State,
});

function associated(
  tx: Tx,
  association = '',
): { readonly instance: InstanceRecord; readonly profile: InstanceProfileOn } {
  for (const instance of tx.referring('instance', association)) {
    if (instance.profile?.association === association) return { instance, profile: instance.profile };
  }
  return refuse('NoSuchAssociation', `Invalid association: ${association}. No such association ID found.`);
}

function associate(tx: Tx, input: AssociateIamInstanceProfileRequest): AssociateIamInstanceProfileResult {
  const instance = tx.need('instance', input.InstanceId ?? missing('InstanceId'));
  if (instance.state === 'terminated' || instance.state === 'shutting-down') {
    refuse('IncorrectInstanceState', `The instance '${instance.id}' is ${instance.state}.`);
  }
  if (instance.profile) {
    const why = `There is an existing association for instance ${instance.id}`;
    refuse('IncorrectState', why);
  }
  const profile = namedProfile(tx, input.IamInstanceProfile) ?? missing('IamInstanceProfile');
  tx.put('instance', { ...instance, profile });
  return { IamInstanceProfileAssociation: shown(instance.id, profile, 'associating') };
}

function replace(
  tx: Tx,
  input: ReplaceIamInstanceProfileAssociationRequest,
): ReplaceIamInstanceProfileAssociationResult {
  const { instance } = associated(tx, input.AssociationId);
  const profile = namedProfile(tx, input.IamInstanceProfile) ?? missing('IamInstanceProfile');
  tx.put('instance', { ...instance, profile });
  return { IamInstanceProfileAssociation: shown(instance.id, profile, 'associating') };
}

function disassociate(
  tx: Tx,
  input: DisassociateIamInstanceProfileRequest,
): DisassociateIamInstanceProfileResult {
  const { instance, profile } = associated(tx, input.AssociationId);
  const { profile: _, ...bare } = instance;
  tx.put('instance', bare);
  return { IamInstanceProfileAssociation: shown(instance.id, profile, 'disassociating') };
}

const filters: Filters<InstanceRecord> = {
  'instance-id': (instance) => instance.id,
  state: () => 'associated',
};

function describeAssociations(
  tx: Tx,
  input: DescribeIamInstanceProfileAssociationsRequest,
): DescribeIamInstanceProfileAssociationsResult {
  const ids = input.AssociationIds ?? [];
  const candidates = ids.length > 0 ? ids.map((id) => associated(tx, id).instance) : tx.list('instance');
  const withOne = candidates.filter(({ profile }) => profile !== undefined);
  const page = paginate(withOne.filter(matcher(tx, input.Filters ?? [], filters)), input, ({ id }) => [
    tx.order('instance', id),
  ]);
  const found = page.records.flatMap(({ id, profile }) =>
    profile ? [shown(id, profile, 'associated')] : [],
  );
  return { IamInstanceProfileAssociations: found, ...page.next };
}

export const profileAssociationHandlers: Handlers = {
  AssociateIamInstanceProfile: handler(associate),
  ReplaceIamInstanceProfileAssociation: handler(replace),
  DisassociateIamInstanceProfile: handler(disassociate),
  DescribeIamInstanceProfileAssociations: handler(describeAssociations),
};
