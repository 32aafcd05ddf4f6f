/** What the lab's main thread and the thread of its fabric say to each other. */
import type { Instant } from '../../controller/base/time.ts';
import type { Change } from '../vpc/model.ts';
import type { VpcSettings } from '../vpc/settings.ts';
import type { Power } from '../world/happening.ts';
import type { Cut } from '../world/links.ts';

export interface ThreadData {
  /** An eventfd that is rung after each message to the thread. */
  readonly bell: number;
  readonly settings: Partial<VpcSettings>;
  readonly seed: number | string;
}

export type ToThread =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  /** The hosts of the Internet, all of them. */
  | { readonly kind: 'hosts'; readonly addresses: readonly string[] }
  | { readonly kind: 'power'; readonly instance: string; readonly power: Power }
  | { readonly kind: 'cuts'; readonly cuts: readonly Cut[] }
  /** Whether packets are told of, each with its way. */
  | { readonly kind: 'watch'; readonly on: boolean }
  /** The ENI whose frames are told of. */
  | { readonly kind: 'capture'; readonly eni: string | undefined }
  /** A descriptor that the thread gave away is closed, and its device gone. */
  | { readonly kind: 'closed' }
  /** Wants a `done` once all before it is done. */
  | { readonly kind: 'ask'; readonly request: number };

/** A packet that the fabric has decided on. */
export interface SeenPacket {
  readonly at: Instant;
  /** The ENI, `outside` or `services` that it came from, and where it went. */
  readonly from: string;
  readonly to: string | undefined;
  readonly packet: string;
  readonly disposition: string;
  /** Why, in a sentence; what the last place said that decided. */
  readonly reason: string;
}

export interface Captured {
  readonly at: Instant;
  /** Whether the instance sent it. */
  readonly sent: boolean;
  readonly frame: Uint8Array;
}

export interface Counts {
  /** Frames that came out of TAPs, and those that went nowhere. */
  readonly frames: number;
  readonly dropped: number;
  /** Frames that a TAP did not take. */
  readonly refused: number;
  readonly taps: number;
}

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly request: number; readonly counts: Counts }
  | { readonly kind: 'close'; readonly fd: number }
  /** The address that stands for an ENI among the services. */
  | { readonly kind: 'asker'; readonly alias: string; readonly eni: string }
  | { readonly kind: 'seen'; readonly packets: readonly SeenPacket[]; readonly missed: number }
  | { readonly kind: 'captured'; readonly frames: readonly Captured[] }
  | { readonly kind: 'fault'; readonly text: string };

/** Where the namespaces of the lab's machines are. */
export const NAMESPACES = '/run/netns';
/** The machines that are no instances: the hosts of the Internet, and the services of the link. */
export const OUTSIDE = 'outside';
export const SERVICES = 'services';
