/** The stack configuration: what it accepts, and what it says about what it refuses. */
import { describe, expect, it } from 'vitest';
import { architectureOf, stackConfig } from '../../infra/config.ts';

const NEEDED = { daemonUrl: 'https://example.com/byoa', daemonSha256: 'ab'.repeat(32) };
const from = (keys: Readonly<Record<string, string>>) => stackConfig({ ...NEEDED, ...keys });

describe('stackConfig', () => {
  it('needs the daemon only', () => {
    expect(from({})).toEqual({
      design: 'egress-pair',
      cidr: '10.0.0.0/16',
      instanceType: 't3.micro',
      architecture: 'x86_64',
      daemonUrl: 'https://example.com/byoa',
      daemonSha256: 'ab'.repeat(32),
      appliance: { kind: 'nat' },
      observers: false,
      failback: 'never',
      speaker: 'byoa',
      fence: 'none',
      ipv6: false,
      workload: false,
      tags: {},
    });
  });

  it('takes an existing VPC with its gateway, without IPv6', () => {
    const brought = { vpcId: 'vpc-0123456789abcdef0', internetGatewayId: 'igw-0123456789abcdef0' };
    expect(from(brought)).toMatchObject(brought);
    expect(() => from({ vpcId: brought.vpcId })).toThrow(/byoa:internetGatewayId .*is not set/);
    expect(() => from({ internetGatewayId: brought.internetGatewayId })).toThrow(/byoa:vpcId .*is not set/);
    expect(() => from({ ...brought, ipv6: 'true' })).toThrow(/byoa:ipv6 .*IPv6 blocks are in use/);
    expect(() => from({ ...brought, vpcId: 'eni-0123456789abcdef0' })).toThrow(/must be the id of a VPC/);
  });

  it('reads every key', () => {
    const keys = {
      design: 'floating-eni',
      cidr: '10.9.0.0/20',
      zones: 'eu-central-1b',
      ami: 'ami-0123456789abcdef0',
      instanceType: 'c7gn.medium',
      probeTargets: '203.0.113.10',
      appliances: '3',
      failback: '10m',
      leaseTable: 'byoa-leases',
      fence: 'stop-instance',
      ipv6: 'true',
      workload: 'true',
      endpoint: 'http://127.0.0.1:4566',
      tags: '{"team":"network"}',
    };
    expect(from(keys)).toMatchObject({
      design: 'floating-eni',
      zones: ['eu-central-1b'],
      ami: 'ami-0123456789abcdef0',
      architecture: 'arm64',
      probeTargets: ['203.0.113.10'],
      appliances: 3,
      failback: { after: '10m' },
      leaseTable: 'byoa-leases',
      fence: 'stop-instance',
      ipv6: true,
      workload: true,
      endpoint: 'http://127.0.0.1:4566',
      tags: { team: 'network' },
    });
  });

  it('takes zones as Pulumi stores a list', () => {
    expect(from({ zones: '["eu-central-1a", "eu-central-1c"]' }).zones).toEqual([
      'eu-central-1a',
      'eu-central-1c',
    ]);
  });

  it.each([
    ['design', 'star', /byoa:design of the stack is 'star'.*pulumi config set byoa:design egress-pair/],
    ['cidr', '10.0.0.0/28', /byoa:cidr .*between \/16 and \/24/],
    ['zones', 'eu-central-1a', /byoa:zones .*egress-pair needs 2 to 8 zones/],
    ['zones', 'eu-central-1a,eu-west-1b', /byoa:zones .*not of one region/],
    ['ami', 'debian', /byoa:ami .*ami-0123456789abcdef0/],
    ['instanceType', 'big', /byoa:instanceType .*not an instance type/],
    ['daemonUrl', 'ftp://x', /byoa:daemonUrl .*URL of the daemon/],
    ['daemonSha256', 'AB', /byoa:daemonSha256 .*SHA-256/],
    ['probeTargets', 'example.com', /byoa:probeTargets .*IPv4 address/],
    ['appliances', '3', /byoa:appliances .*egress-pair does not take it; .*floating-eni/],
    ['workloads', 'true', /byoa:workloads .*no design takes it.*pulumi config rm byoa:workloads/],
    ['appliance', 'box', /byoa:appliance .*nat, firewall or own/],
    ['appliance', 'own', /byoa:ami .*needs its AMI/],
    ['rules', 'accept', /byoa:rules .*for byoa:appliance firewall, and it is nat/],
    ['stateSync', 'true', /byoa:stateSync .*only a firewall with byoa:rules/],
    ['userData', 'reboot', /byoa:userData .*for byoa:appliance own/],
    ['failback', 'soon', /byoa:failback .*10m/],
    ['leaseTable', 'a b', /byoa:leaseTable of the stack is 'a b'/],
    ['speaker', 'bird', /byoa:speaker .*egress-pair does not take it; .*same-subnet-bgp/],
    ['fence', 'detach-eni', /byoa:fence .*none or stop-instance/],
    ['fence', 'stop-instance', /byoa:leaseTable of the stack is not set: .*stop each other/],
    ['ipv6', 'yes', /byoa:ipv6 .*true or false/],
    ['endpoint', 'localhost', /byoa:endpoint .*URL/],
    ['subnets', '{}', /byoa:vpcId of the stack is not set: .*of a VPC that exists/],
    ['tags', '[1]', /byoa:tags .*JSON object/],
    ['tags', '{"a":1}', /byoa:tags .*'a' is not text/],
    ['tags', '{"byoa:group":"x"}', /byoa:tags .*reserved/],
  ])('refuses %s = %s, and says how to mend it', (key, value, why) => {
    expect(() => from({ [key]: value })).toThrow(why);
  });

  it('takes subnets that exist, and says what is wrong with them', () => {
    const vpc = { vpcId: 'vpc-0123456789abcdef0', internetGatewayId: 'igw-0123456789abcdef0' };
    const subnet = { id: 'subnet-0123456789abcdef0', cidr: '10.0.16.0/20' };
    const subnets = { 'workload-eu-central-1a': subnet };
    const keys = { ...vpc, zones: 'eu-central-1a,eu-central-1b' };
    expect(from({ ...keys, subnets: JSON.stringify(subnets) }).subnets).toEqual(subnets);
    expect(() => from({ ...keys, subnets: '{"x":1}' })).toThrow(/byoa:subnets .*'x' must be like/);
    expect(() => from({ ...keys, subnets: JSON.stringify({ x: subnet }) })).toThrow(
      /cannot be planned: there is no subnet 'x' in the design/,
    );
  });

  it.each([
    [{ speaker: 'gobgp' }, /byoa:speaker .*byoa, bird or frr/],
    [{ speaker: 'frr', bfdKeyParameter: '/byoa/bfd' }, /byoa:speaker .*FRR does not authenticate BFD/],
    [{ speaker: 'bird', appliance: 'own', ami: 'ami-0123456789abcdef0' }, /byoa:speaker .*yours to say/],
  ])('refuses a speaker that cannot be had: %j', (keys, why) => {
    expect(() => from({ design: 'same-subnet-bgp', ...keys })).toThrow(why);
  });

  it('wants observers where byoa does not set up the appliances', () => {
    const keys = { appliance: 'own', ami: 'ami-0123456789abcdef0', userData: '#!/bin/sh' };
    expect(() => from(keys)).toThrow(/byoa:observers of the stack is not set/);
    expect(from({ ...keys, observers: 'true' }).appliance).toEqual({ kind: 'own', userData: '#!/bin/sh' });
  });

  it('refuses what cannot be planned', () => {
    const zones = 'eu-central-1a,eu-central-1b';
    expect(() => from({ zones, probeTargets: '203.0.113.1' })).toThrow(
      /2 appliances need as many probe targets/,
    );
    expect(() => from({ zones, cidr: '10.0.0.0/24', observers: 'true' })).toThrow(/no room for .*observers/);
  });

  it('says which key is missing', () => {
    expect(() => stackConfig({})).toThrow(/byoa:daemonUrl of the stack is not set.*pulumi config set/);
  });
});

it.each([
  ['t3.micro', 'x86_64'],
  ['t4g.micro', 'arm64'],
  ['c7gn.16xlarge', 'arm64'],
  ['m6gd.large', 'arm64'],
  ['a1.medium', 'arm64'],
  ['g4dn.xlarge', 'x86_64'],
  ['g5g.xlarge', 'arm64'],
  ['u-6tb1.112xlarge', 'x86_64'],
  ['c5n.18xlarge', 'x86_64'],
])('architectureOf %s is %s', (type, architecture) => {
  expect(architectureOf(type)).toBe(architecture);
});
