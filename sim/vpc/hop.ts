/**
 * What a recorder is told on a packet's way: one step for each place that decided something. A step holds
 * what was decided as it stands in the fabric and a copy of the packet, and costs little; explain.ts makes
 * hops for people of steps. Steps are made only where somebody records; forwarding itself makes none.
 */
import type { Header } from './header.ts';
import type { AclNode, Port } from './nodes.ts';
import type { Direction } from './security.ts';

/** The target of a route of a transit gateway that leads nowhere. */
export const BLACKHOLE = 'blackhole';

export type HopPlace =
  | 'guest'
  | 'eni'
  | 'router'
  | 'network-acl'
  | 'internet-gateway'
  | 'vpc-peering-connection'
  | 'transit-gateway'
  | 'nat-gateway'
  | 'egress-only-gateway'
  | 'vpn-gateway'
  | 'direct-connect'
  | 'vpc-endpoint'
  | 'gateway-load-balancer'
  | 'internet';

/** What was decided, where more than the text is to be known about it. */
export type Decision =
  /**
   * A route matched; `target` is the id of what it leads to, `subnet` where a transit gateway lets out,
   * `equals` the ways that it has beside the one that the hash of the flow picked.
   */
  | {
      readonly kind: 'route';
      readonly table: string;
      readonly destination: string;
      readonly target: string;
      readonly subnet?: string;
      readonly equals?: readonly string[];
    }
  /** The route table had no route, of `subnet` or (a transit gateway's) of `attachment`. */
  | {
      readonly kind: 'no-route';
      readonly table: string;
      readonly subnet?: string;
      readonly attachment?: string;
    }
  /** The security groups of an ENI: a code of `CODE`, 0 where they let the packet pass. */
  | { readonly kind: 'groups'; readonly port: Port; readonly direction: Direction; readonly code: number }
  | { readonly kind: 'acl'; readonly acl: AclNode; readonly egress: boolean }
  /** The resources at fault, the one to look at first first, where it is not the place itself. */
  | { readonly kind: 'fault'; readonly objects: readonly string[] };

/** Words are made only for who reads them. */
export type Saying = string | ((h: Readonly<Header>) => string);

export interface Step {
  readonly place: HopPlace;
  /** The id of the instance, ENI, route table, ACL or gateway, or the Internet host's address. */
  readonly id: string;
  /** What happened there and why: one sentence, or how to make it of the packet. */
  readonly text: Saying;
  readonly decision: Decision | undefined;
  /** The packet as it left the place. */
  readonly header: Readonly<Header>;
}

export const textOf = ({ text, header }: Step): string => (typeof text === 'string' ? text : text(header));

export type Recorder = (step: Step) => void;

/** Tells the recorder of a step. */
export function record(
  recorder: Recorder,
  h: Header,
  place: HopPlace,
  id: string,
  text: Saying,
  decision?: Decision,
): void {
  recorder({ place, id, text, decision, header: { ...h } });
}
