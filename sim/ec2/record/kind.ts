/**
 * What a kind of stored resource is: where it lives, which ids it refers to (the store indexes them), how its
 * id looks, and how EC2 spells the errors about it. kinds.ts has the table of all kinds.
 */
import type { Scope } from './base.ts';
import type { ComputeRecords } from './compute.ts';
import type { ConnectivityRecords } from './connectivity.ts';
import type { DirectConnectRecords } from './direct-connect.ts';
import type { EgressRecords } from './egress.ts';
import type { EndpointRecords } from './endpoint.ts';
import type { IdentityRecords } from './identity.ts';
import type { LoadBalancerRecords } from './load-balancer.ts';
import type { NetworkRecords } from './network.ts';
import type { ParameterRecords } from './parameter.ts';
import type { RoutingRecords } from './routing.ts';
import type { SecurityRecords } from './security.ts';

export interface Records
  extends NetworkRecords,
    ConnectivityRecords,
    DirectConnectRecords,
    EgressRecords,
    EndpointRecords,
    LoadBalancerRecords,
    ComputeRecords,
    SecurityRecords,
    IdentityRecords,
    ParameterRecords,
    RoutingRecords {}

export type Kind = keyof Records;

/** Private addresses in a subnet. */
export interface Held {
  readonly subnet: string;
  readonly addresses: readonly string[];
}

export interface KindSpec<K extends Kind> {
  readonly scope: Scope;
  /**
   * Ids that the record names: its parents, peers, associations and attachments. `referring` finds it by
   * them.
   */
  readonly refersTo: (record: Records[K]) => readonly string[];
  /** The private addresses that the record holds. */
  readonly holds?: (record: Records[K]) => Held;
  /** The start of its ids, without the dash; absent where ids are names. */
  readonly prefix?: string;
  /** The name in TagSpecification and DescribeTags; absent where EC2 tags it not. */
  readonly resourceType?: string;
  /** EC2's irregular error codes. */
  readonly notFound: string;
  readonly malformed: string;
  /** As in "The vpc ID 'vpc-1' does not exist". */
  readonly noun: string;
}

/** The table of some kinds. */
export type KindTable<K extends Kind = Kind> = { readonly [Each in K]: KindSpec<Each> };

/** The ids that are there. */
export const defined = (ids: readonly (string | undefined)[]): readonly string[] =>
  ids.filter((id): id is string => id !== undefined);
