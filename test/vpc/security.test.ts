/** Security groups: rules, references, tracked flows and what outlives a rule. */
import { describe, expect, it } from 'vitest';
import type { SecurityGroupRule } from '../../sim/vpc/model.ts';
import { createLab, eni, everything, type Lab, machine, put, roundTrip, subnet, udp } from './lab.ts';

const from = (cidr: string, protocol = 17, port = 7): SecurityGroupRule => ({
  protocol,
  fromPort: port,
  toPort: port,
  peer: { kind: 'cidr', cidr },
});

function group(lab: Lab, ingress: readonly SecurityGroupRule[], egress: readonly SecurityGroupRule[]): void {
  put(lab, 'security-group', { id: 'sg-b', vpc: 'vpc-1', ingress, egress });
}

/** Guests a and b in a subnet; b has the group sg-b. */
function two(settings = {}) {
  const lab = createLab(settings);
  subnet(lab, 1);
  const a = machine(lab, 'a', 1, 10);
  const b = machine(lab, 'b', 1, 11, { securityGroups: ['sg-b'] });
  return { lab, a, b };
}

describe('security groups', () => {
  it('let replies of an allowed flow pass without a rule, and nothing else', () => {
    const { lab, a, b } = two();
    group(lab, [from('10.0.0.0/16')], [from('192.0.2.0/24')]);
    expect(udp(lab, b, '10.0.1.10').disposition).toBe('ENI_SG_RULES_MISMATCH');
    expect(roundTrip(lab, a, '10.0.1.11').back?.disposition).toBe('DELIVERED');
    expect(udp(lab, a, '10.0.1.11', { destinationPort: 8 }).disposition).toBe('ENI_SG_RULES_MISMATCH');
  });

  it('follow the entries that a prefix list has now', () => {
    const { lab, a } = two();
    const peer = { kind: 'prefix-list', list: 'pl-1' } as const;
    group(lab, [{ ...from('0.0.0.0/0'), peer }], everything());
    const sent = (): string => udp(lab, a, '10.0.1.11').disposition;
    expect(sent()).toBe('SG_HAS_NO_RULES');
    put(lab, 'prefix-list', { id: 'pl-1', entries: ['192.0.2.0/24', '10.0.1.10/32'] });
    expect(sent()).toBe('DELIVERED');
    expect(udp(lab, a, '10.0.1.11', { destinationPort: 8 }).disposition).toBe('ENI_SG_RULES_MISMATCH');
    lab.now = 3_600_000;
    put(lab, 'prefix-list', { id: 'pl-1', entries: ['192.0.2.0/24'] });
    expect(sent()).toBe('ENI_SG_RULES_MISMATCH');
    group(lab, [], everything());
    put(lab, 'prefix-list', { id: 'pl-1', entries: ['10.0.1.10/32'] });
    expect(sent()).toBe('SG_HAS_NO_RULES');
  });

  it('track no flow from a prefix list that holds everywhere', () => {
    const { lab, a } = two();
    put(lab, 'prefix-list', { id: 'pl-1', entries: ['0.0.0.0/0'] });
    const all = {
      protocol: -1,
      fromPort: -1,
      toPort: -1,
      peer: { kind: 'prefix-list', list: 'pl-1' },
    } as const;
    group(lab, [all], everything());
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('DELIVERED');
    group(lab, [from('192.0.2.0/24')], everything());
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('ENI_SG_RULES_MISMATCH');
  });

  it('keep a tracked flow alive when its rule goes, and end it by idle time', () => {
    const { lab, a } = two();
    group(lab, [from('10.0.0.0/16')], everything());
    roundTrip(lab, a, '10.0.1.11');
    group(lab, [], everything());
    lab.now = 179_000;
    expect(roundTrip(lab, a, '10.0.1.11').back?.disposition).toBe('DELIVERED');
    lab.now += 180_000;
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('SG_HAS_NO_RULES');
  });

  it('end an untracked flow (open to everywhere, both ways) at once when its rule goes', () => {
    const { lab, a } = two();
    group(lab, everything(), everything());
    roundTrip(lab, a, '10.0.1.11');
    group(lab, [], everything());
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('SG_HAS_NO_RULES');
  });

  it('refer to groups by the ENIs that have them; a middlebox hides the reference', () => {
    const { lab, a } = two();
    const peer = { kind: 'group', group: 'sg-a' } as const;
    group(lab, [{ protocol: -1, fromPort: -1, toPort: -1, peer }], everything());
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('ENI_SG_RULES_MISMATCH');
    const attachment = { instance: 'i-a', deviceIndex: 0 };
    put(lab, 'security-group', { id: 'sg-a', vpc: 'vpc-1', ingress: [], egress: everything() });
    eni(lab, 'a', 1, 10, { attachment, securityGroups: ['sg-a'], sourceDestCheck: false });
    expect(udp(lab, a, '10.0.1.11').disposition).toBe('DELIVERED');
    expect(udp(lab, a, '10.0.1.11', { source: '192.0.2.9' }).disposition).toBe('ENI_SG_RULES_MISMATCH');
  });

  it('match ICMP by type and code', () => {
    const { lab, a } = two();
    group(lab, [{ protocol: 1, fromPort: 8, toPort: -1, peer: { kind: 'cidr', cidr: '0.0.0.0/0' } }], []);
    expect(roundTrip(lab, a, '10.0.1.11', { protocol: 'icmp' }).back?.disposition).toBe('DELIVERED');
    const reply = { protocol: 'icmp', icmp: { type: 0, code: 0, id: 5 } } as const;
    expect(udp(lab, a, '10.0.1.11', reply).disposition).toBe('ENI_SG_RULES_MISMATCH');
  });

  it.each([
    [true, 'DELIVERED'],
    [false, 'CONNTRACK_MISS'],
  ])('in mid-connection, with midFlowPassesByRule=%s: %s', (midFlowPassesByRule, disposition) => {
    const { lab, a } = two({ midFlowPassesByRule });
    group(lab, [from('10.0.0.0/16', 6)], everything());
    const segment = { protocol: 'tcp', tcpFlags: 0x10 } as const;
    expect(udp(lab, a, '10.0.1.11', segment).disposition).toBe(disposition);
    expect(udp(lab, a, '10.0.1.11', { protocol: 'tcp', tcpFlags: 0x02 }).disposition).toBe('DELIVERED');
    expect(udp(lab, a, '10.0.1.11', segment).disposition).toBe('DELIVERED');
  });
});
