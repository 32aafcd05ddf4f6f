/** VPN CloudHub: a VPN gateway passes on what a site tells the others, and carries packets between them. */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { setTunnel } from '../../sim/world/gateways.ts';
import { addHost } from '../../sim/world/guests.ts';
import { killSiteRouter, setSiteRouter } from '../../sim/world/site-router.ts';
import type { World } from '../../sim/world/state.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { createWorld } from '../../sim/world/world.ts';
import { call } from './pair.ts';
import { connect, customerGateway, heardAt, outside, siteScene, vpnGateway } from './site.ts';
import { pass } from './sync.ts';

interface Branch {
  readonly cgw: string;
  readonly host: string;
  readonly vpn: string;
}

const detachedGateway = (world: World): string =>
  call<{ VpnGateway: { VpnGatewayId: string } }>(world, 'CreateVpnGateway', {
    Type: 'ipsec.1',
    AmazonSideAsn: 64_900,
  }).VpnGateway.VpnGatewayId;

/** A site `172.(16 + n).0.0/16` with a host and a router. */
function branch(world: World, vgw: string, n: number, asn: number): Branch {
  const cgw = customerGateway(world, `203.0.113.${n}`, asn);
  const host = `172.${16 + n}.0.9`;
  must(addHost(world, host, undefined, cgw));
  must(setSiteRouter(world, cgw, { announces: [`172.${16 + n}.0.0/16`] }));
  return { cgw, host, vpn: connect(world, cgw, { VpnGatewayId: vgw }) };
}

/** Three sites at one VPN gateway without a VPC. */
function hub(asns: readonly [number, number, number] = [65001, 65002, 65003]) {
  const world = createWorld({ seed: 1 });
  const vgw = detachedGateway(world);
  const [a, b, c] = [1, 2, 3].map((n) => branch(world, vgw, n, asns[n - 1] ?? 0)) as [Branch, Branch, Branch];
  pass(world, 20_000);
  return { world, vgw, a, b, c };
}

const trace = (world: World, from: Branch, to: Branch) =>
  must(tracePacket(world, { from: from.host, to: to.host }));

describe('VPN CloudHub', () => {
  test('each site hears of the others with their AS paths; packets cross the gateway, without a VPC', () => {
    const { world, vgw, a, b, c } = hub();
    expect(heardAt(world, a.cgw)).toEqual([
      ['172.18.0.0/16 64900 65002', '172.19.0.0/16 64900 65003'],
      ['172.18.0.0/16 64900 65002', '172.19.0.0/16 64900 65003'],
    ]);
    for (const [from, to] of [
      [a, b],
      [b, c],
      [c, a],
    ] as const) {
      expect(trace(world, from, to).deliveredTo).toBe(to.host);
    }
    const hop = trace(world, a, b).hops.find(({ place }) => place === 'vpn-gateway');
    expect([hop?.id, outside(world, b.vpn).some((tunnel) => hop?.text.includes(tunnel))]).toEqual([
      vgw,
      true,
    ]);
  });

  test('sites of one AS do not hear of each other: a path with their own AS is refused (RFC 4271 9.1.2)', () => {
    const { world, a, b, c } = hub([65001, 65001, 65003]);
    expect(heardAt(world, a.cgw)[0]).toEqual(['172.19.0.0/16 64900 65003']);
    expect(heardAt(world, b.cgw)[0]).toEqual(['172.19.0.0/16 64900 65003']);
    expect(heardAt(world, c.cgw)[0]).toHaveLength(2);
  });

  test('tunnels that are down: BAD_STATE_VPN; when the sessions end, the others hear it', () => {
    const { world, a, b } = hub();
    const [first = '', second = ''] = outside(world, b.vpn);
    must(setTunnel(world, b.vpn, first, 'down'));
    expect(trace(world, a, b).deliveredTo).toBe(b.host);
    must(setTunnel(world, b.vpn, second, 'down'));
    const dropped = trace(world, a, b);
    expect([dropped.disposition, dropped.findings[0]?.objects[0]]).toEqual(['BAD_STATE_VPN', b.vpn]);
    pass(world, 40_000);
    expect(heardAt(world, a.cgw)[0]).toEqual(['172.19.0.0/16 64900 65003']);
  });

  test('a site whose router dies is forgotten after its Hold Time', () => {
    const { world, a, c } = hub();
    killSiteRouter(world, c.cgw);
    pass(world, 40_000);
    expect(heardAt(world, a.cgw)[0]).toEqual(['172.18.0.0/16 64900 65002']);
    expect(trace(world, a, c).disposition).not.toBe('DELIVERED');
  });

  test('with a VPC each site hears its blocks too, and addresses of the VPC lead into it alone', () => {
    const one = siteScene();
    const { world, pair, cgw } = one;
    const vgw = vpnGateway(one);
    connect(world, cgw, { VpnGatewayId: vgw });
    const other = branch(world, vgw, 4, 65004);
    pass(world, 20_000);
    expect(heardAt(world, other.cgw)[0]).toEqual(['10.0.0.0/16 64900', '172.16.0.0/16 64900 65010']);
    must(setSiteRouter(world, cgw, { announces: ['10.0.99.0/24'] }));
    pass(world, 20_000);
    const to = (address: string) => must(tracePacket(world, { from: other.host, to: address }));
    expect(to(pair.workload.address).deliveredTo).toBe(pair.workload.instance);
    expect(to('10.0.99.1').disposition).toBe('VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS');
  });

  test('a static route is used between sites, and told to nobody', () => {
    const { world, vgw, a } = hub();
    const fixed = customerGateway(world, '203.0.113.9', 65009);
    must(addHost(world, '172.25.0.9', undefined, fixed));
    const vpn = connect(world, fixed, { VpnGatewayId: vgw, Options: { StaticRoutesOnly: true } });
    call(world, 'CreateVpnConnectionRoute', { VpnConnectionId: vpn, DestinationCidrBlock: '172.25.0.0/16' });
    pass(world, 10_000);
    expect(must(tracePacket(world, { from: a.host, to: '172.25.0.9' })).deliveredTo).toBe('172.25.0.9');
    expect(heardAt(world, a.cgw)[0]).toHaveLength(2);
  });
});
