/** Transit gateways in the fabric: attachments, tables, zones, appliance mode, peerings. */
import { describe, expect, it } from 'vitest';
import type { TransitGatewayAttachment } from '../../sim/vpc/model.ts';
import { APPLIANCE, createLab, drop, type Lab, machine, put, roundTrip, route, table, udp } from './lab.ts';

const ZONES = ['a', 'b', 'c'];

/**
 * VPC `vpc-N` 10.N.0.0/16 with subnets `N.1` and `N.2` in zones a and b, all to the gateway, and a machine
 * `mN` in each named zone.
 */
function vpc(lab: Lab, n: number, zones: readonly string[] = ['a']): void {
  const id = `vpc-${n}`;
  put(lab, 'vpc', { id, account: '1', region: 'eu-central-1', cidrs: [`10.${n}.0.0/16`] });
  for (const [index, zone] of ZONES.entries()) {
    const cidrs = [`10.${n}.${index + 1}.0/24`];
    put(lab, 'subnet', { id: `subnet-${n}${zone}`, vpc: id, zone: `eu-central-1${zone}`, cidrs });
  }
  toGateway(lab, n);
  for (const zone of zones) {
    const third = ZONES.indexOf(zone) + 1;
    const options = { vpc: id, subnet: `subnet-${n}${zone}`, addresses: [`10.${n}.${third}.10`] };
    machine(lab, `m${n}${zone}`, n, third, options);
  }
}

const toGateway = (lab: Lab, n: number, gateway = 'tgw-1'): void =>
  table(lab, `rtb-${n}`, {
    vpc: `vpc-${n}`,
    main: true,
    local: [route(`10.${n}.0.0/16`, 'local')],
    routes: [route('0.0.0.0/0', gateway)],
  });

const attach = (lab: Lab, n: number, zones: string, more: Partial<TransitGatewayAttachment> = {}): void =>
  put(lab, 'transit-gateway-attachment', {
    id: `tgw-attach-${n}`,
    gateway: 'tgw-1',
    available: true,
    link: { kind: 'vpc', vpc: `vpc-${n}`, subnets: [...zones].map((zone) => `subnet-${n}${zone}`) },
    applianceMode: false,
    routeTable: 'tgw-rtb-1',
    ...more,
  });

/** A table of a gateway; routes are `destination > attachment number`, or `destination > -`. */
const routes = (lab: Lab, list: readonly string[], id = 'tgw-rtb-1', gateway = 'tgw-1'): void =>
  put(lab, 'transit-gateway-route-table', {
    id,
    gateway,
    routes: list.map((each) => {
      const [destination = '', to = ''] = each.split(' > ');
      return { destination, paths: to === '-' ? [] : [{ attachment: `tgw-attach-${to}` }] };
    }),
  });

/** VPCs 1 and 2 on one gateway, with routes to each other. */
function pair(zones = 'ab') {
  const lab = createLab();
  for (const n of [1, 2]) {
    vpc(lab, n, [...zones]);
    attach(lab, n, zones);
  }
  routes(lab, ['10.1.0.0/16 > 1', '10.2.0.0/16 > 2']);
  return lab;
}

const guest = (lab: Lab, name: string) => {
  const found = lab.network.guests.get(`i-${name}`);
  if (found === undefined) throw new Error(`no machine ${name}`);
  return found;
};

