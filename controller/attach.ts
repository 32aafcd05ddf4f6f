/**
 * The attach protocol: how a daemon process lives inside a simulated instance. Types only.
 *
 * After an HTTP Upgrade of `GET /_byoa/attach/{instance}` (`Upgrade: byoa-attach`) both sides send frames,
 * one JSON object a line. The daemon names each operation by an id of its own. A packet that the network
 * drops yields nothing: time-outs are the daemon's. `data` is base64.
 */
import type { GuestChange } from './event.ts';

export type AttachRequest =
  /** One ICMP echo; `via` is a next hop in the same subnet, as a static route in the guest would have it. */
  | { readonly op: 'icmp'; readonly id: number; readonly to: string; readonly via?: string }
  | {
      readonly op: 'tcp-open';
      readonly id: number;
      readonly to: string;
      readonly port: number;
      readonly via?: string;
    }
  | { readonly op: 'tcp-data'; readonly id: number; readonly data: string }
  | { readonly op: 'tcp-end'; readonly id: number }
  | { readonly op: 'tcp-abort'; readonly id: number }
  | { readonly op: 'tcp-listen'; readonly id: number; readonly port: number }
  | { readonly op: 'udp-bind'; readonly id: number; readonly port: number }
  | {
      readonly op: 'udp-send';
      readonly id: number;
      readonly to: string;
      readonly port: number;
      readonly data: string;
    }
  | { readonly op: 'guest'; readonly id: number; readonly changes: readonly GuestChange[] }
  | { readonly op: 'resolve'; readonly id: number; readonly name: string };

export type AttachReply =
  | {
      readonly op: 'hello';
      readonly instance: string;
      readonly account: string;
      readonly region: string;
      readonly zone: string;
      readonly interfaces: readonly {
        readonly eni: string;
        readonly mac: string;
        readonly deviceIndex: number;
        readonly addresses: readonly string[];
      }[];
    }
  | { readonly op: 'icmp-reply'; readonly id: number; readonly from: string }
  /** The guest could not send at all: no route, no such next hop. */
  | { readonly op: 'icmp-failed'; readonly id: number; readonly reason: string }
  | { readonly op: 'tcp-opened'; readonly id: number }
  | { readonly op: 'tcp-data'; readonly id: number; readonly data: string }
  | { readonly op: 'tcp-end'; readonly id: number }
  | { readonly op: 'tcp-reset'; readonly id: number; readonly reason: string }
  /** A connection to the listener `listener`; its id is negative, chosen by the simulator. */
  | {
      readonly op: 'tcp-accepted';
      readonly listener: number;
      readonly id: number;
      readonly from: string;
      readonly port: number;
    }
  | {
      readonly op: 'udp';
      readonly id: number;
      readonly from: string;
      readonly port: number;
      readonly data: string;
    }
  | { readonly op: 'guest-done'; readonly id: number; readonly failure?: string }
  | { readonly op: 'resolved'; readonly id: number; readonly addresses: readonly string[] }
  /** `frozen`: the process handles nothing until `running`. `dead`: its machine is gone; it exits at once. */
  | { readonly op: 'power'; readonly state: 'running' | 'frozen' | 'dead' };
