/**
 * The EC2, STS and IAM service without I/O: a cloud of accounts and regions, requests handled one at a time,
 * state machines that move when they are due, and the changes that the data plane must learn. Says nothing of
 * HTTP or XML.
 */
import { stream } from '../../controller/base/prng.ts';
import { unreachable } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import type { Change } from '../vpc/model.ts';
import type { CloudChange, Scheduled } from './cloud-change.ts';
import type { Learnt } from './gateway-speaker.ts';
import type { Tx } from './handler.ts';
import { takeHealth } from './handlers/target.ts';
import { createDefaultVpc } from './handlers/vpc.ts';
import { handlerFor, hearSpeaker, transitions } from './handlers.ts';
import { type Authorized, authorize } from './iam/authorize.ts';
import { checkPageSize } from './page.ts';
import type { InstanceRecord } from './record/compute.ts';
import { changeOf } from './record/projection.ts';
import { same } from './record/same.ts';
import { isRefusal } from './refusal.ts';
import { checkDryRun, checkRequired } from './required.ts';
import { type CloudOptions, type CloudSettings, cloudSettings, type Quotas } from './settings.ts';
import type { ServiceName } from './shape.ts';
import { createStore, read, redo, type Store, tableOf, undo, type Write } from './store.ts';
import { admit, type Bucket } from './throttle.ts';
import { openTransaction } from './transaction.ts';
import { setLine } from './virtual-interface.ts';
import { setTunnel } from './vpn.ts';

export interface Request {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  /** The ARN of the role's session that asks; absent where it is the account itself, which may everything. */
  readonly principal?: string;
  readonly service: ServiceName;
  /** The operation, e.g. `ReplaceRoute`. */
  readonly action: string;
  /** As the SDK's command takes it. */
  readonly input: object;
}

export type Reply =
  /** `output` as the SDK's command returns it, without metadata. */
  | { readonly kind: 'ok'; readonly output: object }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly status: number };

/** Parameters that mean the same in every operation. */
interface Common {
  readonly DryRun?: boolean;
  readonly ClientToken?: string;
  readonly MaxResults?: number;
}

/** A cloud owns its state; only this file's functions change it. */
export interface Cloud {
  readonly settings: CloudSettings;
  readonly store: Store;
  readonly random: () => number;
  readonly staleness: () => number;
  readonly scheduled: Scheduled[];
  readonly changes: Change[];
  readonly buckets: Map<string, Bucket>;
  readonly tokens: Map<string, { readonly input: object; readonly output: object }>;
  /** Regions of accounts that have been used, where each starts with a default VPC. */
  readonly regions: Set<string>;
  /** By account and region: quotas that differ from those of the settings. */
  readonly quotas: Map<string, Partial<Quotas>>;
  /** Recent writes, oldest first; kept only for stale reads and ids that are too new. */
  readonly recent: Write[];
  seq: number;
  /** Counts what has changed records: while it is the same, so are the answers to reads. */
  commits: number;
  /** Told of what each commit has changed, before it is answered. */
  committed: ((changes: readonly CloudChange[]) => void) | undefined;
}

/** Creates an empty cloud. The same seed and the same requests give the same ids and answers. */
export function createCloud(options: CloudOptions = {}): Cloud {
  const settings = cloudSettings(options);
  return {
    settings,
    store: createStore(),
    random: stream(settings.seed, 'ec2'),
    staleness: stream(settings.seed, 'stale-reads'),
    scheduled: [],
    changes: [],
    buckets: new Map(),
    tokens: new Map(),
    regions: new Set(),
    quotas: new Map(),
    recent: [],
    seq: 0,
    commits: 0,
    committed: undefined,
  };
}

