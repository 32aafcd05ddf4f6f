/** What a scenario is made of, and the truth about it that no daemon may know. Types only. */
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Config } from '../../controller/config.ts';
import type { World } from '../world/state.ts';
import type { Machine } from './scenes/network.ts';

/** What one appliance at a time owns. */
export interface OwnedGroup {
  readonly name: string;
  readonly members: readonly string[];
  readonly parts: readonly OwnedPart[];
  /** Whether its routes lead to something else when no member is left. */
  readonly hasLastResort?: boolean;
}

export type OwnedPart =
  | { readonly kind: 'route'; readonly table: string; readonly destination: string }
  /** A subnet that uses one of these tables, by member; all have routes to these destinations. */
  | {
      readonly kind: 'association';
      readonly subnet: string;
      readonly tables: Readonly<Record<string, string>>;
      readonly destinations: readonly string[];
    }
  | { readonly kind: 'eni'; readonly eni: string }
  /** A secondary private address. */
  | { readonly kind: 'address'; readonly address: string }
  /** An Elastic IP, and the private address that it is to be led to. */
  | { readonly kind: 'eip'; readonly allocation: string; readonly public: string; readonly address: string };

export interface Flow {
  readonly from: string;
  readonly to: string;
  /** The group that carries it; absent: any appliance does. */
  readonly group?: string;
}

export interface Scene {
  /** By name; the appliances among them. */
  readonly machines: Readonly<Record<string, Machine>>;
  readonly appliances: readonly string[];
  /** Daemons by the machine that they run on. */
  readonly daemons: Readonly<Record<string, Config>>;
  readonly groups: readonly OwnedGroup[];
  /** Routes that follow BGP: written by daemons, and owned by no group. */
  readonly synced?: readonly { readonly table: string; readonly destination: string }[];
  /** Of how many groups an appliance carries at most; those that are absent carry all. */
  readonly capacity?: Readonly<Record<string, number>>;
  /** Who talks to whom, there and back: a machine or the address of a host to an address. */
  readonly flows: readonly Flow[];
}

export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  readonly build: (world: World) => Scene;
  /** The actions by which its groups are moved. */
  readonly writes: readonly string[];
  /** Evidence of an heir that is older than this is not fresh. */
  readonly freshMs: Millis;
  /** Whether a machine that drops what it should forward can be seen to do so: by a probe through it. */
  readonly seesDrops: boolean;
  /** When the faults have ended, flows come back within so long. */
  readonly recoverMs: Millis;
}

/** How long a flow was interrupted; `to` is absent where it has not come back. */
export interface Blackout {
  readonly flow: string;
  readonly from: Instant;
  readonly to?: Instant;
}
