import type {
  DescribeInstancesResult,
  DescribeLaunchTemplatesResult,
  DescribeLaunchTemplateVersionsResult,
  Instance,
  LaunchTemplate,
  Reservation,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { name, refusal, type Site, site } from './site.ts';

const DATA = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.small' };

/** A site with a template 'web' whose first version is DATA. */
function prepared(): { readonly at: Site; readonly id: string } {
  const at = site();
  const input = { LaunchTemplateName: 'web', LaunchTemplateData: DATA, VersionDescription: 'first' };
  const { LaunchTemplate: made } = at.call<{ LaunchTemplate: LaunchTemplate }>('CreateLaunchTemplate', input);
  return { at, id: name(made.LaunchTemplateId) };
}

function versions(at: Site, input: object): (number | undefined)[] {
  const { LaunchTemplateVersions: found } = at.call<DescribeLaunchTemplateVersionsResult>(
    'DescribeLaunchTemplateVersions',
    input,
  );
  return (found ?? []).map((each) => each.VersionNumber);
}

function launch(at: Site, input: object): Instance {
  const wanted = { MinCount: 1, MaxCount: 1, SubnetId: at.subnets[0], ...input };
  const { Instances: made } = at.call<Reservation>('RunInstances', wanted);
  return present(made?.[0], 'an instance');
}

describe('a launch template', () => {
  it('is found by id and by name, and by its filters', () => {
    const { at, id } = prepared();
    const found = (input: object): number | undefined =>
      at.call<DescribeLaunchTemplatesResult>('DescribeLaunchTemplates', input).LaunchTemplates?.length;
    expect(found({ LaunchTemplateIds: [id] })).toBe(1);
    expect(found({ LaunchTemplateNames: ['web'] })).toBe(1);
    expect(found({ Filters: [{ Name: 'launch-template-name', Values: ['w*'] }] })).toBe(1);
    expect(found({ Filters: [{ Name: 'launch-template-name', Values: ['db'] }] })).toBe(0);
    expect(at.code('DescribeLaunchTemplates', { LaunchTemplateIds: ['lt-00000000000000000'] })).toBe(
      'InvalidLaunchTemplateId.NotFound',
    );
    expect(at.code('DescribeLaunchTemplates', { LaunchTemplateNames: ['db'] })).toBe(
      'InvalidLaunchTemplateName.NotFoundException',
    );
    const twin = { LaunchTemplateName: 'web', LaunchTemplateData: DATA };
    expect(at.code('CreateLaunchTemplate', twin)).toBe('InvalidLaunchTemplateName.AlreadyExistsException');
  });

  it('has versions: numbered, one of them the default, the rest may be deleted', () => {
    const { at, id } = prepared();
    const LaunchTemplateData = { InstanceType: 't3.micro' };
    for (const SourceVersion of ['1', '$Latest']) {
      at.call('CreateLaunchTemplateVersion', { LaunchTemplateId: id, SourceVersion, LaunchTemplateData });
    }
    const of = { LaunchTemplateId: id };
    expect(versions(at, of)).toEqual([1, 2, 3]);
    expect(versions(at, { ...of, MinVersion: '2', MaxVersion: '2' })).toEqual([2]);
    expect(versions(at, { ...of, Versions: ['$Default', '$Latest'] })).toEqual([1, 3]);
    expect(versions(at, { Versions: ['$Latest'] })).toEqual([3]);
    expect(versions(at, { ...of, Filters: [{ Name: 'instance-type', Values: ['t3.micro'] }] })).toEqual([
      2, 3,
    ]);
    at.call('ModifyLaunchTemplate', { ...of, DefaultVersion: '3' });
    expect(versions(at, { ...of, Filters: [{ Name: 'is-default-version', Values: ['true'] }] })).toEqual([3]);
    const deleted = at.call<{ UnsuccessfullyDeletedLaunchTemplateVersions: unknown[] }>(
      'DeleteLaunchTemplateVersions',
      { ...of, Versions: ['1', '3', '9'] },
    );
    expect(deleted.UnsuccessfullyDeletedLaunchTemplateVersions).toMatchObject([
      { VersionNumber: 3 },
      { VersionNumber: 9, ResponseError: { Code: 'launchTemplateVersionDoesNotExist' } },
    ]);
    expect(versions(at, of)).toEqual([2, 3]);
    expect(at.code('DescribeLaunchTemplateVersions', { ...of, Versions: ['1'] })).toBe(
      'InvalidLaunchTemplateId.VersionNotFound',
    );
  });

  it('gives a launch what the launch does not say, and marks the instance', () => {
    const { at, id } = prepared();
    expect(launch(at, { LaunchTemplate: { LaunchTemplateId: id } })).toMatchObject(DATA);
    const other = launch(at, { LaunchTemplate: { LaunchTemplateName: 'web' }, InstanceType: 't3.micro' });
    expect(other).toMatchObject({ ImageId: DATA.ImageId, InstanceType: 't3.micro' });
    const Filters = [{ Name: 'tag:aws:ec2launchtemplate:id', Values: [id] }];
    const marked = at.call<DescribeInstancesResult>('DescribeInstances', { Filters });
    expect(marked.Reservations).toHaveLength(2);
    at.call('DeleteTags', { Resources: [name(other.InstanceId)] });
    expect(at.call<DescribeInstancesResult>('DescribeInstances', { Filters }).Reservations).toHaveLength(2);
  });

  it('that is gone, or not meant so, launches nothing', () => {
    const { at, id } = prepared();
    const wanted = { MinCount: 1, MaxCount: 1, SubnetId: at.subnets[0] };
    const both = { LaunchTemplateId: id, LaunchTemplateName: 'web' };
    expect(at.code('RunInstances', { ...wanted, LaunchTemplate: both })).toBe('InvalidParameterCombination');
    const old = { ...wanted, LaunchTemplate: { LaunchTemplateId: id, Version: '7' } };
    expect(refusal(at, 'RunInstances', old)).toMatch(/^InvalidLaunchTemplateId.VersionNotFound: .* 7 /);
    at.call('DeleteLaunchTemplate', { LaunchTemplateId: id });
    expect(at.code('RunInstances', { ...wanted, LaunchTemplate: { LaunchTemplateId: id } })).toBe(
      'InvalidLaunchTemplateId.NotFound',
    );
  });
});