/** Handles one request at `now`; an error leaves nothing half done. */
export function handle(cloud: Cloud, request: Request, now: Instant): Reply {
  settle(cloud, now);
  if (cloud.settings.defaultVpc) openRegion(cloud, request, now);
  const handler = handlerFor(request.service, request.action);
  if (handler === undefined) {
    const why = `it has no handler in this ${request.service} endpoint.`;
    const message = `The action ${request.action} is not simulated: ${why}`;
    return { kind: 'error', code: 'InvalidAction', message, status: 400 };
  }
  if (cloud.settings.throttle === 'aws' && request.service === 'ec2' && !admit(cloud.buckets, request, now)) {
    return { kind: 'error', code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };
  }
  const denied = denialOf(cloud, request, now);
  if (denied !== undefined) return denied;
  const { DryRun: dryRun, ClientToken: token, MaxResults: maxResults } = request.input as Common;
  if (token !== undefined && request.service === 'ec2' && !/^[\x21-\x7e]{0,64}$/.test(token)) return badToken;
  const remembered = token && `${request.account}/${request.region}/${request.action}/${token}`;
  const earlier = remembered ? cloud.tokens.get(remembered) : undefined;
  if (earlier !== undefined && dryRun !== true) {
    if (!same(earlier.input, request.input)) return tokenMismatch;
    return allTerminated(cloud, request, earlier.output)
      ? launchOver
      : { kind: 'ok', output: earlier.output };
  }
  const log: Write[] = [];
  const queue: Scheduled[] = [];
  const mode =
    dryRun === true
      ? 'dry-run'
      : cloud.settings.staleReadsMs > 0 && isRead(request.action)
        ? 'stale'
        : 'plain';
  const run = (): object => {
    checkRequired(request.service, request.action, request.input);
    if (request.service === 'ec2') {
      if (dryRun !== undefined) checkDryRun(request.action);
      checkPageSize(request.action, maxResults);
    }
    const unseen = unseenOf(cloud, request, now);
    return handler(transaction(cloud, request, now, log, queue, unseen), request.input) ?? {};
  };
  try {
    switch (mode) {
      case 'plain': {
        const output = run();
        const answered = remembered ? { key: remembered, input: request.input, output } : undefined;
        if (answered) cloud.tokens.set(answered.key, answered);
        commit(cloud, log, queue, now, answered && { kind: 'token', ...answered });
        return { kind: 'ok', output };
      }
      case 'stale':
        return { kind: 'ok', output: staleRead(cloud, now, run) };
      case 'dry-run':
        run();
        rollback(log);
        return dryRunPassed;
      default:
        return unreachable(mode);
    }
  } catch (thrown) {
    rollback(log);
    if (!isRefusal(thrown)) throw thrown;
    if (mode === 'dry-run' && !isValidation(thrown.code)) return dryRunPassed;
    return { kind: 'error', code: thrown.code, message: thrown.message, status: thrown.status };
  }
}

/** What a request of any service is answered that its principal's policies do not allow. */
export function denialOf(
  cloud: Cloud,
  request: Place & Authorized,
  now: Instant,
): Extract<Reply, { kind: 'error' }> | undefined {
  if (request.principal === undefined) return undefined;
  try {
    authorize(transaction(cloud, request, now, [], []), request);
    return undefined;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return { kind: 'error', code: thrown.code, message: thrown.message, status: thrown.status };
  }
}

/** A region of a new account has a default VPC before its first request. */
function openRegion(cloud: Cloud, request: Request, now: Instant): void {
  const name = `${request.account}/${request.region}`;
  if (request.service !== 'ec2' || cloud.regions.has(name)) return;
  cloud.regions.add(name);
  const log: Write[] = [];
  createDefaultVpc(transaction(cloud, request, now, log, []));
  commit(cloud, log, [], now, { kind: 'region', name });
}

const tokenMismatch: Reply = {
  kind: 'error',
  code: 'IdempotentParameterMismatch',
  message:
    'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
  status: 400,
};

const badToken: Reply = {
  kind: 'error',
  code: 'InvalidClientToken',
  message: 'The client token is not valid: at most 64 printable ASCII characters.',
  status: 400,
};

const launchOver: Reply = {
  kind: 'error',
  code: 'IdempotentInstanceTerminated',
  message: 'The instances that were launched with this client token are terminated.',
  status: 400,
};

/** Whether an answer is that of a launch whose instances are all terminated, or gone. */
function allTerminated(cloud: Cloud, { account, region }: Request, output: object): boolean {
  const { Instances: launched } = output as { readonly Instances?: readonly { InstanceId?: string }[] };
  const table = tableOf(cloud.store, 'instance', account, region);
  const alive = (id = ''): boolean => {
    const state = read<'instance'>(table, id)?.state;
    return state !== undefined && state !== 'terminated' && state !== 'shutting-down';
  };
  return launched !== undefined && !launched.some(({ InstanceId }) => alive(InstanceId));
}