describe('transit gateways (F1)', () => {
  it('carry packets between VPCs both ways, by the tables of gateway and subnets', () => {
    const lab = pair();
    const { there, back } = roundTrip(lab, guest(lab, 'm1a'), '10.2.1.10');
    expect([there.deliveredTo, back?.deliveredTo]).toEqual(['i-m2a', 'i-m1a']);
    expect(there.hops.map((hop) => `${hop.place} ${hop.id}`).slice(2, 5)).toEqual([
      'router rtb-1',
      'transit-gateway tgw-1',
      'router rtb-2',
    ]);
    expect(there.packet.ttl).toBe(63);
  });

  it('is a blackhole for a VPC without an available attachment', () => {
    const lab = pair();
    attach(lab, 1, 'a', { available: false });
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('BAD_STATE_ROUTE');
    drop(lab, 'transit-gateway-attachment', 'tgw-attach-1');
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('BAD_STATE_ROUTE');
  });

  it('TGW_ROUTE_AZ_RESTRICTION: only from zones in which the attachment has a subnet', () => {
    const lab = pair();
    attach(lab, 1, 'a');
    expect(udp(lab, guest(lab, 'm1a'), '10.2.2.10').deliveredTo).toBe('i-m2b');
    const trace = udp(lab, guest(lab, 'm1b'), '10.2.1.10');
    expect(trace.disposition).toBe('TGW_ROUTE_AZ_RESTRICTION');
    expect(trace.hops.at(-1)?.text).toContain('tgw-attach-1 has no subnet in eu-central-1b');
  });

  it('an attachment with a table that is unknown, and without one', () => {
    const lab = pair();
    drop(lab, 'transit-gateway-route-table', 'tgw-rtb-1');
    const send = () => udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition;
    expect(send()).toBe('TGW_RTB_ROUTES_ARE_UNKNOWN');
    routes(lab, ['10.2.0.0/16 > 2']);
    expect(send()).toBe('DELIVERED');
    const link = { kind: 'vpc', vpc: 'vpc-1', subnets: ['subnet-1a'] } as const;
    const bare = { id: 'tgw-attach-1', gateway: 'tgw-1', available: true, applianceMode: false, link };
    put(lab, 'transit-gateway-attachment', bare);
    expect(send()).toBe('TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION');
  });

  it('TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT and TGW_RTB_BAD_STATE_ROUTE; the longest prefix counts', () => {
    const lab = pair();
    const send = () => udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition;
    routes(lab, ['10.1.0.0/16 > 1']);
    expect(send()).toBe('TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT');
    routes(lab, ['10.2.0.0/16 > 2', '10.2.1.0/24 > -']);
    expect(send()).toBe('TGW_RTB_BAD_STATE_ROUTE');
    routes(lab, ['10.2.0.0/16 > -', '10.2.1.0/24 > 2']);
    expect(send()).toBe('DELIVERED');
    attach(lab, 2, 'a', { available: false });
    expect(send()).toBe('TGW_RTB_BAD_STATE_ROUTE');
  });

  it('each attachment has the table that it is associated with', () => {
    const lab = pair();
    attach(lab, 2, 'ab', { routeTable: 'tgw-rtb-2' });
    routes(lab, [], 'tgw-rtb-2');
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('DELIVERED');
    expect(udp(lab, guest(lab, 'm2a'), '10.1.1.10').disposition).toBe('TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT');
  });

  it('are guarded by the network ACL of the attachment subnet, on the way in and on the way out', () => {
    const lab = pair();
    put(lab, 'subnet', { id: 'subnet-1t', vpc: 'vpc-1', zone: 'eu-central-1a', cidrs: ['10.1.9.0/28'] });
    const link = { kind: 'vpc', vpc: 'vpc-1', subnets: ['subnet-1t'] } as const;
    attach(lab, 1, '', { link });
    const acl = (egress: boolean): void => {
      const all = { protocol: -1, cidr: '0.0.0.0/0', fromPort: -1, toPort: -1 } as const;
      const allow = { ...all, number: 100, egress: !egress, action: 'allow' } as const;
      put(lab, 'network-acl', { id: 'acl-t', vpc: 'vpc-1', entries: [allow], subnets: ['subnet-1t'] });
    };
    acl(true);
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('DELIVERED');
    expect(udp(lab, guest(lab, 'm2a'), '10.1.1.10').disposition).toBe('SUBNET_ACL_RESTRICTION');
    acl(false);
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('SUBNET_ACL_RESTRICTION');
    expect(udp(lab, guest(lab, 'm2a'), '10.1.1.10').disposition).toBe('DELIVERED');
  });

  it('end loops between gateway and VPC by the TTL', () => {
    const lab = pair();
    routes(lab, ['0.0.0.0/0 > 2']);
    expect(udp(lab, guest(lab, 'm1a'), '198.51.100.7').disposition).toBe('TTL');
  });
});

