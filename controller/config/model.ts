/**
 * The configuration as the daemon uses it: checked, with defaults filled in, plain data. Units are in the
 * names.
 */
import type { Millis } from '../base/time.ts';
import type { BfdSessionConfig, BgpConfig, KernelConfig } from './bgp-model.ts';
import type { InRealm } from './realm.ts';
import type { SyncConfig } from './sync-model.ts';

/** Who runs a probe: the daemons on other machines, the appliance's own daemon, or both. */
export type ProbeFrom = 'others' | 'self' | 'all';

export type ThroughTarget =
  | { readonly kind: 'icmp'; readonly address: string }
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | { readonly kind: 'http'; readonly url: string; readonly expect: readonly number[] };

/** What every probe has. */
export interface ProbeBase {
  /** Unique, stable while the configuration of the probe does not change its name: `a/icmp`, `b/tcp:22`. */
  readonly id: string;
  readonly appliance: string;
  readonly intervalMs: Millis;
  readonly timeoutMs: Millis;
  /** Results in a row that turn the probe up, or down. */
  readonly rise: number;
  readonly fall: number;
  /** Advisory probes are shown and logged, and never decide. */
  readonly advisory: boolean;
  readonly from: ProbeFrom;
}

export type ProbeConfig = ProbeBase &
  (
    | { readonly kind: 'icmp'; readonly address: string }
    | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
    | {
        readonly kind: 'http';
        readonly url: string;
        readonly expect: readonly number[];
        /** Whether an https certificate must be valid. */
        readonly verify: boolean;
      }
    | { readonly kind: 'command'; readonly command: readonly string[] }
    /** The BFD session with the address; driven by its changes. */
    | { readonly kind: 'bfd'; readonly address: string }
    /** The BGP session with the neighbor that the appliance is; driven by its changes. */
    | { readonly kind: 'bgp' }
    /** A program of this name runs on this machine. */
    | { readonly kind: 'process'; readonly program: string }
    /** The device is up and has a carrier. */
    | { readonly kind: 'interface'; readonly device: string }
    /** The connection tracking table is filled to less than `maxPercent`. */
    | { readonly kind: 'conntrack'; readonly maxPercent: number }
    /** Another program of this machine than the daemon accepts BGP at the port. */
    | { readonly kind: 'speaker'; readonly port: number }
    /** None of these counters of an ENA device has grown since the last round. */
    | { readonly kind: 'ena'; readonly device: string; readonly counters: readonly string[] }
    /** The appliance's own word: 200 is up, 503 is down, all else says nothing. */
    | { readonly kind: 'daemon'; readonly address: string; readonly port: number }
    | {
        readonly kind: 'through';
        readonly target: ThroughTarget;
        readonly by: 'next-hop' | 'route';
        /** Next hop to send by; absent: by the routes of the machine that probes. */
        readonly via?: string;
      }
  );

export type EchoProbe = Extract<ProbeConfig, { kind: 'icmp' }>;
export type ThroughProbe = Extract<ProbeConfig, { kind: 'through' }>;

/** An appliance; `at` is where its ENI and instance are. */
export interface Appliance extends InRealm {
  readonly name: string;
  /** Primary private address, where others probe it. */
  readonly address: string;
  /** Primary ENI: the target of its routes. */
  readonly eni: string;
  readonly instance?: string;
  /** How many groups it carries at most; absent: any number. */
  readonly capacity?: number;
  /** The transit gateway attachment by which it is reached: the target of its transit gateway routes. */
  readonly attachment?: string;
  /** All its probes, whoever runs them. */
  readonly probes: readonly ProbeConfig[];
}

/** When a path moves, and with which others. */
export interface Course {
  /** Return paths are in their place before others are written. */
  readonly direction?: 'return';
  /** Paths of a group with the same name here are two ways of the same traffic: written together. */
  readonly symmetric?: string;
}

/** Tables with the same routes, one for each member, and what is associated with one of them at a time. */
export interface Prepared {
  /** Subnets, and gateways whose incoming traffic is led. */
  readonly places: readonly string[];
  /** By member. */
  readonly tables: Readonly<Record<string, string>>;
  /** The table for when no member is left; what its routes are is its owner's affair. */
  readonly lastResort?: string;
}

/**
 * Some routes of a group: of one table, of all tables that carry a tag, or of whichever prepared table is in
 * use; `at` is where the tables are.
 */
