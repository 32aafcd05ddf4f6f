/** Route servers, and the BGP speakers beside gateways of every kind, as EC2 stores them. */
import type { Instant } from '../../../controller/base/time.ts';
import type { GatewaySpeaker } from '../../vpc/model.ts';
import type { Stored } from './base.ts';

/** A path that a neighbor of a gateway's speaker announces, as it came in. */
export interface LearntPath {
  /** The name of the neighbor. */
  readonly neighbor: string;
  readonly prefix: string;
  readonly nextHop: string;
  /** `65001 65002`; sets in braces. */
  readonly asPath: string;
  readonly origin: 'igp' | 'egp' | 'incomplete';
  readonly med?: number;
  readonly communities: readonly string[];
}

/** What a session is now. */
export interface SessionState {
  readonly bgp: 'up' | 'down';
  readonly bfd: 'up' | 'down';
  /** When `bgp` last changed. */
  readonly changedAt: Date;
}

/** A speaker with what it has learnt so far; its id is that of the gateway part that it belongs to. */
export interface GatewaySpeakerRecord extends Stored, GatewaySpeaker {
  readonly id: string;
  /** By the name of the neighbor; absent until the speaker has said something. */
  readonly sessions: Readonly<Record<string, SessionState>>;
  readonly paths: readonly LearntPath[];
}

export type RouteServerPartState = 'pending' | 'available' | 'deleting' | 'deleted';

/** A path and the endpoint that has learnt it. */
export interface RouteServerPath extends LearntPath {
  readonly endpoint: string;
}

export interface RouteServerRecord extends Stored {
  readonly account: string;
  readonly state: RouteServerPartState;
  readonly asn: number;
  /** Whether, and for how many minutes after the first session is back, routes outlive all sessions. */
  readonly persist: { readonly on: boolean; readonly minutes: number };
  readonly notifies: boolean;
  /** The VPC that it is associated with. */
  readonly vpc?: string;
  /** The route tables that it propagates to. */
  readonly tables: readonly string[];
  /** What is known of all peers; with those of `persisted` where the sessions are gone. */
  readonly paths: readonly RouteServerPath[];
  /** Present while routes are kept without their sessions; `until` once the first session is back. */
  readonly persisted?: { readonly paths: readonly RouteServerPath[]; readonly until?: Instant };
}

export interface RouteServerEndpointRecord extends Stored {
  readonly account: string;
  readonly state: RouteServerPartState;
  readonly server: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly eni: string;
  readonly address: string;
}

export interface RouteServerPeerRecord extends Stored {
  readonly account: string;
  readonly state: RouteServerPartState;
  readonly server: string;
  readonly endpoint: string;
  readonly address: string;
  readonly asn: number;
  readonly liveness: 'bfd' | 'bgp-keepalive';
}

export interface RoutingRecords {
  readonly 'gateway-speaker': GatewaySpeakerRecord;
  readonly 'route-server': RouteServerRecord;
  readonly 'route-server-endpoint': RouteServerEndpointRecord;
  readonly 'route-server-peer': RouteServerPeerRecord;
}
