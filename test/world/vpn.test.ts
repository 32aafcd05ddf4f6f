/**
 * BGP through the tunnels of VPN connections, byte by byte, between a VPN gateway and the router of a site;
 * and what route tables and packets make of it. Facts F14, F20.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { setTunnel } from '../../sim/world/gateways.ts';
import { killSiteRouter, setSiteRouter } from '../../sim/world/site-router.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { openWorld, parseWorldFile, worldLines } from '../../sim/world/world-file.ts';
import { call } from './pair.ts';
import {
  connect,
  customerGateway,
  HOST,
  heardAt,
  outside,
  propagated,
  SITE,
  type SiteScene,
  siteScene,
  tunnels,
  vpnGateway,
} from './site.ts';
import { pass } from './sync.ts';

/** A VPN gateway with a connection of dynamic routing to the site, some time ago. */
function scene(announces?: readonly string[]) {
  const one = siteScene(announces);
  const vgw = vpnGateway(one);
  const vpn = connect(one.world, one.cgw, { VpnGatewayId: vgw });
  pass(one.world, 20_000);
  return { ...one, vgw, vpn };
}

const there = ({ world, pair }: SiteScene) =>
  must(tracePacket(world, { from: pair.workload.instance, to: HOST })).disposition;

describe('BGP over VPN', () => {
  test('both tunnels come up, each side hears the other, the table learns, and packets go both ways', () => {
    const one = scene();
    const { world, pair, cgw, vgw, vpn, table } = one;
    expect(tunnels(world, vpn)).toEqual(['UP 1 BGP ROUTES', 'UP 1 BGP ROUTES']);
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
    expect(heardAt(world, cgw)).toEqual([['10.0.0.0/16 64900'], ['10.0.0.0/16 64900']]);
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    pass(world, 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    expect(must(tracePacket(world, { from: HOST, to: pair.workload.address })).deliveredTo).toBe(
      pair.workload.instance,
    );
  });

  test('without a router at the site IPsec is up, and the tunnels are DOWN', () => {
    const one = siteScene();
    killSiteRouter(one.world, one.cgw);
    const vpn = connect(one.world, one.cgw, { VpnGatewayId: vpnGateway(one) });
    pass(one.world, 60_000);
    expect(tunnels(one.world, vpn)).toEqual(['DOWN IPSEC IS UP', 'DOWN IPSEC IS UP']);
    expect(propagated(one.world, one.table)).toEqual([]);
    must(setSiteRouter(one.world, one.cgw, { announces: [SITE] }));
    pass(one.world, 20_000);
    expect(tunnels(one.world, vpn)).toEqual(['UP 1 BGP ROUTES', 'UP 1 BGP ROUTES']);
  });

  test('one tunnel down changes nothing but its state; with both the route goes when hold timers expire', () => {
    const one = scene();
    const { world, vpn, vgw, table } = one;
    const [first = '', second = ''] = outside(world, vpn);
    must(setTunnel(world, vpn, first, 'down'));
    expect(tunnels(world, vpn)).toEqual(['DOWN IPSEC IS DOWN', 'UP 1 BGP ROUTES']);
    pass(world, 60_000);
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
    expect(there(one)).toBe('DELIVERED');
    must(setTunnel(world, vpn, second, 'down'));
    expect(there(one)).toBe('BAD_STATE_VPN');
    pass(world, 29_000);
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
    pass(world, 2000);
    expect(propagated(world, table)).toEqual([]);
    must(setTunnel(world, vpn, first, 'up'));
    pass(world, 30_000);
    expect(tunnels(world, vpn)).toEqual(['UP 1 BGP ROUTES', 'DOWN IPSEC IS DOWN']);
    expect(there(one)).toBe('DELIVERED');
  });

  test('the router of the site dies: the hold timer of 30 s takes the route away', () => {
    const one = scene();
    killSiteRouter(one.world, one.cgw);
    pass(one.world, 19_000);
    expect(propagated(one.world, one.table)).toHaveLength(1);
    pass(one.world, 12_000);
    expect(propagated(one.world, one.table)).toEqual([]);
  });

  test('of two connections the shorter AS path carries, then the lower MED', () => {
    const one = scene();
    const { world, vgw, cgw } = one;
    const other = customerGateway(world, '203.0.113.78', 65020);
    connect(world, other, { VpnGatewayId: vgw });
    const used = (): string[] =>
      [...world.records['vpn-connection'].values()]
        .filter(({ tunnels: each }) => each.some(({ routes }) => routes.includes(SITE)))
        .map(({ customerGateway: site }) => (site === cgw ? 'first' : 'second'));
    must(setSiteRouter(world, other, { announces: [SITE] }));
    must(setSiteRouter(world, cgw, { announces: [SITE], prepend: 2 }));
    pass(world, 20_000);
    expect(used()).toEqual(['second']);
    must(setSiteRouter(world, cgw, { announces: [SITE], med: 5 }));
    must(setSiteRouter(world, other, { announces: [SITE], med: 10 }));
    pass(world, 20_000);
    expect(used()).toEqual(['first']);
  });

  test('a static connection beats what BGP told of the same prefix', () => {
    const one = scene();
    const { world, vgw, table } = one;
    const other = customerGateway(world, '203.0.113.78', 65020);
    const fixed = connect(world, other, { VpnGatewayId: vgw, Options: { StaticRoutesOnly: true } });
    call(world, 'CreateVpnConnectionRoute', { VpnConnectionId: fixed, DestinationCidrBlock: SITE });
    pass(world, 1000);
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
    const dynamic = world.records['vpn-connection'].get(one.vpn);
    expect(dynamic?.tunnels.flatMap(({ routes }) => routes)).toEqual([]);
    const [learnt] = (world.records['route-table'].get(table)?.routes ?? []).filter(
      ({ destination }) => destination === SITE,
    );
    expect(learnt?.propagatedFrom).toBe('vpn-static');
  });

  test('a 101st prefix ends the session', () => {
    const one = scene(Array.from({ length: 100 }, (_, index) => `172.20.${index}.0/24`));
    expect(propagated(one.world, one.table)).toHaveLength(100);
    const announces = Array.from({ length: 101 }, (_, index) => `172.20.${index}.0/24`);
    must(setSiteRouter(one.world, one.cgw, { announces }));
    pass(one.world, 20_000);
    expect(tunnels(one.world, one.vpn)).toEqual(['DOWN IPSEC IS UP', 'DOWN IPSEC IS UP']);
    expect(propagated(one.world, one.table)).toEqual([]);
  });

  test('a new block of the VPC is told to the site; a deleted connection takes its routes along', () => {
    const one = scene();
    call(one.world, 'AssociateVpcCidrBlock', { VpcId: one.pair.vpc, CidrBlock: '10.7.0.0/16' });
    pass(one.world, 5000);
    expect(heardAt(one.world, one.cgw)[0]).toEqual(['10.0.0.0/16 64900', '10.7.0.0/16 64900']);
    call(one.world, 'DeleteVpnConnection', { VpnConnectionId: one.vpn });
    pass(one.world, 5000);
    expect(propagated(one.world, one.table)).toEqual([]);
    expect(one.world.gateways.size).toBe(0);
  });

  test('a world that is saved and read back has its router and its sessions again', () => {
    const one = scene();
    const text = [...worldLines(one.world, 1)].join('');
    const copy = openWorld(must(parseWorldFile(text, 'world.json')));
    expect(propagated(copy, one.table)).toEqual([`${SITE} ${one.vgw}`]);
    pass(copy, 20_000);
    expect(tunnels(copy, one.vpn)).toEqual(['UP 1 BGP ROUTES', 'UP 1 BGP ROUTES']);
    expect(heardAt(copy, one.cgw)).toEqual(heardAt(one.world, one.cgw));
    killSiteRouter(copy, one.cgw);
    const off = openWorld(must(parseWorldFile([...worldLines(copy, 1)].join(''), 'world.json')));
    pass(off, 60_000);
    expect(tunnels(off, one.vpn)).toEqual(['DOWN IPSEC IS UP', 'DOWN IPSEC IS UP']);
  });
});
