/** The kinds of instances, volumes, security groups and IAM resources; kind.ts says what each field is. */
import type { ComputeRecords } from './compute.ts';
import type { IdentityRecords } from './identity.ts';
import { defined, type KindTable } from './kind.ts';
import type { SecurityRecords } from './security.ts';

export const machineKinds: KindTable<keyof (ComputeRecords & SecurityRecords & IdentityRecords)> = {
  instance: {
    scope: 'region',
    refersTo: (instance) =>
      instance.state === 'terminated'
        ? [instance.reservation]
        : defined([
            ...[instance.vpc, instance.subnet, instance.reservation],
            ...[instance.profile?.association, instance.placementGroup],
          ]),
    prefix: 'i',
    resourceType: 'instance',
    notFound: 'InvalidInstanceID.NotFound',
    malformed: 'InvalidInstanceID.Malformed',
    noun: 'instance ID',
  },
  volume: {
    scope: 'region',
    refersTo: (volume) => defined([volume.instance]),
    prefix: 'vol',
    resourceType: 'volume',
    notFound: 'InvalidVolume.NotFound',
    malformed: 'InvalidParameterValue',
    noun: 'volume',
  },
  'placement-group': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'pg',
    resourceType: 'placement-group',
    notFound: 'InvalidPlacementGroup.Unknown',
    malformed: 'InvalidPlacementGroupId.Malformed',
    noun: 'Placement Group ID',
  },
  'key-pair': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'key',
    resourceType: 'key-pair',
    notFound: 'InvalidKeyPair.NotFound',
    malformed: 'InvalidKeyPair.Format',
    noun: 'key pair ID',
  },
  'launch-template': {
    scope: 'region',
    refersTo: () => [],
    prefix: 'lt',
    resourceType: 'launch-template',
    notFound: 'InvalidLaunchTemplateId.NotFound',
    malformed: 'InvalidLaunchTemplateId.Malformed',
    noun: 'launch template ID',
  },
  'security-group': {
    scope: 'region',
    refersTo: (group) => [
      group.vpc,
      ...group.rules.map(({ id }) => id),
      ...group.rules.flatMap(({ peer }) => (peer.kind === 'group' ? [peer.group] : [])),
      ...group.rules.flatMap(({ peer }) => (peer.kind === 'prefix-list' ? [peer.list] : [])),
    ],
    prefix: 'sg',
    resourceType: 'security-group',
    notFound: 'InvalidGroup.NotFound',
    malformed: 'InvalidGroupId.Malformed',
    noun: 'security group',
  },
  role: {
    scope: 'account',
    refersTo: () => [],
    notFound: 'NoSuchEntity',
    malformed: 'ValidationError',
    noun: 'role with name',
  },
  'instance-profile': {
    scope: 'account',
    refersTo: (profile) => profile.roles,
    notFound: 'NoSuchEntity',
    malformed: 'ValidationError',
    noun: 'instance profile',
  },
};
