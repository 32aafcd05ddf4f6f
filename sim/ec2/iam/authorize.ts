/**
 * Whether a role's session may make a request: every action that the request needs, on every resource that
 * it is authorised on. The account's own key is never asked.
 */
import type { Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { unreachable } from '../../../controller/base/result.ts';
import type { Tx } from '../handler.ts';
import type { RoleRecord } from '../record/identity.ts';
import { parameterArn } from '../record/parameter.ts';
import { refuse } from '../refusal.ts';
import { speaksJson } from '../shape.ts';
import { type Context, contextOf, withKeys } from './context.ts';
import { attributeKeys, ec2Resources, type Resource, tagKeys } from './ec2-resources.ts';
import { type Decision, decide, trust } from './evaluate.ts';
import { managedPolicy } from './managed-policies.ts';
import { type Policy, parsePolicy } from './policy.ts';
import { type Session, sessionOf } from './principal.ts';

/** One request, of any service. */
export interface Authorized {
  /** `ec2`, `iam`, `dynamodb`... */
  readonly service: string;
  readonly action: string;
  readonly input: object;
}

/** An action on a resource that a request needs. */
interface Need {
  /** `ec2:ReplaceRoute`. */
  readonly action: string;
  /** Absent for actions that know no resources. */
  readonly resource?: Resource;
  readonly keys?: Context;
}

/** Actions that anybody may use, whatever policies say. */
const FREE = new Set(['sts:GetCallerIdentity']);

const iamArn = (tx: Tx, rest: string): Resource => ({
  arn: `arn:aws:iam::${tx.account}:${rest}`,
  keys: contextOf([]),
});

/** The ARN of a role by its name, with its path. */
function roleResource(tx: Tx, name: string): Resource {
  const role = tx.get('role', name);
  const tags = Object.entries(role?.tags ?? {}).map(
    ([key, value]) => [`aws:ResourceTag/${key}`, value] as const,
  );
  return { ...iamArn(tx, `role${role?.path ?? '/'}${name}`), keys: contextOf(tags) };
}

interface IamInput {
  readonly RoleName?: string;
  readonly InstanceProfileName?: string;
}

function iamNeeds(tx: Tx, action: string, { RoleName: role, InstanceProfileName: name }: IamInput): Need[] {
  const named = `iam:${action}`;
  if (name !== undefined) {
    const resource = iamArn(tx, `instance-profile${tx.get('instance-profile', name)?.path ?? '/'}${name}`);
    const passed = action === 'AddRoleToInstanceProfile' && role !== undefined ? [passRole(tx, role)] : [];
    return [{ action: named, resource }, ...passed];
  }
  return [{ action: named, ...(role !== undefined && { resource: roleResource(tx, role) }) }];
}

const passRole = (tx: Tx, role: string): Need => ({
  action: 'iam:PassRole',
  resource: roleResource(tx, role),
  keys: contextOf([['iam:PassedToService', 'ec2.amazonaws.com']]),
});

interface Ec2Input {
  readonly Tags?: readonly Tag[];
  readonly TagSpecifications?: readonly TagSpecification[];
  readonly IamInstanceProfile?: { readonly Name?: string; readonly Arn?: string };
}

/** Beside the action itself: to tag what is made, and to give an instance a role. */
function ec2Needs(tx: Tx, action: string, input: Ec2Input): Need[] {
  const named = `ec2:${action}`;
  const resources = ec2Resources(tx, action, input);
  const keys = withKeys(attributeKeys(action, input), tagKeys(input.Tags ?? []));
  const own: Need[] = resources.map((resource) => ({ action: named, resource, keys }));
  const tagged = (input.TagSpecifications ?? []).flatMap(
    ({ ResourceType: type = '', Tags: tags = [] }): Need[] => {
      const arn = `arn:aws:ec2:${tx.region}:${tx.account}:${type}/*`;
      const how = contextOf([...tagKeys(tags), ['ec2:CreateAction', action]]);
      return tags.length === 0 ? [] : [{ action: 'ec2:CreateTags', resource: { arn, keys: how } }];
    },
  );
  const { Name, Arn = '' } = input.IamInstanceProfile ?? {};
  const profile = Name ?? Arn.slice(Arn.lastIndexOf('/') + 1);
  const passed = (tx.get('instance-profile', profile)?.roles ?? []).map((role) => passRole(tx, role));
  return [...(own.length === 0 ? [{ action: named, keys }] : own), ...tagged, ...passed];
}

/** The texts among the values of a DynamoDB item or key, as `{ group: { S: 'egress' } }`. */
const attributeTexts = (item: unknown): readonly string[] =>
  Object.values(Object(item) as object).flatMap((value) =>
    Object.values(Object(value) as object).filter((each) => typeof each === 'string'),
  );

/**
 * DynamoDB: a table. `dynamodb:LeadingKeys` is the value of the partition key; of an item that is put, each
 * of its texts, since which of them is the key only the table knows.
 */
function tableNeeds(tx: Tx, action: string, input: object): Need[] {
  const { TableName, Key, Item } = input as Readonly<Record<string, unknown>>;
  const name = String(TableName);
  const arn = name.startsWith('arn:') ? name : `arn:aws:dynamodb:${tx.region}:${tx.account}:table/${name}`;
  const leading = attributeTexts(Key ?? Item);
  const keys = contextOf([['dynamodb:LeadingKeys', leading.length === 0 ? undefined : leading]]);
  return [{ action: `dynamodb:${action}`, resource: { arn, keys } }];
}

/** Systems Manager: each parameter that is named, or all below a path. */
function parameterNeeds(tx: Tx, action: string, input: object): Need[] {
  const { Name, Names, Path, ResourceId } = input as Readonly<Record<string, unknown>>;
  const names = [Name, Path, ResourceId, ...(Array.isArray(Names) ? Names : [])].filter(
    (name): name is string => typeof name === 'string',
  );
  if (names.length === 0) return [{ action }];
  return names.map((name) => {
    const arn = name.startsWith('arn:') ? name : parameterArn(tx, name.split(':')[0] ?? '');
    return { action, resource: { arn, keys: contextOf([]) } };
  });
}

/** All that a request needs. Elastic Load Balancing and Direct Connect: the ARNs that it names. */
function needsOf(tx: Tx, { service, action, input }: Authorized): readonly Need[] {
  const named = `${service}:${action}`;
  if (service === 'ec2') return ec2Needs(tx, action, input as Ec2Input);
  if (service === 'iam') return iamNeeds(tx, action, input as IamInput);
  if (service === 'dynamodb') return tableNeeds(tx, action, input);
  if (service === 'ssm') return parameterNeeds(tx, named, input);
  const arns = Object.values(input)
    .flat()
    .filter((value) => typeof value === 'string' && value.startsWith('arn:'));
  return arns.length === 0
    ? [{ action: named }]
    : arns.map((arn: string) => ({ action: named, resource: { arn, keys: contextOf([]) } }));
}

/** What is known of every request of a session. */
function requestContext(tx: Tx, session: Session, role: RoleRecord): Context {
  const instance = tx.get('instance', session.name);
  const eni =
    instance &&
    tx.referring('network-interface', instance.id).find(({ attachment }) => attachment?.deviceIndex === 0);
  const now = tx.date();
  return contextOf([
    ['aws:PrincipalArn', `arn:aws:iam::${role.account}:role${role.path}${role.id}`],
    ['aws:PrincipalAccount', role.account],
    ['aws:PrincipalType', 'AssumedRole'],
    ['aws:userid', `${role.uniqueId}:${session.name}`],
    ...Object.entries(role.tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value] as const),
    ['aws:RequestedRegion', tx.region],
    ['ec2:Region', tx.region],
    ['aws:ResourceAccount', tx.account],
    ['aws:CurrentTime', now.toISOString()],
    ['aws:EpochTime', String(Math.floor(now.getTime() / 1000))],
    ['aws:SecureTransport', 'true'],
    [
      'ec2:SourceInstanceARN',
      instance && `arn:aws:ec2:${tx.region}:${instance.account}:instance/${instance.id}`,
    ],
    ['aws:Ec2InstanceSourceVpc', instance?.vpc],
    ['aws:Ec2InstanceSourcePrivateIPv4', eni?.ipv4[0]],
  ]);
}

