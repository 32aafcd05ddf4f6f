/**
 * VPN connections that end at instances: BGP and packets in IPsec between VPN gateways, or a transit gateway,
 * and the appliances whose Elastic IPs are customer gateways, through route tables, NAT and security groups.
 * Fact F14.
 */
import { describe, expect, test } from 'vitest';
import { must, present } from '../../controller/base/result.ts';
import { flowStats } from '../../sim/world/flows.ts';
import { setTunnel } from '../../sim/world/gateways.ts';
import { controlGuest, setProfile } from '../../sim/world/guests.ts';
import { setSiteRouter } from '../../sim/world/site-router.ts';
import { tracePacket } from '../../sim/world/trace.ts';
import { beginFlow } from '../../sim/world/traffic.ts';
import { openWorld, parseWorldFile, worldLines } from '../../sim/world/world-file.ts';
import { call } from './pair.ts';
import { outside, propagated, tunnels } from './site.ts';
import { pass } from './sync.ts';
import { type EdgeScene, edgeScene, endOf, type Name, SERVER, tunnelsOf } from './vpn-edge.ts';

const UP = ['UP 1 BGP ROUTES', 'UP 1 BGP ROUTES'];
const DOWN = ['DOWN IPSEC IS UP', 'DOWN IPSEC IS UP'];

const out = ({ world, spoke }: EdgeScene) =>
  must(tracePacket(world, { from: spoke.instance, to: SERVER, protocol: 'tcp', port: 443, both: true }));

/** The appliance that a flow of the spoke takes. */
const usedBy = (one: EdgeScene): Name | undefined => {
  const { hops } = out(one);
  return (['a', 'b'] as const).find((name) => hops.some(({ id }) => id === one.pair[name].instance));
};

describe('VPN connections that end at instances', () => {
  test('sessions come up, the table learns, and packets go both ways in IPsec by the Internet gateway', () => {
    const one = edgeScene();
    const { world, pair, spoke } = one;
    expect([tunnels(world, one.vpns.a), tunnels(world, one.vpns.b)]).toEqual([UP, UP]);
    expect(propagated(world, one.table)).toEqual([`0.0.0.0/0 ${one.vgw}`]);
    const flow = must(beginFlow(world, { from: spoke.instance, to: SERVER }));
    pass(world, 1000);
    expect(flowStats(flow)).toMatchObject({ lost: 0 });
    const { deliveredTo, hops, answer, packet } = out(one);
    expect([deliveredTo, answer?.deliveredTo]).toEqual([SERVER, spoke.instance]);
    expect(packet.source).toBe(pair.a.publicAddress);
    const [outer] = outside(world, one.vpns.a).filter((each) => hops.some(({ text }) => text.includes(each)));
    const dnat = hops.find(({ place }) => place === 'internet-gateway');
    expect(dnat?.packet).toBe(`udp ${outer}:4500 > ${pair.a.address}:4500 ttl 64`);
    const snat = answer?.hops.filter(({ place }) => place === 'internet-gateway').at(-1);
    expect(snat?.packet).toBe(`udp ${pair.a.publicAddress}:4500 > ${outer}:4500 ttl 64`);
  });

  test('the lower MED carries; when its appliance dies the hold timer of 30 s moves the flow', () => {
    const one = edgeScene();
    expect(usedBy(one)).toBe('a');
    must(controlGuest(one.world, one.pair.a.instance, 'kill'));
    expect(out(one).disposition).toBe('GUEST_DOWN');
    pass(one.world, 19_000);
    expect(out(one).disposition).toBe('GUEST_DOWN');
    pass(one.world, 12_000);
    expect(usedBy(one)).toBe('b');
    expect(tunnels(one.world, one.vpns.a)).toEqual(DOWN);
  });

  test('a tunnel that an experiment takes down carries neither packets nor BGP', () => {
    const one = edgeScene();
    const { world, pair, vpns } = one;
    for (const address of outside(world, vpns.a)) must(setTunnel(world, vpns.a, address, 'down'));
    const near = endOf('a', 0, 1);
    expect(must(tracePacket(world, { from: pair.a.instance, to: near })).disposition).toBe('BAD_STATE_VPN');
    const back = { from: pair.a.instance, to: one.spoke.address };
    expect(must(tracePacket(world, back)).disposition).toBe('BAD_STATE_VPN');
    pass(world, 31_000);
    expect(tunnels(world, vpns.a)).toEqual(['DOWN IPSEC IS DOWN', 'DOWN IPSEC IS DOWN']);
    expect(usedBy(one)).toBe('b');
  });

  test('an appliance that dials is answered through security groups that let nothing in', () => {
    const one = edgeScene({ closed: true });
    expect(tunnels(one.world, one.vpns.a)).toEqual(UP);
    expect(out(one)).toMatchObject({ deliveredTo: SERVER, answer: { deliveredTo: one.spoke.instance } });
  });

  test('a guest without the tunnel takes none of it; from another address than that of the customer gateway nothing is taken', () => {
    const one = edgeScene();
    const { world, pair, vpns } = one;
    const tunnelsOfB = tunnelsOf(world, vpns.b);
    must(setProfile(world, pair.a.instance, { role: 'nat', services: [], tunnels: tunnelsOfB }));
    expect(out(one).disposition).toBe('GUEST_NO_TUNNEL');
    const wrong = { from: pair.a.instance, to: endOf('b', 0, 1) };
    expect(must(tracePacket(world, wrong)).disposition).toBe('VPN_NO_TUNNEL');
  });

  test('without a route to the Internet gateway no tunnel stays up', () => {
    const one = edgeScene();
    const { world, pair, vpns } = one;
    const { subnet } = present(world.records['network-interface'].get(pair.a.eni), pair.a.eni);
    const all = [...world.records['route-table'].values()];
    const RouteTableId = present(all.find(({ subnets }) => subnets.includes(subnet))?.id, 'a table');
    call(world, 'DeleteRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0' });
    pass(world, 31_000);
    expect(tunnels(world, vpns.a)).toEqual(DOWN);
  });

  test('the Elastic IP moves to the other appliance: its tunnels are not that one’s', () => {
    const one = edgeScene();
    const { world, pair } = one;
    const { Addresses } = call<{ Addresses: { AllocationId: string }[] }>(world, 'DescribeAddresses', {
      PublicIps: [pair.a.publicAddress],
    });
    call(world, 'AssociateAddress', {
      AllocationId: Addresses[0]?.AllocationId,
      NetworkInterfaceId: pair.b.eni,
      AllowReassociation: true,
    });
    pass(world, 1000);
    expect(out(one).disposition).toBe('GUEST_NO_TUNNEL');
    pass(world, 31_000);
    expect(tunnels(world, one.vpns.a)).toEqual(DOWN);
  });

  test('no site router stands in for an instance', () => {
    const { world, pair } = edgeScene();
    const cgw = [...world.records['customer-gateway'].values()].find(
      ({ address }) => address === pair.a.publicAddress,
    );
    expect(setSiteRouter(world, cgw?.id ?? '', { announces: [] })).toMatchObject({
      ok: false,
      error: expect.stringContaining(`the public address of ${pair.a.eni}: its instance is the router`),
    });
  });

  test('a world that is saved and read back has its tunnels and its sessions again', () => {
    const one = edgeScene();
    const copy = openWorld(must(parseWorldFile([...worldLines(one.world, 1)].join(''), 'world.json')));
    const again = { ...one, world: copy };
    expect(usedBy(again)).toBe('a');
  });
});
