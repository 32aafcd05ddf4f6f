/**
 * Launch templates and their versions. What a template holds is checked when it is used in a launch, as EC2
 * does; here only its name and its versions are.
 */
import type {
  CreateLaunchTemplateRequest,
  CreateLaunchTemplateResult,
  CreateLaunchTemplateVersionRequest,
  CreateLaunchTemplateVersionResult,
  DeleteLaunchTemplateRequest,
  DeleteLaunchTemplateResult,
  DeleteLaunchTemplateVersionsRequest,
  DeleteLaunchTemplateVersionsResult,
  DescribeLaunchTemplatesRequest,
  DescribeLaunchTemplatesResult,
  DescribeLaunchTemplateVersionsRequest,
  DescribeLaunchTemplateVersionsResult,
  LaunchTemplate,
  LaunchTemplateVersion,
  ModifyLaunchTemplateRequest,
  ModifyLaunchTemplateResult,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { Tags } from '../record/base.ts';
import type { LaunchTemplateRecord, LaunchTemplateVersionRecord } from '../record/compute.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const KIND = 'launch-template';

const creator = ({ account }: LaunchTemplateRecord): string => `arn:aws:iam::${account}:root`;

const shown = (template: LaunchTemplateRecord): LaunchTemplate => ({
  LaunchTemplateId: template.id,
  LaunchTemplateName: template.name,
  CreateTime: template.created,
  CreatedBy: creator(template),
  DefaultVersionNumber: template.defaultVersion,
  LatestVersionNumber: template.latestVersion,
  Tags: shownTags(template.tags),
});

const filters: Filters<LaunchTemplateRecord> = {
  'create-time': (template) => template.created.toISOString(),
  'launch-template-name': (template) => template.name,
};

/** A version of a template, in the form that filters and pages take. */
interface VersionRow {
  readonly template: LaunchTemplateRecord;
  readonly version: LaunchTemplateVersionRecord;
  readonly tags: Tags;
}

const rowsOf = (template: LaunchTemplateRecord): VersionRow[] =>
  template.versions.map((version) => ({ template, version, tags: {} }));

const shownVersion = ({ template, version }: VersionRow): LaunchTemplateVersion => ({
  LaunchTemplateId: template.id,
  LaunchTemplateName: template.name,
  VersionNumber: version.number,
  ...(version.description !== undefined && { VersionDescription: version.description }),
  CreateTime: version.created,
  CreatedBy: creator(template),
  DefaultVersion: version.number === template.defaultVersion,
  LaunchTemplateData: version.data,
});

const versionFilters: Filters<VersionRow> = {
  'create-time': ({ version }) => version.created.toISOString(),
  'ebs-optimized': ({ version }) => version.data.EbsOptimized,
  'http-endpoint': ({ version }) => version.data.MetadataOptions?.HttpEndpoint,
  'http-protocol-ipv4': () => undefined,
  'host-resource-group-arn': ({ version }) => version.data.Placement?.HostResourceGroupArn,
  'http-tokens': ({ version }) => version.data.MetadataOptions?.HttpTokens,
  'iam-instance-profile': ({ version }) => version.data.IamInstanceProfile?.Arn,
  'image-id': ({ version }) => version.data.ImageId,
  'instance-type': ({ version }) => version.data.InstanceType,
  'is-default-version': ({ template, version }) => version.number === template.defaultVersion,
  'kernel-id': ({ version }) => version.data.KernelId,
  'license-configuration-arn': ({ version }) =>
    version.data.LicenseSpecifications?.map((each) => each.LicenseConfigurationArn),
  'network-card-index': ({ version }) => version.data.NetworkInterfaces?.map((each) => each.NetworkCardIndex),
  'ram-disk-id': ({ version }) => version.data.RamDiskId,
};

const byName = (tx: Tx, name: string): LaunchTemplateRecord | undefined =>
  tx.list(KIND).find((template) => template.name === name);

const needByName = (tx: Tx, name: string): LaunchTemplateRecord =>
  byName(tx, name) ??
  refuse(
    'InvalidLaunchTemplateName.NotFoundException',
    `At least one of the launch templates specified in the request does not exist (${name}).`,
  );

interface Named {
  readonly LaunchTemplateId?: string | undefined;
  readonly LaunchTemplateName?: string | undefined;
}

/** The template that a request names by id or by name, not by both. */
function needTemplate(
  tx: Tx,
  { LaunchTemplateId: id, LaunchTemplateName: name }: Named,
): LaunchTemplateRecord {
  if (id !== undefined && name !== undefined) {
    const why = 'The parameter launchTemplateId may not be used with launchTemplateName';
    refuse('InvalidParameterCombination', why);
  }
  return name === undefined ? tx.need(KIND, id ?? missing('launchTemplateId')) : needByName(tx, name);
}

/** A version by its number, `$Latest` or `$Default`; undefined where there is none. */
function versionOf(template: LaunchTemplateRecord, text: string): LaunchTemplateVersionRecord | undefined {
  if (text === '$Latest') return template.versions.at(-1);
  const number = text === '$Default' ? template.defaultVersion : numberOf(text);
  return template.versions.find((version) => version.number === number);
}

function numberOf(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) invalidValue('launchTemplateVersion', text, 'Invalid version number.');
  return Number(text);
}

function needVersion(template: LaunchTemplateRecord, text: string): LaunchTemplateVersionRecord {
  const found = versionOf(template, text);
  if (found !== undefined) return found;
  const where = `for the launch template with ID ${template.id}`;
  return refuse(
    'InvalidLaunchTemplateId.VersionNotFound',
    `Could not find the specified version ${text} ${where}.`,
  );
}

/** The template and the version that a launch names; the default version where it names none. */
export function templateOfLaunch(tx: Tx, specification: Named & { readonly Version?: string | undefined }) {
  const template = needTemplate(tx, specification);
  return { template, version: needVersion(template, specification.Version ?? '$Default') };
}

function create(tx: Tx, input: CreateLaunchTemplateRequest): CreateLaunchTemplateResult {
  const name = input.LaunchTemplateName ?? '';
  if (!/^[a-zA-Z0-9().\-/_]{3,128}$/.test(name)) {
    const why = '3 to 128 characters: letters, digits, and ( ) . - / _';
    refuse('InvalidLaunchTemplateName.MalformedException', `The name '${name}' is not valid: ${why}`);
  }
  if (byName(tx, name) !== undefined) {
    refuse('InvalidLaunchTemplateName.AlreadyExistsException', `The name '${name}' is already in use.`);
  }
  const template = tx.put(KIND, {
    id: tx.newId('lt'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    name,
    account: tx.account,
    created: tx.date(),
    defaultVersion: 1,
    latestVersion: 1,
    versions: [makeVersion(tx, 1, input)],
  });
  return { LaunchTemplate: shown(template) };
}

function makeVersion(
  tx: Tx,
  number: number,
  { VersionDescription: description, LaunchTemplateData: given = {} }: CreateLaunchTemplateVersionRequest,
): LaunchTemplateVersionRecord {
  // Clients send an empty text for what they do not set.
  const data = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined && value !== ''),
  );
  if (Object.keys(data).length === 0) missing('LaunchTemplateData');
  if (given.InstanceMarketOptions) refuse('UnsupportedOperation', 'Spot instances are not simulated.');
  return { number, created: tx.date(), ...(description !== undefined && { description }), data };
}

function createVersion(tx: Tx, input: CreateLaunchTemplateVersionRequest): CreateLaunchTemplateVersionResult {
  const template = needTemplate(tx, input);
  const source = input.SourceVersion === undefined ? {} : needVersion(template, input.SourceVersion).data;
  const LaunchTemplateData = { ...source, ...input.LaunchTemplateData };
  const version = makeVersion(tx, template.latestVersion + 1, { ...input, LaunchTemplateData });
  const changed = tx.put(KIND, {
    ...template,
    latestVersion: version.number,
    versions: [...template.versions, version],
  });
  return { LaunchTemplateVersion: shownVersion({ template: changed, version, tags: {} }) };
}

function modify(tx: Tx, input: ModifyLaunchTemplateRequest): ModifyLaunchTemplateResult {
  const template = needTemplate(tx, input);
  const wanted = needVersion(template, input.DefaultVersion ?? missing('SetDefaultVersion'));
  return { LaunchTemplate: shown(tx.put(KIND, { ...template, defaultVersion: wanted.number })) };
}

