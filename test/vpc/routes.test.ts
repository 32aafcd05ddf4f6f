/** Route tables in forwarding: which route counts, prefix lists, edge tables and what they refuse. */
import { describe, expect, it } from 'vitest';
import type { Route } from '../../sim/vpc/model.ts';
import {
  APPLIANCE,
  createLab,
  drop,
  eni,
  type Lab,
  machine,
  put,
  route,
  SERVER,
  subnet,
  table,
  udp,
} from './lab.ts';

const LIST = 'pl-1';

/** A sender in subnet 1, and ENIs x, y, z of appliances in subnet 2 that routes may lead to. */
function scene() {
  const lab = createLab();
  subnet(lab, 1);
  subnet(lab, 2);
  const a = machine(lab, 'a', 1, 10);
  for (const [i, name] of ['x', 'y', 'z'].entries()) {
    machine(lab, name, 2, 20 + i, { sourceDestCheck: false });
  }
  return { lab, a };
}

const routes = (lab: Lab, ...own: readonly Route[]): void =>
  table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: own });

const propagated = (destination: string, target: string, more: Partial<Route> = {}): Route => ({
  ...route(destination, target),
  origin: 'EnableVgwRoutePropagation',
  ...more,
});

const entries = (lab: Lab, ...cidrs: readonly string[]): void =>
  put(lab, 'prefix-list', { id: LIST, entries: cidrs });

/** Where the router sends a packet for an address. */
const to = (lab: Lab, a: ReturnType<typeof machine>, destination: string): string | undefined =>
  udp(lab, a, destination).hops.find((hop) => hop.place === 'router')?.route?.target;

describe('route priority', () => {
  it('A1: of equal prefixes static beats prefix list beats propagated, whatever the order', () => {
    const { lab, a } = scene();
    entries(lab, '192.0.2.0/24', '192.0.3.0/24');
    const three = [propagated('192.0.2.0/24', 'eni-z'), route(LIST, 'eni-y'), route('192.0.2.0/24', 'eni-x')];
    for (const own of [three, three.toReversed()]) {
      routes(lab, ...own);
      expect(to(lab, a, '192.0.2.1')).toBe('eni-x');
      routes(lab, ...own.filter((each) => each.destination === LIST || each.origin !== 'CreateRoute'));
      expect(to(lab, a, '192.0.2.1')).toBe('eni-y');
    }
    routes(lab, propagated('192.0.2.128/25', 'eni-z'), route(LIST, 'eni-y'));
    expect(to(lab, a, '192.0.2.129')).toBe('eni-z');
  });

  it('A1: of propagated routes Direct Connect beats static VPN routes, and those beat BGP of a VPN', () => {
    const { lab, a } = scene();
    const bgp = propagated('192.0.2.0/24', 'eni-z', { propagatedFrom: 'vpn-bgp' });
    const fixed = propagated('192.0.2.0/24', 'eni-y', { propagatedFrom: 'vpn-static' });
    const direct = propagated('192.0.2.0/24', 'eni-x', { propagatedFrom: 'direct-connect' });
    routes(lab, bgp, fixed, direct);
    expect(to(lab, a, '192.0.2.1')).toBe('eni-x');
    routes(lab, bgp, fixed);
    expect(to(lab, a, '192.0.2.1')).toBe('eni-y');
  });

  it('A1: the local route beats propagated routes even inside it', () => {
    const { lab, a } = scene();
    routes(lab, propagated('10.0.2.0/24', 'eni-z'));
    expect(to(lab, a, '10.0.2.20')).toBe('local');
  });

  it('A1: the local route may be retargeted', () => {
    const { lab, a } = scene();
    const local: Route = { ...route('10.0.0.0/16', 'eni-x'), origin: 'CreateRouteTable' };
    table(lab, 'rtb-1', { subnets: ['subnet-1'], local: [local] });
    expect(to(lab, a, '10.0.2.21')).toBe('eni-x');
  });

  it('follows a prefix list as its entries change, and drops it with the list', () => {
    const { lab, a } = scene();
    routes(lab, route(LIST, 'eni-y'));
    expect(udp(lab, a, '192.0.2.1').disposition).toBe('NO_ROUTE_TO_DESTINATION');
    entries(lab, '192.0.2.0/24', '2001:db8:2::/48');
    expect(udp(lab, a, '192.0.2.1').hops.find((hop) => hop.place === 'router')?.route).toEqual({
      table: 'rtb-1',
      destination: LIST,
      target: 'eni-y',
    });
    expect(to(lab, a, '2001:db8:2::1')).toBe('eni-y');
    entries(lab, '192.0.3.0/24');
    expect([to(lab, a, '192.0.2.1'), to(lab, a, '192.0.3.1')]).toEqual([undefined, 'eni-y']);
    drop(lab, 'prefix-list', LIST);
    expect(to(lab, a, '192.0.3.1')).toBeUndefined();
  });
});

