/**
 * The EC2 calls that the controller makes, and how they end. Pure data; `request.ts` maps them to the API.
 */

import type { Millis } from '../base/time.ts';
import type { InRealm } from '../config.ts';

/** Selects resources by id, or by one tag (key and value), in one region. */
export type Selector =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'tag'; readonly key: string; readonly value: string };

/** Where a route leads: to an ENI, or to the gateway, endpoint or other object of that id, or `local`. */
export type RouteEnd =
  | { readonly eni: string; readonly target?: never }
  | { readonly eni?: never; readonly target: string };

/** Where a route leads to, by the id of it. */
export const routeEnd = (id: string): RouteEnd => (id.startsWith('eni-') ? { eni: id } : { target: id });

/** One call. `destination` is a canonical CIDR block, IPv4 or IPv6, or the id of a prefix list. */
type Action =
  | { readonly kind: 'describe-route-tables'; readonly select: Selector }
  | { readonly kind: 'describe-network-interfaces'; readonly enis: readonly string[] }
  /** Those, of a VPC or of all, that own one of these private addresses, of one IP version; 200 at most. */
  | {
      readonly kind: 'describe-network-interfaces';
      readonly vpc?: string;
      readonly addresses: readonly string[];
    }
  /** Elastic IP addresses by allocation id. */
  | { readonly kind: 'describe-addresses'; readonly allocations: readonly string[] }
  /** The static routes of a transit gateway route table to these destinations. */
  | {
      readonly kind: 'search-transit-gateway-routes';
      readonly table: string;
      readonly destinations: readonly string[];
    }
  | { readonly kind: 'describe-subnets'; readonly subnets: readonly string[] }
  /** All of a VPC. */
  | { readonly kind: 'describe-subnets'; readonly vpc: string }
  | ({ readonly kind: 'replace-route'; readonly table: string; readonly destination: string } & RouteEnd)
  | ({ readonly kind: 'create-route'; readonly table: string; readonly destination: string } & RouteEnd)
  | { readonly kind: 'delete-route'; readonly table: string; readonly destination: string }
  /** Gives a subnet or gateway another table; the association gets a new id, so an old call hits nothing. */
  | {
      readonly kind: 'replace-route-table-association';
      readonly association: string;
      readonly place: string;
      readonly table: string;
    }
  /** By force, and without a shutdown of their systems, which may not answer. */
  | { readonly kind: 'stop-instances'; readonly instances: readonly string[] }
  | { readonly kind: 'describe-instances'; readonly instances: readonly string[] }
  | { readonly kind: 'describe-instance-status'; readonly instances: readonly string[] }
  | {
      readonly kind: 'replace-transit-gateway-route' | 'create-transit-gateway-route';
      readonly table: string;
      readonly destination: string;
      readonly attachment: string;
    }
  /** Gives the ENI a secondary IPv4 address, also where another has it; its Elastic IP comes along. */
  | { readonly kind: 'assign-private-ip-addresses'; readonly eni: string; readonly address: string }
  /** IPv6 knows no reassignment: an address is taken from one ENI, and then given to the other. */
  | { readonly kind: 'unassign-ipv6-addresses'; readonly eni: string; readonly address: string }
  | { readonly kind: 'assign-ipv6-addresses'; readonly eni: string; readonly address: string }
  /** Leads an Elastic IP to an ENI, also from another; to its primary address where none is named. */
  | {
      readonly kind: 'associate-address';
      readonly allocation: string;
      readonly eni: string;
      readonly address?: string;
    }
  | { readonly kind: 'detach-network-interface'; readonly attachment: string; readonly force: boolean }
  | {
      readonly kind: 'attach-network-interface';
      readonly eni: string;
      readonly instance: string;
      readonly deviceIndex: number;
    };

/** One call, and where it is made. */
type Plain = Action & InRealm;

/** A call that changes something. */
export type Write = Exclude<Plain, { readonly kind: `describe-${string}` | `search-${string}` }>;

/**
 * Changes of an ENI's private addresses cannot be tried: EC2 has no `DryRun` for them, and the SDK drops what
 * an action does not know, so that the change would be made. EC2 API Reference, AssignPrivateIpAddresses,
 * AssignIpv6Addresses, UnassignIpv6Addresses.
 */
const WITHOUT_DRY_RUN = [
  'assign-private-ip-addresses',
  'assign-ipv6-addresses',
  'unassign-ipv6-addresses',
] as const;

/** A write that can be tried dry. */
export type Tryable = Exclude<Write, { readonly kind: (typeof WITHOUT_DRY_RUN)[number] }>;

export const isTryable = (write: Write): write is Tryable =>
  WITHOUT_DRY_RUN.every((kind) => kind !== write.kind);