function remove(tx: Tx, input: DeleteLaunchTemplateRequest): DeleteLaunchTemplateResult {
  const template = needTemplate(tx, input);
  tx.remove(KIND, template.id);
  return { LaunchTemplate: shown(template) };
}

/** Deletes each version that it can, and says of the others why not. */
function removeVersions(
  tx: Tx,
  input: DeleteLaunchTemplateVersionsRequest,
): DeleteLaunchTemplateVersionsResult {
  const template = needTemplate(tx, input);
  const names = { LaunchTemplateId: template.id, LaunchTemplateName: template.name };
  const gone = new Set<number>();
  const failed: NonNullable<
    DeleteLaunchTemplateVersionsResult['UnsuccessfullyDeletedLaunchTemplateVersions']
  > = [];
  for (const text of input.Versions ?? []) {
    const VersionNumber = numberOf(text);
    const refused = (
      Code: 'launchTemplateVersionDoesNotExist' | 'unexpectedError',
      Message: string,
    ): void => {
      failed.push({ ...names, VersionNumber, ResponseError: { Code, Message } });
    };
    if (VersionNumber === template.defaultVersion) {
      refused('unexpectedError', 'The default version of a launch template cannot be deleted.');
    } else if (versionOf(template, text) === undefined) {
      refused('launchTemplateVersionDoesNotExist', `There is no version ${text} of ${template.id}.`);
    } else {
      gone.add(VersionNumber);
    }
  }
  tx.put(KIND, { ...template, versions: template.versions.filter(({ number }) => !gone.has(number)) });
  return {
    SuccessfullyDeletedLaunchTemplateVersions: Array.from(gone, (VersionNumber) => ({
      ...names,
      VersionNumber,
    })),
    UnsuccessfullyDeletedLaunchTemplateVersions: failed,
  };
}

/** The versions that a request asks for: some of one template, or the latest or default ones of all. */
function wantedVersions(tx: Tx, input: DescribeLaunchTemplateVersionsRequest): readonly VersionRow[] {
  const { Versions: named = [], MinVersion: min = '1', MaxVersion: max = '999999999' } = input;
  if (input.LaunchTemplateId === undefined && input.LaunchTemplateName === undefined) {
    if (named.length === 0 || named.some((text) => text !== '$Latest' && text !== '$Default')) {
      missing('launchTemplateId');
    }
    return tx.list(KIND).flatMap((template) => {
      const wanted = new Set(named.map((text) => versionOf(template, text)));
      return rowsOf(template).filter(({ version }) => wanted.has(version));
    });
  }
  const template = needTemplate(tx, input);
  if (named.length > 0) {
    const wanted = new Set(named.map((text) => needVersion(template, text)));
    return rowsOf(template).filter(({ version }) => wanted.has(version));
  }
  const [least, most] = [numberOf(min), numberOf(max)];
  return rowsOf(template).filter(({ version }) => version.number >= least && version.number <= most);
}

export const launchTemplateHandlers: Handlers = {
  CreateLaunchTemplate: handler(create),
  CreateLaunchTemplateVersion: handler(createVersion),
  ModifyLaunchTemplate: handler(modify),
  DeleteLaunchTemplate: handler(remove),
  DeleteLaunchTemplateVersions: handler(removeVersions),

  DescribeLaunchTemplates: handler(
    (tx, input: DescribeLaunchTemplatesRequest): DescribeLaunchTemplatesResult => {
      const { LaunchTemplateIds, LaunchTemplateNames = [] } = input;
      const ids = [
        ...(LaunchTemplateIds ?? []),
        ...LaunchTemplateNames.map((name) => needByName(tx, name).id),
      ];
      const page = describe(tx, { kind: KIND, ids, input, filters });
      return { LaunchTemplates: page.records.map(shown), ...page.next };
    },
  ),

  DescribeLaunchTemplateVersions: handler(
    (tx, input: DescribeLaunchTemplateVersionsRequest): DescribeLaunchTemplateVersionsResult => {
      const found = wantedVersions(tx, input).filter(matcher(tx, input.Filters ?? [], versionFilters));
      const page = paginate(found, input, ({ template, version }) => [
        tx.order(KIND, template.id),
        version.number,
      ]);
      return { LaunchTemplateVersions: page.records.map(shownVersion), ...page.next };
    },
  ),
};
