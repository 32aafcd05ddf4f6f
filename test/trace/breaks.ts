/** What faults are made of: their form, and the ways in which worlds break. Not a test itself. */
import { must } from '../../controller/base/result.ts';
import type { Finding } from '../../sim/vpc/explain.ts';
import { controlGuest, type GuestVerb, type Profile, setProfile } from '../../sim/world/guests.ts';
import type { TracedPacket } from '../../sim/world/trace.ts';
import type { Bases } from './bases.ts';
import { type Maker, permission } from './maker.ts';

/**
 * One fault, of the world or of the packet itself. `object` is the resource at fault (asked for before the
 * world breaks), which the trace of the probe must name with `code`.
 */
interface FaultOf<B> {
  readonly name: string;
  readonly probe: B extends { readonly probes: infer P } ? keyof P : never;
  readonly breaks?: (world: B) => void;
  /** What the packet has in place of what the probe has. */
  readonly sends?: (world: B) => Partial<TracedPacket>;
  readonly object: (world: B) => string;
  readonly code: Finding['code'];
}

export type Faults = { readonly [K in keyof Bases]: readonly FaultOf<Bases[K]>[] };

export const EVERYWHERE = '0.0.0.0/0';

/** What most faults need of a world. */
type Caller = Pick<Maker, 'act' | 'world'>;

export const noRoute = ({ act }: Caller, RouteTableId: string, DestinationCidrBlock = EVERYWHERE): void =>
  act('DeleteRoute', { RouteTableId, DestinationCidrBlock });

export const reroute = (
  { act }: Caller,
  RouteTableId: string,
  DestinationCidrBlock: string,
  to: object,
): void => act('ReplaceRoute', { RouteTableId, DestinationCidrBlock, ...to });

export const deny = ({ act }: Caller, NetworkAclId: string, rule: object): void =>
  act('CreateNetworkAclEntry', {
    ...{ NetworkAclId, RuleNumber: 50, RuleAction: 'deny', CidrBlock: EVERYWHERE, Protocol: '-1' },
    ...rule,
  });

export const revoke = ({ act }: Caller, GroupId: string, text: string, way = 'Ingress'): void =>
  act(`RevokeSecurityGroup${way}`, { GroupId, IpPermissions: [permission(text)] });

export const allow = ({ act }: Caller, GroupId: string, text: string): void =>
  act('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [permission(text)] });

/** A rule of a group becomes another one. */
export function instead(w: Caller, group: string, wrong: string, right: string): void {
  allow(w, group, wrong);
  revoke(w, group, right);
}

/** What the image of an instance does from now on. */
export const acts = ({ world }: Caller, instance: string, role: Profile['role']): void =>
  must(setProfile(world, instance, { role, services: [] }));

export const control = ({ world }: Caller, instance: string, verb: GuestVerb): void =>
  must(controlGuest(world, instance, verb));

export const checked = ({ act }: Caller, NetworkInterfaceId: string): void =>
  act('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId, SourceDestCheck: { Value: true } });

/** Makes a call, and waits until it has all its effects. */
export function wholly(m: Maker, action: string, input: object): void {
  m.act(action, input);
  m.settle();
}

export const stop = (m: Maker, instance: string): void =>
  wholly(m, 'StopInstances', { InstanceIds: [instance] });

export const end = (m: Maker, instance: string): void =>
  wholly(m, 'TerminateInstances', { InstanceIds: [instance] });

export const routeAt = (
  { act }: Caller,
  table: string,
  DestinationCidrBlock: string,
  attachment: string,
): void =>
  act('CreateTransitGatewayRoute', {
    TransitGatewayRouteTableId: table,
    DestinationCidrBlock,
    TransitGatewayAttachmentId: attachment,
  });
