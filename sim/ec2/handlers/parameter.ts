/**
 * Parameter Store of Systems Manager: parameters of the standard tier, by name or path. Of a parameter the
 * newest version is kept. A SecureString that is read without decryption is an opaque text, as with AWS.
 */
import type {
  AddTagsToResourceRequest,
  DeleteParameterRequest,
  DescribeParametersRequest,
  DescribeParametersResult,
  GetParameterRequest,
  GetParameterResult,
  GetParametersByPathRequest,
  GetParametersByPathResult,
  GetParametersRequest,
  GetParametersResult,
  ListTagsForResourceRequest,
  ListTagsForResourceResult,
  Parameter,
  ParameterMetadata,
  PutParameterRequest,
  PutParameterResult,
  RemoveTagsFromResourceRequest,
} from '@aws-sdk/client-ssm';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { pageAfter } from '../page.ts';
import { type ParameterRecord, parameterArn } from '../record/parameter.ts';
import { refuse } from '../refusal.ts';

/** Of the standard tier. */
const LONGEST_VALUE = 4096;
const LONGEST_NAME = 1011;
const AWS_KEY = 'alias/aws/ssm';

const invalid = (why: string): never => refuse('ValidationException', why);

function checkedName(name: string): string {
  if (!/^\/?[\w.-]+(\/[\w.-]+)*$/.test(name) || name.length > LONGEST_NAME)
    return invalid(
      `Parameter name '${name}' is not valid: letters, digits and _.- between slashes; a path begins with one.`,
    );
  if (name.includes('/') && !name.startsWith('/'))
    return invalid(
      `Parameter name must be a fully qualified name: '${name}' has a path and no slash before.`,
    );
  if (/^\/?(aws|ssm)/i.test(name)) return invalid('Parameter name: can\'t be prefixed with "aws" or "ssm".');
  return name;
}

const TYPES: readonly ParameterRecord['type'][] = ['String', 'StringList', 'SecureString'];

function put(tx: Tx, input: PutParameterRequest): PutParameterResult {
  const { Name = '', Value = '', Description, Overwrite = false, KeyId, Tags = [] } = input;
  const id = checkedName(Name);
  const known = tx.get('parameter', id);
  if (known !== undefined && !Overwrite)
    return refuse(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    );
  if (Overwrite && Tags.length > 0)
    return invalid('Tags are given when a parameter is created, and Overwrite when it is there.');
  const type = TYPES.find((one) => one === (input.Type ?? known?.type));
  if (type === undefined) return invalid('A parameter type is required when you create a parameter.');
  if (Value === '' || Value.length > LONGEST_VALUE)
    return invalid(`Standard tier parameters have a value of 1 to ${LONGEST_VALUE} characters.`);
  const description = Description ?? known?.description;
  const key = type === 'SecureString' ? (KeyId ?? known?.key ?? AWS_KEY) : undefined;
  const tags = Object.fromEntries(Tags.map((tag) => [tag.Key ?? '', tag.Value ?? '']));
  const { version } = tx.put('parameter', {
    id,
    account: tx.account,
    region: tx.region,
    type,
    value: Value,
    version: (known?.version ?? 0) + 1,
    modified: tx.date(),
    tags: known?.tags ?? tags,
    ...(description !== undefined && { description }),
    ...(key !== undefined && { key }),
  });
  return { Version: version, Tier: 'Standard' };
}

/** What a reader gets of a secret that it does not have decrypted. */
const sealed = ({ id, version }: ParameterRecord): string => btoa(`sealed ${version} ${id}`);

function shown(tx: Tx, record: ParameterRecord, decrypted = false): Parameter {
  const { id, type, value, version, modified } = record;
  return {
    Name: id,
    Type: type,
    Value: type === 'SecureString' && !decrypted ? sealed(record) : value,
    Version: version,
    LastModifiedDate: modified,
    ARN: parameterArn(tx, id),
    DataType: 'text',
  };
}