/** A web server with a public address in subnet 1, an appliance in subnet 2, an edge table for subnet 1. */
function edge() {
  const lab = createLab();
  subnet(lab, 1);
  subnet(lab, 2);
  const open = { routes: [route('0.0.0.0/0', 'igw-1')] };
  table(lab, 'rtb-1', { subnets: ['subnet-1'], ...open });
  table(lab, 'rtb-2', { subnets: ['subnet-2'], ...open });
  const web = machine(lab, 'web', 1, 10, { publicAddress: '198.51.100.1' });
  const fw = machine(lab, 'fw', 2, 20, {
    publicAddress: '198.51.100.2',
    sourceDestCheck: false,
    profile: APPLIANCE,
  });
  table(lab, 'rtb-edge', { gateways: ['igw-1'], routes: [route('10.0.1.0/24', 'eni-fw')] });
  return { lab, web, fw };
}

describe('edge route tables', () => {
  it('a subnet whose way in is redirected cannot send past the appliance', () => {
    const { lab, web, fw } = edge();
    expect(udp(lab, web, SERVER).disposition).toBe('INGRESS_RTB_TRAFFIC_REDIRECTION');
    expect(udp(lab, fw, SERVER).disposition).toBe('DELIVERED');
    table(lab, 'rtb-1', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'eni-fw')] });
    expect(udp(lab, web, SERVER)).toMatchObject({
      disposition: 'DELIVERED',
      packet: { source: '198.51.100.1' },
    });
  });

  it('need a target with a public address, that takes packets', () => {
    const { lab } = edge();
    const attached = { attachment: { instance: 'i-fw', deviceIndex: 0 }, sourceDestCheck: false };
    eni(lab, 'fw', 2, 20, attached);
    expect(udp(lab, SERVER, '198.51.100.1').disposition).toBe('INGRESS_RTB_NO_PUBLIC_IP');
    eni(lab, 'fw', 2, 20, { sourceDestCheck: false, publicAddress: '198.51.100.2' });
    expect(udp(lab, SERVER, '198.51.100.1').disposition).toBe('BAD_STATE_ROUTE');
    put(lab, 'instance', { id: 'i-fw', vpc: 'vpc-1', state: 'stopped' });
    eni(lab, 'fw', 2, 20, { ...attached, publicAddress: '198.51.100.2' });
    expect(udp(lab, SERVER, '198.51.100.1').disposition).toBe('BAD_STATE_ATTACHMENT');
  });

  it('leave other subnets alone, and everything where the association is gone', () => {
    const { lab, web } = edge();
    expect(udp(lab, SERVER, '198.51.100.2').disposition).toBe('DELIVERED');
    table(lab, 'rtb-edge', { routes: [route('10.0.1.0/24', 'eni-fw')] });
    expect(udp(lab, web, SERVER).disposition).toBe('DELIVERED');
    expect(udp(lab, SERVER, '198.51.100.1').hops.map((hop) => hop.id)).not.toContain('eni-fw');
  });
});