describe('appliances behind a transit gateway', () => {
  /** VPC 3 inspects: its attachment subnets lead to the appliance of their zone, which sends back. */
  function inspected(applianceMode: boolean) {
    const lab = pair('ab');
    vpc(lab, 3);
    for (const zone of ['a', 'b']) {
      const third = ZONES.indexOf(zone) + 1;
      const tgw = `subnet-3t${zone}`;
      const cidrs = [`10.3.10${third}.0/28`];
      put(lab, 'subnet', { id: tgw, vpc: 'vpc-3', zone: `eu-central-1${zone}`, cidrs });
      const options = { vpc: 'vpc-3', subnet: `subnet-3${zone}`, addresses: [`10.3.${third}.10`] };
      machine(lab, `fw${zone}`, 3, 100 + third, { ...options, sourceDestCheck: false, profile: APPLIANCE });
      table(lab, `rtb-t${zone}`, {
        vpc: 'vpc-3',
        subnets: [tgw],
        local: [route('10.3.0.0/16', 'local')],
        routes: [route('0.0.0.0/0', `eni-fw${zone}`)],
      });
    }
    const link = { kind: 'vpc', vpc: 'vpc-3', subnets: ['subnet-3ta', 'subnet-3tb'] } as const;
    attach(lab, 3, '', { link, applianceMode, routeTable: 'tgw-rtb-3' });
    routes(lab, ['0.0.0.0/0 > 3']);
    routes(lab, ['10.1.0.0/16 > 1', '10.2.0.0/16 > 2'], 'tgw-rtb-3');
    return lab;
  }

  const passed = (trace: ReturnType<typeof udp> | undefined): readonly string[] =>
    trace?.hops.filter((hop) => hop.place === 'guest' && hop.id.startsWith('i-fw')).map((hop) => hop.id) ??
    [];

  const both = (lab: Lab, sourcePort: number) => {
    const { there, back } = roundTrip(lab, guest(lab, 'm1a'), '10.2.2.10', { sourcePort });
    expect([there.deliveredTo, back?.deliveredTo]).toEqual(['i-m2b', 'i-m1a']);
    return [new Set(passed(there)), new Set(passed(back))].map((each) => [...each].join());
  };

  it('without appliance mode stay in the zone of the source: the way back meets the other one', () => {
    const lab = inspected(false);
    for (let port = 4000; port < 4020; port++) expect(both(lab, port)).toEqual(['i-fwa', 'i-fwb']);
  });

  it('with appliance mode are the same one both ways, and both are used', () => {
    const lab = inspected(true);
    const used = new Set<string>();
    for (let port = 4000; port < 4040; port++) {
      const [there = '', back] = both(lab, port);
      expect(back).toBe(there);
      used.add(there);
    }
    expect([...used].sort()).toEqual(['i-fwa', 'i-fwb']);
  });
});

describe('peered transit gateways', () => {
  /** VPC 1 on tgw-1, VPC 2 on tgw-2; attachments 8 and 9 are the two sides of the peering. */
  function peered(lab = pair('a')) {
    toGateway(lab, 2, 'tgw-2');
    attach(lab, 2, 'a', { gateway: 'tgw-2', routeTable: 'tgw-rtb-2' });
    attach(lab, 8, '', { link: { kind: 'peering', peer: 'tgw-attach-9' } });
    const far = { gateway: 'tgw-2', routeTable: 'tgw-rtb-2' };
    attach(lab, 9, '', { ...far, link: { kind: 'peering', peer: 'tgw-attach-8' } });
    routes(lab, ['10.1.0.0/16 > 1', '10.2.0.0/16 > 8']);
    routes(lab, ['10.2.0.0/16 > 2', '10.1.0.0/16 > 9'], 'tgw-rtb-2', 'tgw-2');
    return lab;
  }

  it('carry packets by the tables of both, and each takes one of the TTL', () => {
    const lab = peered();
    const { there, back } = roundTrip(lab, guest(lab, 'm1a'), '10.2.1.10');
    expect([there.deliveredTo, back?.deliveredTo, there.packet.ttl]).toEqual(['i-m2a', 'i-m1a', 62]);
  });

  it('drop where the other side is not available, and end loops by the TTL', () => {
    const lab = peered();
    routes(lab, ['0.0.0.0/0 > 9'], 'tgw-rtb-2', 'tgw-2');
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('TTL');
    attach(lab, 9, '', { available: false, link: { kind: 'peering', peer: 'tgw-attach-8' } });
    expect(udp(lab, guest(lab, 'm1a'), '10.2.1.10').disposition).toBe('BAD_STATE_ATTACHMENT');
  });
});