export interface RouteSet extends Course, InRealm {
  readonly table?: string;
  readonly tag?: { readonly key: string; readonly value: string };
  readonly prepared?: Prepared;
  /** Where the routes lead when no member is left: a gateway, an endpoint or an ENI by its id, or `local`. */
  readonly lastResort?: string;
  /** Canonical CIDR blocks, and ids of prefix lists; the most important first. */
  readonly destinations: readonly string[];
}

/** An ENI that is detached from one member and attached to the next. */
export interface EniResource {
  readonly kind: 'eni';
  readonly id: string;
  readonly deviceIndex: number;
  /** How long a normal detach may take before it is forced. */
  readonly forceAfterMs: Millis;
  /** Linux routing table for packets from the ENI's addresses. */
  readonly guestTable: number;
}

/** Static routes of a transit gateway route table, to the attachment of the owner. */
export interface TransitRouteSet extends Course, InRealm {
  readonly table: string;
  /** The attachment when no member is left. */
  readonly lastResort?: string;
  /** Canonical CIDR blocks. */
  readonly destinations: readonly string[];
}

/** An Elastic IP that leads to the owner's ENI: to `address`, by default to the ENI's primary address. */
export interface EipResource {
  readonly kind: 'eip';
  readonly allocation: string;
  readonly address?: string;
}

/** What a group owns; the order in which it moves is `STAGES` in `controller/failover/part.ts`. */
export type Resource =
  | { readonly kind: 'routes'; readonly sets: readonly RouteSet[] }
  | { readonly kind: 'transit-routes'; readonly sets: readonly TransitRouteSet[] }
  /** A secondary private address, IPv4 or IPv6, of the owner's ENI. */
  | { readonly kind: 'address'; readonly address: string }
  | EipResource
  | EniResource;

export type HookAction =
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | { readonly kind: 'webhook'; readonly url: string };

export interface Hooks {
  readonly onOwn?: HookAction;
  readonly onLose?: HookAction;
  readonly onFail?: HookAction;
  readonly timeoutMs: Millis;
}

/** The right to write for a group, and what holds where its store cannot be reached. */
export interface GroupLease {
  readonly termMs: Millis;
  /** `freeze`: nothing is written. `precedence`: as without a lease. */
  readonly lost: 'freeze' | 'precedence';
}

/** Where leases are kept: a table of DynamoDB with the partition key `group`, a string. */
export interface LeaseStore {
  readonly kind: 'dynamodb';
  readonly table: string;
  readonly region: string;
  readonly endpoint?: string;
}

/** Times of the day, every day where no days are named; `toMinute` not after `fromMinute`: the next day. */
export interface Window {
  readonly days: readonly ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Of the time zone database. */
  readonly zone: string;
}

export interface Failback {
  /** How long the preferred member must have been healthy. */
  readonly afterMs: Millis;
  /** Absent: at any time. */
  readonly window?: Window;
}

/** What is done to a dead owner before its group is moved. */
export interface Fence {
  readonly kind: 'detach-eni' | 'stop-instance';
  /** After so long people are told; and a stop that was answered is asked for again. */
  readonly timeoutMs: Millis;
}

export interface Group {
  readonly name: string;
  /** Appliances in order of preference. */
  readonly members: readonly string[];
  /** At least one. */
  readonly resources: readonly Resource[];
  /** How long a failover may take, from the verdict on; `byoa plan` warns where it will take longer. */
  readonly objectiveMs?: Millis;
  /** Absent: never. */
  readonly failback?: Failback;
  /** For so long after its death a member is given nothing that another could carry. */
  readonly slowStartMs: Millis;
  readonly damping: { readonly moves: number; readonly withinMs: Millis };
  /** A member of rank k leaves those before it k times this time to take over. */
  readonly takeoverStaggerMs: Millis;
  /** A group without owner is completed by the member of rank k after (k + 1) times this time. */
  readonly orphanGraceMs: Millis;
  /** Absent: who may write follows from precedence and evidence alone. */
  readonly lease?: GroupLease;
  /** Absent: none. */
  readonly fence?: Fence;
  readonly hooks: Hooks;
}

/** Whether a probe is driven by events of a session, and never sent. */
export const isEventDriven = ({ kind }: ProbeConfig): boolean => kind === 'bfd' || kind === 'bgp';

