/**
 * Direct Connect between a site and VPN gateways: BGP and BFD over virtual interfaces, what route tables make
 * of it, and packets. AWS Direct Connect User Guide.
 */
import { describe, expect, test } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { setLine } from '../../sim/world/gateways.ts';
import { addHost } from '../../sim/world/guests.ts';
import { killSiteRouter, setSiteRouter } from '../../sim/world/site-router.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { openWorld, parseWorldFile, worldLines } from '../../sim/world/world-file.ts';
import {
  associate,
  direct,
  directGateway,
  peersOf,
  port,
  privateLine,
  statusOf,
  usedFor,
} from './direct-connect.ts';
import { call } from './pair.ts';
import { connect, HOST, heardAt, propagated, SITE, type SiteScene, siteScene, vpnGateway } from './site.ts';
import { pass } from './sync.ts';

/** A VPN gateway, to which a Direct Connect gateway leads, and a virtual interface from the site. */
function scene(allowed?: string[], announces?: readonly string[]) {
  const one = siteScene(announces);
  const { world, cgw } = one;
  const vgw = vpnGateway(one);
  const dxgw = directGateway(world);
  const association = associate(world, dxgw, vgw, allowed);
  const dxcon = port(world, cgw);
  const line = privateLine(world, dxcon, { directConnectGatewayId: dxgw });
  pass(world, 20_000);
  return { ...one, vgw, dxgw, dxcon, line, association };
}

const there = ({ world, pair }: SiteScene) =>
  must(tracePacket(world, { from: pair.workload.instance, to: HOST }));
const back = ({ world, pair }: SiteScene) =>
  must(tracePacket(world, { from: HOST, to: pair.workload.address }));

