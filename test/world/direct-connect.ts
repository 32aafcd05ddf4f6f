/**
 * A VPC with a workload, a site with a host and a router, and Direct Connect between them: a scene of tests.
 * Not a test itself.
 */
import type {
  Connection,
  CreateDirectConnectGatewayResult,
  CreateTransitVirtualInterfaceResult,
  DirectConnectGatewayAssociation,
  VirtualInterface,
  VirtualInterfaces,
} from '@aws-sdk/client-direct-connect';
import { present } from '../../controller/base/result.ts';
import { request } from '../../sim/world/api.ts';
import type { World } from '../../sim/world/state.ts';
import { ACCOUNT, REGION } from './pair.ts';
import { pass } from './sync.ts';

/** Asks Direct Connect, which must not refuse, and lets a second pass. */
export function direct<O>(world: World, action: string, input: object = {}): O {
  const asked = { account: ACCOUNT, region: REGION, service: 'directconnect', action, input } as const;
  let output: object | undefined;
  request(world.api, asked, (reply) => {
    if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}: ${reply.message}`);
    ({ output } = reply);
  });
  pass(world, 1000);
  return present(output, action) as O;
}

/** A port whose routers are at a site. */
export const port = (world: World, site: string): string =>
  present(
    direct<Connection>(world, 'CreateConnection', {
      location: 'SIM-A',
      bandwidth: '1Gbps',
      connectionName: 'port',
      tags: [{ key: 'byoa:site', value: site }],
    }).connectionId,
    'a connection',
  );

export const directGateway = (world: World, amazonSideAsn = 65_100): string =>
  present(
    direct<CreateDirectConnectGatewayResult>(world, 'CreateDirectConnectGateway', {
      directConnectGatewayName: 'direct',
      amazonSideAsn,
    }).directConnectGateway?.directConnectGatewayId,
    'a Direct Connect gateway',
  );

export const associate = (
  world: World,
  directConnectGatewayId: string,
  gatewayId: string,
  allowed: string[] = [],
) =>
  direct<{ directConnectGatewayAssociation: DirectConnectGatewayAssociation }>(
    world,
    'CreateDirectConnectGatewayAssociation',
    {
      directConnectGatewayId,
      gatewayId,
      addAllowedPrefixesToDirectConnectGateway: allowed.map((cidr) => ({ cidr })),
    },
  ).directConnectGatewayAssociation.associationId;

/** Makes a virtual interface, a private one, and gives its id. */
export function privateLine(world: World, connectionId: string, more: object, vlan = 101): string {
  const asked = { virtualInterfaceName: 'line', vlan, asn: 65_010, ...more };
  return present(
    direct<VirtualInterface>(world, 'CreatePrivateVirtualInterface', {
      connectionId,
      newPrivateVirtualInterface: asked,
    }).virtualInterfaceId,
    'a virtual interface',
  );
}

export function transitLine(world: World, connectionId: string, more: object, vlan = 101): string {
  const asked = { virtualInterfaceName: 'line', vlan, asn: 65_010, ...more };
  return present(
    direct<CreateTransitVirtualInterfaceResult>(world, 'CreateTransitVirtualInterface', {
      connectionId,
      newTransitVirtualInterface: asked,
    }).virtualInterface?.virtualInterfaceId,
    'a virtual interface',
  );
}

/** The BGP peers of a virtual interface, as `up`, and their ids. */
export const peersOf = (world: World, virtualInterfaceId: string) =>
  direct<VirtualInterfaces>(world, 'DescribeVirtualInterfaces', {
    virtualInterfaceId,
  }).virtualInterfaces?.[0]?.bgpPeers?.map(({ bgpPeerId = '', bgpStatus }) => ({
    id: bgpPeerId,
    bgpStatus,
  })) ?? [];

export const statusOf = (world: World, line: string): string[] =>
  peersOf(world, line).map(({ bgpStatus }) => String(bgpStatus));

/** The virtual interfaces that may be used for a prefix. */
export const usedFor = (world: World, prefix: string): string[] =>
  [...world.records['virtual-interface'].values()]
    .filter(({ routes }) => routes.includes(prefix))
    .map(({ id }) => id);