/** One call; `dry-run` asks whether a write would be allowed, and changes nothing. */
export type Call = Plain | { readonly kind: 'dry-run'; readonly of: Tryable };

/** Where a call is made. */
export const madeIn = (call: Call): InRealm => (call.kind === 'dry-run' ? call.of : call);

/** Whether a route's destination is a prefix list: one route for all its entries. */
export const isPrefixList = (destination: string): boolean => destination.startsWith('pl-');

/** An instance as far as it matters whether it runs. */
export interface ObservedInstance {
  readonly id: string;
  /** `running`, `stopping`, `stopped` and so on. */
  readonly state: string;
}

/** What EC2 itself finds of an instance: its state, and its status checks as a whole. */
export interface ObservedStatus {
  readonly id: string;
  readonly state: string;
  readonly checks: 'ok' | 'impaired' | 'unknown';
}

/** Whether calls of a kind change nothing. */
export const isRead = (kind: string): boolean =>
  kind.startsWith('describe-') || kind.startsWith('search-') || kind === 'dry-run';

/** Attempts at a request that stays unanswered, the first included. */
export const MOST_ATTEMPTS = 3;

/**
 * How long a request stays unanswered before it is made again, on a new connection. EC2 takes longer to look
 * through its tables than to write.
 */
export const patienceMs = (attemptTimeoutMs: Millis, isLook: boolean): Millis =>
  isLook ? 2 * attemptTimeoutMs : attemptTimeoutMs;

/**
 * A route as EC2 reports it. `target` names the ENI, gateway or other object; `blackhole` as in AWS. A
 * propagated one was made by a gateway or by Route Server, not by a CreateRoute.
 */
export interface ObservedRoute {
  readonly destination: string;
  readonly target: string;
  readonly state: 'active' | 'blackhole';
  readonly propagated?: true;
}

/** What uses a table: a subnet, or a gateway whose incoming traffic it leads. */
export interface ObservedAssociation {
  readonly id: string;
  readonly place: string;
}

export interface ObservedRouteTable {
  readonly id: string;
  readonly vpc: string;
  readonly routes: readonly ObservedRoute[];
  /** The explicit ones that hold. */
  readonly associations: readonly ObservedAssociation[];
  /** It is used by all subnets of its VPC without an association of their own. */
  readonly main: boolean;
}

/** An ENI as EC2 reports it; `attachment` is absent while the ENI is `available`. */
export interface ObservedEni {
  readonly id: string;
  readonly vpc: string;
  readonly zone: string;
  readonly mac: string;
  readonly subnet: string;
  /** Private addresses, primary first, IPv4 then IPv6. */
  readonly addresses: readonly string[];
  readonly sourceDestCheck: boolean;
  readonly status: 'available' | 'associated' | 'attaching' | 'in-use' | 'detaching';
  readonly attachment?: {
    readonly id: string;
    readonly instance: string;
    readonly deviceIndex: number;
    readonly status: 'attaching' | 'attached' | 'detaching' | 'detached';
  };
}

/** An Elastic IP and what it leads to: an ENI and one of its private addresses, or nothing. */
export interface ObservedEip {
  readonly allocation: string;
  readonly eni?: string;
  readonly address?: string;
}

/** A static route of a transit gateway route table; one that drops on purpose has no attachment. */
export interface ObservedTransitRoute {
  readonly destination: string;
  readonly attachment?: string;
  readonly state: 'active' | 'blackhole';
}

/** A subnet's address ranges: an ENI's router stands at the first address of each. */
export interface ObservedSubnet {
  readonly id: string;
  readonly cidrs: readonly string[];
}

/** What a successful call returns. */
export type Value =
  | { readonly kind: 'route-tables'; readonly tables: readonly ObservedRouteTable[] }
  | { readonly kind: 'network-interfaces'; readonly enis: readonly ObservedEni[] }
  | { readonly kind: 'subnets'; readonly subnets: readonly ObservedSubnet[] }
  | { readonly kind: 'instances'; readonly instances: readonly ObservedInstance[] }
  | { readonly kind: 'statuses'; readonly statuses: readonly ObservedStatus[] }
  | { readonly kind: 'addresses'; readonly addresses: readonly ObservedEip[] }
  | { readonly kind: 'transit-routes'; readonly routes: readonly ObservedTransitRoute[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'attachment'; readonly attachment: string };

/**
 * How a call ended. `unknown` means that nobody can tell whether it was applied (a time-out, a reset, a 5xx):
 * it may have been, and it may still be applied later. `throttled` and other refusals were certainly not
 * applied.
 */
export type Outcome =
  | { readonly kind: 'ok'; readonly value: Value }
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string; readonly retry: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };
