/** Which ways the routes of a transit gateway have, by what BGP speakers beside it have learnt. */
import type {
  CreateTransitGatewayConnectPeerResult,
  CreateTransitGatewayConnectResult,
  CreateTransitGatewayResult,
  CreateTransitGatewayVpcAttachmentResult,
  CreateVpnConnectionResult,
  SearchTransitGatewayRoutesResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import type { LearntPath } from '../../sim/ec2/record/routing.ts';
import { learn, takeChanges } from '../../sim/ec2/service.ts';
import type { Change, Resources } from '../../sim/vpc/model.ts';
import { name, type Site, site } from './site.ts';

const PREFIX = '172.16.0.0/16';

let changes: Change[] = [];

function scene() {
  changes = [];
  const at = site();
  const made = at.call<CreateTransitGatewayResult>('CreateTransitGateway', {
    Options: { TransitGatewayCidrBlocks: ['192.0.2.0/24'] },
  }).TransitGateway;
  const table = name(made?.Options?.AssociationDefaultRouteTableId);
  const tgw = name(made?.TransitGatewayId);
  const vpc = name(
    at.call<CreateTransitGatewayVpcAttachmentResult>('CreateTransitGatewayVpcAttachment', {
      ...{ TransitGatewayId: tgw, VpcId: at.vpc, SubnetIds: [at.subnets[0]] },
    }).TransitGatewayVpcAttachment?.TransitGatewayAttachmentId,
  );
  return { at, tgw, table, vpc };
}

/** Beside a gateway, the speaker of this id hears the prefix from these neighbors. */
function tell(at: Site, id: string, neighbors: readonly string[], more: Partial<LearntPath> = {}): void {
  const paths = neighbors.map((neighbor): LearntPath => {
    const path = { prefix: PREFIX, nextHop: neighbor, asPath: '65001', origin: 'igp' } as const;
    return { neighbor, ...path, communities: [], ...more };
  });
  const sessions = neighbors.map((neighbor) => ({ neighbor, bgp: 'up', bfd: 'down' }) as const);
  const where = { account: '111122223333', region: 'eu-central-1', id };
  learn(at.cloud, where, { sessions, paths }, 0);
}

/** A VPN connection to the gateway, whose tunnels both hear the prefix. */
function vpn(at: Site, tgw: string, n: number): string {
  const { CustomerGateway: made } = at.call<{ CustomerGateway: { CustomerGatewayId: string } }>(
    'CreateCustomerGateway',
    { Type: 'ipsec.1', IpAddress: `203.0.113.${n}`, BgpAsn: 65_001 },
  );
  const { VpnConnection: connection } = at.call<CreateVpnConnectionResult>('CreateVpnConnection', {
    ...{ Type: 'ipsec.1', CustomerGatewayId: made.CustomerGatewayId, TransitGatewayId: tgw },
  });
  const tunnels = connection?.Options?.TunnelOptions ?? [];
  const id = name(connection?.VpnConnectionId);
  tell(
    at,
    id,
    tunnels.map(({ OutsideIpAddress = '' }) => OutsideIpAddress),
  );
  return id;
}

/** A Connect attachment with one peer, both of whose sessions hear the prefix. */
function connect(at: Site, transport: string, n: number, asPath = '65001') {
  const { TransitGatewayConnect: over } = at.call<CreateTransitGatewayConnectResult>(
    'CreateTransitGatewayConnect',
    { TransportTransitGatewayAttachmentId: transport, Options: { Protocol: 'gre' } },
  );
  const attachment = name(over?.TransitGatewayAttachmentId);
  const { TransitGatewayConnectPeer: made } = at.call<CreateTransitGatewayConnectPeerResult>(
    'CreateTransitGatewayConnectPeer',
    {
      TransitGatewayAttachmentId: attachment,
      PeerAddress: `10.0.0.${n}`,
      InsideCidrBlocks: [`169.254.6.${8 * n}/29`],
      BgpOptions: { PeerAsn: 65_001 },
    },
  );
  at.call('DescribeTransitGatewayConnectPeers', {});
  const peer = name(made?.TransitGatewayConnectPeerId);
  const appliance = `169.254.6.${8 * n + 1}`;
  for (const session of [1, 2]) tell(at, `${peer}/${session}`, [appliance], { asPath });
  return { attachment, peer };
}

/** The ways to the prefix as the data plane has them, by all changes so far. */
function ways(at: Site, table: string) {
  changes.push(...takeChanges(at.cloud));
  const last = changes.findLast(({ kind, id }) => kind === 'transit-gateway-route-table' && id === table);
  const { routes } = present(last, 'a table').value as Resources['transit-gateway-route-table'];
  return routes.find(({ destination }) => destination === PREFIX)?.paths ?? [];
}

const searched = (at: Site, table: string) =>
  at
    .call<SearchTransitGatewayRoutesResult>('SearchTransitGatewayRoutes', {
      TransitGatewayRouteTableId: table,
      Filters: [{ Name: 'route-search.exact-match', Values: [PREFIX] }],
    })
    .Routes?.[0]?.TransitGatewayAttachments?.map((each) => `${each.ResourceType} ${each.ResourceId}`) ?? [];

describe('the ways of a propagated route', () => {
  it('are 50 tunnels at most', () => {
    const { at, tgw, table } = scene();
    for (let n = 1; n <= 26; n++) vpn(at, tgw, n);
    expect(ways(at, table)).toHaveLength(50);
  });

  it('are peers of several Connect attachments, each once though it has two sessions, before all VPNs', () => {
    const { at, tgw, table, vpc } = scene();
    const own = vpn(at, tgw, 1);
    expect(searched(at, table)).toEqual([`vpn ${own}`]);
    const [one, two] = [connect(at, vpc, 1), connect(at, vpc, 2)];
    expect(ways(at, table)).toEqual(expect.arrayContaining([one, two]));
    expect(ways(at, table)).toHaveLength(2);
    expect(searched(at, table)).toEqual([`connect ${vpc}`, `connect ${vpc}`]);
  });

  it('are none of a peer that tells another AS path of the same length', () => {
    const { at, table, vpc } = scene();
    connect(at, vpc, 1);
    connect(at, vpc, 2, '65002');
    expect(ways(at, table)).toHaveLength(1);
    connect(at, vpc, 3, '65001');
    connect(at, vpc, 4, '65002');
    expect(ways(at, table)).toHaveLength(2);
  });
});
