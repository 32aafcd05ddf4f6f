/** ECMP at transit gateways in the fabric: which way of a route a flow takes, and what a trace says of it. */
import { describe, expect, it } from 'vitest';
import { address } from '../../controller/base/ip.ts';
import type { Guest } from '../../sim/vpc/guest.ts';
import type { TransitPath } from '../../sim/vpc/model.ts';
import { addHost } from '../../sim/vpc/network.ts';
import { createLab, type Lab, machine, put, route, subnet, table, tunnel, udp } from './lab.ts';

const SITE = '172.16.0.9';
const PORTS = Array.from({ length: 400 }, (_, i) => 10_000 + i);
/** Two connections to the same site, with two tunnels each. */
const TUNNELS = { 'vpn-1': ['203.0.113.1', '203.0.113.2'], 'vpn-2': ['203.0.113.3', '203.0.113.4'] } as const;
type Vpn = keyof typeof TUNNELS;
const VPNS = Object.keys(TUNNELS) as Vpn[];
const ALL = VPNS.flatMap((vpn) => TUNNELS[vpn]);

const attach = (lab: Lab, id: string, link: object, available = true): void =>
  put(lab, 'transit-gateway-attachment', {
    id,
    gateway: 'tgw-1',
    available,
    link: link as { kind: 'vpn'; connection: string },
    applianceMode: false,
    routeTable: 'tgw-rtb-1',
  });

const connect = (lab: Lab, id: Vpn, down: readonly string[] = []): void =>
  put(lab, 'vpn-connection', {
    id,
    account: '1',
    region: 'eu-central-1',
    gateway: `tgw-attach-${id}`,
    customerGateway: 'cgw-1',
    routes: [],
    tunnels: TUNNELS[id].map((outside) => tunnel(outside, { up: !down.includes(outside) })),
  });

const lead = (lab: Lab, paths: readonly TransitPath[]): void =>
  put(lab, 'transit-gateway-route-table', {
    id: 'tgw-rtb-1',
    gateway: 'tgw-1',
    routes: [{ destination: '172.16.0.0/16', paths }],
  });

const EVERY = VPNS.flatMap((vpn) =>
  TUNNELS[vpn].map((tunnel) => ({ attachment: `tgw-attach-${vpn}`, tunnel })),
);

function scene() {
  const lab = createLab();
  subnet(lab, 1);
  table(lab, 'rtb-1', { main: true, routes: [route('172.16.0.0/16', 'tgw-1')] });
  const a = machine(lab, 'a', 1, 10);
  attach(lab, 'tgw-attach-vpc', { kind: 'vpc', vpc: 'vpc-1', subnets: ['subnet-1'] });
  for (const vpn of VPNS) {
    attach(lab, `tgw-attach-${vpn}`, { kind: 'vpn', connection: vpn });
    connect(lab, vpn);
  }
  lead(lab, EVERY);
  addHost(lab.network, address(SITE), 'cgw-1');
  return { lab, a };
}

const hop = (lab: Lab, a: Guest, sourcePort: number) =>
  udp(lab, a, SITE, { sourcePort }).hops.find(({ place }) => place === 'transit-gateway');

/** The tunnel that the flow of each port takes. */
const taken = (lab: Lab, a: Guest) =>
  new Map(PORTS.map((port) => [port, /leaves by (\S+?)(,|$)/.exec(hop(lab, a, port)?.text ?? '')?.[1]]));

const shares = (flows: ReadonlyMap<number, string | undefined>): number[] =>
  ALL.map((tunnel) => [...flows.values()].filter((each) => each === tunnel).length);

describe('ECMP at a transit gateway', () => {
  it('gives every tunnel of every connection its share, and a flow always the same', () => {
    const { lab, a } = scene();
    const flows = taken(lab, a);
    for (const share of shares(flows)) expect(Math.abs(share - 100)).toBeLessThan(40);
    expect(taken(lab, a)).toEqual(flows);
  });

  it('moves the flows of a dead tunnel to all others, and no others', () => {
    const { lab, a } = scene();
    const before = taken(lab, a);
    connect(lab, 'vpn-1', ['203.0.113.2']);
    const after = taken(lab, a);
    const moved = PORTS.filter((port) => before.get(port) !== after.get(port));
    expect(moved).toEqual(PORTS.filter((port) => before.get(port) === '203.0.113.2'));
    expect(new Set(moved.map((port) => after.get(port)))).toEqual(
      new Set(ALL.filter((tunnel) => tunnel !== '203.0.113.2')),
    );
    connect(lab, 'vpn-1');
    expect(taken(lab, a)).toEqual(before);
  });

  it('leaves out an attachment that is not available; with all tunnels down it is BAD_STATE_VPN', () => {
    const { lab, a } = scene();
    attach(lab, 'tgw-attach-vpn-2', { kind: 'vpn', connection: 'vpn-2' }, false);
    expect(shares(taken(lab, a)).map((share) => share > 0)).toEqual([true, true, false, false]);
    connect(lab, 'vpn-1', TUNNELS['vpn-1']);
    expect(new Set(PORTS.map((port) => udp(lab, a, SITE, { sourcePort: port }).disposition))).toEqual(
      new Set(['BAD_STATE_VPN', 'TGW_RTB_BAD_STATE_ROUTE']),
    );
  });

  it('is told by a trace: the way, its equals, and the hash that picked', () => {
    const { lab, a } = scene();
    connect(lab, 'vpn-1', ['203.0.113.2']);
    const { text = '', route: found } = hop(lab, a, 10_000) ?? {};
    const [, way = ''] =
      /leaves by (\S+), picked of 4 equal ways, 3 open, by the hash \w+ of/.exec(text) ?? [];
    expect(ALL).toContain(way);
    expect(found?.equals?.toSorted()).toEqual(ALL.filter((tunnel) => tunnel !== way));
  });

  it('is none where a route names no tunnel: one is preferred as long as it is up', () => {
    const { lab, a } = scene();
    lead(lab, [{ attachment: 'tgw-attach-vpn-1' }]);
    const [preferred = ''] = new Set(taken(lab, a).values());
    expect(Math.max(...shares(taken(lab, a)))).toBe(PORTS.length);
    connect(lab, 'vpn-1', [preferred]);
    const others = TUNNELS['vpn-1'].filter((tunnel) => tunnel !== preferred);
    expect([...new Set(taken(lab, a).values())]).toEqual(others);
  });

  it('TGW_CONNECT_NO_PEER: a Connect attachment without the peer that the route named', () => {
    const { lab, a } = scene();
    attach(lab, 'tgw-attach-c', { kind: 'connect', transport: 'tgw-attach-vpc' });
    lead(lab, [{ attachment: 'tgw-attach-c', peer: 'tgw-connect-peer-1' }]);
    expect(udp(lab, a, SITE).disposition).toBe('TGW_CONNECT_NO_PEER');
  });
});