export interface Config {
  readonly version: 1;
  readonly node: string;
  readonly aws: {
    readonly region: string;
    readonly endpoint?: string;
    /** A write unanswered for this long is repeated on a new connection. */
    readonly attemptTimeoutMs: Millis;
    /** After this long without answer a call's outcome is unknown. */
    readonly timeoutMs: Millis;
    /** Pinned addresses by host name, instead of DNS. */
    readonly addresses: Readonly<Record<string, readonly string[]>>;
  };
  readonly appliances: readonly Appliance[];
  readonly groups: readonly Group[];
  /** There where a group has a lease. */
  readonly leaseStore?: LeaseStore;
  readonly bgp?: BgpConfig;
  /** BFD sessions of probes whose address is no BGP neighbor with BFD. */
  readonly bfd: readonly BfdSessionConfig[];
  /** Of BGP neighbors, each with its name as that of the appliance. */
  readonly echoes: readonly EchoProbe[];
  readonly kernel?: KernelConfig;
  /** Empty where no best paths go into route tables. */
  readonly routeSync: readonly SyncConfig[];
  readonly drain?: { readonly how: 'graceful-shutdown' | 'withdraw' };
  /** Where the daemon tells others of its appliance's health; absent on an observer. */
  readonly health?: { readonly address: string; readonly port: number };
  /** Sources that must say that an appliance is dead; 1: this node alone. */
  readonly quorum: number;
  /** Probes of the health addresses of other observers. */
  readonly observers: readonly ProbeConfig[];
  /** How often EC2 is asked for the status of the instances; absent: never. */
  readonly instanceStatusMs?: Millis;
  /** How often this node proves that it could act. */
  readonly readiness: { readonly everyMs: Millis };
  readonly observe: { readonly intervalMs: Millis; readonly staleAfterMs: Millis };
  readonly journal: { readonly directory: string; readonly maxBytes: number; readonly files: number };
  readonly control: { readonly socket: string };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

/** The appliance that this node runs on; absent for an external observer. */
export const ownAppliance = (config: Config): Appliance | undefined =>
  config.appliances.find((appliance) => appliance.name === config.node);

const probesOf = new WeakMap<Config, readonly ProbeConfig[]>();

/**
 * The probes that this node runs. A `through` probe of the own appliance goes by its own routes: no `via`.
 */
export function probesOfNode(config: Config): readonly ProbeConfig[] {
  const known = probesOf.get(config);
  if (known !== undefined) return known;
  const probes = config.appliances.flatMap(({ name, probes: all }) => {
    const self = name === config.node;
    const mine = all.filter((probe) => probe.from === 'all' || (probe.from === 'self') === self);
    return mine.map((probe) => (self && probe.kind === 'through' ? withoutVia(probe) : probe));
  });
  const words = config.observers.filter(({ appliance }) => appliance !== config.node);
  const whole = [...probes, ...words, ...config.echoes];
  probesOf.set(config, whole);
  return whole;
}

/** A probe of this node that goes by a next hop on its link, by a routing table of the daemon's. */
export const probeByNextHop = (config: Config): ProbeConfig | undefined =>
  probesOfNode(config).find((probe) => probe.kind === 'through' && probe.via !== undefined);

function withoutVia(probe: ThroughProbe): ProbeConfig {
  const { via: _, ...rest } = probe;
  return { ...rest, by: 'route' };
}

/** The routes that a group moves. */
export const routeSetsOf = ({ resources }: Group): readonly RouteSet[] =>
  resources.flatMap((resource) => (resource.kind === 'routes' ? resource.sets : []));

/** Whether a group leads to something when no member is left: then all that it owns does. */
export const hasLastResort = ({ resources }: Group): boolean => lastResortsOf(resources).length > 0;

/** What the routes and attachments of a group lead to when no member is left. */
export const lastResortsOf = (resources: readonly Resource[]): readonly string[] =>
  resources.flatMap((resource) => {
    if (resource.kind === 'transit-routes')
      return resource.sets.flatMap(({ lastResort }) => lastResort ?? []);
    if (resource.kind !== 'routes') return [];
    return resource.sets.flatMap(({ lastResort, prepared }) => lastResort ?? prepared?.lastResort ?? []);
  });

/** The prepared tables of a group, of all members. */
export const preparedTablesOf = (group: Group): readonly string[] =>
  routeSetsOf(group).flatMap(({ prepared }) => Object.values(prepared?.tables ?? {}));

/** The ENIs that a group moves. */
export const enisOf = ({ resources }: Group): readonly EniResource[] =>
  resources.filter((resource) => resource.kind === 'eni');

/** The private addresses that a group moves. */
export const addressesOf = ({ resources }: Group): readonly string[] =>
  resources.flatMap((resource) => (resource.kind === 'address' ? [resource.address] : []));

/** Whether the guest of the owner has to be set up for what the group moves. */
export const changesGuest = (group: Group): boolean =>
  enisOf(group).length > 0 || addressesOf(group).length > 0;
