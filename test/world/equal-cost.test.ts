/**
 * ECMP over the VPN attachments of a transit gateway, from what sites announce by BGP to the tunnel that a
 * flow takes; and the one tunnel that a VPN gateway prefers.
 */
import type { SearchTransitGatewayRoutesResult, TransitGateway } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { setTunnel } from '../../sim/world/gateways.ts';
import { killSiteRouter, setSiteRouter } from '../../sim/world/site-router.ts';
import type { World } from '../../sim/world/state.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { openWorld, parseWorldFile, worldLines } from '../../sim/world/world-file.ts';
import { call } from './pair.ts';
import {
  connect,
  connection,
  customerGateway,
  HOST,
  outside,
  propagated,
  SITE,
  type SiteScene,
  siteScene,
  vpnGateway,
} from './site.ts';
import { pass } from './sync.ts';

const PORTS = Array.from({ length: 60 }, (_, i) => 20_000 + i);

/** A transit gateway with the VPC, and a VPN attachment for each customer gateway. */
function transit(one: SiteScene, more: readonly string[] = [], Options: object = {}) {
  const { world, pair, cgw, table } = one;
  const { TransitGateway: made } = call<{ TransitGateway: TransitGateway }>(world, 'CreateTransitGateway', {
    Options: { AmazonSideAsn: 64_800, ...Options },
  });
  const tgw = present(made.TransitGatewayId, 'a transit gateway');
  pass(world, 100);
  const SubnetIds = [world.records['network-interface'].get(pair.workload.eni)?.subnet];
  call(world, 'CreateTransitGatewayVpcAttachment', { TransitGatewayId: tgw, VpcId: pair.vpc, SubnetIds });
  const vpns = [cgw, ...more].map((site) => connect(world, site, { TransitGatewayId: tgw }));
  const route = { RouteTableId: table, DestinationCidrBlock: '172.16.0.0/12', TransitGatewayId: tgw };
  call(world, 'CreateRoute', route);
  pass(world, 20_000);
  return { ...one, tgw, vpns, tables: present(made.Options?.AssociationDefaultRouteTableId, 'a table') };
}

/** Another customer gateway, which announces what the first one does. */
function second(world: World, asn: number, more: object = {}): string {
  const cgw = customerGateway(world, '203.0.113.78', asn);
  must(setSiteRouter(world, cgw, { announces: [SITE], ...more }));
  return cgw;
}

const tunnelOf = ({ world, pair }: SiteScene, sourcePort: number): string | undefined => {
  const asked = { from: pair.workload.instance, to: HOST, protocol: 'udp', port: 9, sourcePort } as const;
  const { hops } = must(tracePacket(world, asked));
  return hops.flatMap(({ text }) => /(?:leaves by|over the tunnel) ([\d.]+)/.exec(text)?.[1] ?? [])[0];
};

const used = (one: SiteScene): string[] =>
  [...new Set(PORTS.map((port) => tunnelOf(one, port) ?? 'none'))].sort();

const tunnelsOf = (world: World, ...vpns: string[]): string[] =>
  vpns.flatMap((vpn) => outside(world, vpn)).sort();

/** The VPN connections of the route to the site, as a search shows them. */
const searched = ({ world, tables }: ReturnType<typeof transit>): (string | undefined)[] =>
  call<SearchTransitGatewayRoutesResult>(world, 'SearchTransitGatewayRoutes', {
    TransitGatewayRouteTableId: tables,
    Filters: [{ Name: 'route-search.exact-match', Values: [SITE] }],
  }).Routes?.[0]?.TransitGatewayAttachments?.map(({ ResourceId }) => ResourceId) ?? [];