/** The ids that are too new for this request: made after a seeded moment up to `newIdLagMs` ago. */
function unseenOf(cloud: Cloud, { input }: Request, now: Instant): ReadonlySet<string> | undefined {
  const { newIdLagMs } = cloud.settings;
  if (newIdLagMs <= 0) return undefined;
  const moment = now - cloud.staleness() * newIdLagMs;
  const made = cloud.recent.filter((write) => write.before === undefined && write.at > moment);
  const named = new Set(Object.values(input).flat());
  return new Set(made.map(({ id }) => id).filter((id) => named.has(id)));
}

const dryRunPassed: Reply = {
  kind: 'error',
  code: 'DryRunOperation',
  message: 'Request would have succeeded, but DryRun flag is set.',
  status: 412,
};

/**
 * What EC2 still finds in a dry run: it checks the form and the permission, not whether the state allows it.
 */
const isValidation = (code: string): boolean =>
  /^(Missing|InvalidParameter|UnknownParameter|Unsupported)|\.(Malformed|NotFound)$/.test(code);

const isRead = (action: string): boolean => /^(Describe|Get|List|Search)/.test(action);

/** When the next state machine is due. */
export const nextAt = (cloud: Cloud): Instant | undefined => cloud.scheduled[0]?.at;

/** Moves every state machine that is due at `now`, each at its own time. */
export function settle(cloud: Cloud, now: Instant): void {
  for (let due = cloud.scheduled[0]; due !== undefined && due.at <= now; due = cloud.scheduled[0]) {
    cloud.scheduled.shift();
    const log: Write[] = [];
    const queue: Scheduled[] = [];
    const step = transitions[due.transition.name];
    if (step === undefined) throw new Error(`no transition named '${due.transition.name}'`);
    step(transaction(cloud, due, due.at, log, queue), due.transition.id);
    commit(cloud, log, queue, due.at, { kind: 'done', seq: due.seq });
  }
}

/** Takes in what the speaker beside a gateway knows now: all of it, at each change. */
export const learn = (cloud: Cloud, speaker: Resident, learnt: Learnt, now: Instant): void =>
  within(cloud, speaker, now, (tx) => hearSpeaker(tx, speaker.id, learnt));

/** A health check of a target of a target group, made in the data plane, has passed or failed. */
export const judgeTarget = (
  cloud: Cloud,
  group: Resident,
  target: string,
  passed: boolean,
  now: Instant,
): void => within(cloud, group, now, (tx) => takeHealth(tx, group.id, target, passed));

/** Sets a tunnel of a VPN connection up or down; false where none has the outside address. */
export const setVpnTunnel = (
  cloud: Cloud,
  connection: Resident,
  { outside, down }: { readonly outside: string; readonly down: boolean },
  now: Instant,
): boolean => within(cloud, connection, now, (tx) => setTunnel(tx, connection.id, outside, down));

/** Cuts the line of a virtual interface, or mends it. */
export const setInterfaceLine = (cloud: Cloud, line: Resident, down: boolean, now: Instant): void =>
  within(cloud, line, now, (tx) => setLine(tx, line.id, down));

/** Looks at an instance of any account and region; undefined where there is none with this id. */
export function inspectInstance<T>(
  cloud: Cloud,
  id: string,
  now: Instant,
  look: (tx: Tx, instance: InstanceRecord) => T,
): T | undefined {
  for (const [scope, tables] of cloud.store.scopes) {
    const table = tables.get('instance');
    const record = table && read<'instance'>(table, id);
    if (record === undefined) continue;
    const [account = '', region = ''] = scope.split('/');
    return within(cloud, { id, account, region }, now, (tx) => look(tx, record));
  }
  return undefined;
}

/** A resource as the data plane knows it: with its account and region. */
export type Resident = { readonly id: string; readonly account: string; readonly region: string };

/** What happens in the cloud without a request. */
function within<T>(cloud: Cloud, where: Resident, now: Instant, run: (tx: Tx) => T): T {
  settle(cloud, now);
  const log: Write[] = [];
  const queue: Scheduled[] = [];
  const result = run(transaction(cloud, where, now, log, queue));
  commit(cloud, log, queue, now);
  return result;
}