describe('a private virtual interface to a Direct Connect gateway', () => {
  test('speaks BGP, its routes are propagated, and packets go both ways', () => {
    const one = scene();
    const { world, pair, cgw, vgw, line, table, dxgw } = one;
    expect(statusOf(world, line)).toEqual(['up']);
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
    expect(heardAt(world, cgw)).toEqual([['10.0.0.0/16 65100']]);
    const flow = must(beginFlow(world, { from: pair.workload.instance, to: HOST }));
    pass(world, 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    expect(there(one).hops.map(({ place, id }) => `${place} ${id}`)).toContain(`direct-connect ${line}`);
    const answer = back(one);
    expect(answer.deliveredTo).toBe(pair.workload.instance);
    expect(answer.hops.find(({ id }) => id === line)?.text).toBe(`in, to ${dxgw}`);
  });

  test('ends at a VPN gateway without a Direct Connect gateway, too', () => {
    const one = siteScene();
    const vgw = vpnGateway(one);
    privateLine(one.world, port(one.world, one.cgw), { virtualGatewayId: vgw });
    pass(one.world, 20_000);
    expect(heardAt(one.world, one.cgw)).toEqual([['10.0.0.0/16 64900']]);
    expect([there(one).disposition, back(one).disposition]).toEqual(['DELIVERED', 'DELIVERED']);
  });

  test('carries IPv6 where it has a peer for it', () => {
    const one = siteScene([SITE, '2001:db8:77::/48']);
    const { world, pair, cgw, table } = one;
    const vgw = vpnGateway(one);
    call(world, 'AssociateVpcCidrBlock', { VpcId: pair.vpc, AmazonProvidedIpv6CidrBlock: true });
    const line = privateLine(world, port(world, cgw), { virtualGatewayId: vgw });
    direct(world, 'CreateBGPPeer', {
      virtualInterfaceId: line,
      newBGPPeer: { asn: 65_010, addressFamily: 'ipv6' },
    });
    pass(world, 20_000);
    expect(statusOf(world, line)).toEqual(['up', 'up']);
    expect(usedFor(world, '2001:db8:77::/48')).toEqual([line]);
    expect(world.records['route-table'].get(table)?.routes.map(({ destination }) => destination)).toContain(
      '2001:db8:77::/48',
    );
    expect(heardAt(world, cgw).map((heard) => heard.length)).toEqual([1, 1]);
  });

  test.each([
    ['the same block', ['10.0.0.0/16'], ['10.0.0.0/16 65100']],
    ['a wider one', ['10.0.0.0/15'], ['10.0.0.0/16 65100']],
    ['a narrower one', ['10.0.0.0/24'], []],
    ['another one', ['22.0.0.0/24'], []],
  ])('announces the block of the VPC where %s is allowed, and nothing else', (_, allowed, heard) => {
    const one = scene(allowed);
    expect(heardAt(one.world, one.cgw)).toEqual([heard]);
    expect(back(one).disposition).toBe(heard.length > 0 ? 'DELIVERED' : 'DX_NOT_ANNOUNCED');
    expect(back(one).findings[0]?.objects).toEqual(heard.length > 0 ? undefined : [one.dxgw, one.line]);
  });

  test('hears at once of other allowed prefixes and of new blocks of the VPC', () => {
    const one = scene(['10.0.0.0/8']);
    const { world, cgw, association } = one;
    call(world, 'AssociateVpcCidrBlock', { VpcId: one.pair.vpc, CidrBlock: '10.7.0.0/16' });
    pass(world, 1000);
    expect(heardAt(world, cgw)).toEqual([['10.0.0.0/16 65100', '10.7.0.0/16 65100']]);
    direct(world, 'UpdateDirectConnectGatewayAssociation', {
      associationId: association,
      addAllowedPrefixesToDirectConnectGateway: [{ cidr: '10.7.0.0/16' }],
      removeAllowedPrefixesToDirectConnectGateway: [{ cidr: '10.0.0.0/8' }],
    });
    pass(world, 1000);
    expect(heardAt(world, cgw)).toEqual([['10.7.0.0/16 65100']]);
  });

  test('a 101st prefix takes the session down', () => {
    const blocks = (count: number) => Array.from({ length: count }, (_, n) => `172.20.${n}.0/24`);
    const one = scene(undefined, blocks(100));
    expect(propagated(one.world, one.table)).toHaveLength(100);
    must(setSiteRouter(one.world, one.cgw, { announces: blocks(101) }));
    pass(one.world, 20_000);
    expect(statusOf(one.world, one.line)).toEqual(['down']);
    expect(propagated(one.world, one.table)).toEqual([]);
  });

  test('with another key at the router nothing is heard', () => {
    const one = scene();
    const { world, cgw, line } = one;
    must(setSiteRouter(world, cgw, { announces: [SITE], authKey: 'another-key' }));
    pass(world, 100_000);
    expect(statusOf(world, line)).toEqual(['down']);
    expect(propagated(world, one.table)).toEqual([]);
    expect(back(one).disposition).toBe('DX_DOWN');
    must(setSiteRouter(world, cgw, { announces: [SITE] }));
    pass(world, 30_000);
    expect(statusOf(world, line)).toEqual(['up']);
  });

  test('a cut line is found after 90 s by the hold timer, and after a second where the router speaks BFD', () => {
    const one = scene();
    const { world, cgw, line, table } = one;
    const lasts = (ms: number): string[][] => {
      must(setLine(world, line, 'down'));
      const dropped = there(one);
      expect([dropped.disposition, dropped.findings[0]?.objects]).toEqual(['DX_DOWN', [line, one.dxgw]]);
      pass(world, ms);
      const before = propagated(world, table);
      pass(world, 32_000 - (ms % 1000));
      const after = propagated(world, table);
      must(setLine(world, line, 'up'));
      pass(world, 60_000);
      return [before, after];
    };
    expect(lasts(59_000)).toEqual([[`${SITE} ${one.vgw}`], []]);
    must(setSiteRouter(world, cgw, { announces: [SITE], bfd: true }));
    pass(world, 20_000);
    expect(statusOf(world, line)).toEqual(['up']);
    expect(lasts(1200)).toEqual([[], []]);
  });

  test('a router that dies takes its routes along, and a deleted interface likewise', () => {
    const one = scene();
    killSiteRouter(one.world, one.cgw);
    pass(one.world, 95_000);
    expect(propagated(one.world, one.table)).toEqual([]);
    must(setSiteRouter(one.world, one.cgw, { announces: [SITE] }));
    pass(one.world, 20_000);
    expect(propagated(one.world, one.table)).toHaveLength(1);
    direct(one.world, 'DeleteVirtualInterface', { virtualInterfaceId: one.line });
    pass(one.world, 1000);
    expect([propagated(one.world, one.table), one.world.gateways.size]).toEqual([[], 0]);
  });

  test('drops what is longer than its MTU, and takes jumbo frames where it is told to', () => {
    const one = scene();
    const { world, pair, line } = one;
    const long = () =>
      must(tracePacket(world, { from: pair.workload.instance, to: HOST, bytes: 9001 })).disposition;
    expect(long()).toBe('MTU_EXCEEDED');
    direct(world, 'UpdateVirtualInterfaceAttributes', { virtualInterfaceId: line, mtu: 9001 });
    expect(long()).toBe('DELIVERED');
  });

  test('a world that is saved and read back has its sessions again', () => {
    const one = scene();
    const copy = openWorld(must(parseWorldFile([...worldLines(one.world, 1)].join(''), 'world.json')));
    expect(propagated(copy, one.table)).toEqual([`${SITE} ${one.vgw}`]);
    pass(copy, 20_000);
    expect(statusOf(copy, one.line)).toEqual(['up']);
    expect(there({ ...one, world: copy }).disposition).toBe('DELIVERED');
  });
});

describe('several virtual interfaces', () => {
  /** Two of them, and what the router announces over each. */
  function two() {
    const one = scene();
    const other = privateLine(one.world, one.dxcon, { directConnectGatewayId: one.dxgw }, 102);
    pass(one.world, 20_000);
    const [first, second] = [one.line, other].map((line) => peersOf(one.world, line)[0]?.id ?? '');
    const announce = (overFirst: object, overSecond: object): string[] => {
      const tunnels = { [first ?? '']: overFirst, [second ?? '']: overSecond };
      must(setSiteRouter(one.world, one.cgw, { announces: [SITE], tunnels }));
      pass(one.world, 5000);
      return usedFor(one.world, SITE).map((line) => (line === one.line ? 'first' : 'second'));
    };
    return { ...one, other, announce };
  }

  test('of equal routes share the flows; else communities decide, then the AS path, then the MED', () => {
    const { announce } = two();
    expect(announce({}, {})).toEqual(['first', 'second']);
    expect(announce({ med: 5 }, { med: 10 })).toEqual(['first']);
    expect(announce({ prepend: 1, med: 5 }, { med: 10 })).toEqual(['second']);
    expect(announce({ prepend: 3, communities: ['7224:7300'] }, {})).toEqual(['first']);
    expect(announce({ communities: ['7224:7100'] }, { prepend: 3 })).toEqual(['second']);
    expect(announce({ communities: ['7224:7200'] }, {})).toEqual(['first', 'second']);
  });

  test('the longest prefix counts before all that', () => {
    const one = two();
    const inner = { announces: ['172.16.0.0/24'], communities: ['7224:7100'] };
    one.announce({ communities: ['7224:7300'] }, inner);
    expect(there(one).hops.some(({ id }) => id === one.other)).toBe(true);
  });

  test('flows are spread over equal ones, and all take the other when one is cut', () => {
    const one = two();
    const { world, pair } = one;
    const ways = (): Set<string> =>
      new Set(
        Array.from({ length: 40 }, (_, n) => {
          const packet = {
            from: pair.workload.instance,
            to: HOST,
            protocol: 'udp',
            port: 7,
            sourcePort: 5000 + n,
          };
          return (
            must(tracePacket(world, { ...packet, protocol: 17 })).hops.find(
              ({ place }) => place === 'direct-connect',
            )?.id ?? ''
          );
        }),
      );
    expect(ways()).toEqual(new Set([one.line, one.other]));
    must(setLine(world, one.line, 'down'));
    pass(world, 100_000);
    expect(ways()).toEqual(new Set([one.other]));
  });
});

describe('beside VPN connections', () => {
  const sourceOf = ({ world, table }: SiteScene): string[] =>
    (world.records['route-table'].get(table)?.routes ?? []).flatMap(({ destination, propagatedFrom }) =>
      destination === SITE ? [String(propagatedFrom)] : [],
    );

  test('Direct Connect beats static routes, and those beat BGP, for the same prefix', () => {
    const one = siteScene();
    const { world, cgw } = one;
    const vgw = vpnGateway(one);
    connect(world, cgw, { VpnGatewayId: vgw });
    pass(world, 20_000);
    expect(sourceOf(one)).toEqual(['vpn-bgp']);
    const fixed = connect(world, cgw, { VpnGatewayId: vgw, Options: { StaticRoutesOnly: true } });
    call(world, 'CreateVpnConnectionRoute', { VpnConnectionId: fixed, DestinationCidrBlock: SITE });
    pass(world, 1000);
    expect(sourceOf(one)).toEqual(['vpn-static']);
    const line = privateLine(world, port(world, cgw), { virtualGatewayId: vgw });
    pass(world, 20_000);
    expect(sourceOf(one)).toEqual(['direct-connect']);
    const byLine = (): boolean => there(one).hops.some(({ place }) => place === 'direct-connect');
    expect([byLine(), there(one).disposition]).toEqual([true, 'DELIVERED']);
    must(setLine(world, line, 'down'));
    pass(world, 100_000);
    expect([sourceOf(one), byLine(), there(one).disposition]).toEqual([['vpn-static'], false, 'DELIVERED']);
    expect(back(one).disposition).toBe('DELIVERED');
  });

  test('a longer prefix by VPN beats Direct Connect', () => {
    const one = scene();
    const fixed = connect(one.world, one.cgw, { VpnGatewayId: one.vgw, Options: { StaticRoutesOnly: true } });
    const inner = { VpnConnectionId: fixed, DestinationCidrBlock: '172.16.0.0/24' };
    call(one.world, 'CreateVpnConnectionRoute', inner);
    pass(one.world, 1000);
    const { disposition, hops } = there(one);
    expect([disposition, hops.some(({ place }) => place === 'direct-connect')]).toEqual(['DELIVERED', false]);
  });
});

describe('a Direct Connect gateway', () => {
  test('carries nothing from one site to another, unless both have SiteLink', () => {
    const one = scene();
    const { world, cgw, dxgw, line } = one;
    const far = port(world, 'here');
    const second = privateLine(world, far, { directConnectGatewayId: dxgw });
    direct(world, 'TagResource', {
      resourceArn: `arn:aws:directconnect:eu-central-1:111122223333:dxcon/${far}`,
      tags: [{ key: 'byoa:site', value: far }],
    });
    must(setSiteRouter(world, far, { announces: ['172.31.0.0/16'] }));
    must(addHost(world, '172.31.0.9', undefined, far));
    pass(world, 20_000);
    expect([heardAt(world, cgw), heardAt(world, far)]).toEqual([
      [['10.0.0.0/16 65100']],
      [['10.0.0.0/16 65100']],
    ]);
    const across = () => must(tracePacket(world, { from: HOST, to: '172.31.0.9' })).disposition;
    expect(across()).toBe('DX_NOT_ANNOUNCED');
    for (const virtualInterfaceId of [line, second])
      direct(world, 'UpdateVirtualInterfaceAttributes', { virtualInterfaceId, enableSiteLink: true });
    pass(world, 5000);
    expect(heardAt(world, far)).toEqual([['10.0.0.0/16 65100', `${SITE} 65100`]]);
    expect(across()).toBe('DELIVERED');
  });

  test('carries nothing from one VPC to another', () => {
    const one = scene();
    const { world, dxgw, table, vgw } = one;
    const other = call<{ Vpc: { VpcId: string } }>(world, 'CreateVpc', { CidrBlock: '10.99.0.0/16' }).Vpc
      .VpcId;
    const made = call<{ VpnGateway: { VpnGatewayId: string } }>(world, 'CreateVpnGateway', {
      Type: 'ipsec.1',
    });
    const far = made.VpnGateway.VpnGatewayId;
    call(world, 'AttachVpnGateway', { VpnGatewayId: far, VpcId: other });
    associate(world, dxgw, far);
    pass(world, 5000);
    expect(heardAt(world, one.cgw)).toEqual([['10.0.0.0/16 65100', '10.99.0.0/16 65100']]);
    expect(propagated(world, table)).toEqual([`${SITE} ${vgw}`]);
    call(world, 'CreateRoute', { RouteTableId: table, DestinationCidrBlock: '10.99.0.0/16', GatewayId: vgw });
    pass(world, 1000);
    const across = must(tracePacket(world, { from: one.pair.workload.instance, to: '10.99.0.9' }));
    expect(across.disposition).toBe('NO_ROUTE_TO_DESTINATION');
  });
});
