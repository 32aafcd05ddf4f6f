/** Multicast domains in the fabric: a copy for each member, and what ends each of them. Fact F5. */
import { describe, expect, it } from 'vitest';
import type { MulticastDomain } from '../../sim/vpc/model.ts';
import { createLab, drop, type Lab, machine, put, subnet, udp } from './lab.ts';

const GROUP = '239.1.1.1';
const of = (...names: readonly string[]) => names.map((name) => ({ group: GROUP, eni: `eni-${name}` }));

const domain = (lab: Lab, more: Partial<MulticastDomain> = {}): void =>
  put(lab, 'transit-gateway-multicast-domain', {
    id: 'tgw-mcast-domain-1',
    available: true,
    staticSources: false,
    associations: [1, 2, 3].map((n) => ({ attachment: 'tgw-attach-1', subnet: `subnet-${n}` })),
    members: of('b', 'c'),
    sources: [],
    ...more,
  });

const attachment = (lab: Lab, available = true): void =>
  put(lab, 'transit-gateway-attachment', {
    id: 'tgw-attach-1',
    gateway: 'tgw-1',
    available,
    link: { kind: 'vpc', vpc: 'vpc-1', subnets: ['subnet-1'] },
    applianceMode: false,
  });

/** Machines a, b and c in subnets 1, 2 and 3, of which b and c are members. */
function scene(more: Partial<MulticastDomain> = {}) {
  const lab = createLab();
  for (const n of [1, 2, 3]) subnet(lab, n);
  const [a, b, c] = [machine(lab, 'a', 1, 10), machine(lab, 'b', 2, 10), machine(lab, 'c', 3, 10)];
  attachment(lab);
  domain(lab, more);
  return { lab, a, b, c };
}

const ends = (trace: ReturnType<typeof udp>): string[] =>
  (trace.copies ?? [trace]).map(({ disposition, deliveredTo }) => deliveredTo ?? disposition);

describe('multicast domains of a transit gateway (F5)', () => {
  it('copy a packet to every member but the sender, and the trace has each copy', () => {
    const { lab, a, b } = scene();
    const trace = udp(lab, a, GROUP);
    expect([trace.disposition, trace.deliveredTo, ends(trace)]).toEqual([
      'DELIVERED',
      'i-b, i-c',
      ['i-b', 'i-c'],
    ]);
    expect(trace.copies?.map(({ packet }) => packet.destination)).toEqual([GROUP, GROUP]);
    expect(trace.copies?.[1]?.hops.map(({ place, id }) => `${place} ${id}`)).toEqual([
      'guest i-a',
      'eni eni-a',
      'transit-gateway tgw-mcast-domain-1',
      'eni eni-c',
      'guest i-c',
    ]);
    expect(ends(udp(lab, b, GROUP))).toEqual(['i-c']);
  });

  it('drop a copy by itself: by the rules of a member, or the network ACL of a subnet', () => {
    const { lab, a } = scene();
    put(lab, 'security-group', { id: 'sg-none', vpc: 'vpc-1', ingress: [], egress: [] });
    machine(lab, 'b', 2, 10, { securityGroups: ['sg-none'] });
    const trace = udp(lab, a, GROUP);
    expect([trace.disposition, ends(trace)]).toEqual(['SG_HAS_NO_RULES', ['SG_HAS_NO_RULES', 'i-c']]);
    put(lab, 'network-acl', { id: 'acl-1', vpc: 'vpc-1', entries: [], subnets: ['subnet-1'] });
    expect(ends(udp(lab, a, GROUP))).toEqual(['SUBNET_ACL_RESTRICTION', 'SUBNET_ACL_RESTRICTION']);
  });

  it('TGW_MULTICAST_NO_SOURCE, TGW_MULTICAST_NO_MEMBER', () => {
    const { lab, a, b } = scene({ staticSources: true, sources: of('b') });
    expect([ends(udp(lab, a, GROUP)), ends(udp(lab, b, GROUP))]).toEqual([
      ['TGW_MULTICAST_NO_SOURCE'],
      ['i-c'],
    ]);
    domain(lab);
    expect(ends(udp(lab, a, '239.1.1.2'))).toEqual(['TGW_MULTICAST_NO_MEMBER']);
  });

  it('serve only associated subnets of an attachment that works; without one multicast goes nowhere', () => {
    const { lab, a } = scene({ associations: [{ attachment: 'tgw-attach-1', subnet: 'subnet-2' }] });
    expect(ends(udp(lab, a, GROUP))).toEqual(['L2_BUM']);
    domain(lab, {
      associations: [1, 3].map((n) => ({ attachment: 'tgw-attach-1', subnet: `subnet-${n}` })),
    });
    expect(ends(udp(lab, a, GROUP))).toEqual(['i-c']);
    attachment(lab, false);
    expect(ends(udp(lab, a, GROUP))).toEqual(['L2_BUM']);
    attachment(lab);
    drop(lab, 'transit-gateway-multicast-domain', 'tgw-mcast-domain-1');
    expect(ends(udp(lab, a, GROUP))).toEqual(['L2_BUM']);
  });
});