/** The data-plane changes since they were last taken, in order. */
export const takeChanges = (cloud: Cloud): Change[] => cloud.changes.splice(0);

/** The quotas of a region of an account, `ACCOUNT/REGION`. */
export const quotasOf = (cloud: Cloud, name: string): Quotas => settingsFor(cloud, name).quotas;

/** Gives a region of an account quotas of its own; those that are not named are as the settings say. */
export function setQuotas(cloud: Cloud, name: string, quotas: Partial<Quotas>): void {
  cloud.quotas.set(name, quotas);
  cloud.committed?.([{ kind: 'quotas', name, quotas }]);
}

function settingsFor(cloud: Cloud, name: string): CloudSettings {
  const own = cloud.quotas.get(name);
  const { settings } = cloud;
  return own === undefined ? settings : { ...settings, quotas: { ...settings.quotas, ...own } };
}

/** Whose a transaction is, and in which region. */
interface Place {
  readonly account: string;
  readonly region: string;
  readonly principal?: string;
}

function transaction(
  cloud: Cloud,
  who: Place,
  now: Instant,
  log: Write[],
  queue: Scheduled[],
  unseen?: ReadonlySet<string>,
): ReturnType<typeof openTransaction> {
  const { account, region, principal } = who;
  return openTransaction({
    account,
    region,
    principal,
    now,
    settings: settingsFor(cloud, `${account}/${region}`),
    store: cloud.store,
    random: cloud.random,
    log,
    unseen,
    after: (delay, transition) => {
      queue.push({ at: now + delay, seq: cloud.seq++, account, region, transition });
    },
    at: (place) => transaction(cloud, { ...who, region: place }, now, log, queue, unseen),
  });
}

/** Makes what was written stand; `also` is what the commit changes beside the records. */
function commit(
  cloud: Cloud,
  log: readonly Write[],
  queue: readonly Scheduled[],
  now: Instant,
  also?: CloudChange,
): void {
  const first = new Map<string, Write>();
  for (const write of log) {
    const key = `${write.table.kind}/${write.id}`;
    if (!first.has(key)) first.set(key, write);
  }
  if (first.size > 0) cloud.commits += 1;
  if (cloud.committed !== undefined) {
    const steps = queue.map((step) => ({ kind: 'planned', step }) as const);
    const changes = [...(also ? [also] : []), ...Array.from(first.values(), recordChange), ...steps];
    if (changes.length > 0) cloud.committed(changes);
  }
  for (const { table, id, before } of first.values()) {
    const change = changeOf(table.kind, id, before?.record as never, read(table, id));
    if (change) cloud.changes.push(change);
  }
  const remembersMs = Math.max(cloud.settings.staleReadsMs, cloud.settings.newIdLagMs);
  if (remembersMs > 0) {
    cloud.recent.push(...log);
    const oldest = now - remembersMs;
    const keep = cloud.recent.findIndex((write) => write.at >= oldest);
    cloud.recent.splice(0, keep < 0 ? cloud.recent.length : keep);
  }
  for (const each of queue) schedule(cloud.scheduled, each);
  if (queue.some((each) => each.at <= now)) settle(cloud, now);
}

/** The record of a write as it stands now. */
function recordChange({ table, id }: Write): CloudChange {
  const { kind, scope } = table;
  const record = read(table, id);
  return record ? { kind: 'put', table: kind, scope, record } : { kind: 'remove', table: kind, scope, id };
}

/** Keeps the list ordered by time, then by order of scheduling. */
export function schedule(list: Scheduled[], item: Scheduled): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = list[middle]?.at ?? 0;
    if (at <= item.at) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

function rollback(log: readonly Write[]): void {
  for (const write of log.toReversed()) undo(write);
}

/**
 * Runs a read in the state of a seeded moment up to `staleReadsMs` ago: later writes are undone and done
 * again.
 */
function staleRead(cloud: Cloud, now: Instant, run: () => object): object {
  const moment = now - cloud.staleness() * cloud.settings.staleReadsMs;
  const later = cloud.recent.filter((write) => write.at > moment);
  rollback(later);
  try {
    return run();
  } finally {
    for (const write of later) redo(write);
  }
}