/** By name, by ARN, or with the number of a version: `/byoa/key:3`. */
function find(tx: Tx, asked: string): ParameterRecord | undefined {
  const arn = /^arn:aws:ssm:[a-z0-9-]+:\d{12}:parameter(\/.*)$/.exec(asked)?.[1];
  const [name = '', selector] = (arn ?? asked).split(':');
  const record = tx.get('parameter', name) ?? tx.get('parameter', name.replace(/^\//, ''));
  if (record === undefined || selector === undefined) return record;
  if (selector === String(record.version)) return record;
  return refuse('ParameterVersionNotFound', `Systems Manager does not keep version ${selector} of ${name}.`);
}

const missing = (name: string): never => refuse('ParameterNotFound', `Parameter ${name} not found.`);

function described(
  tx: Tx,
  { id, type, version, modified, description, key }: ParameterRecord,
): ParameterMetadata {
  return {
    Name: id,
    ARN: parameterArn(tx, id),
    Type: type,
    Version: version,
    LastModifiedDate: modified,
    Tier: 'Standard',
    DataType: 'text',
    Policies: [],
    ...(description !== undefined && { Description: description }),
    ...(key !== undefined && { KeyId: key }),
  };
}

interface Asked {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

function pageOf(
  tx: Tx,
  { MaxResults, NextToken }: Asked,
  most: number,
  wanted: (one: ParameterRecord) => boolean,
) {
  const limit = MaxResults ?? most;
  if (limit < 1 || limit > most) return invalid(`MaxResults is 1 to ${most}, not ${limit}.`);
  const page = pageAfter(tx.list('parameter').filter(wanted), { limit, token: NextToken }, ({ id }) => [id]);
  if (page === undefined) return refuse('InvalidNextToken', 'The specified token is not valid.');
  return { rows: page.rows, next: page.token === undefined ? {} : { NextToken: page.token } };
}

/** Whether a parameter lies under a path: beside others of its level, or anywhere below. */
const isUnder = (name: string, path: string, recursive: boolean): boolean => {
  const base = path.endsWith('/') ? path : `${path}/`;
  return name.startsWith(base) && (recursive || !name.slice(base.length).includes('/'));
};

type Filters = NonNullable<DescribeParametersRequest['ParameterFilters']>;

function matches({ id, type }: ParameterRecord, filters: Filters): boolean {
  return filters.every(({ Key, Option = 'Equals', Values = [] }) => {
    const has = Key === 'Name' ? id : Key === 'Type' ? type : undefined;
    if (has === undefined)
      return refuse('InvalidFilterKey', `The simulator filters by Name and Type, not ${Key}.`);
    if (Option === 'Equals') return Values.includes(has);
    if (Option === 'BeginsWith') return Values.some((value) => has.startsWith(value));
    return refuse('InvalidFilterOption', `The option ${Option} is not simulated.`);
  });
}

/** The parameter whose tags are meant. */
function tagged(tx: Tx, { ResourceType, ResourceId = '' }: ListTagsForResourceRequest): ParameterRecord {
  if (ResourceType !== 'Parameter') return refuse('InvalidResourceType', 'Only parameters are simulated.');
  return find(tx, ResourceId) ?? refuse('InvalidResourceId', `There is no parameter ${ResourceId}.`);
}

export const parameterHandlers: Handlers = {
  PutParameter: handler(put),

  GetParameter: handler((tx, { Name = '', WithDecryption }: GetParameterRequest): GetParameterResult => {
    return { Parameter: shown(tx, find(tx, Name) ?? missing(Name), WithDecryption) };
  }),

  GetParameters: handler((tx, { Names = [], WithDecryption }: GetParametersRequest): GetParametersResult => {
    if (Names.length > 10) return invalid('GetParameters takes 1 to 10 names.');
    const found = Names.map((name) => ({ name, record: find(tx, name) }));
    return {
      Parameters: found.flatMap(({ record }) => (record ? [shown(tx, record, WithDecryption)] : [])),
      InvalidParameters: found.flatMap(({ name, record }) => (record ? [] : [name])),
    };
  }),

  GetParametersByPath: handler((tx, input: GetParametersByPathRequest): GetParametersByPathResult => {
    const { Path = '', Recursive = false, WithDecryption } = input;
    if (!Path.startsWith('/')) return invalid(`The path '${Path}' does not begin with a slash.`);
    const { rows, next } = pageOf(tx, input, 10, ({ id }) => isUnder(id, Path, Recursive));
    return { Parameters: rows.map((record) => shown(tx, record, WithDecryption)), ...next };
  }),

  DescribeParameters: handler((tx, input: DescribeParametersRequest): DescribeParametersResult => {
    const { ParameterFilters = [] } = input;
    const { rows, next } = pageOf(tx, input, 50, (record) => matches(record, ParameterFilters));
    return { Parameters: rows.map((record) => described(tx, record)), ...next };
  }),

  DeleteParameter: handler((tx, { Name = '' }: DeleteParameterRequest): object => {
    tx.remove('parameter', (find(tx, Name) ?? missing(Name)).id);
    return {};
  }),

  ListTagsForResource: handler(
    (tx, input: ListTagsForResourceRequest): ListTagsForResourceResult => ({
      TagList: Object.entries(tagged(tx, input).tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  ),

  AddTagsToResource: handler((tx, { Tags = [], ...input }: AddTagsToResourceRequest): object => {
    const record = tagged(tx, input);
    const added = Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
    tx.put('parameter', { ...record, tags: { ...record.tags, ...added } });
    return {};
  }),

  RemoveTagsFromResource: handler((tx, { TagKeys = [], ...input }: RemoveTagsFromResourceRequest): object => {
    const record = tagged(tx, input);
    const kept = Object.entries(record.tags).filter(([key]) => !TagKeys.includes(key));
    tx.put('parameter', { ...record, tags: Object.fromEntries(kept) });
    return {};
  }),
};