/** The policies of a text that is there; what is not a policy permits nothing. */
function read(text: string | undefined): readonly Policy[] {
  const policy = parsePolicy(text ?? '', 'identity');
  return policy.ok ? [policy.value] : [];
}

/** What a role's policies, and its boundary where it has one, say together. */
function judge(role: RoleRecord, need: Need, context: Context): Decision {
  const asked = {
    action: need.action,
    resource: need.resource?.arn ?? '*',
    context: [need.keys, need.resource?.keys].reduce<Context>(
      (all, keys) => (keys ? withKeys(all, keys) : all),
      context,
    ),
  };
  const texts = [...Object.values(role.policies), ...role.attached.map(managedPolicy)];
  const own = decide(texts.flatMap(read), asked);
  if (own !== 'allow' || role.permissionsBoundary === undefined) return own;
  return decide(read(managedPolicy(role.permissionsBoundary)), asked);
}

function because(decision: Exclude<Decision, 'allow'>, action: string): string {
  switch (decision) {
    case 'explicit-deny':
      return 'with an explicit deny in an identity-based policy';
    case 'implicit-deny':
      return `because no identity-based policy allows the ${action} action`;
    default:
      return unreachable(decision);
  }
}

/** Refuses in the words of the service. */
function deny(
  service: string,
  user: string,
  { action, resource }: Need,
  decision: Exclude<Decision, 'allow'>,
): never {
  const on = resource === undefined ? '' : ` on resource: ${resource.arn}`;
  const why = `User: ${user} is not authorized to perform: ${action}${on} ${because(decision, action)}`;
  if (service === 'ec2') {
    return refuse('UnauthorizedOperation', `You are not authorized to perform this operation. ${why}`, 403);
  }
  const isJson = service === 'dynamodb' || speaksJson(service);
  return isJson ? refuse('AccessDeniedException', why, 400) : refuse('AccessDenied', why, 403);
}

