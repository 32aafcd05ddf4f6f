/**
 * VPN attachments of a transit gateway with BGP: what its route tables learn and tell, and packets between a
 * VPC and a site, and between two sites.
 */
import type {
  DescribeTransitGatewayAttachmentsResult,
  SearchTransitGatewayRoutesResult,
  TransitGateway,
} from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { setTunnel } from '../../sim/world/gateways.ts';
import { addHost } from '../../sim/world/guests.ts';
import { setSiteRouter } from '../../sim/world/site-router.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { call } from './pair.ts';
import { connect, customerGateway, HOST, heardAt, outside, SITE, siteScene, tunnels } from './site.ts';
import { pass } from './sync.ts';

/** A transit gateway with the VPC and a VPN attachment to the site; all in its default route table. */
function scene() {
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
  const vpn = connect(world, cgw, { TransitGatewayId: tgw });
  call(world, 'CreateRoute', {
    RouteTableId: table,
    DestinationCidrBlock: '172.16.0.0/12',
    TransitGatewayId: tgw,
  });
  pass(world, 20_000);
  return { ...one, tgw, vpn, tables: present(made.Options?.AssociationDefaultRouteTableId, 'a table') };
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

describe('VPN attachments of transit gateways', () => {
  test('propagate what the site announces, tell it what their table holds, and carry packets both ways', () => {
    const one = scene();
    const { world, pair, cgw, vpn } = one;
    expect(tunnels(world, vpn)).toEqual(['UP 1 BGP ROUTES', 'UP 1 BGP ROUTES']);
    expect(routes(one)).toEqual([`10.0.0.0/16 propagated vpc ${pair.vpc}`, `${SITE} propagated vpn ${vpn}`]);
    expect(heardAt(world, cgw)[0]).toEqual(['10.0.0.0/16 64800']);
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    pass(world, 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    const back = must(tracePacket(world, { from: HOST, to: pair.workload.address }));
    expect(back.deliveredTo).toBe(pair.workload.instance);
    expect(back.hops.map(({ place }) => place)).toContain('transit-gateway');
  });

  test('are attachments like others: listed, and gone with the connection', () => {
    const { world, vpn } = scene();
    const list = () =>
      call<DescribeTransitGatewayAttachmentsResult>(world, 'DescribeTransitGatewayAttachments', {
        Filters: [{ Name: 'resource-type', Values: ['vpn'] }],
      }).TransitGatewayAttachments?.map(({ ResourceId, State }) => `${ResourceId} ${State}`);
    expect(list()).toEqual([`${vpn} available`]);
    call(world, 'DeleteVpnConnection', { VpnConnectionId: vpn });
    expect(list()).toEqual([`${vpn} deleted`]);
  });

  test('a static route beats the propagated one, and is told to the site', () => {
    const one = scene();
    const { world, cgw, tables, vpn } = one;
    const attachment = [...world.records['transit-gateway-attachment'].values()].find(
      ({ link }) => link.kind === 'vpc',
    )?.id;
    const named = { TransitGatewayRouteTableId: tables, TransitGatewayAttachmentId: attachment };
    call(world, 'CreateTransitGatewayRoute', { ...named, DestinationCidrBlock: '192.0.2.0/24' });
    pass(world, 5000);
    expect(heardAt(world, cgw)[0]).toEqual(['10.0.0.0/16 64800', '192.0.2.0/24 64800']);
    call(world, 'CreateTransitGatewayRoute', { ...named, DestinationCidrBlock: SITE });
    expect(routes(one).filter((route) => route.startsWith(SITE))).toHaveLength(1);
    expect(routes(one)).not.toContain(`${SITE} propagated vpn ${vpn}`);
  });

  test('both tunnels down: BAD_STATE_VPN, then no route', () => {
    const one = scene();
    const { world, vpn, pair } = one;
    for (const address of outside(world, vpn)) must(setTunnel(world, vpn, address, 'down'));
    const disposition = (): string =>
      must(tracePacket(world, { from: pair.workload.instance, to: HOST })).disposition;
    expect(disposition()).toBe('BAD_STATE_VPN');
    pass(world, 31_000);
    expect(disposition()).toBe('TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT');
    expect(must(tracePacket(world, { from: HOST, to: pair.workload.address })).disposition).toBe(
      'BAD_STATE_VPN',
    );
  });

  test('two sites reach each other over it, and each hears of the other', () => {
    const { world, tgw, cgw } = scene();
    const other = customerGateway(world, '203.0.113.78', 65020);
    must(addHost(world, '172.17.0.9', undefined, other));
    must(setSiteRouter(world, other, { announces: ['172.17.0.0/16'] }));
    connect(world, other, { TransitGatewayId: tgw });
    pass(world, 20_000);
    expect(heardAt(world, cgw)[0]).toContain('172.17.0.0/16 64800');
    expect(heardAt(world, other)[0]).toContain(`${SITE} 64800`);
    expect(must(tracePacket(world, { from: '172.17.0.9', to: HOST })).deliveredTo).toBe(HOST);
  });
});
