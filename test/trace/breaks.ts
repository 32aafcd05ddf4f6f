/** What faults are made of: their form, and the ways in which worlds break. Not a test itself. */
import type { Finding } from '../../sim/vpc/explain.ts';
import type { Bases } from './bases.ts';
import { type Maker, permission } from './maker.ts';

/**
 * One fault. `object` is the resource at fault (asked for before the world breaks), which the trace of the
 * probe must name with `code`.
 */
interface FaultOf<B> {
  readonly name: string;
  readonly probe: B extends { readonly probes: infer P } ? keyof P : never;
  readonly breaks: (world: B) => void;
  readonly object: (world: B) => string;
  readonly code: Finding['code'];
}

export type Faults = { readonly [K in keyof Bases]: readonly FaultOf<Bases[K]>[] };

export const EVERYWHERE = '0.0.0.0/0';

export const noRoute = ({ act }: Maker, RouteTableId: string, DestinationCidrBlock = EVERYWHERE): void =>
  act('DeleteRoute', { RouteTableId, DestinationCidrBlock });

export const reroute = (
  { act }: Maker,
  RouteTableId: string,
  DestinationCidrBlock: string,
  to: object,
): void => act('ReplaceRoute', { RouteTableId, DestinationCidrBlock, ...to });

export const deny = ({ act }: Maker, NetworkAclId: string, rule: object): void =>
  act('CreateNetworkAclEntry', {
    ...{ NetworkAclId, RuleNumber: 50, RuleAction: 'deny', CidrBlock: EVERYWHERE, Protocol: '-1' },
    ...rule,
  });

export const revoke = ({ act }: Maker, GroupId: string, text: string, way = 'Ingress'): void =>
  act(`RevokeSecurityGroup${way}`, { GroupId, IpPermissions: [permission(text)] });

export const allow = ({ act }: Maker, GroupId: string, text: string): void =>
  act('AuthorizeSecurityGroupIngress', { GroupId, IpPermissions: [permission(text)] });

export const checked = ({ act }: Maker, NetworkInterfaceId: string): void =>
  act('ModifyNetworkInterfaceAttribute', { NetworkInterfaceId, SourceDestCheck: { Value: true } });

export const stop = (m: Maker, instance: string): void => {
  m.act('StopInstances', { InstanceIds: [instance] });
  m.settle();
};

export const end = (m: Maker, instance: string): void => {
  m.act('TerminateInstances', { InstanceIds: [instance] });
  m.settle();
};

export const routeAt = (
  { act }: Maker,
  table: string,
  DestinationCidrBlock: string,
  attachment: string,
): void =>
  act('CreateTransitGatewayRoute', {
    TransitGatewayRouteTableId: table,
    DestinationCidrBlock,
    TransitGatewayAttachmentId: attachment,
  });