/** The role of a session, or a refusal: tokens of roles that are gone are worth nothing. */
function needSession(
  tx: Tx,
  service: string,
): { readonly session: Session; readonly role: RoleRecord } | undefined {
  if (tx.principal === undefined) return undefined;
  const session = sessionOf(tx.principal);
  const role = session && tx.get('role', session.role);
  if (session !== undefined && role !== undefined) return { session, role };
  const invalid = 'The security token included in the request is invalid.';
  return service === 'ec2'
    ? refuse('AuthFailure', 'AWS was not able to validate the provided access credentials', 401)
    : refuse('InvalidClientTokenId', invalid, 403);
}

/** Whether a role of the account lets a session assume it, whatever the session's own policies say. */
function trusted(tx: Tx, { arn, account }: Session, context: Context, input: object): Decision | 'account' {
  const { RoleArn: wanted = '' } = input as { readonly RoleArn?: string };
  const found = wanted.startsWith(`arn:aws:iam::${tx.account}:`) ? wanted.split('/').at(-1) : undefined;
  const role = found === undefined ? undefined : tx.get('role', found);
  const policy = role && parsePolicy(role.trustPolicy, 'trust');
  if (policy === undefined || !policy.ok) return 'account';
  return trust(policy.value, { arns: [arn, ...(context.get('aws:principalarn') ?? [])], account }, context);
}

/** Refuses a request that the policies of who makes it do not allow. */
export function authorize(tx: Tx, asked: Authorized): void {
  const who = needSession(tx, asked.service);
  const named = `${asked.service}:${asked.action}`;
  if (who === undefined || FREE.has(named)) return;
  const context = requestContext(tx, who.session, who.role);
  const trusts = named === 'sts:AssumeRole' ? trusted(tx, who.session, context, asked.input) : 'account';
  for (const need of needsOf(tx, asked)) {
    const own = judge(who.role, need, context);
    // A role that names the session itself needs no leave of the session's account.
    const decision = trusts === 'account' || own === 'explicit-deny' ? own : trusts;
    if (decision !== 'allow') deny(asked.service, who.session.arn, need, decision);
  }
}
