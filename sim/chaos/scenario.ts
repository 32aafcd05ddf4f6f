/** What a scenario is made of, and the truth about it that no daemon may know. Types only. */
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { Config } from '../../controller/config.ts';
import type { World } from '../world/state.ts';
import type { Machine } from './scenes/network.ts';

/** What one appliance at a time owns. */
export interface OwnedGroup {
  readonly name: string;
  readonly members: readonly string[];
  readonly resource: OwnedResource;
}

export type OwnedResource =
  | {
      readonly kind: 'routes';
      readonly routes: readonly { readonly table: string; readonly destination: string }[];
    }
  | { readonly kind: 'eni'; readonly eni: string };

export interface Scene {
  /** By name; the appliances among them. */
  readonly machines: Readonly<Record<string, Machine>>;
  readonly appliances: readonly string[];
  /** Daemons by the machine that they run on. */
  readonly daemons: Readonly<Record<string, Config>>;
  readonly groups: readonly OwnedGroup[];
  /** Who talks to whom: a machine to a host, there and back. */
  readonly flows: readonly { readonly from: string; readonly to: string }[];
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