describe('ECMP over VPN attachments', () => {
  test('uses both tunnels of a connection, and all of two that announce the same AS path', () => {
    const scene = siteScene();
    const one = transit(scene, [second(scene.world, 65010)]);
    expect(used(one)).toEqual(tunnelsOf(one.world, ...one.vpns));
    expect(searched(one).sort()).toEqual([...one.vpns].sort());
  });

  test('uses all four tunnels of two connections to one customer gateway, and packets arrive', () => {
    const scene = siteScene();
    const one = transit(scene, [scene.cgw]);
    expect(used(one)).toEqual(tunnelsOf(one.world, ...one.vpns));
    expect(searched(one)).toHaveLength(2);
    expect(must(tracePacket(one.world, { from: one.pair.workload.instance, to: HOST })).deliveredTo).toBe(
      HOST,
    );
  });

  test.each([
    ['a longer AS path', 65010, { prepend: 1 }],
    ['a higher MED', 65010, { med: 5 }],
  ])('not over one with %s', (_, asn, more) => {
    const scene = siteScene();
    const one = transit(scene, [second(scene.world, asn, more)]);
    const [first = ''] = one.vpns;
    expect(used(one)).toEqual(tunnelsOf(one.world, first));
    expect(searched(one)).toEqual([first]);
  });

  test('not over connections with different AS paths of the same length: one of them carries all', () => {
    const scene = siteScene();
    const one = transit(scene, [second(scene.world, 65020)]);
    const [chosen = '', ...rest] = searched(one);
    expect(rest).toEqual([]);
    expect(one.vpns).toContain(chosen);
    expect(used(one)).toEqual(tunnelsOf(one.world, chosen));
  });

  test('when a tunnel is down its flows move at once, the others stay; when a router dies, after 30 s', () => {
    const scene = siteScene();
    const one = transit(scene, [second(scene.world, 65010)]);
    const { world } = one;
    const [first = '', other = ''] = one.vpns;
    const before = PORTS.map((port) => tunnelOf(one, port));
    const [dead = '', alive = ''] = outside(world, first);
    must(setTunnel(world, first, dead, 'down'));
    pass(world, 1000);
    const after = PORTS.map((port) => tunnelOf(one, port));
    expect(after).not.toContain(dead);
    expect(after.filter((_, i) => before[i] !== dead)).toEqual(before.filter((tunnel) => tunnel !== dead));
    killSiteRouter(world, one.cgw);
    expect(used(one)).toEqual([alive, ...outside(world, other)].sort());
    pass(world, 31_000);
    expect(used(one)).toEqual(tunnelsOf(world, other));
    expect(searched(one)).toEqual([other]);
  });

  test('VpnEcmpSupport disable: one tunnel carries all, another when that is down', () => {
    const one = transit(siteScene());
    const { world, tgw } = one;
    const [vpn = ''] = one.vpns;
    const set = (VpnEcmpSupport: string) =>
      call(world, 'ModifyTransitGateway', { TransitGatewayId: tgw, Options: { VpnEcmpSupport } });
    set('disable');
    pass(world, 1000);
    const [preferred = '', ...rest] = used(one);
    expect(rest).toEqual([]);
    must(setTunnel(world, vpn, preferred, 'down'));
    pass(world, 1000);
    expect(used(one)).toEqual(tunnelsOf(world, vpn).filter((tunnel) => tunnel !== preferred));
    must(setTunnel(world, vpn, preferred, 'up'));
    set('enable');
    pass(world, 60_000);
    expect(used(one)).toEqual(tunnelsOf(world, vpn));
  });

  test('a VPN with static routes has none: a static route of the table takes one tunnel', () => {
    const one = siteScene();
    const both = transit({ ...one, cgw: one.cgw }, []);
    const { world, cgw, tgw, tables } = both;
    const fixed = connect(world, cgw, { TransitGatewayId: tgw, Options: { StaticRoutesOnly: true } });
    pass(world, 1000);
    const attachment = [...world.records['transit-gateway-attachment'].values()].find(
      ({ link }) => link.kind === 'vpn' && link.connection === fixed,
    )?.id;
    call(world, 'CreateTransitGatewayRoute', {
      TransitGatewayRouteTableId: tables,
      TransitGatewayAttachmentId: attachment,
      DestinationCidrBlock: SITE,
    });
    pass(world, 1000);
    const [tunnel = '', ...rest] = used(both);
    expect(rest).toEqual([]);
    expect(outside(world, fixed)).toContain(tunnel);
  });
});

describe('the tunnels of a connection to a VPN gateway', () => {
  function scene() {
    const one = siteScene();
    const vgw = vpnGateway(one);
    const vpn = connect(one.world, one.cgw, { VpnGatewayId: vgw });
    pass(one.world, 20_000);
    return { ...one, vgw, vpn, tunnels: outside(one.world, vpn) };
  }

  test('one carries all; the other as soon as that is down', () => {
    const one = scene();
    const { world, vpn, table, vgw } = one;
    const [preferred = '', ...rest] = used(one);
    expect(rest).toEqual([]);
    must(setTunnel(world, vpn, preferred, 'down'));
    pass(world, 1000);
    expect(used(one)).toEqual(one.tunnels.filter((tunnel) => tunnel !== preferred));
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
  });

  test.each([
    ['a longer AS path', { prepend: 1 }],
    ['a higher MED', { med: 100 }],
  ])('%s on a tunnel sends all through the other', (_, worse) => {
    const one = scene();
    for (const tunnel of one.tunnels) {
      must(setSiteRouter(one.world, one.cgw, { announces: [SITE], tunnels: { [tunnel]: worse } }));
      pass(one.world, 20_000);
      expect(used(one)).toEqual(one.tunnels.filter((each) => each !== tunnel));
    }
  });

  test('a more specific prefix on a tunnel takes its addresses there', () => {
    const one = scene();
    for (const tunnel of one.tunnels) {
      const tunnels = { [tunnel]: { announces: [SITE, '172.16.0.0/24'] } };
      must(setSiteRouter(one.world, one.cgw, { announces: [SITE], tunnels }));
      pass(one.world, 20_000);
      expect(used(one)).toEqual([tunnel]);
    }
  });

  test('what a router announces by tunnel is kept in a saved world', () => {
    const one = scene();
    const [worse = '', better = ''] = one.tunnels;
    const tunnels = { [worse]: { prepend: 3 } };
    must(setSiteRouter(one.world, one.cgw, { announces: [SITE], tunnels }));
    const text = [...worldLines(one.world, 1)].join('');
    const again = openWorld(must(parseWorldFile(text, 'world.json')));
    pass(again, 20_000);
    expect(again.routers.get(one.cgw)?.options.tunnels).toEqual(tunnels);
    expect(used({ ...one, world: again })).toEqual([better]);
  });

  test('a router is not told of a tunnel that it does not have', () => {
    const one = scene();
    const told = setSiteRouter(one.world, one.cgw, { announces: [], tunnels: { '192.0.2.1': { med: 1 } } });
    expect(told).toMatchObject({ ok: false, error: expect.stringContaining('192.0.2.1') });
    expect(connection(one.world, one.vpn).VgwTelemetry).toHaveLength(2);
  });
});
