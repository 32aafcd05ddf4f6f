/** Direct Connect gateways at transit gateways: allowed prefixes, route tables, and packets. */
import type { SearchTransitGatewayRoutesResult, TransitGateway } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { setLine } from '../../sim/world/gateways.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { associate, direct, directGateway, port, statusOf, transitLine } from './direct-connect.ts';
import { call } from './pair.ts';
import { connect, HOST, heardAt, SITE, siteScene } from './site.ts';
import { pass } from './sync.ts';

/** A transit gateway with the VPC, a Direct Connect gateway at it, and a transit virtual interface. */
function scene(allowed = ['10.0.0.0/8', '192.0.2.0/24']) {
  const one = siteScene();
  const { world, pair, cgw, table } = one;
  const { TransitGateway: made } = call<{ TransitGateway: TransitGateway }>(world, 'CreateTransitGateway', {
    Options: { AmazonSideAsn: 64_800 },
  });
  const tgw = present(made.TransitGatewayId, 'a transit gateway');
  pass(world, 100);
  const subnet = world.records['network-interface'].get(pair.workload.eni)?.subnet;
  call(world, 'CreateTransitGatewayVpcAttachment', {
    TransitGatewayId: tgw,
    VpcId: pair.vpc,
    SubnetIds: [subnet],
  });
  call(world, 'CreateRoute', {
    RouteTableId: table,
    DestinationCidrBlock: '172.16.0.0/12',
    TransitGatewayId: tgw,
  });
  const dxgw = directGateway(world);
  const association = associate(world, dxgw, tgw, allowed);
  const line = transitLine(world, port(world, cgw), { directConnectGatewayId: dxgw });
  pass(world, 20_000);
  return {
    ...one,
    tgw,
    dxgw,
    association,
    line,
    tables: present(made.Options?.AssociationDefaultRouteTableId, 'a'),
  };
}

const routes = ({ world, tables }: ReturnType<typeof scene>): string[] =>
  (
    call<SearchTransitGatewayRoutesResult>(world, 'SearchTransitGatewayRoutes', {
      TransitGatewayRouteTableId: tables,
      Filters: [{ Name: 'type', Values: ['static', 'propagated'] }],
    }).Routes ?? []
  ).map(({ DestinationCidrBlock, Type, TransitGatewayAttachments: [by] = [] }) => {
    return `${DestinationCidrBlock} ${Type} ${by?.ResourceType} ${by?.ResourceId}`;
  });

const there = ({ world, pair }: ReturnType<typeof scene>, bytes?: number) =>
  must(tracePacket(world, { from: pair.workload.instance, to: HOST, ...(bytes !== undefined && { bytes }) }));
const back = ({ world, pair }: ReturnType<typeof scene>) =>
  must(tracePacket(world, { from: HOST, to: pair.workload.address }));

describe('a transit virtual interface', () => {
  test('tells the allowed prefixes, whatever the tables hold; its routes are propagated, packets go both ways', () => {
    const one = scene();
    const { world, pair, cgw, dxgw, line } = one;
    expect(statusOf(world, line)).toEqual(['up']);
    expect(heardAt(world, cgw)).toEqual([['10.0.0.0/8 65100', '192.0.2.0/24 65100']]);
    expect(routes(one)).toEqual([
      `10.0.0.0/16 propagated vpc ${pair.vpc}`,
      `${SITE} propagated direct-connect-gateway ${dxgw}`,
    ]);
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    pass(world, 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    expect(there(one).hops.map(({ place }) => place)).toEqual(
      expect.arrayContaining(['transit-gateway', 'direct-connect']),
    );
    expect(back(one).deliveredTo).toBe(pair.workload.instance);
  });

  test('lets nothing in that is not allowed, nor out what is too long', () => {
    const one = scene(['192.0.2.0/24']);
    expect(back(one).disposition).toBe('DX_NOT_ANNOUNCED');
    expect(there(one, 8500).disposition).toBe('MTU_EXCEEDED');
    direct(one.world, 'UpdateVirtualInterfaceAttributes', { virtualInterfaceId: one.line, mtu: 8500 });
    expect(there(one, 8500).disposition).toBe('DELIVERED');
  });

  test('beats a VPN attachment for the same prefix, which takes over when its line is cut', () => {
    const one = scene();
    const { world, tgw, cgw, dxgw, line } = one;
    const vpn = connect(world, cgw, { TransitGatewayId: tgw });
    pass(world, 20_000);
    const toSite = () => routes(one).filter((route) => route.startsWith(SITE));
    expect(toSite()).toEqual([`${SITE} propagated direct-connect-gateway ${dxgw}`]);
    must(setLine(world, line, 'down'));
    expect([there(one).disposition, there(one).findings[0]?.objects]).toEqual(['DX_DOWN', [line, dxgw]]);
    pass(world, 100_000);
    expect(toSite()).toEqual([`${SITE} propagated vpn ${vpn}`]);
    expect([there(one).disposition, back(one).disposition]).toEqual(['DELIVERED', 'DELIVERED']);
  });

  test('has no way for a static route to what was never told', () => {
    const one = scene();
    const attachment = [...one.world.records['transit-gateway-attachment'].values()].find(
      ({ link }) => link.kind === 'direct-connect-gateway',
    )?.id;
    call(one.world, 'CreateTransitGatewayRoute', {
      TransitGatewayRouteTableId: one.tables,
      TransitGatewayAttachmentId: attachment,
      DestinationCidrBlock: '172.20.0.0/16',
    });
    pass(one.world, 1000);
    const lost = must(tracePacket(one.world, { from: one.pair.workload.instance, to: '172.20.0.9' }));
    expect([lost.disposition, lost.findings[0]?.objects]).toEqual(['DX_NO_ROUTE', [one.dxgw, attachment]]);
  });

  test('takes its routes along when the association ends', () => {
    const one = scene();
    direct(one.world, 'DeleteDirectConnectGatewayAssociation', { associationId: one.association });
    pass(one.world, 5000);
    expect(routes(one)).toEqual([`10.0.0.0/16 propagated vpc ${one.pair.vpc}`]);
    expect(heardAt(one.world, one.cgw)).toEqual([[]]);
  });
});
